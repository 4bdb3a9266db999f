import { FrameType, frame, KEY_BYTES, MAGIC, MAX_PACKET_BYTES } from '@slipway/tailnet/relay'

const MAX_CLIENT_INFO_BYTES = 256 * 1024
const MAX_PING_BYTES = 1_000
const HEADER_BYTES = 5

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
  [FrameType.sendPacket, [KEY_BYTES, KEY_BYTES + MAX_PACKET_BYTES]],
  [FrameType.notePreferred, [1, 1]],
  [FrameType.forwardPacket, [2 * KEY_BYTES, 2 * KEY_BYTES + MAX_PACKET_BYTES]],
  [FrameType.watchConnections, [0, 0]],
  [FrameType.closePeer, [KEY_BYTES, KEY_BYTES]],
  [FrameType.ping, [8, MAX_PING_BYTES]],
])

/** What a client may send once it is known: anything else is skipped (AC-165). */
export const fromClient: FrameLimits = (type) => CLIENT_LIMITS.get(type)

const RELAY_LIMITS = new Map<number, readonly [number, number]>([
  [FrameType.serverKey, [MAGIC.length + KEY_BYTES, 1_000]],
  [FrameType.serverInfo, [0, 64 * 1024]],
  [FrameType.peerPresent, [KEY_BYTES, 1_000]],
  [FrameType.peerGone, [KEY_BYTES, 1_000]],
])

/** What another relay tells this one (AC-169). */
export const fromRelay: FrameLimits = (type) => RELAY_LIMITS.get(type)

/** What a client may send before that: who it is, and nothing else (AC-164). */
export const fromStranger: FrameLimits = (type) => [
  0,
  type === FrameType.clientInfo ? MAX_CLIENT_INFO_BYTES : 0,
]

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

/** Says that a client is not there (AC-167). */
export function peerGone(key: Buffer, reason: GoneReason): Buffer {
  return frame(FrameType.peerGone, key, Buffer.of(reason === 'disconnected' ? 0 : 1))
}
