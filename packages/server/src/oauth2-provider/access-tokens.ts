import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { KeyRows } from '../identity/index.ts'
import { type FoundAccessToken, findAccessTokens } from './store/tokens.ts'

const actor = systemActor('system_oauth', 'a client asks what a token is worth that it was given')

const MAX_ENTRIES = 20_000
const MAX_AGE_MS = 5_000
/** Look-ups of one statement. */
const MAX_IDS = 256

type Wanted = PromiseWithResolvers<FoundAccessToken | undefined>

/**
 * Rows of access tokens for introspection, which asks for the same ones over and over: from memory as long as the change
 * feed speaks of nothing that concerns them, and from one statement for all that are asked for in one turn of the event
 * loop.
 */
export class AccessTokens implements Disposable {
  readonly #database: AppContext['database']
  readonly #rows = new KeyRows<FoundAccessToken>({ max: MAX_ENTRIES, ttl: MAX_AGE_MS })
  readonly #subscription: Disposable
  #waiting = new Map<string, Wanted>()
  #generation = 0

  constructor({ database }: Pick<AppContext, 'database'>) {
    this.#database = database
    this.#subscription = database.feed.subscribe({
      kinds: new Set(['user', 'api_key']),
      onEvent: ({ key }) => this.drop(key),
      onReset: () => this.dropAll(),
    })
  }

  /** Forgets what is known of a user's tokens; called at once by what ends them on this replica. */
  drop(userId: string): void {
    this.#generation += 1
    this.#rows.drop(userId)
  }

  /** Forgets what is known of anybody's tokens. */
  dropAll(): void {
    this.#generation += 1
    this.#rows.clear()
  }

  /** The access token with this id. Rejects when the database fails. */
  find(id: string): Promise<FoundAccessToken | undefined> | FoundAccessToken {
    const row = this.#database.feed.connected ? this.#rows.get(id) : undefined
    return row ?? this.#load(id)
  }

  #load(id: string): Promise<FoundAccessToken | undefined> {
    let wanted = this.#waiting.get(id)
    if (wanted === undefined) {
      wanted = Promise.withResolvers<FoundAccessToken | undefined>()
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
    const generation = this.#generation
    try {
      for (const found of await findAccessTokens(actor, this.#database.db, [...batch.keys()])) {
        // A change that came while the row was read may be newer than the row.
        if (this.#database.feed.connected && generation === this.#generation)
          this.#rows.set(found.key.id, found)
        batch.get(found.key.id)?.resolve(found)
      }
      for (const wanted of batch.values()) wanted.resolve(undefined)
    } catch (error) {
      for (const wanted of batch.values()) wanted.reject(error)
    }
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}
