import type { Duplex } from 'node:stream'

import type { Clock, Timer } from '../clock.ts'
import { Deadlines } from '../deadlines.ts'
import { KEY_BYTES } from '../keys.ts'
import type { Log } from '../log.ts'
import { open, seal } from '../nacl-box.ts'
import type { RelayConnection } from './connect.ts'
import { FrameReader, FrameType, frame, MAGIC, MAX_PACKET_BYTES, PROTOCOL_VERSION } from './frames.ts'
import type { Relay, RelayUser } from './relay.ts'
import { SendQueue } from './send-queue.ts'

/** Whether there is a relay now, and how it is reached. */
export interface RelayState {
  readonly connected: boolean
  /** Why by a WebSocket, for `derp_forced_websocket` of the node (AC-146). */
  readonly websocketReason: string | undefined
}

export interface DerpClientOptions extends RelayUser {
  /** Opens a connection; called again whenever one is over. */
  readonly connect: (signal: AbortSignal) => Promise<RelayConnection>
  readonly clock: Clock
  readonly log: Log
  readonly changed: (state: RelayState) => void
}

const STEP_MS = 10_000
// A relay says something at least every 65 s.
const SILENCE_MS = 130_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 10_000
const PING_BYTES = 8

/** A client of a DERP relay (AC-164 to AC-166) that connects again for as long as it is not disposed of. */
export class DerpClient implements Relay {
  readonly #options: DerpClientOptions
  readonly #queue = new SendQueue()
  readonly #deadlines: Deadlines<'step' | 'silence'>
  #stream: Duplex | undefined
  #attempt: AbortController | undefined
  #ready = false
  #flushing = false
  #failures = 0
  #websocketReason: string | undefined
  #serverKey: Buffer | undefined
  #again: Timer | undefined
  #disposed = false

  constructor(options: DerpClientOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(options.clock, (name) =>
      this.#lost(new Error(name === 'step' ? 'the relay did not answer in time' : 'the relay went silent')),
    )
    this.#connect()
  }

  send(peerKey: Buffer, packet: Buffer): void {
    if (this.#disposed || packet.length > MAX_PACKET_BYTES) return
    this.#queue.add(peerKey, packet, this.#ready)
    if (this.#flushing || !this.#ready) return
    this.#flushing = true
    // What one turn brings is written at once.
    queueMicrotask(() => this.#flush())
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    this.#again?.cancel()
    this.#deadlines[Symbol.dispose]()
    this.#attempt?.abort()
    this.#stream?.destroy()
    this.#stream = undefined
    this.#ready = false
  }

  #connect(): void {
    const attempt = new AbortController()
    this.#attempt = attempt
    this.#deadlines.set('step', STEP_MS)
    this.#options.connect(attempt.signal).then(
      ({ stream, websocketReason }) => {
        if (this.#attempt === attempt && !this.#disposed) this.#use(stream, websocketReason)
        else stream.destroy()
      },
      (error: unknown) => {
        if (this.#attempt === attempt) this.#lost(error)
      },
    )
  }

  #use(stream: Duplex, websocketReason: string | undefined): void {
    this.#stream = stream
    this.#websocketReason = websocketReason
    this.#serverKey = undefined
    this.#deadlines.set('step', STEP_MS)
    const reader = new FrameReader((type, payload) => {
      if (this.#stream === stream) this.#receive(stream, type, payload)
    })
    stream.on('data', (chunk: Buffer) => {
      if (this.#stream !== stream) return
      if (this.#ready) this.#deadlines.set('silence', SILENCE_MS)
      try {
        reader.push(chunk)
      } catch (error) {
        this.#lost(error)
      }
    })
    stream.on('drain', () => this.#flush())
    stream.on('error', (error) => {
      if (this.#stream === stream) this.#lost(error)
    })
    stream.on('close', () => {
      if (this.#stream === stream) this.#lost(new Error('the relay closed the connection'))
    })
  }

  #receive(stream: Duplex, type: number, payload: Buffer): void {
    if (!this.#ready) this.#login(stream, type, payload)
    else if (type === FrameType.receivePacket && payload.length >= KEY_BYTES)
      this.#options.receive(payload.subarray(0, KEY_BYTES), payload.subarray(KEY_BYTES))
    else if (type === FrameType.ping && payload.length >= PING_BYTES)
      stream.write(frame(FrameType.pong, payload.subarray(0, PING_BYTES)))
    else if (type === FrameType.health && payload.length > 0)
      this.#options.log.warn('the relay reports a problem', { health: payload.toString('utf8', 0, 512) })
  }

  #login(stream: Duplex, type: number, payload: Buffer): void {
    const { keys } = this.#options
    if (type === FrameType.serverKey && this.#serverKey === undefined) {
      const key = Buffer.from(payload.subarray(MAGIC.length, MAGIC.length + KEY_BYTES))
      if (
        payload.length < MAGIC.length + KEY_BYTES ||
        payload.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length)
      )
        throw new Error('the other end is no relay: check the access URL')
      this.#serverKey = key
      const info = JSON.stringify({ version: PROTOCOL_VERSION, CanAckPings: true })
      stream.write(frame(FrameType.clientInfo, keys.publicKey, seal(keys, key, Buffer.from(info))))
      this.#deadlines.set('step', STEP_MS)
    } else if (type === FrameType.serverInfo && this.#serverKey !== undefined) {
      if (open(keys, this.#serverKey, payload) === undefined)
        throw new Error('the relay does not have the key that it showed')
      this.#ready = true
      this.#failures = 0
      this.#deadlines.clear('step')
      this.#deadlines.set('silence', SILENCE_MS)
      stream.write(frame(FrameType.notePreferred, Uint8Array.of(1)))
      this.#options.changed({ connected: true, websocketReason: this.#websocketReason })
      this.#flush()
    }
  }

  #flush(): void {
    this.#flushing = false
    const stream = this.#stream
    if (stream === undefined || !this.#ready) return
    while (!this.#queue.isEmpty && !stream.writableNeedDrain) stream.write(this.#queue.take())
  }

  #lost(error: unknown): void {
    if (this.#disposed) return
    const wasReady = this.#ready
    const stream = this.#stream
    this.#stream = undefined
    this.#ready = false
    this.#deadlines.clear('step')
    this.#deadlines.clear('silence')
    this.#attempt?.abort()
    this.#attempt = undefined
    stream?.destroy()
    const wait = Math.min(FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 10), LONGEST_WAIT_MS)
    this.#failures += 1
    const reason = error instanceof Error ? error.message : String(error)
    this.#options.log.debug('the relay is gone; connecting again', { reason })
    this.#again?.cancel()
    this.#again = this.#options.clock.after((wait * (1 + Math.random())) / 2, () => this.#connect())
    if (wasReady) this.#options.changed({ connected: false, websocketReason: this.#websocketReason })
  }
}
