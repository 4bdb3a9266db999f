import { GatewayError } from '../exchange/gateway-error.ts'
import type { OverloadLimit, ResilienceMetrics, WaitOutcome } from '../resilience/resilience-metrics.ts'

/** How many may wait, and for how long in milliseconds. */
export interface QueueLimits {
  readonly length: number
  readonly timeoutMs: number
}

/** Requests that wait, of all kinds of places together. */
export class Waiting {
  readonly limits: () => QueueLimits
  /** Aborted when nobody is let in any more. */
  readonly stopped: AbortSignal
  #count = 0

  constructor(limits: () => QueueLimits, stopped: AbortSignal) {
    this.limits = limits
    this.stopped = stopped
  }

  /** Whether one more may wait. */
  get hasRoom(): boolean {
    const { length, timeoutMs } = this.limits()
    return timeoutMs > 0 && this.#count < length
  }

  /** Counts one more; disposing the result ends its wait. */
  begin(): Disposable {
    this.#count += 1
    return {
      [Symbol.dispose]: () => {
        this.#count -= 1
      },
    }
  }
}

/** Places for requests, so many for each subject; who comes too late waits in a row, if that is allowed. */
export class Places {
  readonly #kind: OverloadLimit
  readonly #waiting: Waiting
  readonly #metrics: Pick<ResilienceMetrics, 'refused' | 'waits'> | undefined
  readonly #taken = new Map<string, number>()
  /** Who waits, in the order in which they came: what lets them in. */
  readonly #rows = new Map<string, Set<() => void>>()

  constructor(kind: OverloadLimit, waiting: Waiting, metrics?: Pick<ResilienceMetrics, 'refused' | 'waits'>) {
    this.#kind = kind
    this.#waiting = waiting
    this.#metrics = metrics
  }

  /**
   * Takes a place, now or when one becomes free. Disposing it, once or more often, gives it back.
   *
   * @param limit of the subject at this moment; 0 is any number.
   * @throws GatewayError 503 when none is free and none becomes free in time, 500 when the server stops; the reason of the
   * signal.
   */
  take(
    subject: string,
    limit: number,
    refusal: string,
    signal?: AbortSignal,
  ): Disposable | Promise<Disposable> {
    if (limit === 0 || this.#of(subject) < limit) return this.#place(subject)
    if (signal === undefined || !this.#waiting.hasRoom) throw this.#refused(refusal)
    return this.#wait(subject, refusal, signal)
  }

  #of(subject: string): number {
    return this.#taken.get(subject) ?? 0
  }

  #refused(message: string): GatewayError {
    this.#metrics?.refused(this.#kind)
    return new GatewayError(503, 'gateway_at_capacity', message, { retryAfterSeconds: 1 })
  }

  #place(subject: string): Disposable {
    this.#taken.set(subject, this.#of(subject) + 1)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        this.#giveBack(subject)
      },
    }
  }

  /** Whoever waits the longest gets it. */
  #giveBack(subject: string): void {
    const left = this.#of(subject) - 1
    if (left === 0) this.#taken.delete(subject)
    else this.#taken.set(subject, left)
    const [longest] = this.#rows.get(subject) ?? []
    longest?.()
  }

  #wait(subject: string, refusal: string, signal: AbortSignal): Promise<Disposable> {
    const { stopped, limits } = this.#waiting
    const counted = this.#waiting.begin()
    const ended = this.#metrics?.waits(this.#kind)
    const row = this.#rows.get(subject) ?? new Set()
    this.#rows.set(subject, row)
    return new Promise((resolve, reject) => {
      const settle = (outcome: WaitOutcome): void => {
        row.delete(admit)
        if (row.size === 0) this.#rows.delete(subject)
        counted[Symbol.dispose]()
        clearTimeout(timer)
        signal.removeEventListener('abort', leave)
        stopped.removeEventListener('abort', stop)
        ended?.(outcome)
      }
      const leave = (): void => {
        settle('left')
        reject(signal.reason)
      }
      const stop = (): void => {
        settle('left')
        reject(stopped.reason)
      }
      const admit = (): void => {
        settle('admitted')
        resolve(this.#place(subject))
      }
      const timer = setTimeout(() => {
        settle('timeout')
        reject(this.#refused(refusal))
      }, limits().timeoutMs)
      row.add(admit)
      signal.addEventListener('abort', leave)
      stopped.addEventListener('abort', stop)
      if (signal.aborted) leave()
    })
  }
}
