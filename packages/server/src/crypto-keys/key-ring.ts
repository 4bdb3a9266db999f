import { setTimeout as delay } from 'node:timers/promises'

import { systemActor } from '../authz/index.ts'
import type { RotatedFeature } from './features.ts'
import { type RotationContext, rotateKeys } from './rotate-keys.ts'
import { type FeatureKey, listFeatureKeys } from './store.ts'

const reader = systemActor('crypto_key_reader', 'tokens are signed and verified for everybody')

const REFRESH_MS = 10 * 60_000
/** Whoever makes up names of keys makes no more look-ups than this allows. */
const UNKNOWN_PAUSE_MS = 5_000

const FIRST_KEY_TRIES = 20
const FIRST_KEY_PAUSE_MS = 50

/** A key as tokens name it. */
export interface RingKey {
  /** The `kid` of a token. */
  readonly id: string
  readonly secret: Buffer
}

/** The keys of one feature, read anew every ten minutes and when a token names one that is not known (OP-75). */
export class KeyRing {
  readonly #context: RotationContext
  readonly #feature: RotatedFeature
  #keys: readonly FeatureKey[] = []
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(context: RotationContext, feature: RotatedFeature) {
    this.#context = context
    this.#feature = feature
  }

  /** The key to sign with: the newest one that has started. @throws Error when there is none and none can be made. */
  async signing(): Promise<RingKey> {
    await this.#refresh(REFRESH_MS)
    let key = this.#newest()
    for (let tries = 0; key === undefined && tries < FIRST_KEY_TRIES; tries += 1) {
      // At the very first start another replica may be at it.
      if (tries > 0) await delay(FIRST_KEY_PAUSE_MS)
      await rotateKeys(this.#context)
      await this.#refresh(0)
      key = this.#newest()
    }
    if (key === undefined) throw new Error(`there is no key for ${this.#feature}: try again in a moment`)
    return ringKey(key)
  }

  /** The key that a token names, started or not; undefined when it is not accepted any more. */
  async find(id: string): Promise<RingKey | undefined> {
    await this.#refresh(REFRESH_MS)
    if (this.#named(id) === undefined) await this.#refresh(UNKNOWN_PAUSE_MS)
    const key = this.#named(id)
    return key === undefined ? undefined : ringKey(key)
  }

  #now(): number {
    return this.#context.clock.now().getTime()
  }

  #newest(): FeatureKey | undefined {
    const now = this.#now()
    return this.#keys.findLast((key) => key.startsAt.getTime() <= now && isAccepted(key, now))
  }

  #named(id: string): FeatureKey | undefined {
    return this.#keys.find((key) => String(key.sequence) === id && isAccepted(key, this.#now()))
  }

  /** Reads the keys when they were read longer ago than that; of several calls at once one reads. */
  #refresh(ageMs: number): Promise<void> | undefined {
    if (Math.abs(this.#now() - this.#readAt) < ageMs) return undefined
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const { database, secrets } = this.#context
    this.#keys = await listFeatureKeys(reader, database.db, this.#feature, secrets.keySealer)
    this.#readAt = this.#now()
  }
}

function isAccepted({ deletesAt }: FeatureKey, now: number): boolean {
  return deletesAt === null || deletesAt.getTime() > now
}

function ringKey({ sequence, secret }: FeatureKey): RingKey {
  return { id: String(sequence), secret }
}
