import { once } from 'node:events'
import { unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

import type { Connection } from 'ssh2'

import { describeError, type Logger } from '@slipway/request-log'
import { splice } from '@slipway/tunnel'

const MAX_LISTENERS = 64

/**
 * Forwards connections over SSH: to ports and Unix sockets of the workspace, and back from listeners that the
 * client asked for (RFC 4254 section 7, openssh-portable PROTOCOL section 2.4). Disposing ends the listeners.
 */
export function serveForwarding(connection: Connection, log: Logger): Disposable {
  const listeners = new Map<string, Server>()
  connection.on('tcpip', (accept, reject, info) => {
    join(() => connect({ host: info.destIP, port: info.destPort }), accept, reject)
  })
  connection.on('openssh.streamlocal', (accept, reject, info) => {
    join(() => connect({ path: info.socketPath }), accept, reject)
  })
  // The library also passes on OpenSSH's requests for Unix sockets, which its types do not know.
  connection.on('request', (accept, reject, name: string, info: object) => {
    const work = async (): Promise<void> => {
      if (name === 'tcpip-forward' && isPort(info)) {
        if (listeners.size >= MAX_LISTENERS) throw new Error('too many forwarded ports')
        const server = createServer((socket) => {
          // A peer may leave before the client has taken its connection.
          socket.on('error', () => socket.destroy())
          const { remoteAddress = '127.0.0.1', remotePort = 0 } = socket
          connection.forwardOut(
            info.bindAddr,
            portOf(server),
            remoteAddress,
            remotePort,
            (error, channel) => {
              if (error === undefined) splice(socket, channel)
              else socket.destroy()
            },
          )
        })
        const host = info.bindAddr === '' || info.bindAddr === 'localhost' ? '127.0.0.1' : info.bindAddr
        await listening(server.listen(info.bindPort, host))
        listeners.set(`${info.bindAddr}:${portOf(server)}`, server)
        accept?.(portOf(server))
        return
      }
      if (name === 'cancel-tcpip-forward' && isPort(info)) {
        const key = `${info.bindAddr}:${info.bindPort}`
        const server = listeners.get(key)
        if (server === undefined) throw new Error('there is no such forwarded port')
        listeners.delete(key)
        server.close()
        accept?.()
        return
      }
      if (name === 'streamlocal-forward@openssh.com' && isSocket(info)) {
        if (listeners.size >= MAX_LISTENERS) throw new Error('too many forwarded sockets')
        const { socketPath } = info
        const server = createServer((socket) => {
          socket.on('error', () => socket.destroy())
          connection.openssh_forwardOutStreamLocal(socketPath, (error, channel) => {
            if (error === undefined) splice(socket, channel)
            else socket.destroy()
          })
        })
        await unlink(socketPath).catch(() => undefined)
        await listening(server.listen(socketPath))
        listeners.set(socketPath, server)
        accept?.()
        return
      }
      if (name === 'cancel-streamlocal-forward@openssh.com' && isSocket(info)) {
        listeners.get(info.socketPath)?.close()
        listeners.delete(info.socketPath)
        accept?.()
        return
      }
      throw new Error(`${name} is not supported`)
    }
    work().catch((error: unknown) => {
      log.debug('a forwarding request was refused', { error: describeError(error) })
      reject?.()
    })
  })
  return {
    [Symbol.dispose]: () => {
      for (const server of listeners.values()) server.close()
    },
  }
}

function join(dial: () => Socket, accept: () => Parameters<typeof splice>[0], reject: () => void): void {
  let socket: Socket
  try {
    socket = dial()
  } catch {
    // A port beyond 65535, or a path that no socket can have.
    reject()
    return
  }
  socket.setNoDelay(true)
  socket.once('connect', () => splice(accept(), socket))
  socket.once('error', () => {
    if (socket.connecting || socket.bytesRead === 0) reject()
  })
}

async function listening(server: Server): Promise<void> {
  await once(server, 'listening')
  server.on('error', () => server.close())
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

function isPort(info: object): info is { readonly bindAddr: string; readonly bindPort: number } {
  return 'bindPort' in info && typeof info.bindPort === 'number' && 'bindAddr' in info
}

function isSocket(info: object): info is { readonly socketPath: string } {
  return 'socketPath' in info && typeof info.socketPath === 'string'
}
