import { setImmediate as turn } from 'node:timers/promises'

import type { Clock, Timer } from './clock.ts'

const BEGINNING = Date.UTC(2026, 0, 1)

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 0
  #order = 0
  readonly #timers = new Map<number, { at: number; call: () => void }>()

  now(): number {
    return this.#now
  }

  wallClock(): number {
    return BEGINNING + this.#now
  }

  after(ms: number, call: () => void): Timer {
    this.#order += 1
    const order = this.#order
    this.#timers.set(order, { at: this.#now + ms, call })
    return { cancel: () => this.#timers.delete(order) }
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.size
  }

  /** Lets time pass, calling each timer at its moment. */
  advance(ms: number): void {
    const end = this.#now + ms
    while (this.#fireNext(end));
    this.#now = end
  }

  /**
   * Lets time pass from timer to timer, with a turn of the event loop before each, until a condition holds.
   *
   * @throws Error when nothing is left that could happen, or after so many milliseconds of this clock.
   */
  async until(what: string, holds: () => boolean, limitMs = 3_600_000): Promise<void> {
    const end = this.#now + limitMs
    for (let idle = 0; !holds(); ) {
      await turn()
      if (holds()) return
      if (this.#fireNext(end)) idle = 0
      else idle += 1
      if (idle > 20) throw new Error(`waited ${limitMs} ms of the clock for ${what}`)
    }
  }

  #fireNext(end: number): boolean {
    let first: number | undefined
    let at = Number.POSITIVE_INFINITY
    for (const [order, timer] of this.#timers)
      if (timer.at < at) {
        at = timer.at
        first = order
      }
    if (first === undefined || at > end) return false
    const call = this.#timers.get(first)?.call
    this.#timers.delete(first)
    this.#now = Math.max(this.#now, at)
    call?.()
    return true
  }
}
