import type { AIGatewayReport, HealthMessage } from '@slipway/contract'
import type { GatewayHealth, ProviderHealth } from '../../ai-gateway/index.ts'
import { type Found, fault, type Section, worst } from '../section.ts'

/** For how long records that were lost are told of, in milliseconds. */
const LOSS_TOLD_MS = 24 * 3_600_000

/** What is found, before it is known how bad all of it together is. */
interface Finding extends HealthMessage {
  readonly severity: AIGatewayReport['severity']
}

/** The AI gateway of this replica: its providers as it has last seen them, and its records (AG-B18, AG-B23). */
export function aiGatewaySection(read: () => GatewayHealth, now: () => Date): Section<AIGatewayReport> {
  return {
    name: 'AIGateway',
    look: async () => {
      const health = read()
      const findings = health.enabled ? findingsOf(health, now()) : [off()]
      const error = findings.find(({ severity }) => severity === 'error')
      const severity = worst(findings.map((finding) => finding.severity))
      return {
        ...present(health),
        severity,
        healthy: severity !== 'error',
        ...(error === undefined ? {} : { error: fault(error.code, error.message) }),
        warnings: findings
          .filter((finding) => finding !== error)
          .map(({ code, message }) => ({ code, message })),
      }
    },
    failed: (error) => ({
      ...present(read()),
      severity: 'error',
      healthy: false,
      error,
      warnings: [],
    }),
  }
}

function off(): Finding {
  return {
    code: 'EAIG01',
    severity: 'ok',
    message: 'The AI gateway is off. Start the server with --ai-gateway-enabled to use it.',
  }
}

function findingsOf({ providers, records, setAside }: GatewayHealth, now: Date): Finding[] {
  return [...recordFindings(records, now), ...exportFindings(setAside), ...providerFindings(providers)]
}

function exportFindings({ count, latest: [last] }: GatewayHealth['setAside']): Finding[] {
  if (last === undefined) return []
  return [
    {
      code: 'EAIG09',
      severity: 'warning',
      message: `The destination of the export refuses ${count} ${count === 1 ? 'request' : 'requests'}, the last at ${last.at.toISOString()}: for ${last.interceptionId} ${last.refusal}. Look at what it says of them, then save the settings of the AI gateway to have them sent again.`,
    },
  ]
}

function recordFindings(records: GatewayHealth['records'], now: Date): Finding[] {
  const found: Finding[] = []
  if (records.databaseAway)
    found.push(
      records.failOpen
        ? {
            code: 'EAIG08',
            severity: 'warning',
            message:
              'The AI gateway cannot reach the database. Requests go on, without budgets, and their records wait.',
          }
        : {
            code: 'EAIG08',
            severity: 'error',
            message:
              'the AI gateway cannot reach the database and refuses requests until it is back. Bring the database back, or let requests go on without it in the settings of the gateway',
          },
    )
  const { waitingCharacters, waitingBytes } = records
  if (waitingCharacters > 0 || waitingBytes > 0)
    found.push({
      code: 'EAIG06',
      severity: 'warning',
      message: `Records of requests wait for the database: ${sizeOf(waitingCharacters)} in memory and ${sizeOf(waitingBytes)} on disk. They are stored once it is back; spending and budgets lack them until then.`,
    })
  if (records.lastLostAt !== undefined && now.getTime() - records.lastLostAt.getTime() < LOSS_TOLD_MS)
    found.push({
      code: 'EAIG07',
      severity: 'warning',
      message: `${records.lost} ${records.lost === 1 ? 'record has' : 'records have'} been lost since the server started, the last at ${records.lastLostAt.toISOString()}: too many waited, or a file of them was damaged. Sessions and spending lack them.`,
    })
  return found
}

function providerFindings(providers: readonly ProviderHealth[]): Finding[] {
  const on = providers.filter(({ status }) => status !== 'disabled')
  if (on.length === 0)
    return [
      {
        code: 'EAIG02',
        severity: 'ok',
        message:
          providers.length === 0
            ? 'There is no AI provider yet. Add one in the AI settings.'
            : 'All AI providers are disabled. Enable one in the AI settings.',
      },
    ]
  const found = on.flatMap(findingsOfProvider)
  // Nothing is left that a request could go to.
  const isDead = on.every(({ status, exhaustion }) => status === 'error' || exhaustion !== undefined)
  return isDead ? found.map((finding, at) => (at === 0 ? { ...finding, severity: 'error' } : finding)) : found
}

function findingsOfProvider(provider: ProviderHealth): Finding[] {
  const { displayName, status, statusDetail, keys, exhaustion, circuits } = provider
  if (status === 'error')
    return [
      { code: 'EAIG03', severity: 'warning', message: `${displayName} cannot be used: ${statusDetail}` },
    ]
  const found: Finding[] = []
  if (exhaustion !== undefined) {
    const all = keys === 1 ? 'The only key' : `All ${keys} keys`
    found.push({
      code: 'EAIG04',
      severity: 'warning',
      message:
        exhaustion.kind === 'unauthorized'
          ? `${all} of ${displayName} ${keys === 1 ? 'was' : 'were'} refused. Replace ${keys === 1 ? 'it' : 'them'} in the settings of the provider.`
          : `${all} of ${displayName} ${keys === 1 ? 'has' : 'have'} reached a rate limit. The next one may be used in ${Math.ceil(exhaustion.retryAfterMs / 1_000)} s; add keys, or raise the limits at the provider.`,
    })
  }
  const open = circuits.filter(({ state }) => state === 'open')
  if (open.length > 0)
    found.push({
      code: 'EAIG05',
      severity: 'warning',
      message: `${displayName} keeps failing, and is left alone for a while for ${open.map(({ model, route }) => model || route).join(', ')}. Look at the status of the provider, and at the log of the server for what it answers.`,
    })
  return found
}

function present({ enabled, providers, records, setAside }: GatewayHealth) {
  return {
    enabled,
    providers: providers.map((provider) => ({
      name: provider.name,
      display_name: provider.displayName,
      status: provider.status,
      status_detail: provider.statusDetail,
      keys: provider.keys,
      keys_resting: provider.keysResting,
      circuits: [...provider.circuits],
    })),
    records: {
      waiting_characters: records.waitingCharacters,
      waiting_bytes: records.waitingBytes,
      lost: records.lost,
      ...(records.lastLostAt === undefined ? {} : { last_lost_at: records.lastLostAt.toISOString() }),
      database_away: records.databaseAway,
      fail_open: records.failOpen,
    },
    export: {
      set_aside: setAside.count,
      latest: setAside.latest.map(({ interceptionId, at, refusal }) => ({
        interception_id: interceptionId,
        set_aside_at: at.toISOString(),
        refusal,
      })),
    },
  } satisfies Partial<Found<AIGatewayReport>>
}

function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.ceil(bytes / (1024 * 1024))} MiB`
}
