import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'

import ssh2, { type ParsedKey } from 'ssh2'

import { describeError, type Logger } from '@slipway/request-log'
import type { ControlPlane } from './control-plane.ts'

/**
 * An SSH agent that holds the owner's git key and nothing else (AC-116). git reaches its hosts through it, so
 * the private key never lies in a file of the workspace; it is asked for anew for each connection.
 */
export class GitKeyAgent implements Disposable {
  readonly #path: string
  readonly #server = createServer()
  readonly #sockets = new Set<Socket>()
  readonly #controlPlane: ControlPlane
  readonly #log: Logger

  /** @param directory folder of the agent's own files, which no other account can look into. */
  constructor(controlPlane: ControlPlane, log: Logger, directory: string) {
    this.#path = path.join(directory, 'git.sock')
    this.#controlPlane = controlPlane
    this.#log = log
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      const protocol = new ssh2.AgentProtocol(false)
      protocol.on('identities', (request) => {
        void this.#key().then(
          (key) => protocol.getIdentitiesReply(request, key === undefined ? [] : [key]),
          () => protocol.failureReply(request),
        )
      })
      protocol.on('sign', (request, wanted, data, { hash }) => {
        void this.#key().then(
          (key) => {
            // The client may ask for a key that has been replaced since it listed them.
            const same = key?.getPublicSSH().equals(wanted.getPublicSSH()) === true
            const signature = same ? key.sign(data, hash) : undefined
            if (signature instanceof Buffer) protocol.signReply(request, signature)
            else protocol.failureReply(request)
          },
          () => protocol.failureReply(request),
        )
      })
      protocol.on('error', () => socket.destroy())
      socket.on('error', () => socket.destroy())
      socket.pipe(protocol).pipe(socket)
    })
    this.#server.on('error', (error) => log.warn('the git key agent failed', { error: describeError(error) }))
    // One of an agent that was killed.
    rmSync(this.#path, { force: true })
    this.#server.listen(this.#path)
  }

  /** What git runs in place of ssh. */
  get command(): string {
    return `ssh -o IdentityAgent=${this.#path} -o StrictHostKeyChecking=accept-new`
  }

  async #key(): Promise<ParsedKey | undefined> {
    try {
      const pair = await this.#controlPlane.gitSshKey()
      const parsed = ssh2.utils.parseKey(pair.private_key)
      return parsed instanceof Error ? undefined : parsed
    } catch (error) {
      this.#log.warn('the git key could not be fetched', { error: describeError(error) })
      return undefined
    }
  }

  [Symbol.dispose](): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    rmSync(this.#path, { force: true })
  }
}
