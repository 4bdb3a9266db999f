import { WebSocket } from 'ws'

import * as contract from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { opened, TunnelClient, watchLiveness } from '@slipway/tunnel'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { findRelayAddress, RELAY_TOKEN_HEADER, RelayTokens } from '../replicas/index.ts'

const DIAL_MS = 5_000

/** What relays need of the server. */
interface RelayContext {
  readonly database: Pick<AppContext['database'], 'db'>
  readonly replicaId: string
  readonly log: AppContext['log']
  readonly secrets: Pick<AppContext['secrets'], 'relayKey'>
}

/** Tunnels to agents that are connected to other replicas: one for each agent in use, through that replica. */
export class AgentRelays implements Disposable {
  readonly #context: RelayContext
  readonly #tokens: RelayTokens
  readonly #relays = new Map<string, Promise<TunnelClient | undefined>>()

  constructor(context: RelayContext) {
    this.#context = context
    this.#tokens = new RelayTokens(context.secrets.relayKey)
  }

  /** The tunnel of an agent through its replica; undefined when no other replica has it. */
  async get(agentId: string): Promise<TunnelClient | undefined> {
    const pending = this.#relays.get(agentId)
    const known = await pending
    if (known?.open === true) return known
    // Somebody else may have dialled meanwhile: one connection does for all.
    if (this.#relays.get(agentId) !== pending) return this.get(agentId)
    const dialled = this.#dial(agentId)
    this.#relays.set(agentId, dialled)
    try {
      const tunnel = await dialled
      if (tunnel === undefined) this.#forget(agentId, dialled)
      else void tunnel.closed.then(() => this.#forget(agentId, dialled))
      return tunnel
    } catch (error) {
      // The next request asks again.
      this.#forget(agentId, dialled)
      throw error
    }
  }

  #forget(agentId: string, dialled: Promise<TunnelClient | undefined>): void {
    if (this.#relays.get(agentId) === dialled) this.#relays.delete(agentId)
  }

  async #dial(agentId: string): Promise<TunnelClient | undefined> {
    const { database, replicaId, log } = this.#context
    const system = systemActor('provisionerd', 'which replica holds an agent, which no user may ask')
    const address = await findRelayAddress(system, database.db, agentId, replicaId)
    if (address === undefined) return undefined
    const path = contract.openRelayedTunnel.path.replace('{workspaceagent}', agentId)
    const socket = new WebSocket(`${address.replace(/^http/, 'ws')}${path}`, {
      headers: { [RELAY_TOKEN_HEADER]: await this.#tokens.sign(agentId) },
      handshakeTimeout: DIAL_MS,
      perMessageDeflate: false,
    })
    try {
      await opened(socket)
    } catch (error) {
      log.warn('another replica did not open a tunnel', { address, error: describeError(error) })
      return undefined
    }
    watchLiveness(socket)
    return new TunnelClient(socket)
  }

  [Symbol.dispose](): void {
    for (const relay of this.#relays.values())
      void relay.then((tunnel) => tunnel?.[Symbol.dispose]()).catch(() => undefined)
    this.#relays.clear()
  }
}
