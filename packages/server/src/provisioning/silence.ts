/**
 * Watches that a job says something from time to time, so that none whose worker lives goes on without an end (L-12).
 * Whoever may update its workspace can cancel it long before (WS-317).
 */
export class Silence implements Disposable {
  readonly #limitMs: number
  readonly #timer: NodeJS.Timeout
  #stage = 'Setting up'

  /** @param onLong is called once when nothing was said for `limitMs` milliseconds. */
  constructor(limitMs: number, onLong: () => void) {
    this.#limitMs = limitMs
    this.#timer = setTimeout(() => {
      clearTimeout(this.#timer)
      onLong()
    }, limitMs).unref()
  }

  /** The job has said something. */
  end(stage: string): void {
    this.#stage = stage
    this.#timer.refresh()
  }

  /** What to tell of a job that was ended for it. */
  get fault(): string {
    const minutes = Math.round(this.#limitMs / 60_000)
    return `nothing was heard for ${minutes} minutes after "${this.#stage}", so the job was ended: try again, and if that ends likewise ask an administrator what the server's log says`
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
