import * as contract from '@slipway/contract'
import { serveTunnel, type TunnelClient, TunnelRefusal } from '@slipway/tunnel'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone } from '../edge/index.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { RELAY_TOKEN_HEADER, RelayTokens } from '../replicas/index.ts'
import { plainHeaders, relayRequest } from './relay-request.ts'
import type { AgentTunnels } from './tunnels.ts'

/** What other replicas ask of this one: the tunnel of an agent that is connected here. */
export function relayRoutes(context: AppContext, tunnels: AgentTunnels): BoundRoute[] {
  const tokens = new RelayTokens(context.secrets.relayKey)
  return [
    forAnyone(contract.openRelayedTunnel, async ({ params, raw, upgrade }) => {
      const agentId = params.workspaceagent ?? ''
      const token = raw.headers[RELAY_TOKEN_HEADER]
      if (typeof token !== 'string' || !(await tokens.verify(agentId, token))) throw notFound()
      const tunnel = tunnels.local(agentId)
      if (tunnel === undefined) throw new ApiError(502, 'The workspace agent is not connected here.')
      serveRelayed(context, await upgrade(), tunnel)
      return undefined
    }),
  ]
}

function serveRelayed(
  { log }: AppContext,
  socket: Parameters<typeof serveTunnel>[0],
  tunnel: TunnelClient,
): void {
  serveTunnel(socket, {
    request: (request, response) => relayRequest(log, Promise.resolve(tunnel), request, response),
    connect: async (authority, headers, signal) => {
      if (!tunnel.open) throw new TunnelRefusal(502, 'the workspace agent is not connected')
      return tunnel.connect(authority, plainHeaders(headers), signal)
    },
  })
  // The other replica must look again for an agent that has left.
  void tunnel.closed.then(() => socket.terminate())
}
