/** Bytes of the head of each frame (AC-51). */
export const HEAD_BYTES = 12
/** What one end may send before the other has granted more, on each stream (AC-53). */
export const INITIAL_WINDOW = 262_144

/** Kinds of frames (AC-51). */
export const TYPE = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
/** Flags of frames, to be combined (AC-51). */
export const FLAG = { syn: 1, ack: 2, fin: 4, rst: 8 } as const
/** Why a session ends (AC-55). */
export const GO_AWAY = { normal: 0, protocolError: 1, internalError: 2 } as const

/** The head of a frame; `length` counts bytes of data, or is the value of the other kinds. */
export interface Head {
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly length: number
}

/** The other end has broken the rules of yamux; the session cannot go on. */
export class YamuxError extends Error {
  override readonly name = 'YamuxError'
}

/** Writes the head of a frame, big-endian. */
export function encodeHead({ type, flags, streamId, length }: Head): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt8(0, 0)
  head.writeUInt8(type, 1)
  head.writeUInt16BE(flags, 2)
  head.writeUInt32BE(streamId, 4)
  head.writeUInt32BE(length, 8)
  return head
}

/** Reads the head of a frame. @throws YamuxError for another version or an unknown kind. */
export function decodeHead(bytes: Buffer): Head {
  const version = bytes.readUInt8(0)
  if (version !== 0) throw new YamuxError(`yamux version ${version} is not known`)
  const type = bytes.readUInt8(1)
  if (type > TYPE.goAway) throw new YamuxError(`yamux frames of type ${type} are not known`)
  return {
    type,
    flags: bytes.readUInt16BE(2),
    streamId: bytes.readUInt32BE(4),
    length: bytes.readUInt32BE(8),
  }
}
