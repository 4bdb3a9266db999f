import { closeSync, fstatSync, openSync, renameSync, writev, writevSync } from 'node:fs'

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
  #fd: number
  /** Of a file, which we have opened. */
  readonly #path: string | undefined
  readonly #rotateAt: number
  /** Bytes in the file. */
  #length = 0
  #wantsNew = false
  /** The last lines, still as text. */
  #text = ''
  /** What came before them, oldest first. */
  #chunks: Buffer[] = []
  /** Bytes in the chunks. */
  #size = 0
  #writing = false
  #timer: NodeJS.Timeout | undefined
  #dropped = 0

  /**
   * `target` is a file path, or 1 or 2 for the standard streams. A file of `rotateAt` bytes gets the name with `.1` behind it,
   * in the place of the one before, and another one begins.
   *
   * @throws Error when the file cannot be opened.
   */
  constructor(target: string | 1 | 2, options: { readonly rotateAt?: number } = {}) {
    this.#path = typeof target === 'string' ? target : undefined
    this.#rotateAt = options.rotateAt ?? Number.POSITIVE_INFINITY
    this.#fd = typeof target === 'string' ? openFile(target) : target
    if (this.#path !== undefined) this.#length = fstatSync(this.#fd).size
  }

  /** Goes on in a new file where the present one was moved away; for the standard streams there is nothing to do. */
  reopen(): void {
    if (this.#path === undefined) return
    this.#wantsNew = true
    if (!this.#writing) this.#renew()
  }

  /** Between two writes only. A file that cannot be replaced is written on. */
  #renew(): void {
    const path = this.#path
    if (path === undefined || (!this.#wantsNew && this.#length < this.#rotateAt)) return
    try {
      if (!this.#wantsNew) renameSync(path, `${path}.1`)
      const fd = openFile(path)
      closeSync(this.#fd)
      this.#fd = fd
      this.#length = fstatSync(fd).size
    } catch {
      // There is nobody else to tell; the next try is after as much again.
      this.#length = 0
    }
    this.#wantsNew = false
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
        this.#length += written
        const left = after(chunks, written)
        if (left.length > 0) return this.#writeAll(left)
      }
      this.#writing = false
      this.#renew()
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
    if (this.#path !== undefined) closeSync(this.#fd)
  }
}

function openFile(path: string): number {
  return openSync(path, 'a', 0o600)
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
