import { type ModelProvider, type ModelProviders, unavailableFor } from '../ai-providers/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { type ModelConfig, modelConfigOf } from './model-config.ts'
import { listModelConfigs } from './store/model-configs.ts'
import { listSettings } from './store/settings.ts'
import { type DeploymentSettings, readSettings } from './stored-settings.ts'

const reader = systemActor('chatd', 'what the deployment has set for chats holds for all who have some')

/** What the deployment has set, at one moment. */
export interface KnownSettings {
  /** Live configs by id, oldest first. */
  readonly configs: ReadonlyMap<string, ModelConfig>
  readonly deployment: DeploymentSettings
}

/**
 * The models of chats and what the deployment has set for them, as every replica knows them: read once and forgotten
 * when one of them changes anywhere, so that no message waits for them (CH-503).
 */
export class ChatSettings implements Disposable {
  readonly context: AppContext
  readonly providers: ModelProviders
  readonly #subscription: Disposable
  #known: KnownSettings | undefined
  /** Tells whether something was forgotten while it was being read. */
  #generation = 0

  constructor(context: AppContext, providers: ModelProviders) {
    this.context = context
    this.providers = providers
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['chat_model_config', 'chat_setting']),
      onEvent: () => this.forget(),
      onReset: () => this.forget(),
    })
  }

  /** What holds now. @throws Error when it is not known and cannot be read. */
  async known(): Promise<KnownSettings> {
    const { db, feed } = this.context.database
    // While the feed is cut off nobody tells of changes.
    if (this.#known !== undefined && feed.connected) return this.#known
    const generation = this.#generation
    const [rows, stored] = await Promise.all([listModelConfigs(reader, db), listSettings(reader, db)])
    const known: KnownSettings = {
      configs: new Map(rows.map((row) => [row.id, modelConfigOf(row)])),
      deployment: readSettings(stored),
    }
    if (generation === this.#generation && feed.connected) this.#known = known
    return known
  }

  /** What the deployment has set. @throws as {@link known}. */
  async deployment(): Promise<DeploymentSettings> {
    return (await this.known()).deployment
  }

  /** Reads again next time; called by what changes something here, before it answers. */
  forget(): void {
    this.#generation += 1
    this.#known = undefined
  }

  /** The enabled provider of a config; undefined where it is off, deleted or none that chats can work with (CH-133). */
  providerOf(config: ModelConfig): ModelProvider | undefined {
    const provider = this.providers.find(config.providerId)
    return provider?.id === config.providerId && provider.enabled && worksWithChats(provider)
      ? provider
      : undefined
  }

  /** Whether there are credentials of a provider for a user (CH-507). */
  async hasCredentials(userId: string, provider: ModelProvider): Promise<boolean> {
    if (provider.keys.length > 0 || provider.bedrock !== undefined) return true
    return !(await unavailableFor(this.context, userId, [provider])).has(provider.id)
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}

/** Days that archived chats and files without one are kept; 0 is for ever (CH-1701). */
export async function chatRetentionDays(db: Db): Promise<number> {
  return readSettings(await listSettings(reader, db)).retentionDays
}

/** Whether chats can work with providers of this type (CH-133). */
export function worksWithChats({ type }: Pick<ModelProvider, 'type'>): boolean {
  switch (type) {
    case 'openai':
    case 'anthropic':
    case 'azure':
    case 'bedrock':
    case 'google':
    case 'openai-compat':
    case 'openrouter':
    case 'vercel':
      return true
    case 'copilot':
      return false
  }
}
