import { randomInt } from 'node:crypto'

import { IPV6, MTU } from '../ipv6.ts'
import type { ByteQueue } from './byte-queue.ts'
import type { Receiver } from './receiver.ts'
import {
  Flag,
  type Flow,
  newSegment,
  payloadOffset,
  type Segment,
  sackOption,
  seal,
  synOptions,
  TCP_HEADER,
} from './segment.ts'

/** The longest segment that fits into a packet. */
export const MSS = MTU - IPV6.header - TCP_HEADER

const SCALE = 6
const MAX_WINDOW = 0xffff

/**
 * Makes and sends the segments of one connection. Offsets of both directions count from the SYN and never wrap; the
 * numbers of the wire, which do, are made of them here.
 */
export class SegmentWriter {
  readonly #flow: Flow
  readonly #receiver: Receiver
  readonly #send: (packet: Buffer) => void
  readonly #first = randomInt(2 ** 32)
  #peerFirst = 0
  #peer: Pick<Segment, 'windowScale' | 'sackPermitted'> | undefined

  constructor(flow: Flow, receiver: Receiver, send: (packet: Buffer) => void) {
    this.#flow = flow
    this.#receiver = receiver
    this.#send = send
  }

  /** Whether both ends speak SACK. */
  get usesSack(): boolean {
    return this.#peer?.sackPermitted ?? false
  }

  /** Learns from the peer's SYN where its numbers begin and what it can do. */
  takeSyn(segment: Segment): void {
    this.#peerFirst = segment.sequence
    this.#peer = segment
  }

  /** The offset, near one of this end's, of a number on the wire. */
  offsetOf(number: number, near: number): number {
    return near + ((number - this.wire(near)) | 0)
  }

  /** The offset, near one of the peer's, of a number on the wire. */
  peerOffsetOf(number: number, near: number): number {
    return near + ((number - this.peerWire(near)) | 0)
  }

  /** An offset of this end as a number of the wire. */
  wire(offset: number): number {
    return (this.#first + offset) >>> 0
  }

  /** An offset of the peer as a number of the wire. */
  peerWire(offset: number): number {
    return (this.#peerFirst + offset) >>> 0
  }

  /** How many bytes a window of the peer's segment stands for; those of a SYN are never scaled (RFC 7323). */
  windowOf(segment: Segment): number {
    const scale = (segment.flags & Flag.syn) === 0 ? (this.#peer?.windowScale ?? 0) : 0
    return segment.window * 2 ** scale
  }

  /** Sends the SYN: what this end can do, or what of it the peer can too. */
  syn(): void {
    const scale = this.#peer === undefined || this.#peer.windowScale !== undefined ? SCALE : undefined
    const options = synOptions(MSS, scale, this.#peer?.sackPermitted ?? true)
    const flags = this.#peer === undefined ? Flag.syn : Flag.syn | Flag.ack
    this.#send(seal(newSegment(this.#flow, this.#header(0, flags), options, 0)))
  }

  /** Sends the bytes between two offsets, and the FIN when it is among them. */
  bytes(start: number, end: number, queue: ByteQueue): void {
    const length = Math.min(end, queue.end) - start
    const fin = end > queue.end ? Flag.fin : 0
    const push = end >= queue.end ? Flag.psh : 0
    const packet = newSegment(this.#flow, this.#header(start, Flag.ack | fin | push), undefined, length)
    if (length > 0) queue.copy(start, length, packet, payloadOffset(undefined))
    this.#send(seal(packet))
  }

  /** Sends an acknowledgement alone. */
  acknowledgement(start: number): void {
    const ranges = this.usesSack ? this.#receiver.ranges() : []
    const options =
      ranges.length === 0
        ? undefined
        : sackOption(ranges.map(([from, to]) => [this.peerWire(from), this.peerWire(to)]))
    this.#send(seal(newSegment(this.#flow, this.#header(start, Flag.ack), options, 0)))
  }

  /** Sends a reset with a number of the wire. */
  reset(sequence: number): void {
    const acknowledgment = this.peerWire(this.#receiver.next)
    const header = { sequence, acknowledgment, flags: Flag.rst | Flag.ack, window: 0 }
    this.#send(seal(newSegment(this.#flow, header, undefined, 0)))
  }

  #header(start: number, flags: number) {
    const window = this.#receiver.announce()
    const isScaled = (flags & Flag.syn) === 0 && this.#peer?.windowScale !== undefined
    return {
      sequence: this.wire(start),
      acknowledgment: (flags & Flag.ack) === 0 ? 0 : this.peerWire(this.#receiver.next),
      flags,
      window: Math.min(MAX_WINDOW, Math.floor(isScaled ? window / 2 ** SCALE : window)),
    }
  }
}
