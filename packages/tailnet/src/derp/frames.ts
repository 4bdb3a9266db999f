/** The kinds of frames between clients and relays (AC-164, AC-165, AC-167, AC-169). */
export const FrameType = {
  serverKey: 0x01,
  clientInfo: 0x02,
  serverInfo: 0x03,
  sendPacket: 0x04,
  receivePacket: 0x05,
  keepAlive: 0x06,
  notePreferred: 0x07,
  peerGone: 0x08,
  peerPresent: 0x09,
  forwardPacket: 0x0a,
  watchConnections: 0x10,
  closePeer: 0x11,
  ping: 0x12,
  pong: 0x13,
  health: 0x14,
  restarting: 0x15,
} as const

/** What a relay's first frame begins with. */
export const MAGIC = Buffer.from('44455250f09f9491', 'hex')

export const PROTOCOL_VERSION = 2

/** The longest packet that a relay carries. */
export const MAX_PACKET_BYTES = 64 * 1024

const HEADER_BYTES = 5
// A packet with two keys before it is the longest frame that anybody sends to a client.
const MAX_FRAME_BYTES = MAX_PACKET_BYTES + 64

/** One frame with its payload in parts. */
export function frame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + length)
  bytes[0] = type
  bytes.writeUInt32BE(length, 1)
  let at = HEADER_BYTES
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  readonly #take: (type: number, payload: Buffer) => void
  readonly #limit: number
  /** The beginning of a frame whose end has not come. */
  #partial: Buffer = Buffer.alloc(0)

  /**
   * @param take gets each frame; its payload is only valid during the call.
   * @param limit the longest payload in bytes.
   */
  constructor(take: (type: number, payload: Buffer) => void, limit = MAX_FRAME_BYTES) {
    this.#take = take
    this.#limit = limit
  }

  /** @throws Error when a frame is longer than any that is allowed. */
  push(chunk: Buffer): void {
    let rest = chunk
    while (this.#partial.length > 0 && rest.length > 0) {
      const missing = this.#missing(this.#partial)
      this.#partial = Buffer.concat([this.#partial, rest.subarray(0, missing)])
      rest = rest.subarray(missing)
      if (this.#missing(this.#partial) > 0) continue
      const whole = this.#partial
      this.#partial = Buffer.alloc(0)
      this.#take(whole[0] ?? 0, whole.subarray(HEADER_BYTES))
    }
    let at = 0
    while (this.#missing(rest, at) === 0) {
      const end = at + HEADER_BYTES + rest.readUInt32BE(at + 1)
      this.#take(rest[at] ?? 0, rest.subarray(at + HEADER_BYTES, end))
      at = end
    }
    if (at < rest.length) this.#partial = Buffer.from(rest.subarray(at))
  }

  /** How many bytes of the frame that begins at an offset are still to come. */
  #missing(bytes: Buffer, at = 0): number {
    const have = bytes.length - at
    if (have < HEADER_BYTES) return HEADER_BYTES - have
    const length = bytes.readUInt32BE(at + 1)
    if (length > this.#limit) throw new Error(`a frame of ${length} bytes: the relay allows ${this.#limit}`)
    return Math.max(0, HEADER_BYTES + length - have)
  }
}
