import { writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { ReadStream } from 'node:tty'

import type { IPty } from '@lydell/node-pty'

/** Input that a program has not read yet before whoever types has to wait. */
const MAX_UNREAD_BYTES = 64 * 1024
/** Pauses between attempts while there is no room: short ones first, for programs that read on. */
const SHORTEST_MS = 1
const LONGEST_MS = 32

/**
 * The input of a terminal. A program that does not read makes its typists wait, and nobody else: the library's own
 * `write` keeps trying in a loop that stops the whole process until the program reads again.
 */
export class PtyInput {
  readonly #terminal: Terminal
  #unread: Buffer[] = []
  #bytes = 0
  #retry: NodeJS.Timeout | undefined
  #pauseMs = SHORTEST_MS
  readonly #waiting = new Set<Readable>()

  /** @throws Error when the library hides what is behind a terminal. */
  constructor(pty: IPty) {
    this.#terminal = terminalOf(pty)
  }

  /** Types into the terminal; `from` is held back while too much is unread. */
  write(data: string | Buffer, from: Readable): void {
    const bytes = Buffer.from(data)
    this.#unread.push(bytes)
    this.#bytes += bytes.length
    if (this.#retry === undefined) this.#flush()
    if (this.#bytes <= MAX_UNREAD_BYTES) return
    this.#waiting.add(from)
    from.pause()
  }

  /** The program has ended: nobody waits for it any more. */
  end(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#unread = []
    this.#bytes = 0
    this.#goOn()
  }

  #flush(): void {
    this.#retry = undefined
    for (let first = this.#unread[0]; first !== undefined; first = this.#unread[0]) {
      const written = this.#write(first)
      if (written === undefined) {
        this.end()
        return
      }
      this.#bytes -= written
      this.#pauseMs = written === 0 ? Math.min(2 * this.#pauseMs, LONGEST_MS) : SHORTEST_MS
      if (written === first.length) this.#unread.shift()
      else {
        this.#unread[0] = first.subarray(written)
        this.#retry = setTimeout(() => this.#flush(), this.#pauseMs)
        break
      }
    }
    if (this.#bytes <= MAX_UNREAD_BYTES) this.#goOn()
  }

  /** @returns how many bytes there was room for; undefined when the terminal is closed. */
  #write(bytes: Buffer): number | undefined {
    // The number of a closed file may be another file's by now.
    if (this.#terminal._socket.destroyed) return undefined
    try {
      return writeSync(this.#terminal._fd, bytes)
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 0 : undefined
    }
  }

  #goOn(): void {
    for (const from of this.#waiting) from.resume()
    this.#waiting.clear()
  }
}

/** What the library has behind a terminal: the descriptor, which does not block, and the stream that owns it. */
interface Terminal {
  readonly _fd: number
  readonly _socket: ReadStream
}

function terminalOf(pty: object): Terminal {
  if (isTerminal(pty)) return pty
  throw new Error('a terminal of the library has no descriptor')
}

function isTerminal(pty: object): pty is Terminal {
  return '_socket' in pty && pty._socket instanceof ReadStream && '_fd' in pty && typeof pty._fd === 'number'
}
