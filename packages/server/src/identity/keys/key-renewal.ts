import { AsyncLocalStorage } from 'node:async_hooks'

import { labelled } from '../../profile-labels/index.ts'

/** How old a row may grow before it is looked at again, well before it falls of age. */
const RENEW_AFTER_MS = 3_500
const SWEEP_MS = 500
/** Keys of one statement. */
const MAX_IDS = 500

/** What the renewal needs of those who keep the rows. */
interface Keeper<Row> {
  /** The row that is kept under this id, when it was asked for since the last call. */
  readonly asked: (id: string) => Row | undefined
  /** Digests of the rows as the database has them now, by id (ID-222). */
  readonly versions: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>
  /** Lets a row that is as before live on, unless it has fallen meanwhile; whether it does. */
  readonly renew: (id: string, row: Row) => boolean
  /** Forgets a row that has changed. */
  readonly forget: (id: string, row: Row) => void
  readonly failed: (error: unknown) => void
}

/**
 * Looks again, many at a time, at rows that are asked for and will soon be too old: one statement for hundreds of keys
 * costs a small part of what each of them would cost a request. A row that nobody asks for grows old and falls, and none
 * is ever older than its bound without having been compared with the database (ID-222).
 */
export class KeyRenewal<Row extends { readonly version: string }> implements Disposable {
  readonly #keeper: Keeper<Row>
  readonly #max: number
  /** Ids in the order in which they were kept. */
  #kept: { readonly id: string; readonly at: number }[] = []
  /** It is nobody's request that pays for all of them. */
  readonly #outside = AsyncLocalStorage.snapshot()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /** `max` bounds how many are remembered, as those who keep the rows bound theirs. */
  constructor(keeper: Keeper<Row>, max: number) {
    this.#keeper = keeper
    this.#max = max
  }

  /** Remembers a row that was just read. */
  kept(id: string): void {
    if (this.#closed) return
    // Of more than that nobody keeps the rows.
    if (this.#kept.length >= this.#max) this.#kept.splice(0, this.#max / 2)
    this.#kept.push({ id, at: performance.now() })
    this.#timer ??= this.#outside(() =>
      setTimeout(() => void labelled('key-renewal', () => this.#sweep()), SWEEP_MS).unref(),
    )
  }

  async #sweep(): Promise<void> {
    const before = performance.now() - RENEW_AFTER_MS
    const end = this.#kept.findIndex(({ at }) => at > before)
    const due = this.#kept.splice(0, end < 0 ? this.#kept.length : end)
    const rows = new Map<string, Row>()
    for (const { id } of due) {
      const row = this.#keeper.asked(id)
      if (row !== undefined) rows.set(id, row)
    }
    try {
      const ids = [...rows.keys()]
      while (ids.length > 0 && !this.#closed) await this.#compare(ids.splice(0, MAX_IDS), rows)
    } catch (error) {
      this.#keeper.failed(error)
    }
    this.#timer = undefined
    if (this.#kept.length > 0 && !this.#closed)
      this.#timer = setTimeout(() => void labelled('key-renewal', () => this.#sweep()), SWEEP_MS).unref()
  }

  async #compare(ids: readonly string[], rows: ReadonlyMap<string, Row>): Promise<void> {
    const versions = await this.#keeper.versions(ids)
    for (const id of ids) {
      const row = rows.get(id)
      if (row === undefined) continue
      if (versions.get(id) !== row.version) this.#keeper.forget(id, row)
      else if (this.#keeper.renew(id, row)) this.kept(id)
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }
}
