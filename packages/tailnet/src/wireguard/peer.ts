import type { Clock } from '../clock.ts'
import { Deadlines } from '../deadlines.ts'
import type { KeyPair } from '../keys.ts'
import {
  type Initiation,
  initiate,
  type ReceivedInitiation,
  receiveResponse,
  respond,
  type SessionKeys,
} from './handshake.ts'
import { RESPONSE, TRANSPORT } from './messages.ts'
import { REJECT_AFTER_MS, Session } from './session.ts'
import { tai64n } from './tai64n.ts'

// The constants of WireGuard's paper (section 6.1), in milliseconds and packets.
const REKEY_AFTER_MS = 120_000
const REKEY_AFTER_MESSAGES = 2 ** 52
const REKEY_TIMEOUT_MS = 5_000
const REKEY_ATTEMPT_MS = 90_000
const KEEPALIVE_MS = 10_000
const FORGET_KEYS_MS = 3 * REJECT_AFTER_MS
const JITTER_MS = 334
// An initiator who mostly receives renews early enough that the session does not end first.
const REKEY_WHEN_RECEIVING_MS = REJECT_AFTER_MS - KEEPALIVE_MS - REKEY_TIMEOUT_MS
// Nobody honest begins more often; each beginning costs four key agreements.
const BETWEEN_INITIATIONS_MS = 20

const WAITING_PACKETS = 128
const NOTHING = Buffer.alloc(0)

/** What a peer needs of the interface that it belongs to. */
export interface PeerHost {
  readonly keys: KeyPair
  readonly clock: Clock
  transmit(peerKey: Buffer, packet: Buffer): void
  deliver(peer: Peer, payload: Buffer): void
  /** A number that no session or handshake of this interface has, under which packets come to this peer. */
  takeIndex(peer: Peer): number
  freeIndex(index: number): void
}

/** One peer of a WireGuard interface: its handshakes, its sessions and their timers. */
export class Peer implements Disposable {
  readonly publicKey: Buffer
  /** The addresses that packets of this peer may come from, as keys of maps. */
  addresses: ReadonlySet<string> = new Set()
  readonly #host: PeerHost
  readonly #persistentMs: number
  readonly #deadlines: Deadlines<'retry' | 'keepalive' | 'silence' | 'forget' | 'persistent'>
  readonly #waiting: Buffer[] = []
  #initiation: Initiation | undefined
  #initiatedAt = Number.NEGATIVE_INFINITY
  #tryingSince = Number.NEGATIVE_INFINITY
  #lastTimestamp: Buffer = NOTHING
  #respondedAt = Number.NEGATIVE_INFINITY
  #current: Session | undefined
  #previous: Session | undefined
  #next: Session | undefined
  #owesKeepalive = false

  /** @param persistentMs how often to send even when there is nothing to say; 0 for never. */
  constructor(host: PeerHost, publicKey: Buffer, persistentMs: number) {
    this.#host = host
    this.publicKey = publicKey
    this.#persistentMs = persistentMs
    this.#deadlines = new Deadlines(host.clock, (name) => this.#due(name))
    if (persistentMs > 0) this.#deadlines.set('persistent', persistentMs)
  }

  /** Sends a packet, or keeps it until the handshake that it starts is done; the oldest gives way to the newest. */
  send(payload: Buffer): void {
    const now = this.#host.clock.now()
    const session = this.#current
    if (session === undefined || !session.isAlive(now)) {
      if (this.#waiting.length === WAITING_PACKETS) this.#waiting.shift()
      this.#waiting.push(payload)
      this.#handshake()
      return
    }
    this.#transmit(session, payload)
    const old = session.initiator && now - session.since > REKEY_AFTER_MS
    if (old || session.sent > REKEY_AFTER_MESSAGES) this.#handshake()
  }

  /** Answers the first message of a handshake that this peer began. */
  receiveInitiation(initiation: ReceivedInitiation): void {
    const now = this.#host.clock.now()
    if (this.#lastTimestamp.length > 0 && initiation.timestamp.compare(this.#lastTimestamp) <= 0) return
    if (now - this.#respondedAt < BETWEEN_INITIATIONS_MS) return
    const index = this.#host.takeIndex(this)
    const response = respond(initiation, index)
    if (response === undefined) {
      this.#host.freeIndex(index)
      return
    }
    this.#lastTimestamp = initiation.timestamp
    this.#respondedAt = now
    this.#heard()
    this.#drop(this.#next)
    this.#next = this.#newSession(response.keys, index, false)
    this.#sent()
    this.#host.transmit(this.publicKey, response.message)
  }

  /** Ends the handshake that this node began. */
  receiveResponse(message: Buffer): void {
    const initiation = this.#initiation
    if (initiation === undefined || message.readUInt32LE(RESPONSE.receiver) !== initiation.index) return
    const keys = receiveResponse(this.#host.keys, initiation, message)
    if (keys === undefined) return
    this.#initiation = undefined
    this.#heard()
    const session = this.#newSession(keys, initiation.index, true)
    this.#drop(this.#previous)
    if (this.#next === undefined) this.#previous = this.#current
    else {
      this.#drop(this.#current)
      this.#previous = this.#next
      this.#next = undefined
    }
    this.#current = session
    this.#established()
    // Without a packet the other end would not know that the session may be used.
    if (session.sent === 0) this.#sendKeepalive()
  }

  /** Takes a packet of a session and hands on what is in it. */
  receiveTransport(packet: Buffer): void {
    const session = this.#sessionOf(packet.readUInt32LE(TRANSPORT.receiver))
    const now = this.#host.clock.now()
    if (session === undefined || !session.isAlive(now)) return
    const payload = session.open(packet)
    if (payload === undefined) return
    if (session === this.#next) {
      this.#drop(this.#previous)
      this.#previous = this.#current
      this.#current = session
      this.#next = undefined
      this.#established()
    }
    this.#heard()
    if (session === this.#current && session.initiator && now - session.since > REKEY_WHEN_RECEIVING_MS)
      this.#handshake()
    if (payload.length === 0) return
    if (this.#deadlines.has('keepalive')) this.#owesKeepalive = true
    else this.#deadlines.set('keepalive', KEEPALIVE_MS)
    this.#host.deliver(this, payload)
  }

  [Symbol.dispose](): void {
    this.#deadlines[Symbol.dispose]()
    this.#forget()
    this.#waiting.length = 0
  }

  #sessionOf(index: number): Session | undefined {
    if (this.#current?.localIndex === index) return this.#current
    if (this.#previous?.localIndex === index) return this.#previous
    return this.#next?.localIndex === index ? this.#next : undefined
  }

  #newSession(keys: SessionKeys, index: number, initiator: boolean): Session {
    this.#deadlines.set('forget', FORGET_KEYS_MS)
    return new Session(keys, index, initiator, this.#host.clock.now())
  }

  #established(): void {
    this.#deadlines.clear('retry')
    this.#tryingSince = Number.NEGATIVE_INFINITY
    for (const payload of this.#waiting.splice(0)) this.send(payload)
  }

  #transmit(session: Session, payload: Buffer): void {
    this.#sent()
    if (payload.length > 0 && !this.#deadlines.has('silence'))
      this.#deadlines.set('silence', KEEPALIVE_MS + REKEY_TIMEOUT_MS + jitter())
    this.#host.transmit(this.publicKey, session.seal(payload))
  }

  #sendKeepalive(): void {
    if (this.#current?.isAlive(this.#host.clock.now())) this.#transmit(this.#current, NOTHING)
    else this.#handshake()
  }

  #sent(): void {
    this.#deadlines.clear('keepalive')
    this.#owesKeepalive = false
    if (this.#persistentMs > 0) this.#deadlines.set('persistent', this.#persistentMs)
  }

  #heard(): void {
    this.#deadlines.clear('silence')
    if (this.#persistentMs > 0) this.#deadlines.set('persistent', this.#persistentMs)
  }

  /** Begins a handshake unless one was begun a moment ago. */
  #handshake(): void {
    const { clock } = this.#host
    const now = clock.now()
    if (now - this.#initiatedAt < REKEY_TIMEOUT_MS) {
      // Its answer may have come and made a session that has ended: somebody must try again.
      if (!this.#deadlines.has('retry')) this.#retryLater()
      return
    }
    if (this.#tryingSince === Number.NEGATIVE_INFINITY) this.#tryingSince = now
    this.#initiatedAt = now
    if (this.#initiation !== undefined) this.#host.freeIndex(this.#initiation.index)
    const index = this.#host.takeIndex(this)
    const begun = initiate(this.#host.keys, this.publicKey, index, tai64n(clock.wallClock()))
    if (begun === undefined) {
      this.#host.freeIndex(index)
      this.#initiation = undefined
      return
    }
    this.#initiation = begun.state
    this.#retryLater()
    this.#sent()
    this.#host.transmit(this.publicKey, begun.message)
  }

  #retryLater(): void {
    this.#deadlines.set('retry', REKEY_TIMEOUT_MS + jitter())
  }

  #due(name: 'retry' | 'keepalive' | 'silence' | 'forget' | 'persistent'): void {
    if (name === 'retry') this.#retry()
    else if (name === 'silence') this.#handshake()
    else if (name === 'forget') this.#forget()
    else if (name === 'persistent') {
      this.#deadlines.set('persistent', this.#persistentMs)
      this.#sendKeepalive()
    } else {
      const again = this.#owesKeepalive
      this.#sendKeepalive()
      if (again) this.#deadlines.set('keepalive', KEEPALIVE_MS)
    }
  }

  #retry(): void {
    if (this.#host.clock.now() - this.#tryingSince < REKEY_ATTEMPT_MS) {
      this.#handshake()
      return
    }
    // Nobody answers. What waited is old; the next packet begins anew.
    this.#tryingSince = Number.NEGATIVE_INFINITY
    this.#waiting.length = 0
    this.#deadlines.clear('keepalive')
    if (!this.#deadlines.has('forget')) this.#deadlines.set('forget', FORGET_KEYS_MS)
  }

  #forget(): void {
    for (const session of [this.#current, this.#previous, this.#next]) this.#drop(session)
    if (this.#initiation !== undefined) this.#host.freeIndex(this.#initiation.index)
    this.#current = this.#previous = this.#next = this.#initiation = undefined
  }

  #drop(session: Session | undefined): void {
    if (session !== undefined) this.#host.freeIndex(session.localIndex)
  }
}

/** So that two ends that begin at once do not do so for ever. */
function jitter(): number {
  return Math.random() * JITTER_MS
}
