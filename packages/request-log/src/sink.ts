import { closeSync, openSync, writev, writevSync } from 'node:fs'

/** Handing a write to the file system costs as much as many lines, and a busy server has this much in some milliseconds. */
const FLUSH_AT = 256 * 1024
const FLUSH_AFTER_MS = 100
const MAX_PENDING = 4 * 1024 * 1024
/**
 * Characters that are kept as text. Lines are made of many small pieces: joined and copied soon, those die young,
 * which is what a collector does for nothing.
 */
const JOIN_AT = 16 * 1024

/**
 * Destination of log lines: collects them, writes at 256 KiB or after 100 ms with one write in flight, and
 * drops (and counts) lines when the reader behind the file cannot keep up, so that logging never holds a
 * request back.
 */
export class LogSink implements Disposable {
  readonly #fd: number
  readonly #owned: boolean
  /** The last lines, still as text. */
  #text = ''
  /** What came before them, oldest first. */
  #chunks: Buffer[] = []
  /** Bytes in the chunks. */
  #size = 0
  #writing = false
  #timer: NodeJS.Timeout | undefined
  #dropped = 0

  /** `target` is a file path, or 1 or 2 for the standard streams. */
  constructor(target: string | 1 | 2) {
    this.#owned = typeof target === 'string'
    this.#fd = typeof target === 'string' ? openSync(target, 'a', 0o600) : target
  }

  /** Lines lost because too much was waiting. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes one line, ended by a newline. */
  write(line: string): void {
    if (this.#size + this.#text.length + line.length > MAX_PENDING) {
      this.#dropped += 1
      return
    }
    this.#text += line
    if (this.#text.length >= JOIN_AT) this.#join()
    this.#flushWhenDue()
  }

  #join(): void {
    if (this.#text === '') return
    const chunk = Buffer.from(this.#text)
    this.#text = ''
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  #flushWhenDue(): void {
    if (this.#size >= FLUSH_AT) this.#flush()
    else if (this.#size > 0 || this.#text !== '')
      this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS).unref()
  }

  /** All that is waiting. */
  #take(): Buffer[] {
    this.#join()
    const chunks = this.#chunks
    this.#chunks = []
    this.#size = 0
    return chunks
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing) return
    const chunks = this.#take()
    if (chunks.length === 0) return
    this.#writing = true
    this.#writeAll(chunks)
  }

  #writeAll(chunks: Buffer[]): void {
    writev(this.#fd, chunks, null, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeAll(chunks), 5).unref()
        return
      }
      if (error) this.#dropped += 1
      else {
        const left = after(chunks, written)
        if (left.length > 0) return this.#writeAll(left)
      }
      this.#writing = false
      this.#flushWhenDue()
    })
  }

  /** Writes what is left before the process ends. */
  flushSync(): void {
    const chunks = this.#take()
    if (chunks.length === 0) return
    try {
      writevSync(this.#fd, chunks)
    } catch {
      // The reader is gone (EPIPE, EAGAIN); there is nobody left to tell.
      this.#dropped += 1
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.flushSync()
    if (this.#owned) closeSync(this.#fd)
  }
}

/** What is left of the chunks once so many bytes of them are written. */
function after(chunks: readonly Buffer[], written: number): Buffer[] {
  let done = written
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(done, chunk.length)
    done -= skipped
    return skipped === chunk.length ? [] : [chunk.subarray(skipped)]
  })
}
