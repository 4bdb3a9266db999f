import * as contract from '@slipway/contract'
import { type AgentVisits, agentObject, getAgent, LOST, TUNNEL } from '../agents/index.ts'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, closeSoon, forSession, tokenOf } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { noteUse } from '../workspaces/index.ts'
import { requireApiVersion } from './api-version.ts'
import type { UserAuthority } from './judge-request.ts'
import type { TailnetService } from './tailnet-service.ts'

/** What a client asks for that names no version, on the way to one agent and to all of them (AC-41). */
const DEFAULT_VERSION = { agent: '1.0', all: '2.0' } as const

/** How clients of the reference find agents (AC-130 to AC-132). */
export function tailnetRoutes(
  context: AppContext,
  visits: AgentVisits,
  tailnet: TailnetService,
): BoundRoute[] {
  const { config } = context
  const { db } = context.database
  const connectionInfo = (): contract.AgentConnectionInfo => ({
    ...tailnet.relayMap.settings,
    hostname_suffix: config.workspaceHostnameSuffix,
  })
  return [
    forSession(contract.getAgentConnection, async ({ actor, params }) => {
      await visits.agentOf(actor, params)
      return connectionInfo()
    }),
    forSession(contract.getConnection, async () => connectionInfo()),
    forSession(contract.coordinateAgent, async (incoming) => {
      const { raw, upgrade, query } = incoming
      const agent = await visits.visited(incoming, TUNNEL)
      requireApiVersion(query.version ?? DEFAULT_VERSION.agent)
      const peerId = await tailnet.peerOf(query.resume_token ?? '')
      await noteUse(context, agent.workspace_id)
      const socket = await upgrade()
      const stillMay = visits.stillMay(socket, raw, agent.id)
      visits.rights.watch(socket, stillMay, () => closeSoon(socket, 1008, LOST))
      tailnet.serveClient(socket, peerId, {
        kind: 'user',
        mayReach: async (agentId) => agentId === agent.id && (await stillMay()),
        mayStay: stillMay,
      })
      await visits.note(incoming, { ...TUNNEL, status: 101 })
      return undefined
    }),
    forSession(contract.connectTailnet, async (incoming) => {
      const { raw, upgrade, query } = incoming
      if (config.browserOnly)
        throw new ApiError(409, 'Non-browser connections are disabled for your deployment.')
      requireApiVersion(query.version ?? DEFAULT_VERSION.all)
      const peerId = await tailnet.peerOf(query.resume_token ?? '')
      await visits.requireProof(incoming)
      const socket = await upgrade()
      const token = tokenOf({ cookies: raw.cookieValues, headers: raw.headers, query: raw.credentialSearch })
      const request = raw.context
      const may = (check: (caller: Actor) => Promise<void>): Promise<boolean> =>
        visits.mayStill(token, request, false, check)
      const authority: UserAuthority = {
        kind: 'user',
        mayReach: (agentId) =>
          may(async (caller) => authorize(caller, 'ssh', agentObject(await getAgent(caller, db, agentId)))),
        mayStay: () => may(async () => undefined),
      }
      const stillMay = async (): Promise<boolean> => {
        await tailnet.recheck(peerId, authority)
        return authority.mayStay()
      }
      visits.rights.watch(socket, stillMay, () => closeSoon(socket, 1008, LOST))
      tailnet.serveClient(socket, peerId, authority)
      return undefined
    }),
  ]
}
