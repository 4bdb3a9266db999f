import { closeSync, openSync, write, writeSync } from 'node:fs'

/** Handing a write to the file system costs as much as many lines, and a busy server has this much in some milliseconds. */
const FLUSH_AT = 256 * 1024
const FLUSH_AFTER_MS = 100
const MAX_PENDING = 4 * 1024 * 1024
/** Room for what is flushed at once, with some characters of more than one byte. */
const BUFFER_BYTES = 320 * 1024

/**
 * Destination of log lines: collects them, writes at 256 KiB or after 100 ms with one write in flight, and
 * drops (and counts) lines when the reader behind the file cannot keep up, so that logging never holds a
 * request back. Lines are kept as strings until they are written: measuring each line costs more than
 * writing it.
 */
export class LogSink implements Disposable {
  readonly #fd: number
  readonly #owned: boolean
  #pending: string[] = []
  #size = 0
  #writing = false
  #timer: NodeJS.Timeout | undefined
  #dropped = 0
  /** Used for one write after the other: fresh memory of this size costs more than filling it. */
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

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
    if (this.#size + line.length > MAX_PENDING) {
      this.#dropped += 1
      return
    }
    this.#pending.push(line)
    this.#size += line.length
    this.#flushWhenDue()
  }

  #flushWhenDue(): void {
    if (this.#size >= FLUSH_AT) this.#flush()
    else if (this.#size > 0) this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS).unref()
  }

  #take(): Buffer {
    const text = this.#pending.join('')
    this.#pending = []
    this.#size = 0
    return this.#writing || Buffer.byteLength(text) > BUFFER_BYTES
      ? Buffer.from(text)
      : this.#buffer.subarray(0, this.#buffer.write(text))
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#writing || this.#size === 0) return
    const bytes = this.#take()
    this.#writing = true
    this.#writeAll(bytes)
  }

  #writeAll(bytes: Buffer): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeAll(bytes), 5).unref()
        return
      }
      if (error) this.#dropped += 1
      else if (written < bytes.length) return this.#writeAll(bytes.subarray(written))
      this.#writing = false
      this.#flushWhenDue()
    })
  }

  /** Writes what is left before the process ends. */
  flushSync(): void {
    if (this.#size === 0) return
    const bytes = this.#take()
    try {
      writeSync(this.#fd, bytes)
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
