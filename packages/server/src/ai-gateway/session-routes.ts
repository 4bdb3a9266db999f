import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import type { ModelGateway } from './model-gateway.ts'
import { parseSessionSearch } from './search-sessions.ts'
import { listNames, listSessions, type SessionRow } from './store/sessions.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** Routes of the gateway are there under its former name too (AG-1). */
export function formerly<Path extends { readonly path: string }>(route: Path): Path {
  return { ...route, path: route.path.replace('/api/v2/ai-gateway', '/api/v2/aibridge') }
}

/** What was asked of models, for auditors (chapter 05 section 14). */
export function sessionRoutes(
  { database }: Pick<AppContext, 'database'>,
  gateway: ModelGateway,
): BoundRoute[] {
  const { db } = database
  return [(route: typeof contract.listAIGatewaySessions) => route, formerly].flatMap((named) => [
    forSession(named(contract.listAIGatewaySessions), async ({ actor, query }) => {
      const { after_session_id: afterSessionId, offset } = query
      if (afterSessionId !== undefined && offset !== undefined)
        throw badRequest('Query parameters have invalid values.', {
          validations: [{ field: 'after_session_id', detail: 'cannot be combined with offset' }],
        })
      const search = parseSessionSearch(
        query.q ?? '',
        actor,
        (name) => gateway.providers.find(name) !== undefined,
      )
      const limit = limitOf(query)
      const found = await listSessions(actor, db, search, { limit, offset: offset ?? 0, afterSessionId })
      if (afterSessionId !== undefined && !found.cursorKnown)
        throw badRequest('Query parameters have invalid values.', {
          validations: [{ field: 'after_session_id', detail: 'names no session' }],
        })
      return { count: found.count, sessions: found.rows.map(present) }
    }),
  ])
}

/** Names of models and clients that were seen (AG-95). */
export function nameRoutes({ database }: Pick<AppContext, 'database'>): BoundRoute[] {
  const { db } = database
  const bind = (
    route: typeof contract.listAIGatewayModels | typeof contract.listAIGatewayClients,
    column: 'model' | 'client',
  ): BoundRoute =>
    forSession(route, async ({ actor, query }) => {
      const q = query.q ?? ''
      const prefix = q.startsWith(`${column}:`) ? q.slice(column.length + 1) : q
      return listNames(actor, db, column, { prefix, limit: limitOf(query), offset: query.offset ?? 0 })
    })
  return [
    bind(contract.listAIGatewayModels, 'model'),
    bind(formerly(contract.listAIGatewayModels), 'model'),
    bind(contract.listAIGatewayClients, 'client'),
    bind(formerly(contract.listAIGatewayClients), 'client'),
  ]
}

function limitOf({ limit }: { readonly limit?: number }): number {
  if (limit === undefined || limit === 0) return DEFAULT_LIMIT
  if (limit < 1 || limit > MAX_LIMIT)
    throw badRequest('Invalid pagination limit value.', {
      detail: `Pagination limit must be in range (0, ${MAX_LIMIT}]`,
    })
  return limit
}

function present(row: SessionRow): contract.AIBridgeSession {
  return {
    id: row.session_id,
    initiator: {
      id: row.initiator_id,
      username: row.username,
      name: row.name,
      avatar_url: row.avatar_url,
    },
    client: row.client,
    providers: row.providers,
    models: row.models,
    metadata:
      typeof row.metadata === 'object' && row.metadata !== null
        ? Object.fromEntries(Object.entries(row.metadata))
        : {},
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at.toISOString(),
    last_active_at: row.last_active_at.toISOString(),
    threads: row.threads,
    token_usage_summary: {
      input_tokens: row.input_tokens,
      output_tokens: row.output_tokens,
      cache_read_input_tokens: row.cache_read_input_tokens,
      cache_write_input_tokens: row.cache_write_input_tokens,
    },
    ...(row.last_prompt === null ? {} : { last_prompt: row.last_prompt }),
  }
}
