import type { NewInterception } from '../store/interceptions.ts'
import { independent } from './backlog.ts'
import type { StoredRecord } from './stored-record.ts'

/**
 * How long what is to be stored waits for more, in milliseconds. What waits longer outlives more collections of young
 * objects, and to put more texts together at a time keeps more requests waiting; with less a statement has too few of them.
 */
const GATHER_MS = 30

/**
 * Records of one transaction. A statement has costs of its own, above all the one that charges: with 64 records they are
 * two fifths of it. More than this would keep the requests that come meanwhile waiting for the texts to be put together.
 */
const TOGETHER = 256

/** What stores what has gathered; neither rejects. */
export interface GatheringParts {
  readonly store: (records: readonly StoredRecord[]) => Promise<void>
  readonly storeBeginning: (interception: NewInterception) => Promise<void>
  /** Whether a request has neither ended nor been stored. */
  readonly isUnderWay: (id: string) => boolean
}

interface Gathered {
  readonly record: StoredRecord
  readonly stored: () => void
}

/**
 * Lets what requests leave wait a moment for what others leave, so that many of them share a statement (decision 16). What
 * has ended is stored first, and in its order where one goes on with another (AG-80); then the beginnings of those that are
 * still under way.
 */
export class Gathering implements AsyncDisposable {
  readonly #parts: GatheringParts
  #ended: Gathered[] = []
  #begun: NewInterception[] = []
  #timer: NodeJS.Timeout | undefined
  #storing: Promise<void> | undefined

  constructor(parts: GatheringParts) {
    this.#parts = parts
  }

  /** Notes that a request has begun. */
  begun(interception: NewInterception): void {
    this.#begun.push(interception)
    this.#storeSoon()
  }

  /** Takes what a request has left; resolves when it is stored. */
  add(record: StoredRecord): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended.push({ record, stored: resolve })
    this.#storeSoon()
    return promise
  }

  #storeSoon(): void {
    if (this.#timer === undefined && this.#storing === undefined)
      this.#timer = setTimeout(() => void this.#store(), GATHER_MS)
  }

  /** Stores what has gathered, and then goes on with what has come meanwhile. */
  #store(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#storing ??= this.#storeTogether().finally(() => {
      this.#storing = undefined
      if (this.#ended.length > 0 || this.#begun.length > 0) this.#storeSoon()
    })
    return this.#storing
  }

  async #storeTogether(): Promise<void> {
    // Both as they are now: what begins later may go on with what ends meanwhile, and is stored after it.
    const ended = this.#ended
    const begun = this.#begun
    this.#ended = []
    this.#begun = []
    for (let at = 0; at < ended.length; ) {
      const records = independent(ended.slice(at, at + TOGETHER).map(({ record }) => record))
      await this.#parts.store(records)
      for (const { stored } of ended.slice(at, at + records.length)) stored()
      at += records.length
    }
    await Promise.all(
      begun
        .filter(({ id }) => this.#parts.isUnderWay(id))
        .map((interception) => this.#parts.storeBeginning(interception)),
    )
  }

  /** Stores what is there; nothing must come any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storing
    await this.#store()
    clearTimeout(this.#timer)
  }
}
