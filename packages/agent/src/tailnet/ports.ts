import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

import { splice } from '@slipway/tunnel'

/** Ports that mean something else than a listener of the workspace (AC §6). */
const SSH_PORTS: readonly number[] = [1, 22]
/** Below it nothing of the workspace is reached. */
const FIRST_PORT = 9

/** Whether peers may connect to a port. */
export function acceptsPort(port: number): boolean {
  return SSH_PORTS.includes(port) || port >= FIRST_PORT
}

/** Joins a connection of a peer to what its port stands for: SSH, or a listener of the workspace. */
export function acceptOnPort(stream: Duplex, port: number, ssh: { serve(stream: Duplex): void }): void {
  stream.on('error', () => stream.destroy())
  if (SSH_PORTS.includes(port)) {
    try {
      ssh.serve(stream)
    } catch {
      // It takes no more connections: the workspace stops.
      stream.destroy()
    }
    return
  }
  const socket = connect({ host: 'localhost', port })
  socket.setNoDelay(true)
  splice(stream, socket)
}
