import { openWorkspaceTunnel } from '@slipway/contract'
import { TunnelClient, watchLiveness } from '@slipway/tunnel'
import type { Connection } from './connection.ts'
import { readyAgent } from './wait-for-agent.ts'
import { openWebSocket } from './web-socket.ts'
import { findWorkspace, parseWorkspaceName } from './workspace-name.ts'

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

/**
 * Opens a tunnel to the agent of a workspace that runs already, to measure the way to it: nothing is started for that, nor
 * are its scripts waited for.
 *
 * @throws CommandError where it does not run or has no such agent, and as {@link openTunnel}.
 */
export async function openTunnelTo(client: Connection, name: string): Promise<TunnelClient> {
  const { agent } = await readyAgent(client, await findWorkspace(client, name), {
    agent: parseWorkspaceName(name).agent,
    autostart: false,
    wait: 'no',
    say: (line) => process.stderr.write(`${line}\n`),
  })
  return openTunnel(client, agent.id)
}
