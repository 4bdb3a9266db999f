import type { FastifyRequest } from 'fastify'

import type * as contract from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { ConnectionLogger } from '../connection-log/index.ts'
import type { AppContext } from '../context.ts'
import {
  type Credential,
  type Precheck,
  type RequestContext,
  type SessionIncoming,
  type SessionRequest,
  tokenOf,
} from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import type { RightsWatch } from './rights-watch.ts'
import { type AgentRow, agentObject, getAgent } from './store/agents.ts'

/** What keeps an eye on open connections. */
interface OpenRights {
  readonly rights: RightsWatch
  readonly connections: ConnectionLogger
  /** Validates a token in full, which may be a use of it or none; never rejects. */
  readonly validate: (
    credential: Credential | undefined,
    context: RequestContext,
    isUse: boolean,
  ) => Precheck | Promise<Precheck>
  /** @throws ApiError 403 when the session has to prove first who holds it (L-32). */
  readonly requireProof: (caller: Pick<SessionIncoming<contract.Route>, 'key' | 'owner'>) => Promise<void>
}

/** How the byte streams to an agent are called in the connection log (RB-110). */
export const TUNNEL = { type: 'tunnel', slug: '' } as const
/** What is said to whoever loses the right to an open connection. */
export const LOST = 'you may not connect to this workspace any more'

/** Who may open connections to an agent, and keep them. */
export type AgentVisits = ReturnType<typeof agentVisits>

/** The checks and notes that each way to an agent shares (AC-141, RB-110). */
export function agentVisits(context: AppContext, open: OpenRights) {
  const db = context.database.db
  const agentOf = (actor: Actor, params: Readonly<Record<string, string>>): Promise<AgentRow> =>
    getAgent(actor, db, params.workspaceagent ?? '')
  const reachable = async (actor: Actor, params: Readonly<Record<string, string>>): Promise<AgentRow> => {
    const agent = await agentOf(actor, params)
    authorize(actor, 'ssh', agentObject(agent))
    return agent
  }
  /** Notes a visit for the connection log, refused ones included (RB-110). */
  const note = (
    { params, context: request, raw, owner }: SessionRequest,
    visit: { readonly type: 'workspace_app' | 'tunnel'; readonly slug: string; readonly status: number },
  ): Promise<void> =>
    open.connections.record({
      kind: 'visit',
      type: visit.type,
      agentId: params.workspaceagent ?? '',
      time: context.clock.now(),
      ip: request.remoteAddress,
      userId: owner.id,
      userAgent: raw.headers['user-agent'] ?? '',
      slugOrPort: visit.slug,
      status: visit.status,
    })
  /** The agent when the caller may reach it. @throws ApiError as `reachable`, and then notes a refusal. */
  const visited = async (
    incoming: SessionRequest & Pick<SessionIncoming<contract.Route>, 'key'>,
    visit: { readonly type: 'workspace_app' | 'tunnel'; readonly slug: string },
  ): Promise<AgentRow> => {
    try {
      const agent = await reachable(incoming.actor, incoming.params)
      if (visit.type === 'tunnel' && context.config.browserOnly)
        throw new ApiError(409, 'Non-browser connections are disabled for your deployment.')
      await open.requireProof(incoming)
      return agent
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) await note(incoming, { ...visit, status: 403 })
      throw error
    }
  }
  /** Whether whoever holds this credential passes a check now. */
  const mayStill = async (
    token: Credential | undefined,
    request: RequestContext,
    isUse: boolean,
    check: (actor: Actor) => Promise<void>,
  ): Promise<boolean> => {
    const caller = await open.validate(token, request, isUse)
    // Trouble of ours is no reason to cut anybody off.
    if (!caller.ok) return caller.status === 500
    if (caller.owner.status !== 'active') return false
    try {
      await check(caller.actor)
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return false
      throw error
    }
  }
  /** Whether the caller of an open connection may still reach the agent; one that says something uses its key (ID-211). */
  const stillMay = (
    socket: { on(event: 'message', listener: () => void): unknown },
    raw: FastifyRequest,
    agentId: string,
  ): (() => Promise<boolean>) => {
    const token = tokenOf({ cookies: raw.cookieValues, headers: raw.headers, query: raw.credentialSearch })
    const request = raw.context
    let used = false
    socket.on('message', () => {
      used = true
    })
    return () => {
      const isUse = used
      used = false
      return mayStill(token, request, isUse, async (actor) =>
        authorize(actor, 'ssh', agentObject(await getAgent(actor, db, agentId))),
      )
    }
  }
  const { rights, requireProof } = open
  return { agentOf, note, visited, mayStill, stillMay, rights, requireProof }
}
