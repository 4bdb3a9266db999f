import type { Dispatcher } from 'undici'

/** Bytes that may wait for the reader: the provider waits while there are more (AG-23). */
const ROOM = 64 * 1024

/** How an answer begins. */
interface Head {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
}

/**
 * An answer of a provider while it comes, and its body for one reader: what waits is handed over in one piece. One object
 * in place of the library's streams, which cost each request several times as much.
 */
export class ArrivingAnswer implements Dispatcher.DispatchHandler, AsyncIterator<Uint8Array> {
  readonly #fromFirstByte: boolean
  readonly #over: () => void
  readonly #begun = Promise.withResolvers<Head>()
  #controller: Dispatcher.DispatchController | undefined
  #head: Head | undefined
  #pieces: Uint8Array[] = []
  #length = 0
  #ended = false
  #failure: { readonly reason: unknown } | undefined
  #reader: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined

  /**
   * @param fromFirstByte whether it begins with the first byte of its body, rather than with its head.
   * @param over called once, when nothing more comes.
   */
  constructor(fromFirstByte: boolean, over: () => void) {
    this.#fromFirstByte = fromFirstByte
    this.#over = over
  }

  /** Settles when the answer begins. Rejects with what ends it before. */
  get begun(): Promise<Head> {
    return this.#begun.promise
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(asError(this.#failure.reason))
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Head['headers']): void {
    if (status < 200) return
    this.#head = { status, headers }
    if (!this.#fromFirstByte) this.#begun.resolve(this.#head)
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Uint8Array): void {
    if (this.#failure !== undefined) return
    if (this.#head !== undefined) this.#begun.resolve(this.#head)
    const reader = this.#reader
    if (reader !== undefined) {
      this.#reader = undefined
      reader.resolve({ value: piece, done: false })
      return
    }
    this.#pieces.push(piece)
    this.#length += piece.length
    if (this.#length >= ROOM) controller.pause()
  }

  onResponseEnd(): void {
    if (this.#failure !== undefined) return
    this.#ended = true
    if (this.#head !== undefined) this.#begun.resolve(this.#head)
    this.#reader?.resolve({ value: undefined, done: true })
    this.#reader = undefined
    this.#over()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  /** Ends it at once, and the reader's wait with the reason; what has come already can still be read. */
  abort(reason: unknown): void {
    if (this.#ended) return
    this.#fail(reason)
    this.#controller?.abort(asError(reason))
  }

  #fail(reason: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { reason }
    this.#begun.reject(reason)
    this.#reader?.reject(reason)
    this.#reader = undefined
    if (!this.#ended) this.#over()
  }

  /** Ends it at once where it has not ended; what has come is let go. */
  destroy(error: unknown = new DOMException('nobody wants the rest of the answer', 'AbortError')): void {
    this.abort(error)
    // What was let go must not pass for an answer that has ended well.
    if (this.#pieces.length > 0) this.#fail(error)
    this.#pieces = []
    this.#length = 0
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const [first] = this.#pieces
    if (first !== undefined) {
      const value = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces, this.#length)
      this.#pieces = []
      this.#length = 0
      if (this.#controller?.paused === true) this.#controller.resume()
      return Promise.resolve({ value, done: false })
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason)
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    this.#reader ??= Promise.withResolvers()
    return this.#reader.promise
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.destroy()
    return Promise.resolve({ value: undefined, done: true })
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
