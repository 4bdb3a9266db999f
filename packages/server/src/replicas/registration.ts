import { hostname, networkInterfaces } from 'node:os'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { type ListedReplica, listReplicas, registerReplica, removeReplicas } from './store.ts'

const HEARTBEAT_MS = 5_000
const DIAL_MS = 3_000
/** Characters. */
const MAX_ERROR = 1_000
/** That of the server itself; other regions are of proxies. */
const REGION = 0

const REGISTRAR = systemActor(
  'system_restricted',
  'a replica notes itself; no narrower actor is for replicas',
)

/** Keeps this replica in the table of replicas while it runs (OP-60). */
export class ReplicaRegistration implements AsyncDisposable {
  readonly #context: AppContext
  readonly #relayAddress: string
  readonly #closing = new AbortController()
  #error = ''
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
    const { latency } = await registration.#look()
    await registration.#note('', latency)
    registration.#timer = setInterval(() => {
      registration.#beating ??= labelled('replica-sync', () => registration.#beat()).finally(() => {
        registration.#beating = undefined
      })
    }, HEARTBEAT_MS).unref()
    return registration
  }

  async #beat(): Promise<void> {
    try {
      const { peers, latency } = await this.#look()
      await this.#note(await this.#dial(peers), latency)
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#context.log.warn('this replica could not be noted', { error: describeError(error) })
    }
  }

  /** Who else is there, and how long the database took to say so, in microseconds. */
  async #look(): Promise<{ readonly peers: readonly ListedReplica[]; readonly latency: number }> {
    const began = performance.now()
    const replicas = await listReplicas(REGISTRAR, this.#context.database.db)
    const latency = Math.round((performance.now() - began) * 1000)
    const { replicaId } = this.#context
    return {
      peers: replicas.filter(({ id, region_id }) => id !== replicaId && region_id === REGION),
      latency,
    }
  }

  /** What is wrong with the way to the others (OP-70); empty when nothing is. */
  async #dial(peers: readonly ListedReplica[]): Promise<string> {
    const failures = await Promise.all(peers.map((peer) => dialFailure(peer, this.#closing.signal)))
    this.#closing.signal.throwIfAborted()
    const failed = failures.filter((failure) => failure !== undefined)
    return failed.length === 0 ? '' : `Failed to dial peers: ${failed.join(', ')}`.slice(0, MAX_ERROR)
  }

  async #note(error: string, latency: number): Promise<void> {
    const { database, log, replicaId, version } = this.#context
    if (error !== this.#error) log.warn('the way to the other replicas has changed', { problem: error })
    this.#error = error
    await registerReplica(REGISTRAR, database.db, {
      id: replicaId,
      hostname: hostname(),
      relay_address: this.#relayAddress,
      region_id: REGION,
      version,
      error,
      database_latency: latency,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the server ends'))
    clearInterval(this.#timer)
    await this.#beating
    try {
      await removeReplicas(REGISTRAR, this.#context.database.db, this.#context.replicaId)
    } catch (error) {
      this.#context.log.warn('this replica could not be taken out', { error: describeError(error) })
    }
  }
}

/** Why another replica does not answer under its address, if it does not. */
async function dialFailure(
  { hostname: name, relay_address: address }: ListedReplica,
  closing: AbortSignal,
): Promise<string | undefined> {
  if (address === '') return undefined
  try {
    const response = await fetch(`${address}/derp/latency-check`, {
      redirect: 'manual',
      signal: AbortSignal.any([closing, AbortSignal.timeout(DIAL_MS)]),
    })
    await response.body?.cancel()
    return response.ok ? undefined : `${name} at ${address}: status ${response.status}`
  } catch (error) {
    const { cause } = error instanceof Error ? error : {}
    const reason = cause instanceof Error ? cause : error
    return `${name} at ${address}: ${reason instanceof Error ? reason.message : String(reason)}`
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
