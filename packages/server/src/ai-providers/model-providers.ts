import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { Rereading } from '../rereading/index.ts'
import { isUuid } from '../search/index.ts'
import { type ModelProvider, openProvider } from './provider.ts'
import { listProviders } from './store/providers.ts'

const actor = systemActor(
  'ai_provider_metadata_reader',
  'every replica knows the providers, whoever asks a model',
)

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
  readonly #rereading: Rereading
  readonly #listeners = new Set<(providers: readonly ModelProvider[]) => void>()
  #snapshot = snapshotOf([])
  #readBegan: Date | undefined
  #readSucceeded: Date | undefined

  private constructor(context: AppContext) {
    this.#context = context
    this.#rereading = new Rereading(context, {
      kind: 'ai_provider',
      read: () => this.#read(),
      failure: 'model providers could not be read again; the former ones go on',
    })
  }

  /** Reads the providers for the first time. @throws Error when that is not possible. */
  static async start(context: AppContext): Promise<ModelProviders> {
    const providers = new ModelProviders(context)
    await providers.#rereading.begin()
    return providers
  }

  /** All live providers by name, also those that are off or cannot be used. */
  list(): readonly ModelProvider[] {
    return this.#snapshot.all
  }

  /** A live provider by its id or its name; see its status for whether it can be used. */
  find(idOrName: string): ModelProvider | undefined {
    return this.#snapshot.byName.get(idOrName) ?? this.#snapshot.byId.get(idOrName.toLowerCase())
  }

  /** When they were last read, and when that last went well. */
  get lastReads(): { readonly began: Date | undefined; readonly succeeded: Date | undefined } {
    return { began: this.#readBegan, succeeded: this.#readSucceeded }
  }

  /** Calls back after each read that succeeded, whether or not something changed; must not throw. */
  onRead(listener: (providers: readonly ModelProvider[]) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** Reads again now; resolves when what is stored at this moment is known, or could not be read. */
  refresh(): Promise<void> {
    return this.#rereading.refresh()
  }

  async #read(): Promise<void> {
    const began = this.#context.clock.now()
    this.#readBegan = began
    const stored = await listProviders(actor, this.#context.database.db)
    const all = stored.map((provider) => openProvider(this.#context, provider))
    for (const { name, status, statusDetail } of all)
      if (status === 'error' && this.#snapshot.byName.get(name)?.statusDetail !== statusDetail)
        this.#context.log.warn('a model provider cannot be used', { provider: name, reason: statusDetail })
    this.#snapshot = snapshotOf(all)
    this.#readSucceeded = began
    for (const listener of this.#listeners) listener(all)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rereading[Symbol.asyncDispose]()
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
