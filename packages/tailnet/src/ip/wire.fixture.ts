import type { Duplex } from 'node:stream'

import { ManualClock } from '../clock.fixture.ts'
import type { ConnectionHandler } from './stack.ts'
import { IpStack } from './stack.ts'
import { parseSegment, type Segment } from './tcp/segment.ts'

/** What a wire does to packets: shares from 0 to 1, and milliseconds. */
export interface Faults {
  readonly seed?: number
  readonly loss?: number
  readonly duplication?: number
  /** How much later some packets come than others. */
  readonly jitterMs?: number
  readonly delayMs?: number
}

export const HERE = 'fd7a:115c:a1e0:0:0:0:0:1'
export const THERE = 'fd7a:115c:a1e0:0:0:0:0:2'

/** Two stacks and the wire between them, on a clock of their own. */
export class Wire implements Disposable {
  readonly clock = new ManualClock()
  readonly here: IpStack
  readonly there: IpStack
  /** Decides over single packets; what it answers goes on, with the bytes that it may have changed. */
  filter: (from: 'here' | 'there', segment: Segment | undefined, packet: Buffer) => boolean = () => true
  faults: Faults
  #random: () => number

  constructor(faults: Faults = {}) {
    this.faults = faults
    this.#random = randomFrom(faults.seed ?? 1)
    this.here = new IpStack({
      clock: this.clock,
      addresses: [HERE],
      send: (packet) => this.#carry('here', packet),
    })
    this.there = new IpStack({
      clock: this.clock,
      addresses: [THERE],
      send: (packet) => this.#carry('there', packet),
    })
  }

  /** Opens a connection to a stack that listens. */
  async connect(port = 80): Promise<{ near: Duplex; far: Duplex }> {
    const { promise, resolve } = Promise.withResolvers<Duplex>()
    this.listen((stream) => resolve(stream))
    const near = await this.dial(port)
    return { near, far: await this.wait('the other end', promise) }
  }

  /** The streams' errors are nobody's fault: with the wire all of them break. */
  listen(handler: ConnectionHandler, accepts?: (port: number) => boolean): void {
    this.there.listen((stream, from) => handler(stream.on('error', ignore), from), accepts)
  }

  async dial(port: number): Promise<Duplex> {
    const stream = await this.wait('the dial', this.here.dial(THERE, port))
    return stream.on('error', ignore)
  }

  /** Lets time pass until a promise is settled. */
  async wait<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    promise.then(mark, mark)
    await this.clock.until(what, () => settled)
    return promise
  }

  [Symbol.dispose](): void {
    this.filter = () => false
    for (const stack of [this.here, this.there]) stack[Symbol.dispose]()
  }

  #carry(from: 'here' | 'there', sent: Buffer): void {
    const packet = Buffer.from(sent)
    const { loss = 0, duplication = 0, jitterMs = 0, delayMs = 5 } = this.faults
    if (!this.filter(from, parseSegment(packet), packet) || this.#random() < loss) return
    const to = from === 'here' ? this.there : this.here
    for (let copies = this.#random() < duplication ? 2 : 1; copies > 0; copies -= 1)
      this.clock.after(delayMs + Math.floor(this.#random() * jitterMs), () => to.receive(Buffer.from(packet)))
  }
}

function ignore(): void {
  // Whoever cares looks at what the stream says of its error.
}

/** Random numbers that are the same for the same seed (xorshift). */
export function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}
