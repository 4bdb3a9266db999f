import { createSecretKey, type KeyObject } from 'node:crypto'

import type { SessionKeys } from './handshake.ts'
import { MessageType, TRANSPORT } from './messages.ts'
import { openPacket, sealPacket, TAG_BYTES } from './noise.ts'
import { ReplayWindow } from './replay-window.ts'

const PADDING = 16
const ZEROS = Buffer.alloc(PADDING)
const WORD = 2 ** 32

/** From this age on a session neither sends nor receives (REJECT-AFTER-TIME), in milliseconds. */
export const REJECT_AFTER_MS = 180_000

/** How many packets a session sends at most: the paper's 2^64 - 2^13, as far as a number is exact. */
export const REJECT_AFTER_MESSAGES = Number.MAX_SAFE_INTEGER - 2 ** 13

/** The keys that one handshake made, both ways. */
export class Session {
  readonly localIndex: number
  readonly remoteIndex: number
  readonly initiator: boolean
  /** When the handshake ended, by the monotonic clock. */
  readonly since: number
  readonly #send: KeyObject
  readonly #receive: KeyObject
  readonly #window = new ReplayWindow()
  readonly #sendNonce = Buffer.alloc(12)
  readonly #receiveNonce = Buffer.alloc(12)
  #sent = 0

  constructor(keys: SessionKeys, localIndex: number, initiator: boolean, since: number) {
    this.localIndex = localIndex
    this.remoteIndex = keys.remoteIndex
    this.initiator = initiator
    this.since = since
    this.#send = createSecretKey(keys.send)
    this.#receive = createSecretKey(keys.receive)
  }

  /** How many packets were sent. */
  get sent(): number {
    return this.#sent
  }

  isAlive(now: number): boolean {
    return now - this.since < REJECT_AFTER_MS && this.#sent < REJECT_AFTER_MESSAGES
  }

  /** One transport packet; an empty payload is a keep-alive. */
  seal(payload: Buffer): Buffer {
    const padding = (PADDING - (payload.length % PADDING)) % PADDING
    const packet = Buffer.allocUnsafe(TRANSPORT.payload + payload.length + padding + TAG_BYTES)
    packet.writeUInt32LE(MessageType.transport, 0)
    packet.writeUInt32LE(this.remoteIndex, TRANSPORT.receiver)
    packet.writeUInt32LE(this.#sent % WORD, TRANSPORT.counter)
    packet.writeUInt32LE(Math.floor(this.#sent / WORD), TRANSPORT.counter + 4)
    packet.copy(this.#sendNonce, 4, TRANSPORT.counter, TRANSPORT.payload)
    this.#sent += 1
    sealPacket(
      this.#send,
      this.#sendNonce,
      payload,
      padding === 0 ? ZEROS.subarray(0, 0) : ZEROS.subarray(0, padding),
      packet,
      TRANSPORT.payload,
    )
    return packet
  }

  /** The payload with its padding; undefined when the packet is not authentic, was seen before or is too old. */
  open(packet: Buffer): Buffer | undefined {
    const high = packet.readUInt32LE(TRANSPORT.counter + 4)
    const counter = high * WORD + packet.readUInt32LE(TRANSPORT.counter)
    if (counter >= REJECT_AFTER_MESSAGES || !this.#window.isNew(counter)) return undefined
    packet.copy(this.#receiveNonce, 4, TRANSPORT.counter, TRANSPORT.payload)
    const payload = openPacket(this.#receive, this.#receiveNonce, packet.subarray(TRANSPORT.payload))
    if (payload !== undefined) this.#window.mark(counter)
    return payload
  }
}
