import * as contract from '@slipway/contract'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import { badRequest } from '../../errors/index.ts'
import type { ModelGateway } from '../model-gateway.ts'
import { listNames } from '../store/sessions.ts'
import { interceptionPage } from './list-interceptions.ts'
import { sessionPage } from './list-sessions.ts'
import { initiatorOf, parseInterceptionSearch, parseSessionSearch } from './search-sessions.ts'
import { sessionDetail } from './session-detail.ts'
import { sessionReader } from './session-reader.ts'

/** Of entries on a page. */
interface Limits {
  readonly usual: number
  readonly most: number
}

const ENTRIES: Limits = { usual: 100, most: 1000 }
const THREADS: Limits = { usual: 50, most: 200 }

/** Routes of the gateway are there under its former name too (AG-1). */
function formerly<Path extends { readonly path: string }>(route: Path): Path {
  return { ...route, path: route.path.replace('/api/v2/ai-gateway', '/api/v2/aibridge') }
}

/** What was asked of models, for auditors, and where that is allowed for those who asked (chapter 05 section 14). */
export function sessionRoutes(context: Pick<AppContext, 'database'>, gateway: ModelGateway): BoundRoute[] {
  const { governance } = gateway.parts
  const isProvider = (name: string): boolean => gateway.providers.list().some((one) => one.name === name)
  const bind = (list: typeof contract.listAIGatewaySessions, show: typeof contract.getAIGatewaySession) => [
    forSession(list, async ({ actor, query }) => {
      const { after_session_id: afterSessionId, offset } = query
      checkPlace('after_session_id', afterSessionId, offset)
      const search = parseSessionSearch(query.q ?? '', actor, isProvider)
      return sessionPage(context, sessionReader(actor, governance), search, {
        limit: limitOf(query, ENTRIES),
        offset: offset ?? 0,
        afterSessionId,
        afterInitiatorId: query.after_initiator_id,
      })
    }),
    forSession(show, ({ actor, params, query }) =>
      sessionDetail(
        context,
        sessionReader(actor, governance),
        {
          id: params.session_id ?? '',
          initiator: query.initiator === undefined ? undefined : initiatorOf(query.initiator, actor),
        },
        { limit: limitOf(query, THREADS), afterId: query.after_id, beforeId: query.before_id },
      ),
    ),
  ]
  return [
    ...bind(contract.listAIGatewaySessions, contract.getAIGatewaySession),
    ...bind(formerly(contract.listAIGatewaySessions), formerly(contract.getAIGatewaySession)),
    forSession(contract.listAIBridgeInterceptions, async ({ actor, query }) => {
      const { after_id: afterId, offset } = query
      checkPlace('after_id', afterId, offset)
      const search = parseInterceptionSearch(query.q ?? '', actor)
      return interceptionPage(context, sessionReader(actor, governance), search, {
        limit: limitOf(query, ENTRIES),
        offset: offset ?? 0,
        afterId,
      })
    }),
  ]
}

/** Names of models and clients that were seen (AG-95). */
export function nameRoutes({ database }: Pick<AppContext, 'database'>, gateway: ModelGateway): BoundRoute[] {
  const { db } = database
  const { governance } = gateway.parts
  const bind = (
    route: typeof contract.listAIGatewayModels | typeof contract.listAIGatewayClients,
    column: 'model' | 'client',
  ): BoundRoute =>
    forSession(route, async ({ actor, query }) => {
      const q = query.q ?? ''
      const prefix = q.startsWith(`${column}:`) ? q.slice(column.length + 1) : q
      return listNames(sessionReader(actor, governance), db, column, {
        prefix,
        limit: limitOf(query, ENTRIES),
        offset: query.offset ?? 0,
      })
    })
  return [
    bind(contract.listAIGatewayModels, 'model'),
    bind(formerly(contract.listAIGatewayModels), 'model'),
    bind(contract.listAIGatewayClients, 'client'),
    bind(formerly(contract.listAIGatewayClients), 'client'),
  ]
}

/** @throws ApiError 400 for a page that begins at two places. */
function checkPlace(field: string, after: string | undefined, offset: number | undefined): void {
  if (after !== undefined && offset !== undefined)
    throw badRequest('Query parameters have invalid values.', {
      validations: [{ field, detail: 'cannot be combined with offset' }],
    })
}

/** @throws ApiError 400 for a limit that no page may have. */
function limitOf({ limit }: { readonly limit?: number }, { usual, most }: Limits): number {
  if (limit === undefined) return usual
  if (limit < 1 || limit > most)
    throw badRequest('Invalid pagination limit value.', {
      detail: `Pagination limit must be in range (0, ${most}]`,
    })
  return limit
}
