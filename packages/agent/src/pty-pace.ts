import type { IPty } from '@lydell/node-pty'

const CHECK_MS = 40

/**
 * Pauses the output of a terminal while its reader is slow. The library throws away what is left 200 ms after
 * the end of the process, so a pause must not outlast the process: what comes then is at most what the kernel
 * and the stream hold.
 */
export class PtyPace {
  readonly #pty: IPty
  #watch: NodeJS.Timeout | undefined

  constructor(pty: IPty) {
    this.#pty = pty
  }

  /** Holds the output back, for as long as the process lives. */
  pause(): void {
    if (this.#watch !== undefined) return
    this.#pty.pause()
    this.#watch = setInterval(() => {
      if (!isAlive(this.#pty.pid)) this.resume()
    }, CHECK_MS)
  }

  /** Lets it flow again. */
  resume(): void {
    if (this.#watch === undefined) return
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#pty.resume()
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
