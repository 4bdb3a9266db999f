import type { AIPrivacyLevel } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { Rereading } from '../rereading/index.ts'
import {
  type GatewaySettings,
  gatewaySettings,
  readStoredSettings,
  type SettingsSecrets,
} from './gateway-settings.ts'
import { type KeyLimits, type ModelAccess, type ModelPolicy, modelAccess } from './model-access.ts'
import { ModelGlob } from './model-glob.ts'
import {
  DEFAULT_ROUTING,
  type ProviderRouting,
  providerRouting,
  readStoredRouting,
} from './provider-routing.ts'
import { openSecret, type SecretColumn } from './sealed.ts'
import { readGovernance, type StoredGovernance } from './store/snapshot.ts'

const actor = systemActor('aibridged', 'what is allowed is the same whoever asks a model')

/** How much is kept of what somebody asks, and whether they may read it (AG-B16). */
export interface Privacy {
  readonly level: AIPrivacyLevel
  readonly ownSessions: boolean
}

/** The stricter a level, the further behind. */
const STRICTNESS: readonly AIPrivacyLevel[] = ['full', 'redacted', 'hash', 'none']
const OPEN: Privacy = { level: 'full', ownSessions: false }

interface Snapshot {
  readonly settings: GatewaySettings
  /** By group; the older a policy, the lower its order. */
  readonly policies: ReadonlyMap<string, ModelPolicy & { readonly order: number }>
  /** By organization. */
  readonly privacy: ReadonlyMap<string, Privacy>
  /** By provider. */
  readonly routing: ReadonlyMap<string, ProviderRouting>
}

/**
 * What may be asked of models, by whom and by which way, in memory. Every change is read again at once, on all replicas;
 * a read that fails leaves what was known. Requests keep what they began with.
 */
export class Governance implements AsyncDisposable {
  readonly #context: AppContext
  readonly #rereading: Rereading
  #snapshot: Snapshot = {
    settings: gatewaySettings(readStoredSettings(undefined), {
      guardrailWebhook: undefined,
      exportWebhook: undefined,
    }),
    policies: new Map(),
    privacy: new Map(),
    routing: new Map(),
  }

  private constructor(context: AppContext) {
    this.#context = context
    this.#rereading = new Rereading(context, {
      kind: 'ai_governance',
      read: () => this.#read(),
      failure: 'the rules of the AI gateway could not be read again; the former ones go on',
    })
  }

  /** Reads what is stored for the first time. @throws Error when that is not possible. */
  static async start(context: AppContext): Promise<Governance> {
    const governance = new Governance(context)
    await governance.#rereading.begin()
    return governance
  }

  /** Settings of the deployment. */
  settings(): GatewaySettings {
    return this.#snapshot.settings
  }

  /** By which way requests to a provider go. */
  routingOf(providerId: string): ProviderRouting {
    return this.#snapshot.routing.get(providerId) ?? DEFAULT_ROUTING
  }

  /** What holds for a member of these organizations: the strictest of them. */
  privacyOf(organizationIds: readonly string[]): Privacy {
    const { privacy } = this.#snapshot
    if (privacy.size === 0 || organizationIds.length === 0) return OPEN
    const all = organizationIds.map((id) => privacy.get(id) ?? OPEN)
    return {
      level: all.map(({ level }) => level).reduce(stricter),
      ownSessions: all.every(({ ownSessions }) => ownSessions),
    }
  }

  /**
   * Which models members of these groups may use with a token of these limits.
   *
   * @param groupIds with the organizations', whose ids are those of the groups of all their members.
   */
  modelAccess(groupIds: readonly string[], key: KeyLimits | undefined): ModelAccess {
    const { policies } = this.#snapshot
    if (policies.size === 0) return modelAccess([], key)
    const own = [...new Set(groupIds)].flatMap((id) => policies.get(id) ?? [])
    return modelAccess(
      own.sort((one, other) => one.order - other.order),
      key,
    )
  }

  /** Reads again now; resolves when what is stored at this moment is known, or could not be read. */
  refresh(): Promise<void> {
    return this.#rereading.refresh()
  }

  async #read(): Promise<void> {
    const stored = await readGovernance(actor, this.#context.database.db)
    this.#snapshot = {
      settings: gatewaySettings(
        readStoredSettings(stored.settings, this.#context.config),
        this.#secretsOf(stored),
      ),
      policies: new Map(stored.policies.map((row, order) => [row.group_id, { ...policyOf(row), order }])),
      privacy: new Map(stored.privacy.map((row) => [row.organization_id, privacyOf(row)])),
      routing: new Map(
        stored.routing.map((row) => [row.provider_id, providerRouting(readStoredRouting(row.routing))]),
      ),
    }
  }

  #secretsOf(stored: StoredGovernance): SettingsSecrets {
    const open = (column: SecretColumn, sealed: Buffer | null): string | undefined => {
      try {
        return openSecret(this.#context, column, sealed)
      } catch (error) {
        this.#context.log.warn('a secret of the AI gateway cannot be read: set it anew', {
          secret: column,
          error: describeError(error),
        })
        return undefined
      }
    }
    return {
      guardrailWebhook: open('guardrail_webhook_secret', stored.guardrailWebhookSecret),
      exportWebhook: open('export_webhook_secret', stored.exportWebhookSecret),
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rereading[Symbol.asyncDispose]()
  }
}

function policyOf({ allow, deny, aliases }: StoredGovernance['policies'][number]): ModelPolicy {
  return {
    allow: allow.map((pattern) => new ModelGlob(pattern)),
    deny: deny.map((pattern) => new ModelGlob(pattern)),
    aliases: new Map(Object.entries(aliases)),
  }
}

/** A level of another release is the strictest: nothing is kept that should not be. */
function privacyOf(row: StoredGovernance['privacy'][number]): Privacy {
  return {
    level: STRICTNESS.find((level) => level === row.level) ?? 'none',
    ownSessions: row.own_sessions,
  }
}

function stricter(one: AIPrivacyLevel, other: AIPrivacyLevel): AIPrivacyLevel {
  return STRICTNESS.indexOf(one) > STRICTNESS.indexOf(other) ? one : other
}
