/** Types of frames that clients and the relay speak (AC-164, AC-165, AC-167, AC-169). */
export const FRAME = {
  serverKey: 0x01,
  clientInfo: 0x02,
  serverInfo: 0x03,
  sendPacket: 0x04,
  recvPacket: 0x05,
  keepAlive: 0x06,
  notePreferred: 0x07,
  peerGone: 0x08,
  peerPresent: 0x09,
  forwardPacket: 0x0a,
  watchConns: 0x10,
  closePeer: 0x11,
  ping: 0x12,
  pong: 0x13,
} as const

/** What the first frame of a relay begins with. */
export const MAGIC = Buffer.from('44455250f09f9491', 'hex')
export const PROTOCOL_VERSION = 2
export const KEY_BYTES = 32
/** The longest packet that is relayed. */
export const MAX_PACKET_BYTES = 64 * 1024
const MAX_CLIENT_INFO_BYTES = 256 * 1024
const MAX_PING_BYTES = 1_000
const HEADER_BYTES = 5
const DISCO_MAGIC = Buffer.from('5453f09f92ac', 'hex')

/** Why a client is told that another is not there: it has left, or it never was. */
export type GoneReason = 'disconnected' | 'not-here'

/** One message of the protocol. */
export interface Frame {
  readonly type: number
  readonly payload: Buffer
}

/** The peer breaks the protocol: nothing more can be read from it. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** Bytes of the shortest and the longest frame of a type; undefined where frames of it are skipped unread. */
export type FrameLimits = (type: number) => readonly [min: number, max: number] | undefined

const CLIENT_LIMITS = new Map<number, readonly [number, number]>([
  [FRAME.sendPacket, [KEY_BYTES, KEY_BYTES + MAX_PACKET_BYTES]],
  [FRAME.notePreferred, [1, 1]],
  [FRAME.forwardPacket, [2 * KEY_BYTES, 2 * KEY_BYTES + MAX_PACKET_BYTES]],
  [FRAME.watchConns, [0, 0]],
  [FRAME.closePeer, [KEY_BYTES, KEY_BYTES]],
  [FRAME.ping, [8, MAX_PING_BYTES]],
])

/** What a client may send once it is known: anything else is skipped (AC-165). */
export const fromClient: FrameLimits = (type) => CLIENT_LIMITS.get(type)

const RELAY_LIMITS = new Map<number, readonly [number, number]>([
  [FRAME.serverKey, [MAGIC.length + KEY_BYTES, 1_000]],
  [FRAME.serverInfo, [0, 64 * 1024]],
  [FRAME.peerPresent, [KEY_BYTES, 1_000]],
  [FRAME.peerGone, [KEY_BYTES, 1_000]],
])

/** What another relay tells this one (AC-169). */
export const fromRelay: FrameLimits = (type) => RELAY_LIMITS.get(type)

/** What a client may send before that: who it is, and nothing else (AC-164). */
export const fromStranger: FrameLimits = (type) => [0, type === FRAME.clientInfo ? MAX_CLIENT_INFO_BYTES : 0]

/**
 * Cuts a stream of bytes into frames, however the bytes come. Keeps no more than one frame and the last chunk; a frame
 * that is too long is refused by its header, and one that is skipped is never kept.
 */
export class FrameReader {
  limits: FrameLimits
  #chunk: Buffer = Buffer.alloc(0)
  #type: number | undefined
  /** What has come of a frame that lies in several chunks. */
  #parts: Buffer[] = []
  #missing = 0
  #skipping = false

  constructor(limits: FrameLimits) {
    this.limits = limits
  }

  /** Takes what has come; to be called when {@link next} has no frame left. */
  push(chunk: Buffer): void {
    this.#chunk = this.#chunk.length === 0 ? chunk : Buffer.concat([this.#chunk, chunk])
  }

  /** The next whole frame; undefined when more must come first. @throws FrameError. */
  next(): Frame | undefined {
    for (;;) {
      const type = this.#type ?? this.#readHeader()
      if (type === undefined) return undefined
      const part = this.#chunk.subarray(0, this.#missing)
      this.#chunk = this.#chunk.subarray(part.length)
      this.#missing -= part.length
      if (!this.#skipping) this.#parts.push(part)
      if (this.#missing > 0) return undefined
      this.#type = undefined
      if (this.#skipping) continue
      const [first, ...others] = this.#parts
      this.#parts = []
      return {
        type,
        payload:
          first !== undefined && others.length === 0 ? first : Buffer.concat([first ?? part, ...others]),
      }
    }
  }

  #readHeader(): number | undefined {
    if (this.#chunk.length < HEADER_BYTES) return undefined
    const type = this.#chunk.readUInt8(0)
    const length = this.#chunk.readUInt32BE(1)
    const limits = this.limits(type)
    if (limits !== undefined && (length < limits[0] || length > limits[1]))
      throw new FrameError(`a frame of type ${type} has ${length} bytes`)
    this.#chunk = this.#chunk.subarray(HEADER_BYTES)
    this.#type = type
    this.#missing = length
    this.#skipping = limits === undefined
    return type
  }
}

/** A frame as it is sent; its payload is all `parts`, one behind the other. */
export function frame(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const whole = Buffer.allocUnsafe(HEADER_BYTES + length)
  whole.writeUInt8(type, 0)
  whole.writeUInt32BE(length, 1)
  let at = HEADER_BYTES
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Says that a client is not there (AC-167). */
export function peerGone(key: Buffer, reason: GoneReason): Buffer {
  return frame(FRAME.peerGone, key, Buffer.of(reason === 'disconnected' ? 0 : 1))
}

/** Whether a packet is one of those by which peers look for each other, rather than WireGuard's. */
export function isDisco(packet: Buffer): boolean {
  return packet.subarray(0, DISCO_MAGIC.length).equals(DISCO_MAGIC)
}
