interface Kept<R> {
  readonly row: R
  /** When it was read or compared with the database, in milliseconds of `performance.now()`. */
  readonly since: number
  /** Whether somebody has asked since it was looked at for its place last. */
  used: boolean
}

/**
 * Rows of keys by the id of the key, bounded in number and age, that fall together when something about their user
 * changes (ID-222). What is known of users is bounded with them: an index entry goes with the last row of its user. Where
 * there is no room, those go first that nobody has asked for; a hit writes no more than that it was one, because each
 * request looks here and with thousands of keys every further place in memory is a slow one.
 */
export class KeyRows<R extends { readonly key: { readonly user_id: string } }> {
  /** Oldest first. */
  readonly #rows = new Map<string, Kept<R>>()
  readonly #byUser = new Map<string, Set<string>>()
  readonly #max: number
  readonly #ttl: number

  /** `ttl` in milliseconds. */
  constructor({ max, ttl }: { readonly max: number; readonly ttl: number }) {
    this.#max = max
    this.#ttl = ttl
  }

  get(id: string): R | undefined {
    const kept = this.#rows.get(id)
    if (kept === undefined) return undefined
    if (performance.now() - kept.since >= this.#ttl) {
      this.#delete(id, kept)
      return undefined
    }
    kept.used = true
    return kept.row
  }

  set(id: string, row: R): void {
    this.#put(id, { row, since: performance.now(), used: false })
  }

  /**
   * Puts a newer state of a row in its place, unless it has fallen or changed since it was read. What of it is not new is as
   * old as before.
   */
  replace(id: string, before: R, after: R): void {
    const kept = this.#rows.get(id)
    if (kept?.row === before) this.#put(id, { row: after, since: kept.since, used: kept.used })
  }

  /** Lets a row live on that was found to be as it is kept; whether it was still there. */
  renew(id: string, row: R): boolean {
    if (this.#rows.get(id)?.row !== row) return false
    this.set(id, row)
    return true
  }

  /** Forgets a row, unless a newer one has come. */
  forget(id: string, row: R): void {
    const kept = this.#rows.get(id)
    if (kept?.row === row) this.#delete(id, kept)
  }

  /** Forgets the row of one key. */
  dropKey(id: string): void {
    const kept = this.#rows.get(id)
    if (kept !== undefined) this.#delete(id, kept)
  }

  /** Forgets the rows of one user. */
  drop(userId: string): void {
    const ids = this.#byUser.get(userId)
    if (ids === undefined) return
    for (const id of ids) this.#rows.delete(id)
    this.#byUser.delete(userId)
  }

  clear(): void {
    this.#rows.clear()
    this.#byUser.clear()
  }

  /** How many users are known. */
  get users(): number {
    return this.#byUser.size
  }

  #put(id: string, kept: Kept<R>): void {
    const before = this.#rows.get(id)
    if (before !== undefined) this.#delete(id, before)
    while (this.#rows.size >= this.#max) this.#makeRoom()
    this.#rows.set(id, kept)
    const userId = kept.row.key.user_id
    const ids = this.#byUser.get(userId)
    if (ids === undefined) this.#byUser.set(userId, new Set([id]))
    else ids.add(id)
  }

  /** Takes away the oldest row that nobody has asked for since it had its turn; the others get another one. */
  #makeRoom(): void {
    for (const [id, kept] of this.#rows) {
      if (!kept.used) {
        this.#delete(id, kept)
        return
      }
      kept.used = false
      this.#rows.delete(id)
      this.#rows.set(id, kept)
    }
  }

  #delete(id: string, { row }: Kept<R>): void {
    this.#rows.delete(id)
    const userId = row.key.user_id
    const ids = this.#byUser.get(userId)
    if (ids?.delete(id) === true && ids.size === 0) this.#byUser.delete(userId)
  }
}
