import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { openWorkspaceTunnel } from '@slipway/contract'
import { opened, TunnelClient, watchLiveness } from '@slipway/tunnel'
import { CommandError } from './errors.ts'

/** Opens a tunnel to an agent; byte streams to its SSH server and its ports go through it. */
export async function openTunnel(client: Client, agentId: string): Promise<TunnelClient> {
  const address = client.address(openWorkspaceTunnel, { params: { workspaceagent: agentId } })
  const socket = new WebSocket(address.replace(/^http/, 'ws'), {
    headers: client.headers,
    perMessageDeflate: false,
    handshakeTimeout: 30_000,
  })
  try {
    await opened(socket)
  } catch (error) {
    throw new CommandError(`the connection failed: ${error instanceof Error ? error.message : String(error)}`)
  }
  watchLiveness(socket)
  return new TunnelClient(socket)
}
