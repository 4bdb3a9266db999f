import { hkdfSync } from 'node:crypto'

import { createWebSocketStream, WebSocket } from 'ws'

import { describeError } from '@slipway/request-log'
import { opened, watchLiveness } from '@slipway/tunnel'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { listRelayAddresses } from '../replicas/index.ts'
import type { DerpRelay } from './relay.ts'

const PAUSE_MS = 5_000
const DIAL_MS = 5_000

const reader = systemActor('provisionerd', 'replicas relay packets for the clients of each other')

/** By which the relays of a deployment know each other: made of a secret that they share and that it does not tell. */
export function meshKeyOf(relayKey: Uint8Array): string {
  return Buffer.from(hkdfSync('sha256', relayKey, '', 'derp mesh', 32)).toString('hex')
}

/** Keeps the relay of this replica linked to those of all others (AC-169). */
export class ReplicaMesh implements AsyncDisposable {
  readonly #context: AppContext
  readonly #relay: DerpRelay
  readonly #job: PeriodicJob
  /** By address. */
  readonly #links = new Map<string, WebSocket>()
  /** Addresses that did not answer the last time, for one line in the log each. */
  readonly #failing = new Set<string>()

  constructor(context: AppContext, relay: DerpRelay) {
    this.#context = context
    this.#relay = relay
    this.#job = new PeriodicJob(context, {
      service: 'replica-sync',
      pauseMs: PAUSE_MS,
      failure: 'the relays of other replicas could not be looked up',
      round: (closing) => this.#round(closing),
    })
  }

  async #round(closing: AbortSignal): Promise<void> {
    const { database, replicaId } = this.#context
    const addresses = await listRelayAddresses(reader, database.db, replicaId)
    for (const address of this.#failing) if (!addresses.includes(address)) this.#failing.delete(address)
    const missing = addresses.filter((address) => !this.#links.has(address))
    await Promise.all(missing.map((address) => this.#dial(address, closing)))
  }

  async #dial(address: string, closing: AbortSignal): Promise<void> {
    const socket = new WebSocket(`${address.replace(/^http/, 'ws')}/derp`, ['derp'], {
      handshakeTimeout: DIAL_MS,
      perMessageDeflate: false,
    })
    try {
      await opened(socket, closing)
    } catch (error) {
      if (closing.aborted || this.#failing.has(address)) return
      this.#failing.add(address)
      this.#context.log.warn('the relay of another replica does not answer', {
        address,
        error: describeError(error),
      })
      return
    }
    this.#failing.delete(address)
    this.#links.set(address, socket)
    watchLiveness(socket)
    const stream = createWebSocketStream(socket)
    socket.on('close', () => this.#links.delete(address))
    stream.on('close', () => socket.terminate())
    void this.#relay.link(stream)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#job[Symbol.asyncDispose]()
    for (const socket of this.#links.values()) socket.terminate()
  }
}
