import type { Clock, Timer } from './clock.ts'

/**
 * Named points in time of one owner behind a single timer. To move one is to set a number: a deadline that moves
 * with every packet costs no timer each time.
 */
export class Deadlines<Name extends string> implements Disposable {
  readonly #clock: Clock
  readonly #due: (name: Name) => void
  readonly #at = new Map<Name, number>()
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #disposed = false

  constructor(clock: Clock, due: (name: Name) => void) {
    this.#clock = clock
    this.#due = due
  }

  /** Sets or moves a deadline to that many milliseconds from now. */
  set(name: Name, ms: number): void {
    if (this.#disposed) return
    const at = this.#clock.now() + ms
    this.#at.set(name, at)
    if (at < this.#timerAt) this.#arm(at)
  }

  has(name: Name): boolean {
    return this.#at.has(name)
  }

  clear(name: Name): void {
    this.#at.delete(name)
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    this.#at.clear()
    this.#timer?.cancel()
  }

  #arm(at: number): void {
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#clock.after(Math.max(0, Math.ceil(at - this.#clock.now())), () => this.#fire())
  }

  #fire(): void {
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    for (const [name, at] of this.#at) {
      if (at > now) continue
      this.#at.delete(name)
      this.#due(name)
    }
    if (this.#disposed || this.#at.size === 0) return
    const next = Math.min(...this.#at.values())
    if (next < this.#timerAt) this.#arm(next)
  }
}
