import {
  encodeMessage,
  CoordinateResponse_PeerUpdate_Kind as Kind,
  type Node,
  NodeSchema,
} from '@slipway/drpc'
import { Outbox } from './outbox.ts'
import { bytesOf } from './peer-update.ts'

/** In front of the bytes of a public key (AC-146). */
const KEY_PREFIX_BYTES = 2

/** A peer that is connected. */
interface Peer {
  readonly id: string
  readonly outbox: Outbox
  node: { readonly message: Node; readonly bytes: Buffer } | undefined
  /** To whom it wants to talk. */
  readonly tunnels: Set<string>
  /** By peer, the node that it has been told of; what it knows nothing of is not taken back. */
  readonly told: Map<string, Buffer>
}

/** What the coordinator lets a connected peer do. */
export interface PeerHandle {
  readonly id: string
  readonly outbox: Outbox
  /** The peer says where it is. */
  update(node: Node): void
  addTunnel(to: string): void
  removeTunnel(to: string): void
  /** The peer knows these others now, which may begin. @returns why not, where they are not its peers (AC-137). */
  ready(others: readonly string[]): string | undefined
  /** It has said goodbye (`disconnected`), or its connection broke (`lost`) (AC-138). */
  leave(how: 'disconnected' | 'lost'): void
}

/** What others want to know. */
export interface CoordinatorEvents {
  /** Somebody wants to talk to this peer: the first one, or still when it has left, or while it is not connected. */
  wanted(id: string): void
  /** Nobody wants to talk to this peer any more. */
  unwanted(id: string): void
}

/**
 * Introduces peers to each other: who wants to talk to whom, and where they are (AC-134 to AC-140). It carries none of
 * their traffic and knows only the peers that are connected to this replica.
 */
export class Coordinator implements Disposable {
  readonly #peers = new Map<string, Peer>()
  /** By peer, connected or not, who has a tunnel to it. */
  readonly #sources = new Map<string, Set<string>>()
  readonly #events: CoordinatorEvents
  /** Public keys of the peers that have said where they are. */
  readonly #keys = new Set<string>()
  readonly #keyWaiters = new Set<{ readonly name: string; readonly resolve: (known: boolean) => void }>()

  constructor(events: CoordinatorEvents) {
    this.#events = events
  }

  /** Whether somebody is known by this public key, at the latest after `waitMs` (AC-302). */
  async knowsKey(key: Uint8Array, waitMs: number): Promise<boolean> {
    const name = nameOf(key)
    if (this.#keys.has(name)) return true
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const waiter = { name, resolve }
    this.#keyWaiters.add(waiter)
    const late = setTimeout(() => resolve(false), waitMs)
    try {
      return await promise
    } finally {
      clearTimeout(late)
      this.#keyWaiters.delete(waiter)
    }
  }

  /** To whom a peer has tunnels now. */
  tunnelsOf(id: string): readonly string[] {
    return [...(this.#peers.get(id)?.tunnels ?? [])]
  }

  /** Takes a tunnel away from the peer that has it. */
  cut(id: string, to: string): void {
    const peer = this.#peers.get(id)
    if (peer !== undefined) this.#unjoin(peer, to)
  }

  isConnected(id: string): boolean {
    return this.#peers.has(id)
  }

  /** Whether somebody has a tunnel to this peer. */
  isWanted(id: string): boolean {
    return this.#sources.has(id)
  }

  /** Connects a peer; a connection that it had is over with it (AC-139). */
  join(id: string): PeerHandle {
    const older = this.#peers.get(id)
    const peer: Peer = {
      id,
      outbox: new Outbox(),
      node: undefined,
      tunnels: new Set(),
      told: new Map(),
    }
    this.#peers.set(id, peer)
    if (older !== undefined) {
      older.outbox.end('peer ID overwritten by new connection')
      this.#forgetKey(older)
      for (const to of older.tunnels) this.#removeTunnel(older, to)
    }
    for (const from of this.#sources.get(id) ?? []) this.#introduce(id, from)
    const isCurrent = (): boolean => this.#peers.get(id) === peer
    return {
      id,
      outbox: peer.outbox,
      update: (node) => {
        if (isCurrent()) this.#update(peer, node)
      },
      addTunnel: (to) => {
        if (isCurrent()) this.#addTunnel(peer, to)
      },
      removeTunnel: (to) => {
        if (isCurrent()) this.#unjoin(peer, to)
      },
      ready: (others) => {
        for (const other of isCurrent() ? others : []) {
          if (!this.#areJoined(id, other)) return `ready for handshake error: ${other} has no tunnel with you`
          this.#tell(this.#peers.get(other), id, { kind: Kind.READY_FOR_HANDSHAKE })
        }
        return undefined
      },
      leave: (how) => {
        if (isCurrent()) this.#leave(peer, how === 'lost' ? Kind.LOST : Kind.DISCONNECTED)
      },
    }
  }

  #update(peer: Peer, message: Node): void {
    const bytes = Buffer.from(encodeMessage(NodeSchema, message))
    this.#forgetKey(peer)
    peer.node = { message, bytes }
    const name = nameOf(message.key.subarray(KEY_PREFIX_BYTES))
    this.#keys.add(name)
    for (const waiter of this.#keyWaiters) if (waiter.name === name) waiter.resolve(true)
    for (const other of this.#partners(peer)) this.#introduce(other, peer.id)
  }

  #forgetKey({ node }: Peer): void {
    if (node !== undefined) this.#keys.delete(nameOf(node.message.key.subarray(KEY_PREFIX_BYTES)))
  }

  #addTunnel(peer: Peer, to: string): void {
    peer.tunnels.add(to)
    const sources = this.#sources.get(to) ?? new Set()
    const isFirst = sources.size === 0
    this.#sources.set(to, sources.add(peer.id))
    this.#introduce(peer.id, to)
    this.#introduce(to, peer.id)
    if (isFirst || !this.#peers.has(to)) this.#events.wanted(to)
  }

  #unjoin(peer: Peer, to: string): void {
    if (!peer.tunnels.has(to)) return
    this.#removeTunnel(peer, to)
    if (this.#areJoined(peer.id, to)) return
    this.#part(peer.id, to, Kind.DISCONNECTED)
    this.#part(to, peer.id, Kind.DISCONNECTED)
  }

  #removeTunnel(peer: Peer, to: string): void {
    peer.tunnels.delete(to)
    const sources = this.#sources.get(to)
    if (sources?.delete(peer.id) !== true || sources.size > 0) return
    this.#sources.delete(to)
    this.#events.unwanted(to)
  }

  #areJoined(a: string, b: string): boolean {
    return this.#sources.get(a)?.has(b) === true || this.#sources.get(b)?.has(a) === true
  }

  #partners(peer: Peer): ReadonlySet<string> {
    return new Set([...peer.tunnels, ...(this.#sources.get(peer.id) ?? [])])
  }

  /** Tells one peer where another one is, unless it knows (AC-136). */
  #introduce(to: string, about: string): void {
    const peer = this.#peers.get(to)
    const node = this.#peers.get(about)?.node
    if (peer === undefined || node === undefined || peer.told.get(about)?.equals(node.bytes) === true) return
    peer.told.set(about, node.bytes)
    this.#tell(peer, about, { kind: Kind.NODE, node: node.message })
  }

  /** Tells one peer that another one is not there for it any more, if it ever knew (AC-136, AC-138). */
  #part(to: string, about: string, kind: Kind): void {
    const peer = this.#peers.get(to)
    if (peer?.told.delete(about) === true) this.#tell(peer, about, { kind })
  }

  #tell(peer: Peer | undefined, about: string, update: { readonly kind: Kind; readonly node?: Node }): void {
    if (peer === undefined || peer.outbox.add({ id: bytesOf(about), ...update })) return
    // Who cannot keep up must not make others wait (AC-140).
    peer.outbox.end('too many updates were not read')
    this.#leave(peer, Kind.DISCONNECTED)
  }

  #leave(peer: Peer, kind: Kind): void {
    if (this.#peers.get(peer.id) !== peer) return
    const partners = this.#partners(peer)
    this.#peers.delete(peer.id)
    this.#forgetKey(peer)
    peer.outbox.end()
    for (const to of peer.tunnels) this.#removeTunnel(peer, to)
    for (const other of partners) this.#part(other, peer.id, kind)
    // Tunnels that lead to it stay: when it comes back it is offered to those who wait (AC-138).
    if (this.#sources.has(peer.id)) this.#events.wanted(peer.id)
  }

  /** All peers lose each other, and keep their ways for a while (AC-138). */
  [Symbol.dispose](): void {
    for (const peer of this.#peers.values()) {
      for (const other of peer.told.keys()) peer.outbox.add({ id: bytesOf(other), kind: Kind.LOST })
      peer.outbox.end()
    }
    this.#peers.clear()
    this.#sources.clear()
    for (const { resolve } of this.#keyWaiters) resolve(false)
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}
