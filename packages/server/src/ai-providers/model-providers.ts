import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { isUuid } from '../search/index.ts'
import { type ModelProvider, openProvider } from './provider.ts'
import { listProviders } from './store/providers.ts'

const actor = systemActor(
  'ai_provider_metadata_reader',
  'every replica knows the providers, whoever asks a model',
)

/** How long a change may go unnoticed when its event is lost (AG-107). */
const POLL_MS = 60_000

/** The providers at one moment. */
interface Snapshot {
  readonly all: readonly ModelProvider[]
  readonly byName: ReadonlyMap<string, ModelProvider>
  readonly byId: ReadonlyMap<string, ModelProvider>
}

/**
 * The model providers with their opened keys, in memory. Every change of one is read again at once, on all replicas; a
 * read that fails leaves what was known (AG-107). Requests keep the provider that they began with.
 */
export class ModelProviders implements AsyncDisposable {
  readonly #context: AppContext
  readonly #subscription: Disposable
  readonly #poll: NodeJS.Timeout
  readonly #listeners = new Set<(providers: readonly ModelProvider[]) => void>()
  #snapshot = snapshotOf([])
  #wanted = false
  #reading: Promise<void> | undefined
  #closed = false

  private constructor(context: AppContext) {
    this.#context = context
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['ai_provider']),
      onEvent: () => this.#refresh(),
      onReset: () => this.#refresh(),
    })
    this.#poll = setInterval(() => this.#refresh(), POLL_MS).unref()
  }

  /** Reads the providers for the first time. @throws Error when that is not possible. */
  static async start(context: AppContext): Promise<ModelProviders> {
    const providers = new ModelProviders(context)
    try {
      await providers.#read()
      return providers
    } catch (error) {
      await providers[Symbol.asyncDispose]()
      throw error
    }
  }

  /** All live providers by name, also those that are off or cannot be used. */
  list(): readonly ModelProvider[] {
    return this.#snapshot.all
  }

  /** A live provider by its id or its name; see its status for whether it can be used. */
  find(idOrName: string): ModelProvider | undefined {
    return this.#snapshot.byName.get(idOrName) ?? this.#snapshot.byId.get(idOrName.toLowerCase())
  }

  /** Calls back after each read that succeeded, whether or not something changed; must not throw. */
  onRead(listener: (providers: readonly ModelProvider[]) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Reads again now; resolves when what is stored at this moment is known, or could not be read. */
  async refresh(): Promise<void> {
    this.#refresh()
    while (this.#reading !== undefined) await this.#reading
  }

  /** Reads soon; calls while a read is under way lead to one more. */
  #refresh(): void {
    if (this.#closed) return
    this.#wanted = true
    this.#reading ??= this.#drain()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#wanted && !this.#closed) {
        this.#wanted = false
        try {
          await this.#read()
        } catch (error) {
          this.#context.log.warn('model providers could not be read again; the former ones go on', {
            error: describeError(error),
          })
        }
      }
    } finally {
      this.#reading = undefined
    }
  }

  async #read(): Promise<void> {
    const stored = await listProviders(actor, this.#context.database.db)
    const all = stored.map((provider) => openProvider(this.#context, provider))
    for (const { name, status, statusDetail } of all)
      if (status === 'error' && this.#snapshot.byName.get(name)?.statusDetail !== statusDetail)
        this.#context.log.warn('a model provider cannot be used', { provider: name, reason: statusDetail })
    this.#snapshot = snapshotOf(all)
    for (const listener of this.#listeners) listener(all)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#poll)
    this.#subscription[Symbol.dispose]()
    await this.#reading
  }
}

function snapshotOf(all: readonly ModelProvider[]): Snapshot {
  return {
    all,
    byName: new Map(all.map((provider) => [provider.name, provider])),
    // A name may look like a UUID; then the name wins.
    byId: new Map(all.filter(({ id }) => isUuid(id)).map((provider) => [provider.id, provider])),
  }
}
