import { hostname, networkInterfaces } from 'node:os'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { registerReplica, removeReplicas } from './store.ts'

const HEARTBEAT_MS = 5_000

/** Keeps this replica in the table of replicas while it runs (OP-60). */
export class ReplicaRegistration implements AsyncDisposable {
  readonly #context: AppContext
  readonly #relayAddress: string
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined

  private constructor(context: AppContext, relayAddress: string) {
    this.#context = context
    this.#relayAddress = relayAddress
  }

  /** Registers the replica that listens at `listening`. */
  static async start(context: AppContext, listening: string): Promise<ReplicaRegistration> {
    const { clusterHost, derpServerRelayUrl } = context.config
    const address =
      derpServerRelayUrl === '' ? relayAddress(listening, clusterHost) : new URL(derpServerRelayUrl).origin
    const registration = new ReplicaRegistration(context, address)
    await registration.#register()
    registration.#timer = setInterval(() => {
      registration.#beating ??= labelled('replica-sync', () => registration.#beat()).finally(() => {
        registration.#beating = undefined
      })
    }, HEARTBEAT_MS).unref()
    return registration
  }

  async #beat(): Promise<void> {
    try {
      await this.#register()
    } catch (error) {
      this.#context.log.warn('this replica could not be noted', { error: describeError(error) })
    }
  }

  #register(): Promise<void> {
    const { database, replicaId, version } = this.#context
    return registerReplica(
      systemActor('system_restricted', 'a replica notes itself; no narrower actor is for replicas'),
      database.db,
      {
        id: replicaId,
        hostname: hostname(),
        relay_address: this.#relayAddress,
        version,
      },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#beating
    try {
      await removeReplicas(
        systemActor('system_restricted', 'a replica notes itself; no narrower actor is for replicas'),
        this.#context.database.db,
        this.#context.replicaId,
      )
    } catch (error) {
      this.#context.log.warn('this replica could not be taken out', { error: describeError(error) })
    }
  }
}

/**
 * URL at which other replicas reach this one: the configured host, else where it listens, else its first
 * address that is not the loopback's.
 */
export function relayAddress(listening: string, clusterHost: string): string {
  const url = new URL(listening)
  if (clusterHost !== '') url.hostname = clusterHost.includes(':') ? `[${clusterHost}]` : clusterHost
  else if (url.hostname === '0.0.0.0' || url.hostname === '[::]') {
    const outer = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find((address) => !address.internal && address.family === 'IPv4')
    url.hostname = outer?.address ?? '127.0.0.1'
  }
  return url.origin
}
