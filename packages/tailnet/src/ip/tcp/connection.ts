import type { Clock } from '../../clock.ts'
import { Deadlines } from '../../deadlines.ts'
import { ConnectionError } from './errors.ts'
import { Receiver } from './receiver.ts'
import { Flag, type Flow, type Segment, spaceOf } from './segment.ts'
import { MSS, SegmentWriter } from './segment-writer.ts'
import { type ConnectionTimer, Sender } from './sender.ts'
import { TcpStream } from './stream.ts'

// What a peer may send who does not say (RFC 9293, 3.7.1).
const DEFAULT_MSS = 1220
const LEAST_MSS = 64
const SEND_LIMIT = 1024 * 1024
const DELAYED_ACK_MS = 40
const BETWEEN_CHALLENGES_MS = 20
// How long a closed stream may take to deliver its last bytes and to hear the other end close.
const LINGER_MS = 60_000

/** What a connection needs of the stack that it lives in. */
export interface ConnectionHost {
  readonly clock: Clock
  send(packet: Buffer): void
  /** Both ends may send now. */
  opened(connection: Connection): void
  /** The connection is over. An error says why it never opened; after that one, nobody holds its stream. */
  closed(connection: Connection, error: ConnectionError | undefined): void
}

type State = 'syn-sent' | 'syn-received' | 'open' | 'closed'

/** One TCP connection (RFC 9293) with window scale (RFC 7323) and SACK (RFC 2018). */
export class Connection {
  readonly flow: Flow
  readonly stream: TcpStream
  /** Who closes first has to remember the connection for a while. */
  needsTimeWait = false
  readonly #host: ConnectionHost
  readonly #deadlines: Deadlines<ConnectionTimer>
  readonly #sender: Sender
  readonly #receiver = new Receiver()
  readonly #writer: SegmentWriter
  #state: State
  #peerMss = DEFAULT_MSS
  /** The peer's segment that last told its window: its offset and what it acknowledged. */
  #windowFrom = { sequence: -1, acknowledged: -1 }
  #windowEnd = 0
  #settling = false
  #acknowledgeNow = false
  #unacknowledged = 0
  #challengedAt = Number.NEGATIVE_INFINITY
  #reading = false
  #released = false
  #endPushed = false
  #writeDone: ((error?: Error) => void) | undefined
  #finalDone: ((error?: Error) => void) | undefined

  /** @param syn the peer's first segment; without one this end begins. */
  constructor(host: ConnectionHost, flow: Flow, syn?: Segment) {
    this.flow = flow
    this.#host = host
    this.#writer = new SegmentWriter(flow, this.#receiver, (packet) => host.send(packet))
    this.#deadlines = new Deadlines(host.clock, (timer) => this.#due(timer))
    this.#sender = new Sender({
      clock: host.clock,
      deadlines: this.#deadlines,
      transmit: (start, end) => this.#transmit(start, end),
      probe: () => this.#acknowledge(this.#sender.una - 1),
      fail: (error) => this.#fail(error),
    })
    this.stream = new TcpStream(
      {
        write: (bytes, done) => this.#write(bytes, done),
        end: (done) => this.#end(done),
        resume: () => this.#resume(),
        release: (error) => this.#release(error),
      },
      flow,
    )
    this.#state = syn === undefined ? 'syn-sent' : 'syn-received'
    if (syn !== undefined) this.#takeSyn(syn)
  }

  /** Sends the first segment. */
  start(): void {
    this.#sender.sendSyn()
  }

  /** The numbers that a late segment of this connection is answered with. */
  get lastNumbers(): { sequence: number; acknowledgment: number } {
    return {
      sequence: this.#writer.wire(this.#sender.next),
      acknowledgment: this.#writer.peerWire(this.#receiver.next),
    }
  }

  receive(segment: Segment): void {
    if (this.#state === 'syn-sent') this.#receiveFirst(segment)
    else if (this.#state !== 'closed') this.#receive(segment)
  }

  /** Ends the connection at once and tells the peer. */
  abort(error: ConnectionError): void {
    this.#reset()
    this.#fail(error)
  }

  #receiveFirst(segment: Segment): void {
    const answers = (segment.flags & Flag.ack) !== 0
    const isOurs = answers && segment.acknowledgment === this.#writer.wire(1)
    if (answers && !isOurs) {
      if ((segment.flags & Flag.rst) === 0) this.#writer.reset(segment.acknowledgment)
      return
    }
    if ((segment.flags & Flag.rst) !== 0) {
      if (isOurs) this.#fail(new ConnectionError('ECONNREFUSED', 'nothing listens on this port'))
      return
    }
    // A SYN without an answer would be both ends dialling each other from the port that the other one dials.
    if (!isOurs || (segment.flags & Flag.syn) === 0) return
    this.#takeSyn(segment)
    this.#acknowledgeNow = true
    this.#takeAcknowledgement(segment, 0)
    this.#opened()
    this.#settleSoon()
  }

  #receive(segment: Segment): void {
    const next = this.#receiver.next
    const start = this.#writer.peerOffsetOf(segment.sequence, next)
    const windowEnd = this.#receiver.windowEnd
    const end = start + spaceOf(segment)
    if ((segment.flags & Flag.rst) !== 0) {
      if (start === next) this.#receiveReset()
      else if (start > next && start < windowEnd) this.#challenge()
      return
    }
    if ((segment.flags & Flag.syn) !== 0) {
      if (this.#state === 'syn-received' && start === 0) this.#transmit(0, 1)
      else this.#challenge()
      return
    }
    if (end === start ? start < next || start > windowEnd : end <= next || start > windowEnd) {
      this.#challenge()
      return
    }
    if ((segment.flags & Flag.ack) === 0 || !this.#takeAcknowledgement(segment, start)) return
    if (end > start) this.#takeData(segment, start)
    this.#settleSoon()
  }

  #receiveReset(): void {
    // Both have everything, but its last acknowledgement was lost and it has forgotten the connection since.
    if (this.#receiver.isComplete && this.#sender.onlyFinLeft) {
      this.#finished()
      this.#close()
    } else this.#fail(new ConnectionError('ECONNRESET', 'the peer reset the connection'))
  }

  #takeSyn(segment: Segment): void {
    this.#writer.takeSyn(segment)
    this.#peerMss = Math.max(LEAST_MSS, Math.min(MSS, segment.mss ?? DEFAULT_MSS))
  }

  #opened(): void {
    this.#state = 'open'
    this.#deadlines.clear('retransmit')
    this.#sender.open(this.#peerMss, this.#writer.usesSack)
    this.#host.opened(this)
  }

  /** @returns whether the rest of the segment may be looked at. */
  #takeAcknowledgement(segment: Segment, start: number): boolean {
    const una = this.#writer.offsetOf(segment.acknowledgment, this.#sender.una)
    if (una > this.#sender.next) {
      if (this.#state === 'syn-received') this.#writer.reset(segment.acknowledgment)
      else this.#challenge()
      return false
    }
    if (this.#state === 'syn-received') {
      if (una < 1) return false
      this.#opened()
    }
    if (una < this.#sender.una) return true
    const { sequence, acknowledged } = this.#windowFrom
    if (start > sequence || (start === sequence && una >= acknowledged)) {
      this.#windowFrom = { sequence: start, acknowledged: una }
      this.#windowEnd = una + this.#writer.windowOf(segment)
    }
    const own = (number: number) => this.#writer.offsetOf(number, una)
    this.#sender.acknowledge({
      una,
      windowEnd: this.#windowEnd,
      sacks: this.#writer.usesSack ? segment.sacks.map(([from, to]) => [own(from), own(to)]) : [],
      isBare: spaceOf(segment) === 0,
    })
    if (this.#sender.finAcknowledged) this.#finished()
    return true
  }

  #takeData(segment: Segment, start: number): void {
    if (this.#released && segment.payload.length > 0) {
      // Nobody will read it, and the peer should know.
      this.#reset()
      this.#fail(new ConnectionError('ECONNABORTED', 'the stream was closed'))
      return
    }
    const fin = (segment.flags & Flag.fin) !== 0
    const mayWait = this.#receiver.receive(start, segment.payload, fin)
    if (mayWait) this.#unacknowledged += 1
    else if (this.#receiver.isComplete) this.#acknowledgeNow = true
    // With a gap each segment is answered: that is how the peer counts (RFC 5681, section 3.2).
    else this.#acknowledge()
  }

  #write(bytes: Buffer, done: (error?: Error) => void): void {
    if (this.#state === 'closed') {
      done(new ConnectionError('ECONNRESET', 'the connection is closed'))
      return
    }
    this.#sender.queue.append(bytes)
    if (this.#sender.queue.length < SEND_LIMIT) done()
    else this.#writeDone = done
    this.#settleSoon()
  }

  #end(done: (error?: Error) => void): void {
    if (this.#state === 'closed') {
      done(new ConnectionError('ECONNRESET', 'the connection is closed'))
      return
    }
    this.#finalDone = done
    this.#sender.end()
    this.#settleSoon()
  }

  #resume(): void {
    this.#reading = true
    this.#settleSoon()
  }

  /** The stream is gone. As with a socket, what was written is still delivered; what was not read is a reset. */
  #release(error: Error | null): void {
    this.#released = true
    const failed = error ?? new ConnectionError('ECONNABORTED', 'the stream was closed')
    for (const done of [this.#writeDone, this.#finalDone]) done?.(failed)
    this.#writeDone = this.#finalDone = undefined
    if (this.#state === 'closed') return
    if (error !== null || this.#receiver.queue.length > 0 || this.#state !== 'open') {
      this.abort(new ConnectionError('ECONNABORTED', 'the stream was closed'))
      return
    }
    this.#sender.end()
    this.#deadlines.set('linger', LINGER_MS)
    this.#settleSoon()
  }

  /** Everything that one turn brought is answered at its end, with as few segments as possible. */
  #settleSoon(): void {
    if (this.#settling) return
    this.#settling = true
    queueMicrotask(() => this.#settle())
  }

  #settle(): void {
    this.#settling = false
    this.#deliver()
    if (this.#state !== 'open') return
    const done = this.#writeDone
    if (done !== undefined && this.#sender.queue.length < SEND_LIMIT / 2) {
      this.#writeDone = undefined
      done()
    }
    this.#sender.output()
    if (this.#acknowledgeNow || this.#unacknowledged > 1 || this.#receiver.hasNews) this.#acknowledge()
    else if (this.#unacknowledged > 0 && !this.#deadlines.has('acknowledge'))
      this.#deadlines.set('acknowledge', DELAYED_ACK_MS)
    if (this.#receiver.isComplete && this.#sender.finAcknowledged) this.#close()
  }

  #deliver(): void {
    if (this.#released) return
    while (this.#reading) {
      const bytes = this.#receiver.queue.take()
      if (bytes === undefined) break
      this.#reading = this.stream.push(bytes)
    }
    if (this.#receiver.isComplete && this.#receiver.queue.length === 0 && !this.#endPushed) {
      this.#endPushed = true
      this.stream.push(null)
    }
  }

  #finished(): void {
    const done = this.#finalDone
    this.#finalDone = undefined
    done?.()
  }

  #transmit(start: number, end: number): void {
    if (start === 0) {
      this.#writer.syn()
      return
    }
    const { queue } = this.#sender
    if (end > queue.end && !this.#receiver.isComplete) this.needsTimeWait = true
    this.#acknowledged()
    this.#writer.bytes(start, end, queue)
  }

  #acknowledge(start = this.#sender.next): void {
    this.#acknowledged()
    this.#writer.acknowledgement(start)
  }

  #acknowledged(): void {
    this.#acknowledgeNow = false
    this.#unacknowledged = 0
    this.#deadlines.clear('acknowledge')
  }

  /** Says where this end is, to whoever sent what cannot be right; not too often, lest both ends do so for ever. */
  #challenge(): void {
    const now = this.#host.clock.now()
    if (now - this.#challengedAt < BETWEEN_CHALLENGES_MS) {
      this.#acknowledgeNow = true
      if (!this.#deadlines.has('acknowledge')) this.#deadlines.set('acknowledge', BETWEEN_CHALLENGES_MS)
      return
    }
    this.#challengedAt = now
    this.#acknowledge()
  }

  #reset(): void {
    if (this.#state !== 'closed' && this.#state !== 'syn-sent')
      this.#writer.reset(this.#writer.wire(this.#sender.next))
  }

  #due(timer: ConnectionTimer): void {
    if (timer === 'retransmit') this.#sender.retransmit()
    else if (timer === 'persist') this.#sender.persist()
    else if (timer === 'acknowledge') this.#acknowledge()
    else this.abort(new ConnectionError('ETIMEDOUT', 'the peer did not close its end'))
  }

  #fail(error: ConnectionError): void {
    if (this.#state === 'closed') return
    const wasOpen = this.#state === 'open'
    this.needsTimeWait = false
    this.#close(wasOpen ? undefined : error)
    if (this.#released) return
    // Nobody holds a stream that never opened, so nobody would hear its error.
    if (wasOpen) this.stream.fail(error)
    else this.stream.destroy()
  }

  #close(error?: ConnectionError): void {
    this.#state = 'closed'
    this.#deadlines[Symbol.dispose]()
    this.#host.closed(this, error)
  }
}
