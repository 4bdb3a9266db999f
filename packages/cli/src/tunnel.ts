import { openWorkspaceTunnel } from '@slipway/contract'
import { TunnelClient, watchLiveness } from '@slipway/tunnel'
import type { Connection } from './connection.ts'
import { openWebSocket } from './web-socket.ts'

/**
 * Opens a tunnel to an agent; byte streams to its SSH server and its ports go through it.
 *
 * @throws ApiFailure when the server refuses, ConnectionFailure when it cannot be reached.
 */
export async function openTunnel(client: Connection, agentId: string): Promise<TunnelClient> {
  const socket = await openWebSocket(
    client,
    client.address(openWorkspaceTunnel, { params: { workspaceagent: agentId } }),
  )
  watchLiveness(socket)
  return new TunnelClient(socket)
}
