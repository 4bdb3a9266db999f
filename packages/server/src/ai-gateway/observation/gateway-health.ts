import type { AIProviderStatus } from '@slipway/contract'
import type { ModelProvider } from '../../ai-providers/index.ts'
import type { Exhaustion, KeyPools } from '../keys/key-pool.ts'
import type { CircuitBreakers } from '../resilience/circuit-breakers.ts'
import type { SetAside } from '../store/exports.ts'

/** Circuits that are told of each provider: clients name models as they like. */
const MAX_CIRCUITS = 20

/** What this replica knows of a provider without asking it. */
export interface ProviderHealth {
  readonly name: string
  readonly displayName: string
  readonly status: AIProviderStatus
  /** Why it cannot be used; empty unless the status is `error`. */
  readonly statusDetail: string
  readonly keys: number
  readonly keysResting: number
  /** Why no key can be used for now; undefined while one can, or where there is none. */
  readonly exhaustion: Exhaustion | undefined
  readonly circuits: readonly {
    readonly route: string
    readonly model: string
    readonly state: 'open' | 'half-open'
  }[]
}

/** What became of the records of this replica. */
export interface RecorderHealth {
  readonly databaseAway: boolean
  /** Characters of records that could not be stored and wait in memory, and bytes of those on disk. */
  readonly waitingCharacters: number
  readonly waitingBytes: number
  /** Since the replica started. */
  readonly lost: number
  readonly lastLostAt: Date | undefined
  /** Whether requests go on while records cannot be stored. */
  readonly failOpen: boolean
}

/** The gateway of this replica as the health report shows it. */
export interface GatewayHealth {
  readonly enabled: boolean
  readonly providers: readonly ProviderHealth[]
  readonly records: RecorderHealth
  /** What the destination of the export does not take. */
  readonly setAside: SetAside
}

/** The providers, their keys and their circuits at this moment. */
export function providersHealth(
  providers: readonly ModelProvider[],
  pools: KeyPools,
  breakers: CircuitBreakers,
): ProviderHealth[] {
  const known = pools.known()
  const broken = Map.groupBy(breakers.broken(), ({ circuit }) => circuit.provider)
  return providers.map((provider) => {
    const pool = known.get(provider.id)
    const { valid, temporary } = pool?.states() ?? { valid: provider.keys.length, temporary: 0 }
    return {
      name: provider.name,
      displayName: provider.displayName,
      status: provider.status,
      statusDetail: provider.statusDetail,
      keys: provider.keys.length,
      keysResting: temporary,
      exhaustion: valid === 0 && temporary > 0 ? pool?.exhaustion() : undefined,
      circuits: (broken.get(provider.name) ?? [])
        .slice(0, MAX_CIRCUITS)
        .map(({ circuit, state }) => ({ route: circuit.route, model: circuit.model, state })),
    }
  })
}
