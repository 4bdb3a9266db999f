import type { Duplex } from 'node:stream'

import {
  type CoordinateResponse_PeerUpdate,
  callBidi,
  callStream,
  type DERPMap,
  CoordinateResponse_PeerUpdate_Kind as Kind,
  Tailnet,
  YamuxSession,
} from '@slipway/drpc'
import { describeError, type Logger } from '@slipway/request-log'
import { addressesOf, relayOver, TailnetNode } from '@slipway/tailnet'

/**
 * How long a peer that was lost may go on with the keys that it had (AC-138): clients connect again within seconds, and
 * nobody stays for longer than a minute after they lost their rights (AC-308).
 */
const LOST_MS = 60_000
/** The first bytes of a public key in messages (AC-146). */
const KEY_PREFIX = Buffer.from('np')

/** What an agent needs to be a peer. */
export interface TailnetSurroundings {
  readonly agentId: string
  /** Takes connections of peers to the ports of AC §6. */
  readonly accept: (stream: Duplex, port: number) => void
  readonly accepts: (port: number) => boolean
  readonly log: Logger
}

/**
 * Makes this agent a peer of clients of the reference, which speak WireGuard to it, until `link` ends. On the link, a
 * byte stream from the control plane, the agent calls the coordinator, and the control plane opens one stream to its
 * relay (AC-132 to AC-138, AC-164).
 */
export async function joinTailnet(link: Duplex, around: TailnetSurroundings): Promise<void> {
  const relayStream = Promise.withResolvers<Duplex>()
  await using parts = new AsyncDisposableStack()
  const session = parts.use(
    new YamuxSession(link, { role: 'client', onStream: (stream) => relayStream.resolve(stream) }),
  )
  session.closed.then(() => relayStream.reject(new Error('the control plane has left')), undefined)
  const [address, ...moreAddresses] = addressesOf(around.agentId)
  const region = await embeddedRegion(session)
  const relayJoined = Promise.withResolvers<void>()
  const node = parts.use(
    new TailnetNode({
      address,
      moreAddresses,
      relay: relayOver(await relayStream.promise),
      region,
      relayChanged: ({ connected }) => {
        if (connected) relayJoined.resolve()
      },
      log: around.log,
    }),
  )
  node.onConnection((stream, { port }) => around.accept(stream, port), around.accepts)
  const call = callBidi(session.open(), Tailnet.method.coordinate)
  const addresses = [address, ...moreAddresses].map((one) => `${one}/128`)
  await call.send({
    updateSelf: {
      node: {
        id: nodeIdOf(around.agentId),
        key: Buffer.concat([KEY_PREFIX, node.publicKey]),
        disco: node.discoKey,
        preferredDerp: region,
        addresses,
        allowedIps: addresses,
      },
    },
  })
  const peers = parts.use(new Peers(node))
  for await (const { peerUpdates, error } of call.responses) {
    if (error !== '') around.log.debug('the coordinator complains', { error })
    const ready: { id: Uint8Array }[] = []
    for (const update of peerUpdates) {
      try {
        if (peers.apply(update)) ready.push({ id: update.id })
      } catch (failure) {
        around.log.debug('a peer cannot be used', { error: describeError(failure) })
      }
    }
    if (ready.length === 0) continue
    // Only now may they begin (AC-137): what they send before is not understood, or finds nobody at the relay.
    await relayJoined.promise
    await call.send({ readyForHandshake: ready })
  }
}

/** The other ends, by their ids. */
class Peers implements Disposable {
  readonly #node: TailnetNode
  readonly #keys = new Map<string, Uint8Array>()
  readonly #lost = new Map<string, NodeJS.Timeout>()

  constructor(node: TailnetNode) {
    this.#node = node
  }

  /** @returns whether it can be talked to from now on. @throws Error when what is said of it makes no peer. */
  apply({ id, kind, node }: CoordinateResponse_PeerUpdate): boolean {
    const name = Buffer.from(id).toString('hex')
    if (kind === Kind.NODE && node !== undefined) {
      clearTimeout(this.#lost.get(name))
      this.#lost.delete(name)
      const key = node.key.subarray(KEY_PREFIX.length)
      const before = this.#keys.get(name)
      if (before !== undefined && !Buffer.from(before).equals(key)) this.#node.removePeer(before)
      this.#node.setPeer({ key, addresses: node.allowedIps })
      this.#keys.set(name, key)
      return true
    }
    if (kind === Kind.DISCONNECTED) this.#remove(name)
    if (kind === Kind.LOST && this.#keys.has(name) && !this.#lost.has(name))
      this.#lost.set(name, setTimeout(() => this.#remove(name), LOST_MS).unref())
    return false
  }

  #remove(name: string): void {
    clearTimeout(this.#lost.get(name))
    this.#lost.delete(name)
    const key = this.#keys.get(name)
    if (key !== undefined) this.#node.removePeer(key)
    this.#keys.delete(name)
  }

  [Symbol.dispose](): void {
    for (const timer of this.#lost.values()) clearTimeout(timer)
  }
}

/** The region of the relay that is part of the control plane. @throws Error when there is none. */
async function embeddedRegion(session: YamuxSession): Promise<number> {
  const { streamDERPMaps } = Tailnet.method
  for await (const map of callStream(session.open(), streamDERPMaps, {})) {
    const region = Object.values((map satisfies DERPMap).regions).find((one) => one.embeddedRelay)
    if (region !== undefined) return Number(region.regionId)
  }
  throw new Error('the control plane relays nothing itself')
}

/** The last eight bytes of the id as a number, without its sign (AC-146). */
function nodeIdOf(agentId: string): bigint {
  const id = Buffer.from(agentId.replaceAll('-', ''), 'hex').readBigInt64BE(8)
  return id < 0n ? -id : id
}
