import type { KeyUse } from '../store/keys.ts'

type Write = (userId: string, uses: readonly KeyUse[]) => Promise<ReadonlySet<string>>

interface Waiting {
  readonly uses: KeyUse[]
  readonly outcome: PromiseWithResolvers<ReadonlySet<string>>
}

/**
 * Joins what is noted of uses of one user's keys in the same turn of the event loop to one statement: each of them locks
 * the user, so that many by themselves would wait for each other's commits (ID-43).
 */
export class KeyTouches {
  readonly #write: Write
  #waiting = new Map<string, Waiting>()

  constructor(write: Write) {
    this.#write = write
  }

  /** Notes a use; whether the key still held. Rejects as the statement does. */
  async note(userId: string, use: KeyUse): Promise<boolean> {
    let waiting = this.#waiting.get(userId)
    if (waiting === undefined) {
      waiting = { uses: [], outcome: Promise.withResolvers() }
      this.#waiting.set(userId, waiting)
      setImmediate(() => this.#send(userId))
    }
    waiting.uses.push(use)
    return (await waiting.outcome.promise).has(use.id)
  }

  #send(userId: string): void {
    const waiting = this.#waiting.get(userId)
    if (waiting === undefined) return
    this.#waiting.delete(userId)
    this.#write(userId, waiting.uses).then(waiting.outcome.resolve, waiting.outcome.reject)
  }
}
