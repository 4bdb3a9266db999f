/** A timer that has not fired yet. */
export interface Timer {
  cancel(): void
}

/** Where time comes from: the machine, or a test that makes hours pass at once. */
export interface Clock {
  /** Milliseconds that only ever grow. */
  now(): number
  /** Milliseconds since 1970. */
  wallClock(): number
  /** Calls once, after that many milliseconds. Timers keep no process alive: whoever uses this package does. */
  after(ms: number, call: () => void): Timer
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref()
    return { cancel: () => clearTimeout(timer) }
  },
}
