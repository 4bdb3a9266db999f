import type { Duplex } from 'node:stream'

import type { Registry } from 'prom-client'

import { describeError, type Logger } from '@slipway/request-log'
import { Allowance } from './allowance.ts'
import { BoxKey } from './box.ts'
import { FrameStream } from './frame-stream.ts'
import {
  FRAME,
  type Frame,
  FrameError,
  frame,
  fromClient,
  fromStranger,
  isDisco,
  KEY_BYTES,
  peerGone,
} from './frames.ts'
import { type Hello, readHello, serverInfoFrame, serverKeyFrame } from './login.ts'
import { Outbox } from './outbox.ts'
import { type Client, nameOf, Peers } from './peers.ts'
import { RelayMetrics } from './relay-metrics.ts'

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
  readonly limits?: Partial<RelayLimits>
}

/** A client that has logged in. */
interface Session extends Client {
  readonly outbox: Outbox
  readonly notHere: Allowance
}

/**
 * Passes packets between clients that know each other by their public keys, over any streams of bytes (DERP,
 * AC-164…AC-168). It cannot read the packets: they are WireGuard's. Its own key pair serves the login only, and clients
 * are told the public key each time: every process makes one, and none is stored or shared.
 */
export class DerpRelay implements Disposable {
  readonly #log: Logger
  readonly #admits: RelayParts['admits']
  readonly #limits: RelayLimits
  readonly #metrics: RelayMetrics
  readonly #key = BoxKey.generate()
  readonly #peers = new Peers()
  readonly #streams = new Set<Duplex>()
  #sessions = 0
  #loginBytes = 0
  #closed = false

  constructor({ log, metrics, admits, limits }: RelayParts) {
    this.#log = log
    this.#admits = admits
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
    using outbox = new Outbox(
      stream,
      {
        dropped: (reason, count) => this.#metrics.dropped(reason, count),
        stalled: () => {
          this.#metrics.cut('write_timeout')
          stream.destroy()
        },
      },
      this.#limits.writeMs,
    )
    outbox.send(serverKeyFrame(this.#key))
    const hello = await this.#login(stream, frames)
    if (hello === undefined) return
    outbox.send(serverInfoFrame(hello.box))
    frames.limits = fromClient
    const session: Session = {
      key: hello.key,
      name: nameOf(hello.key),
      outbox,
      notHere: new Allowance(NOT_HERE.burst, NOT_HERE.perSecond, performance.now()),
    }
    this.#sessions += 1
    this.#peers.join(session)
    let keepAlive: NodeJS.Timeout | undefined
    const keep = (): void => {
      keepAlive = setTimeout(() => {
        outbox.send(frame(FRAME.keepAlive))
        keep()
      }, this.#limits.keepAliveMs()).unref()
    }
    keep()
    try {
      do {
        for (let read = frames.next(); read !== undefined; read = frames.next()) this.#take(session, read)
      } while ((await frames.more()) > 0)
    } finally {
      clearTimeout(keepAlive)
      this.#sessions -= 1
      this.#peers.leave(session)
    }
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
      const admitted = this.#admits === undefined || (await this.#admits(hello.key))
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
    switch (type) {
      case FRAME.sendPacket:
        this.#pass(session, payload)
        break
      case FRAME.ping:
        session.outbox.send(frame(FRAME.pong, payload.subarray(0, 8)))
        break
      case FRAME.forwardPacket:
      case FRAME.watchConns:
      case FRAME.closePeer:
        throw new FrameError(`a client may not send frames of type ${type}`)
    }
  }

  #pass(session: Session, payload: Buffer): void {
    const packet = payload.subarray(KEY_BYTES)
    const disco = isDisco(packet)
    const name = nameOf(payload.subarray(0, KEY_BYTES))
    const to = this.#peers.find(name)
    if (to === undefined) {
      this.#metrics.dropped('unknown_destination')
      if (disco && session.notHere.take(performance.now()))
        session.outbox.send(peerGone(payload.subarray(0, KEY_BYTES), 'not-here'))
      return
    }
    this.#peers.noteSent(session.name, name)
    this.#metrics.packets += 1
    this.#metrics.bytes += packet.length
    to.outbox.send(frame(FRAME.recvPacket, session.key, packet), disco ? 'disco' : 'packet')
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const stream of this.#streams) stream.destroy()
  }
}
