import type { Duplex } from 'node:stream'

import { parseAddress } from './addresses.ts'
import { type Clock, systemClock } from './clock.ts'
import type { ConnectRelay } from './derp/connect.ts'
import { DerpClient, type RelayState } from './derp/derp-client.ts'
import type { JoinRelay, Relay } from './derp/relay.ts'
import { discoAnswer, isDisco } from './disco.ts'
import { type ConnectionHandler, IpStack } from './ip/stack.ts'
import { ConnectionError } from './ip/tcp/errors.ts'
import { KEY_BYTES, KeyPair, keyText } from './keys.ts'
import type { Log } from './log.ts'
import { WireGuard } from './wireguard/wireguard.ts'

// The number of the relay that is part of the deployment (AC-160).
const EMBEDDED_REGION = 999

export interface TailnetNodeOptions {
  /** The address that this node dials from. */
  readonly address: string
  /** Others that it answers to, such as the VPN address of an agent. */
  readonly moreAddresses?: readonly string[]
  /** How to open connections to the relay, or to join one in this process. */
  readonly relay: ConnectRelay | { readonly join: JoinRelay }
  /** The number of the relay's region, for answers to pings. */
  readonly region?: number
  /** Hears when the relay is reached or lost. */
  readonly relayChanged?: (state: RelayState) => void
  readonly log: Log
  readonly clock?: Clock
}

/** Somebody else in the tailnet. */
export interface TailnetPeer {
  /** Its 32 public bytes. */
  readonly key: Uint8Array
  /** The single addresses that it has, with or without `/128`. */
  readonly addresses: readonly string[]
  /** How often to send even when there is nothing to say, in milliseconds; by default never. */
  readonly keepaliveMs?: number
}

/**
 * A peer of a tailnet: packets of WireGuard through a relay, IPv6 and TCP in user space (AC-150, AC-151). Its keys are
 * new with each node. Who its peers are and which addresses they have is for a coordinator to say.
 */
export class TailnetNode implements AsyncDisposable {
  /** The 32 bytes by which relay and peers know this node. */
  readonly publicKey: Buffer
  /** The key of path discovery as text: `discokey:` and 64 hexadecimal digits. */
  readonly discoKey: string
  readonly #discoKeys = KeyPair.generate()
  readonly #region: number
  readonly #relay: Relay
  readonly #wireguard: WireGuard
  readonly #stack: IpStack

  /** @throws Error when an address is none. */
  constructor(options: TailnetNodeOptions) {
    const keys = KeyPair.generate()
    const clock = options.clock ?? systemClock
    this.publicKey = keys.publicKey
    this.discoKey = `discokey:${keyText(this.#discoKeys.publicKey)}`
    this.#region = options.region ?? EMBEDDED_REGION
    this.#stack = new IpStack({
      clock,
      addresses: [options.address, ...(options.moreAddresses ?? [])],
      send: (packet) => this.#wireguard.send(packet),
    })
    this.#wireguard = new WireGuard({
      keys,
      clock,
      transmit: (peerKey, packet) => this.#relay.send(peerKey, packet),
      deliver: (packet) => this.#stack.receive(packet),
    })
    const user = {
      keys,
      receive: (peerKey: Buffer, packet: Buffer) => this.#receive(peerKey, packet),
    }
    const { relay } = options
    this.#relay =
      typeof relay !== 'function'
        ? relay.join(user)
        : new DerpClient({
            ...user,
            connect: relay,
            clock,
            log: options.log,
            changed: options.relayChanged ?? (() => undefined),
          })
  }

  /** How many TCP connections there are. */
  get connections(): number {
    return this.#stack.connections
  }

  /**
   * Adds a peer or gives it other addresses. It may reach this node from those, and is reached there.
   *
   * @throws Error when the key or an address is none, or there are too many peers.
   */
  setPeer({ key, addresses, keepaliveMs }: TailnetPeer): void {
    if (key.length !== KEY_BYTES) throw new Error(`a public key has ${KEY_BYTES} bytes, not ${key.length}`)
    this.#wireguard.setPeer(
      Buffer.from(key),
      addresses.map((address) => parseAddress(address)),
      keepaliveMs,
    )
  }

  /** Forgets a peer and its sessions, and ends the connections to it. */
  removePeer(key: Uint8Array): void {
    for (const address of this.#wireguard.removePeer(key)) this.#stack.abandon(address)
  }

  /**
   * Hands the TCP connections that peers open to a handler. Until then all are refused.
   *
   * @param accepts which ports are open; by default all.
   */
  onConnection(handler: ConnectionHandler, accepts?: (port: number) => boolean): void {
    this.#stack.listen(handler, accepts)
  }

  /**
   * Opens a TCP connection to a peer.
   *
   * @throws Error when no peer has the address, the peer refuses or does not answer.
   */
  async dial(address: string, port: number): Promise<Duplex> {
    if (!this.#wireguard.hasAddress(parseAddress(address)))
      throw new ConnectionError('EHOSTUNREACH', `no peer has the address ${address}`)
    return this.#stack.dial(address, port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stack[Symbol.dispose]()
    // The resets of the connections are on their way to the relay; they leave at the end of this turn.
    await new Promise((resolve) => setImmediate(resolve))
    this.#wireguard[Symbol.dispose]()
    this.#relay[Symbol.dispose]()
  }

  #receive(peerKey: Buffer, packet: Buffer): void {
    if (!this.#wireguard.hasPeer(peerKey)) return
    if (!isDisco(packet)) {
      this.#wireguard.receive(packet)
      return
    }
    const answer = discoAnswer(this.#discoKeys, packet, this.#region)
    if (answer !== undefined) this.#relay.send(Buffer.from(peerKey), answer)
  }
}
