import { LRUCache } from 'lru-cache'

/**
 * Rows of keys by the id of the key, bounded in number and age, that fall together when something about their user
 * changes (ID-222). What is known of users is bounded with them: an index entry goes with the last row of its user.
 */
export class KeyRows<R extends { readonly key: { readonly user_id: string } }> {
  readonly #rows: LRUCache<string, R>
  readonly #byUser = new Map<string, Set<string>>()

  /** `ttl` and `ttlResolution` in milliseconds. */
  constructor(options: { readonly max: number; readonly ttl: number; readonly ttlResolution: number }) {
    this.#rows = new LRUCache<string, R>({
      ...options,
      dispose: (row, id, reason) => {
        if (reason !== 'set') this.#unindex(row.key.user_id, id)
      },
    })
  }

  get(id: string): R | undefined {
    return this.#rows.get(id)
  }

  set(id: string, row: R): void {
    this.#rows.set(id, row)
    const ids = this.#byUser.get(row.key.user_id) ?? new Set()
    this.#byUser.set(row.key.user_id, ids.add(id))
  }

  /**
   * Puts a newer state of a row in its place, unless it has fallen or changed since it was read. What of it is not new is as
   * old as before.
   */
  replace(id: string, before: R, after: R): void {
    if (this.#rows.peek(id) !== before) return
    this.#rows.set(id, after, { ttl: Math.max(1, this.#rows.getRemainingTTL(id)) })
  }

  /** Lets a row live on that was found to be as it is kept; whether it was still there. */
  renew(id: string, row: R): boolean {
    if (this.#rows.peek(id) !== row) return false
    this.#rows.set(id, row)
    return true
  }

  /** Forgets a row, unless a newer one has come. */
  forget(id: string, row: R): void {
    if (this.#rows.peek(id) === row) this.#rows.delete(id)
  }

  /** Forgets the rows of one user. */
  drop(userId: string): void {
    for (const id of [...(this.#byUser.get(userId) ?? [])]) this.#rows.delete(id)
  }

  clear(): void {
    this.#rows.clear()
  }

  /** How many users are known. */
  get users(): number {
    return this.#byUser.size
  }

  #unindex(userId: string, id: string): void {
    const ids = this.#byUser.get(userId)
    if (ids?.delete(id) === true && ids.size === 0) this.#byUser.delete(userId)
  }
}
