import { randomInt } from 'node:crypto'

import { addressKey } from '../addresses.ts'
import type { Clock } from '../clock.ts'
import { IPV6 } from '../ip/ipv6.ts'
import { type KeyPair, keyText } from '../keys.ts'
import { receiveInitiation } from './handshake.ts'
import { hasMac1, INITIATION, MessageType, mac1Key, RESPONSE, TRANSPORT } from './messages.ts'
import { TAG_BYTES } from './noise.ts'
import { Peer, type PeerHost } from './peer.ts'

export interface WireGuardOptions {
  readonly keys: KeyPair
  readonly clock: Clock
  /** Carries a packet to the peer with this public key; it may get lost. */
  readonly transmit: (peerKey: Buffer, packet: Buffer) => void
  /** Takes a packet of IPv6 that a peer was allowed to send. */
  readonly deliver: (packet: Buffer) => void
}

/** How many peers one interface has at most. */
export const PEERS_LIMIT = 16_384

/**
 * A WireGuard interface whose peers are found by their public keys and not by addresses of UDP (AC-151). Replies of
 * peers under load (cookies) are ignored, and none are sent: the relay has let its clients in already.
 */
export class WireGuard implements Disposable {
  readonly #options: WireGuardOptions
  readonly #mac1Key: Buffer
  readonly #peers = new Map<string, Peer>()
  readonly #byAddress = new Map<string, Peer>()
  readonly #byIndex = new Map<number, Peer>()
  readonly #host: PeerHost

  constructor(options: WireGuardOptions) {
    this.#options = options
    this.#mac1Key = mac1Key(options.keys.publicKey)
    this.#host = {
      keys: options.keys,
      clock: options.clock,
      transmit: options.transmit,
      deliver: (peer, payload) => this.#deliver(peer, payload),
      takeIndex: (peer) => this.#takeIndex(peer),
      freeIndex: (index) => {
        this.#byIndex.delete(index)
      },
    }
  }

  /**
   * Adds a peer, or gives it other addresses; its sessions go on. An address that another peer had is now its own.
   *
   * @param addresses 16 bytes each.
   * @param persistentMs how often to send even when there is nothing to say; 0 for never. Only for a new peer.
   * @throws Error when there are too many peers.
   */
  setPeer(publicKey: Buffer, addresses: readonly Buffer[], persistentMs = 0): void {
    const text = keyText(publicKey)
    let peer = this.#peers.get(text)
    if (peer === undefined) {
      if (this.#peers.size >= PEERS_LIMIT)
        throw new Error(`this node has ${PEERS_LIMIT} peers already: remove those that are gone`)
      peer = new Peer(this.#host, Buffer.from(publicKey), persistentMs)
      this.#peers.set(text, peer)
    }
    this.#releaseAddresses(peer)
    peer.addresses = new Set(addresses.map((address) => addressKey(address)))
    for (const address of peer.addresses) this.#byAddress.set(address, peer)
  }

  /** @returns the addresses that nobody has now, as keys of maps. */
  removePeer(publicKey: Uint8Array): readonly string[] {
    const text = keyText(publicKey)
    const peer = this.#peers.get(text)
    if (peer === undefined) return []
    this.#peers.delete(text)
    this.#releaseAddresses(peer)
    peer[Symbol.dispose]()
    return [...peer.addresses].filter((address) => !this.#byAddress.has(address))
  }

  /** Whether some peer has an address. */
  hasAddress(address: Buffer): boolean {
    return this.#byAddress.has(addressKey(address))
  }

  hasPeer(publicKey: Uint8Array): boolean {
    return this.#peers.has(keyText(publicKey))
  }

  /** Sends a packet of IPv6 to the peer that has its destination; without one it is lost. */
  send(packet: Buffer): void {
    this.#byAddress.get(addressKey(packet, IPV6.destination))?.send(packet)
  }

  /** Takes what the relay brought; whatever is not authentic or not for this node is dropped. */
  receive(packet: Buffer): void {
    if (packet.length < TRANSPORT.payload) return
    switch (packet.readUInt32LE(0)) {
      case MessageType.transport:
        if (packet.length >= TRANSPORT.payload + TAG_BYTES)
          this.#byIndex.get(packet.readUInt32LE(TRANSPORT.receiver))?.receiveTransport(packet)
        break
      case MessageType.initiation:
        this.#receiveInitiation(packet)
        break
      case MessageType.response:
        if (packet.length === RESPONSE.length && hasMac1(packet, RESPONSE.mac1, this.#mac1Key))
          this.#byIndex.get(packet.readUInt32LE(RESPONSE.receiver))?.receiveResponse(packet)
        break
    }
  }

  [Symbol.dispose](): void {
    for (const peer of this.#peers.values()) peer[Symbol.dispose]()
    this.#peers.clear()
    this.#byAddress.clear()
  }

  #receiveInitiation(packet: Buffer): void {
    if (packet.length !== INITIATION.length || !hasMac1(packet, INITIATION.mac1, this.#mac1Key)) return
    const initiation = receiveInitiation(this.#options.keys, packet)
    if (initiation !== undefined) this.#peers.get(keyText(initiation.peer))?.receiveInitiation(initiation)
  }

  #deliver(peer: Peer, payload: Buffer): void {
    if (payload.length < IPV6.header || (payload[0] ?? 0) >> 4 !== 6) return
    const length = IPV6.header + payload.readUInt16BE(IPV6.length)
    if (length > payload.length || !peer.addresses.has(addressKey(payload, IPV6.source))) return
    this.#options.deliver(payload.subarray(0, length))
  }

  #releaseAddresses(peer: Peer): void {
    for (const address of peer.addresses)
      if (this.#byAddress.get(address) === peer) this.#byAddress.delete(address)
  }

  #takeIndex(peer: Peer): number {
    for (;;) {
      const index = randomInt(2 ** 32)
      if (this.#byIndex.has(index)) continue
      this.#byIndex.set(index, peer)
      return index
    }
  }
}
