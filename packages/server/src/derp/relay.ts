import { timingSafeEqual } from 'node:crypto'
import type { Duplex } from 'node:stream'

import type { Registry } from 'prom-client'

import { describeError, type Logger } from '@slipway/request-log'
import { FrameType, frame, isDisco, KEY_BYTES, KeyPair } from '@slipway/tailnet/relay'
import { Allowance } from './allowance.ts'
import { FrameStream, readAll } from './frame-stream.ts'
import { type Frame, FrameError, fromClient, fromRelay, fromStranger, peerGone } from './frames.ts'
import { type Hello, logInAsReplica, readHello, serverInfoFrame, serverKeyFrame } from './login.ts'
import { RemotePeers, Watcher } from './mesh.ts'
import { Outbox } from './outbox.ts'
import { type Client, nameOf, Peers } from './peers.ts'
import { type DropReason, RelayMetrics } from './relay-metrics.ts'

/** How long things take and how much there may be; tests cannot wait for all of it. */
export interface RelayLimits {
  /** For each step of the login, in milliseconds. */
  readonly loginMs: number
  /** How long a client may take nothing of what it is sent, in milliseconds. */
  readonly writeMs: number
  /** Until a client is told again that the relay is there, in milliseconds. */
  readonly keepAliveMs: () => number
  /** Connections at once, and how many of them may not have said yet who they are. */
  readonly connections: number
  readonly logins: number
  /** Bytes that all of the latter may have sent. */
  readonly loginBytes: number
}

const LIMITS: RelayLimits = {
  loginMs: 10_000,
  writeMs: 2_000,
  keepAliveMs: () => 60_000 + Math.random() * 5_000,
  connections: 20_000,
  logins: 2_000,
  loginBytes: 64 * 1024 * 1024,
}

/** A client is told so often at once that somebody is not here, and then so often per second (AC-167). */
const NOT_HERE = { burst: 3, perSecond: 1 }

/** What a relay is made of. */
export interface RelayParts {
  readonly log: Logger
  readonly metrics: Registry
  /** Says whether the owner of a public key may use the relay (AC-302); everybody may where it is left out. */
  readonly admits?: ((key: Buffer) => boolean | Promise<boolean>) | undefined
  /** By which replicas know each other (AC-169); there are no others where it is left out. */
  readonly meshKey?: string
  readonly limits?: Partial<RelayLimits>
}

/** A client that has logged in. */
interface Session extends Client {
  readonly outbox: Outbox
  readonly notHere: Allowance
  /** It is another replica, which may pass on packets of its own clients and ask who is here. */
  readonly isReplica: boolean
  /** What it is told of the clients of this one, once it has asked. */
  watcher?: Watcher
}

/**
 * Passes packets between clients that know each other by their public keys, over any streams of bytes (DERP,
 * AC-164…AC-168). It cannot read the packets: they are WireGuard's. Its own key pair serves the login only, and clients
 * are told the public key each time: every process makes one, and none is stored or shared.
 */
export class DerpRelay implements Disposable {
  readonly #log: Logger
  readonly #admits: RelayParts['admits']
  readonly #meshKey: string | undefined
  readonly #limits: RelayLimits
  readonly #metrics: RelayMetrics
  readonly #key = KeyPair.generate()
  readonly #peers = new Peers()
  readonly #remote = new RemotePeers()
  readonly #watchers = new Set<Watcher>()
  readonly #streams = new Set<Duplex>()
  readonly #links = new Set<Duplex>()
  #sessions = 0
  #loginBytes = 0
  #closed = false

  constructor({ log, metrics, admits, meshKey, limits }: RelayParts) {
    this.#log = log
    this.#admits = admits
    this.#meshKey = meshKey
    this.#limits = { ...LIMITS, ...limits }
    this.#metrics = new RelayMetrics(metrics, () => this.#sessions)
  }

  /** What clients lock their login with. */
  get publicKey(): Buffer {
    return this.#key.publicKey
  }

  /** Whether one more connection is taken. */
  get hasRoom(): boolean {
    const { size } = this.#streams
    const { connections, logins } = this.#limits
    return !this.#closed && size < connections && size - this.#sessions < logins
  }

  /**
   * Serves one connection until it is over. Never rejects.
   *
   * @param head bytes that have come from the client already.
   */
  async serve(stream: Duplex, head: Buffer = Buffer.alloc(0)): Promise<void> {
    stream.on('error', () => stream.destroy())
    if (!this.hasRoom) {
      this.#metrics.cut('too_many')
      stream.destroy()
      return
    }
    this.#streams.add(stream)
    try {
      await this.#converse(stream, new FrameStream(stream, head, fromStranger))
    } catch (error) {
      if (error instanceof FrameError) this.#metrics.cut('protocol')
      else this.#log.error('the relay failed on a connection', { error: describeError(error) })
    } finally {
      this.#streams.delete(stream)
      stream.destroy()
    }
  }

  async #converse(stream: Duplex, frames: FrameStream): Promise<void> {
    using outbox = this.#outbox(stream)
    outbox.send(serverKeyFrame(this.#key))
    const hello = await this.#login(stream, frames)
    if (hello === undefined) return
    outbox.send(serverInfoFrame(hello.box))
    frames.limits = fromClient
    const session: Session = {
      key: hello.key,
      name: nameOf(hello.key),
      outbox,
      close: () => stream.destroy(),
      notHere: new Allowance(NOT_HERE.burst, NOT_HERE.perSecond, performance.now()),
      isReplica: this.#isReplica(hello),
    }
    this.#join(session)
    let keepAlive: NodeJS.Timeout | undefined
    const keep = (): void => {
      keepAlive = setTimeout(() => {
        outbox.send(frame(FrameType.keepAlive))
        keep()
      }, this.#limits.keepAliveMs()).unref()
    }
    keep()
    try {
      await readAll(frames, (read) => this.#take(session, read))
    } finally {
      clearTimeout(keepAlive)
      this.#leave(session)
    }
  }

  #outbox(stream: Duplex): Outbox {
    const watcher = {
      dropped: (reason: DropReason, count: number) => this.#metrics.dropped(reason, count),
      stalled: () => {
        this.#metrics.cut('write_timeout')
        stream.destroy()
      },
    }
    return new Outbox(stream, watcher, this.#limits.writeMs)
  }

  #join(session: Session): void {
    this.#sessions += 1
    if (this.#peers.join(session)) this.#announce(session, true)
  }

  #leave(session: Session): void {
    this.#sessions -= 1
    if (session.watcher !== undefined) this.#watchers.delete(session.watcher)
    if (!this.#peers.leave(session)) return
    this.#announce(session, false)
    // It may have come back by way of another replica.
    if (!this.#remote.has(session.name)) this.#peers.tellGone(session.name, session.key)
  }

  #announce({ name, key }: Session, isHere: boolean): void {
    for (const watcher of this.#watchers) watcher.note(name, key, isHere)
  }

  #isReplica({ meshKey }: Hello): boolean {
    const own = Buffer.from(this.#meshKey ?? '')
    const said = Buffer.from(meshKey)
    return own.length > 0 && own.length === said.length && timingSafeEqual(own, said)
  }

  /**
   * Uses the relay of another replica for clients that are connected there, until the connection to it is over (AC-169).
   * Never rejects.
   */
  async link(stream: Duplex): Promise<void> {
    stream.on('error', () => stream.destroy())
    if (this.#closed || this.#meshKey === undefined) {
      stream.destroy()
      return
    }
    this.#links.add(stream)
    using outbox = this.#outbox(stream)
    const deadline = setTimeout(() => stream.destroy(), this.#limits.loginMs).unref()
    try {
      const frames = new FrameStream(stream, Buffer.alloc(0), fromRelay)
      const isOther = await logInAsReplica(frames, outbox, this.#key, this.#meshKey)
      clearTimeout(deadline)
      if (!isOther) return
      outbox.send(frame(FrameType.watchConnections))
      await readAll(frames, (read) => this.#hear(outbox, read))
    } catch (error) {
      this.#log.warn('the relay of another replica cannot be used', { error: describeError(error) })
    } finally {
      clearTimeout(deadline)
      this.#links.delete(stream)
      for (const [name, key] of this.#remote.drop(outbox))
        if (this.#peers.find(name) === undefined) this.#peers.tellGone(name, key)
      stream.destroy()
    }
  }

  /** What another replica tells of its clients. */
  #hear(link: Outbox, { type, payload }: Frame): void {
    const key = payload.subarray(0, KEY_BYTES)
    const name = nameOf(key)
    if (type === FrameType.peerPresent) this.#remote.add(name, Buffer.from(key), link)
    if (type !== FrameType.peerGone || !this.#remote.remove(name, link)) return
    if (this.#peers.find(name) === undefined) this.#peers.tellGone(name, key)
  }

  /** Waits until a client has proven who it is (AC-164). @throws FrameError when it cannot. */
  async #login(stream: Duplex, frames: FrameStream): Promise<Hello | undefined> {
    const deadline = setTimeout(() => {
      this.#metrics.cut('login_timeout')
      stream.destroy()
    }, this.#limits.loginMs).unref()
    let bytes = 0
    try {
      let first = frames.next()
      while (first === undefined) {
        const more = await frames.more()
        if (more === 0) return undefined
        bytes += more
        this.#loginBytes += more
        if (this.#loginBytes > this.#limits.loginBytes) {
          this.#metrics.cut('too_many')
          return undefined
        }
        first = frames.next()
      }
      const hello = readHello(this.#key, first.payload)
      deadline.refresh()
      const admitted = this.#admits === undefined || this.#isReplica(hello) || (await this.#admits(hello.key))
      if (!admitted) this.#metrics.cut('unknown_key')
      return admitted && !stream.destroyed ? hello : undefined
    } finally {
      clearTimeout(deadline)
      this.#loginBytes -= bytes
    }
  }

  /** @throws FrameError for what only replicas may ask of each other. */
  #take(session: Session, { type, payload }: Frame): void {
    this.#peers.note(session)
    const first = payload.subarray(0, KEY_BYTES)
    switch (type) {
      case FrameType.sendPacket:
        this.#pass(session, first, payload.subarray(KEY_BYTES))
        break
      case FrameType.ping:
        session.outbox.send(frame(FrameType.pong, payload.subarray(0, 8)))
        break
      case FrameType.forwardPacket:
        requireReplica(session)
        this.#passOn(first, payload.subarray(KEY_BYTES, 2 * KEY_BYTES), payload.subarray(2 * KEY_BYTES))
        break
      case FrameType.watchConnections:
        requireReplica(session)
        this.#watch(session)
        break
      case FrameType.closePeer:
        requireReplica(session)
        for (const client of this.#peers.allOf(nameOf(first))) client.close()
    }
  }

  /** From a client of this relay. */
  #pass(session: Session, to: Buffer, packet: Buffer): void {
    const name = nameOf(to)
    if (this.#deliver(session.key, session.name, name, packet)) return
    const link = this.#remote.find(name)
    if (link !== undefined) {
      this.#metrics.packets += 1
      this.#metrics.bytes += packet.length
      link.send(frame(FrameType.forwardPacket, session.key, to, packet), laneOf(packet))
      return
    }
    this.#metrics.dropped('unknown_destination')
    if (isDisco(packet) && session.notHere.take(performance.now()))
      session.outbox.send(peerGone(to, 'not-here'))
  }

  /** From a client of another replica; never to a third one. */
  #passOn(from: Buffer, to: Buffer, packet: Buffer): void {
    if (!this.#deliver(from, nameOf(from), nameOf(to), packet)) this.#metrics.dropped('unknown_destination')
  }

  /** @returns whether somebody here has the key. */
  #deliver(from: Buffer, fromName: string, toName: string, packet: Buffer): boolean {
    const to = this.#peers.find(toName)
    if (to === undefined) return false
    // Nobody would forget again whom a client has sent to that nobody has heard of.
    if (this.#peers.find(fromName) !== undefined || this.#remote.has(fromName))
      this.#peers.noteSent(fromName, toName)
    this.#metrics.packets += 1
    this.#metrics.bytes += packet.length
    to.outbox.send(frame(FrameType.receivePacket, from, packet), laneOf(packet))
    return true
  }

  #watch(session: Session): void {
    if (session.watcher !== undefined) return
    const watcher = new Watcher(session.outbox)
    session.watcher = watcher
    this.#watchers.add(watcher)
    for (const key of this.#peers.keys()) watcher.note(nameOf(key), key, true)
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const stream of [...this.#streams, ...this.#links]) stream.destroy()
  }
}

/** @throws FrameError. */
function requireReplica({ isReplica }: Session): void {
  if (!isReplica) throw new FrameError('only other replicas may ask that')
}

function laneOf(packet: Buffer): 'disco' | 'packet' {
  return isDisco(packet) ? 'disco' : 'packet'
}
