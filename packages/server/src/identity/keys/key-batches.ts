import type { KeyWithStanding } from '../store/kept-keys.ts'

/** Ids of one statement. */
const MAX_IDS = 256

type Wanted = PromiseWithResolvers<KeyWithStanding | undefined>

/**
 * Joins the look-ups of keys that come in the same turn of the event loop to one statement: a round trip is most of what
 * a look-up costs. Nobody joins a statement that is under way, because it may have read before a change that the caller
 * must see (ID-215).
 */
export class KeyBatches {
  readonly #find: (ids: readonly string[]) => Promise<readonly KeyWithStanding[]>
  #waiting = new Map<string, Wanted>()

  constructor(find: (ids: readonly string[]) => Promise<readonly KeyWithStanding[]>) {
    this.#find = find
  }

  /** The key with this id; undefined when there is none. Rejects as the look-up does. */
  load(id: string): Promise<KeyWithStanding | undefined> {
    let wanted = this.#waiting.get(id)
    if (wanted === undefined) {
      wanted = Promise.withResolvers<KeyWithStanding | undefined>()
      if (this.#waiting.size === 0) setImmediate(() => void this.#send())
      this.#waiting.set(id, wanted)
      if (this.#waiting.size >= MAX_IDS) void this.#send()
    }
    return wanted.promise
  }

  async #send(): Promise<void> {
    const batch = this.#waiting
    if (batch.size === 0) return
    this.#waiting = new Map()
    try {
      for (const found of await this.#find([...batch.keys()])) batch.get(found.key.id)?.resolve(found)
      // Those that were found are settled already.
      for (const wanted of batch.values()) wanted.resolve(undefined)
    } catch (error) {
      for (const wanted of batch.values()) wanted.reject(error)
    }
  }
}
