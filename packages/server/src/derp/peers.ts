import { peerGone } from './frames.ts'
import type { Outbox } from './outbox.ts'

/** Peers that one has sent to and that are told when it leaves; who writes to more forgets the first of them. */
const MAX_SENT_TO = 4_096

/** A connection whose key is proven. */
export interface Client {
  readonly key: Buffer
  /** The key as it is looked up. */
  readonly name: string
  readonly outbox: Pick<Outbox, 'send'>
  /** Ends the connection from our side. */
  close(): void
}

/** All connections with one key. */
interface Peer {
  readonly key: Buffer
  /** In the order of their last frame. */
  readonly clients: Set<Client>
  /** The one of them that gets what is sent to the key. */
  active: Client
}

/** The key of a client as it is looked up. */
export function nameOf(key: Buffer): string {
  return key.toString('latin1')
}

/** Who is connected to this relay, and who has written to whom (AC-167, AC-168). */
export class Peers {
  readonly #peers = new Map<string, Peer>()
  readonly #sentTo = new Map<string, Set<string>>()

  /** Adds a connection, which is the active one of its key from now on. @returns whether the key is new here. */
  join(client: Client): boolean {
    const peer = this.#peers.get(client.name)
    if (peer !== undefined) {
      peer.clients.add(client)
      peer.active = client
      return false
    }
    this.#peers.set(client.name, { key: client.key, clients: new Set([client]), active: client })
    return true
  }

  /** A connection has sent something: it is the active one of its key now. */
  note(client: Client): void {
    const peer = this.#peers.get(client.name)
    if (peer === undefined || peer.active === client || !peer.clients.delete(client)) return
    peer.clients.add(client)
    peer.active = client
  }

  /** Takes a connection out. @returns whether no other with its key is left. */
  leave(client: Client): boolean {
    const peer = this.#peers.get(client.name)
    if (peer?.clients.delete(client) !== true) return false
    const latest = [...peer.clients].at(-1)
    if (latest !== undefined) {
      if (peer.active === client) peer.active = latest
      return false
    }
    return this.#peers.delete(client.name)
  }

  /** The connection that gets what is sent to a key. */
  find(name: string): Client | undefined {
    return this.#peers.get(name)?.active
  }

  /** All connections with a key. */
  allOf(name: string): readonly Client[] {
    return [...(this.#peers.get(name)?.clients ?? [])]
  }

  /** Keys that are connected here. */
  keys(): readonly Buffer[] {
    return [...this.#peers.values()].map((peer) => peer.key)
  }

  /** Remembers that one key has sent to another, which is connected here. */
  noteSent(from: string, to: string): void {
    const sentTo = this.#sentTo.get(from) ?? new Set()
    if (sentTo.has(to)) return
    this.#sentTo.set(from, sentTo.add(to))
    const [first] = sentTo
    if (sentTo.size > MAX_SENT_TO && first !== undefined) sentTo.delete(first)
  }

  /** Tells those whom a key has sent to that it has left (AC-167). */
  tellGone(name: string, key: Buffer): void {
    const sentTo = this.#sentTo.get(name) ?? []
    this.#sentTo.delete(name)
    for (const to of sentTo) this.find(to)?.outbox.send(peerGone(key, 'disconnected'))
  }
}
