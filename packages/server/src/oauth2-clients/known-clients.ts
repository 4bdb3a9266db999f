import { LRUCache } from 'lru-cache'

import type { Database } from '../context.ts'
import type { OAuthClient } from './store/clients.ts'
import type { OAuthClientSecret } from './store/secrets.ts'

const MAX_ENTRIES = 1_000
/** Milliseconds: as long at most, whatever the change feed says. */
const MAX_AGE = 5_000

/**
 * Clients and secrets as they were looked up lately, so that a token request costs no statement for them. What changes is
 * forgotten at once where it was changed, and within a second by other replicas.
 */
export class KnownClients implements Disposable {
  readonly #feed: Database['feed']
  /** By id and, for those that a document describes, by its address. */
  readonly #clients = new LRUCache<string, OAuthClient>({ max: MAX_ENTRIES, ttl: MAX_AGE })
  /** By prefix. */
  readonly #secrets = new LRUCache<string, OAuthClientSecret>({ max: MAX_ENTRIES, ttl: MAX_AGE })
  readonly #subscription: Disposable
  /** Tells whether something was forgotten while a row was on its way. */
  #generation = 0

  constructor({ feed }: Pick<Database, 'feed'>) {
    this.#feed = feed
    this.#subscription = feed.subscribe({
      kinds: new Set(['oauth2_app', 'oauth2_app_secret']),
      onEvent: ({ kind, key, data }) => {
        this.#generation += 1
        if (kind === 'oauth2_app_secret') this.#secrets.delete(key)
        else for (const name of [key, String(data.metadata_url)]) this.#clients.delete(name)
      },
      onReset: () => this.clear(),
    })
  }

  /** The client of this id or address; `load` finds it unless it is known. */
  client(
    name: string,
    load: () => Promise<OAuthClient | undefined>,
  ): OAuthClient | undefined | Promise<OAuthClient | undefined> {
    return this.#find(this.#clients, name, load)
  }

  /** The secret of this prefix; `load` finds it unless it is known. */
  secret(
    prefix: string,
    load: () => Promise<OAuthClientSecret | undefined>,
  ): OAuthClientSecret | undefined | Promise<OAuthClientSecret | undefined> {
    return this.#find(this.#secrets, prefix, load)
  }

  #find<Row extends object>(
    rows: LRUCache<string, Row>,
    name: string,
    load: () => Promise<Row | undefined>,
  ): Row | Promise<Row | undefined> {
    // While the feed is cut off nobody tells of changes.
    const known = this.#feed.connected ? rows.get(name) : undefined
    return known ?? this.#load(rows, name, load)
  }

  async #load<Row extends object>(
    rows: LRUCache<string, Row>,
    name: string,
    load: () => Promise<Row | undefined>,
  ): Promise<Row | undefined> {
    const generation = this.#generation
    const row = await load()
    if (row !== undefined && generation === this.#generation && this.#feed.connected) rows.set(name, row)
    return row
  }

  /** Keeps a secret as it is now. */
  renewSecret(secret: OAuthClientSecret): void {
    if (this.#secrets.has(secret.secret_prefix)) this.#secrets.set(secret.secret_prefix, secret)
  }

  /** Forgets all; called at once by what changes clients or secrets on this replica. */
  clear(): void {
    this.#generation += 1
    this.#clients.clear()
    this.#secrets.clear()
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}
