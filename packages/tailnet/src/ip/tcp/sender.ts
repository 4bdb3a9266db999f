import type { Clock } from '../../clock.ts'
import type { Deadlines } from '../../deadlines.ts'
import { ByteQueue } from './byte-queue.ts'
import { Congestion } from './congestion.ts'
import { ConnectionError } from './errors.ts'
import { Outstanding } from './outstanding.ts'
import { RetransmissionTime } from './retransmission-time.ts'
import type { Range } from './segment.ts'

/** The timers of a connection. */
export type ConnectionTimer = 'retransmit' | 'persist' | 'acknowledge' | 'linger'

/** What a sender needs of its connection. Offsets count from the SYN, which is 0. */
export interface SenderHost {
  readonly clock: Clock
  readonly deadlines: Deadlines<ConnectionTimer>
  /** Sends what lies between two offsets: the SYN, bytes, the FIN. */
  transmit(start: number, end: number): void
  /** Asks the peer for its window without sending anything new. */
  probe(): void
  fail(error: ConnectionError): void
}

/** What an acknowledgement of the peer says, in offsets. */
export interface PeerAcknowledgement {
  readonly una: number
  /** The first offset that the peer has no room for. */
  readonly windowEnd: number
  readonly sacks: readonly Range[]
  /** Whether the segment held nothing else, so that a repetition says that something is missing. */
  readonly isBare: boolean
}

// With the doubling of the waits about eleven minutes for data and half a minute for a SYN.
const DATA_TRIES = 15
const SYN_TRIES = 5
const DUPLICATES = 3

/** The sending half of a connection. */
export class Sender {
  /** Bytes that are not acknowledged yet, by offset. */
  readonly queue = new ByteQueue(1)
  readonly #host: SenderHost
  readonly #outstanding = new Outstanding()
  readonly #time = new RetransmissionTime()
  #congestion = new Congestion(1)
  #mss = 1
  #sack = false
  #open = false
  #una = 0
  #next = 0
  #windowEnd = 0
  #finQueued = false
  #tries = 0
  #duplicates = 0
  /** Room that repeated acknowledgements made: each says that a segment has left the network. */
  #credit = 0

  constructor(host: SenderHost) {
    this.#host = host
  }

  /** The first offset that is not acknowledged. */
  get una(): number {
    return this.#una
  }

  /** The offset behind the last one that was ever sent. */
  get next(): number {
    return this.#next
  }

  get hasFin(): boolean {
    return this.#finQueued
  }

  get finSent(): boolean {
    return this.#finQueued && this.#next > this.queue.end
  }

  get finAcknowledged(): boolean {
    return this.#finQueued && this.#una > this.queue.end
  }

  /** Whether the peer has all bytes and only the answer to the FIN is missing. */
  get onlyFinLeft(): boolean {
    return this.finSent && this.#una >= this.queue.end
  }

  /** Sends the SYN, with the acknowledgement of the peer's if there was one. */
  sendSyn(): void {
    this.#next = 1
    this.#outstanding.add(0, 1, this.#host.clock.now())
    this.#host.transmit(0, 1)
    this.#host.deadlines.set('retransmit', this.#time.ms)
  }

  /** The handshake is done: bytes may go out. */
  open(mss: number, sack: boolean): void {
    this.#open = true
    this.#mss = mss
    this.#sack = sack
    this.#congestion = new Congestion(mss)
  }

  /** After the last byte comes the FIN. */
  end(): void {
    this.#finQueued = true
  }

  /** Takes an acknowledgement, which must not be of something that was never sent. */
  acknowledge({ una, windowEnd, sacks, isBare }: PeerAcknowledgement): void {
    this.#tries = 0
    const outstanding = this.#outstanding
    const isRepeated = una === this.#una && isBare && windowEnd === this.#windowEnd && !outstanding.isEmpty
    this.#windowEnd = windowEnd
    const wasFull = outstanding.pipe + this.#mss >= this.#congestion.window
    for (const range of sacks) outstanding.sack(range)
    if (una > this.#una) this.#advance(una, wasFull)
    else if (isRepeated && !this.#sack) this.#repeated()
    if (outstanding.detectLoss()) this.#congestion.lost(this.#una, this.#next)
    if (this.#windowEnd > this.#next) this.#host.deadlines.clear('persist')
  }

  /** Sends what may be sent: first what was lost, then what is new. */
  output(): void {
    if (!this.#open) return
    const outstanding = this.#outstanding
    for (;;) {
      const lost = outstanding.nextLost
      const room = this.#congestion.window + this.#credit - outstanding.pipe
      if (lost !== undefined) {
        if (lost.end - lost.start > room && outstanding.pipe > 0) break
        outstanding.sentAgain(lost, this.#host.clock.now())
        this.#host.transmit(lost.start, lost.end)
        continue
      }
      const length = this.#newLength(room)
      if (length === 0) break
      const start = this.#next
      this.#next += length
      outstanding.add(start, this.#next, this.#host.clock.now())
      this.#host.transmit(start, this.#next)
    }
    const { deadlines } = this.#host
    if (!outstanding.isEmpty) {
      if (!deadlines.has('retransmit')) deadlines.set('retransmit', this.#time.ms)
    } else if (this.#unsent > 0 && !deadlines.has('persist')) deadlines.set('persist', this.#time.ms)
  }

  /** No acknowledgement came in time. */
  retransmit(): void {
    this.#tries += 1
    if (this.#tries > (this.#open ? DATA_TRIES : SYN_TRIES)) {
      this.#host.fail(new ConnectionError('ETIMEDOUT', 'the peer does not answer'))
      return
    }
    this.#time.missed()
    this.#outstanding.loseAll()
    this.#credit = 0
    if (this.#open) {
      this.#congestion.timedOut(this.#una, this.#next)
      this.output()
      return
    }
    const syn = this.#outstanding.nextLost
    if (syn !== undefined) this.#outstanding.sentAgain(syn, this.#host.clock.now())
    this.#host.transmit(0, 1)
    this.#host.deadlines.set('retransmit', this.#time.ms)
  }

  /** The peer has had no room for a while: its word that it has some again may be lost. */
  persist(): void {
    if (!this.#outstanding.isEmpty || this.#unsent === 0) return
    this.#tries += 1
    if (this.#tries > DATA_TRIES) {
      this.#host.fail(new ConnectionError('ETIMEDOUT', 'the peer had no room and then stopped to answer'))
      return
    }
    this.#time.missed()
    this.#host.probe()
    this.#host.deadlines.set('persist', this.#time.ms)
  }

  get #unsent(): number {
    return this.queue.end + (this.#finQueued ? 1 : 0) - this.#next
  }

  #advance(una: number, wasFull: boolean): void {
    const { bytes, roundTripMs } = this.#outstanding.acknowledge(una, this.#host.clock.now())
    this.#una = una
    this.queue.discard(una)
    if (roundTripMs !== undefined) this.#time.measure(roundTripMs)
    this.#time.answered()
    this.#congestion.acknowledged(bytes, una, wasFull)
    this.#duplicates = 0
    this.#credit = 0
    // Whoever names no ranges says with each step in recovery that the next one is missing too (RFC 6582).
    if (!this.#sack && this.#congestion.inFastRecovery) this.#outstanding.loseFirst()
    this.#host.deadlines.clear('retransmit')
  }

  #repeated(): void {
    this.#duplicates += 1
    if (this.#duplicates === DUPLICATES && !this.#congestion.inFastRecovery) {
      this.#outstanding.loseFirst()
      this.#congestion.lost(this.#una, this.#next)
      this.#credit = DUPLICATES * this.#mss
    } else if (this.#congestion.inFastRecovery) this.#credit += this.#mss
  }

  /** How many numbers the next new segment takes; small ones wait while others are on their way (RFC 9293, 3.8.6.2.1). */
  #newLength(room: number): number {
    const wanted = Math.min(this.#mss, this.#unsent)
    const length = Math.min(wanted, this.#windowEnd - this.#next, room)
    if (length <= 0 || (length < wanted && !this.#outstanding.isEmpty)) return 0
    return length
  }
}
