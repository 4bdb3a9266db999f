import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { Rereading } from '../rereading/index.ts'
import { changeTroubles, listTroubles, type Trouble, type TroublePlace } from './store/troubles.ts'

const actor = systemActor('aibridged', 'what requests find wrong with providers is shown whoever has asked')

/** How soon something new is stored, and how far apart what changes again and again; milliseconds. */
const SOON_MS = 300
const APART_MS = 5_000
/** Clients name the models of circuits as they like. */
const MAX_CHANGES = 500

/**
 * What requests find wrong with the keys, the circuits and the addresses of providers, for administrators (AG-B18). It is
 * stored when it changes, at most every few seconds, and known to all replicas, so that whichever is answered again can say
 * that it is over. A request that finds nothing wrong does nothing while nothing is.
 */
export class ProviderTroubles implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'database' | 'log' | 'clock'>
  readonly #rereading: Rereading
  #known: ReadonlyMap<string, Trouble> = new Map()
  /** What is to be stored; undefined for what is over. */
  #changes = new Map<string, { readonly place: TroublePlace; readonly trouble: Trouble | undefined }>()
  #timer: NodeJS.Timeout | undefined
  #storedAt = Number.NEGATIVE_INFINITY
  #storing: Promise<void> | undefined
  #closed = false

  private constructor(context: Pick<AppContext, 'database' | 'log' | 'clock'>) {
    this.#context = context
    this.#rereading = new Rereading(context, {
      kind: 'ai_provider_trouble',
      read: async () => {
        const troubles = await listTroubles(actor, context.database.db)
        this.#known = new Map(troubles.map((trouble) => [keyOf(trouble), trouble]))
      },
      failure: 'what is wrong with model providers could not be read again',
    })
  }

  /** Reads what is known by now. @throws Error when that is not possible. */
  static async start(context: Pick<AppContext, 'database' | 'log' | 'clock'>): Promise<ProviderTroubles> {
    const troubles = new ProviderTroubles(context)
    await troubles.#rereading.begin()
    return troubles
  }

  /** Notes that something is wrong; `forMs` says for how long it is left alone. */
  found(of: Omit<Trouble, 'since' | 'until'>, forMs?: number): void {
    const key = keyOf(of)
    const now = this.#context.clock.now()
    const until = forMs === undefined ? null : new Date(now.getTime() + forMs)
    const before = this.#changes.has(key) ? this.#changes.get(key)?.trouble : this.#known.get(key)
    if (before?.kind === of.kind && before.error === of.error && isAbout(before.until, until)) return
    if (this.#changes.size >= MAX_CHANGES && !this.#changes.has(key)) return
    this.#changes.set(key, { place: of, trouble: { ...of, since: now, until } })
    this.#storeSoon()
  }

  /** Notes that a provider has answered, and to which of its keys; empty for another credential. */
  works(providerId: string, keyId: string): void {
    if (this.#known.size === 0 && this.#changes.size === 0) return
    this.#over({ providerId, subject: '', model: '' })
    if (keyId !== '') this.#over({ providerId, subject: keyId, model: '' })
  }

  /** Whether a key is known to have reached a limit. */
  isLimited(providerId: string, keyId: string): boolean {
    return this.#known.get(keyOf({ providerId, subject: keyId, model: '' }))?.kind === 'rate_limited'
  }

  #over(place: TroublePlace): void {
    const key = keyOf(place)
    if (this.#known.has(key)) {
      if (this.#changes.has(key) && this.#changes.get(key)?.trouble === undefined) return
      this.#changes.set(key, { place, trouble: undefined })
      this.#storeSoon()
    } else this.#changes.delete(key)
  }

  /** Stores now what was noted until now; resolves when that is done, or could not be. */
  async settle(): Promise<void> {
    await this.#storing
    await this.#store()
  }

  #storeSoon(): void {
    if (this.#timer !== undefined || this.#storing !== undefined || this.#closed) return
    const wait = Math.max(SOON_MS, this.#storedAt + APART_MS - performance.now())
    this.#timer = setTimeout(() => void this.#store(), wait).unref()
  }

  #store(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#storing ??= this.#storeChanges().finally(() => {
      this.#storing = undefined
      if (this.#changes.size > 0) this.#storeSoon()
    })
    return this.#storing
  }

  /** Never rejects: what could not be stored is tried again with the next change. */
  async #storeChanges(): Promise<void> {
    const changes = this.#changes
    if (changes.size === 0) return
    this.#changes = new Map()
    this.#storedAt = performance.now()
    const all = [...changes.values()]
    try {
      await changeTroubles(actor, this.#context.database.db, {
        found: all.flatMap(({ trouble }) => trouble ?? []),
        gone: all.flatMap(({ place, trouble }) => (trouble === undefined ? [place] : [])),
      })
    } catch (error) {
      this.#context.log.warn('what is wrong with model providers could not be stored', {
        error: describeError(error),
      })
      for (const [key, change] of changes) if (!this.#changes.has(key)) this.#changes.set(key, change)
      return
    }
    const known = new Map(this.#known)
    for (const [key, { trouble }] of changes)
      if (trouble === undefined) known.delete(key)
      else known.set(key, trouble)
    this.#known = known
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.settle()
    await this.#rereading[Symbol.asyncDispose]()
  }
}

function keyOf({ providerId, subject, model }: TroublePlace): string {
  return `${providerId} ${subject} ${model}`
}

/** Whether two times are the same to somebody who reads them. */
function isAbout(one: Date | null, other: Date | null): boolean {
  if (one === null || other === null) return one === other
  return Math.abs(one.getTime() - other.getTime()) < 1_000
}
