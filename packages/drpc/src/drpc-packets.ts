import { ByteQueue } from './byte-queue.ts'

/** Kinds of packets (AC-61). */
export const KIND = {
  invoke: 1,
  message: 2,
  error: 3,
  cancel: 4,
  close: 5,
  closeSend: 6,
  invokeMetadata: 7,
} as const

/** Data of one packet at most, and of one frame as we write them (AC-62). */
export const MAX_PACKET = 4 * 1024 * 1024
const MAX_FRAME = 64 * 1024
/** More bytes than an unsigned 64-bit number has in base 128. */
const MAX_VARINT_BYTES = 10

/** A whole packet. */
export interface Packet {
  readonly kind: number
  readonly data: Buffer
}

/** The other end has broken the rules of DRPC; the call cannot go on. */
export class DrpcProtocolError extends Error {
  override readonly name = 'DrpcProtocolError'
}

interface FrameHead {
  readonly isLast: boolean
  readonly kind: number
  readonly mayBeIgnored: boolean
  readonly streamId: bigint
  readonly messageId: bigint
  readonly length: number
}

/** Joins what comes on a stream to packets, however it is cut (AC-60, AC-62). */
export class PacketReader {
  readonly #queue = new ByteQueue()
  #head: FrameHead | undefined
  #pieces: Buffer[] = []
  #size = 0
  /** The packet whose frames come, or else the last one that was whole. */
  #current = { kind: 0, streamId: 0n, messageId: 0n, isWhole: true }

  /** @returns the packets that are whole by now. @throws DrpcProtocolError. */
  push(chunk: Buffer): Packet[] {
    this.#queue.push(chunk)
    const packets: Packet[] = []
    for (;;) {
      this.#head ??= this.#readHead()
      if (this.#head === undefined || this.#queue.length < this.#head.length) return packets
      const packet = this.#join(this.#head, this.#queue.take(this.#head.length))
      this.#head = undefined
      if (packet !== undefined) packets.push(packet)
    }
  }

  #readHead(): FrameHead | undefined {
    const head = this.#queue.peek(1 + 3 * MAX_VARINT_BYTES)
    const control = head[0]
    if (control === undefined) return undefined
    let at = 1
    const number = (): bigint | undefined => {
      let value = 0n
      for (let i = 0; i < MAX_VARINT_BYTES; i += 1) {
        const byte = head[at]
        if (byte === undefined) return undefined
        at += 1
        value |= BigInt(byte & 0x7f) << BigInt(7 * i)
        if (byte < 0x80) return value
      }
      throw new DrpcProtocolError('a number of a frame is too long')
    }
    const streamId = number()
    const messageId = number()
    const length = number()
    if (streamId === undefined || messageId === undefined || length === undefined) return undefined
    if (length > BigInt(MAX_PACKET)) throw new DrpcProtocolError('a packet is too large')
    this.#queue.take(at)
    return {
      isLast: (control & 1) !== 0,
      kind: (control >> 1) & 0x3f,
      mayBeIgnored: (control & 0x80) !== 0,
      streamId,
      messageId,
      length: Number(length),
    }
  }

  #join(head: FrameHead, data: Buffer): Packet | undefined {
    const { isLast, kind, mayBeIgnored, streamId, messageId } = head
    const current = this.#current
    const isSame = !current.isWhole && streamId === current.streamId && messageId === current.messageId
    const isLater =
      streamId > current.streamId || (streamId === current.streamId && messageId > current.messageId)
    if (streamId === 0n || messageId === 0n || !(isSame || isLater))
      throw new DrpcProtocolError('ids of packets went back')
    if (isSame && current.kind !== kind) throw new DrpcProtocolError('a packet changed its kind')
    if (!isSame) {
      this.#pieces = []
      this.#size = 0
    }
    this.#current = { kind, streamId, messageId, isWhole: isLast }
    this.#size += data.length
    if (this.#size > MAX_PACKET) throw new DrpcProtocolError('a packet is too large')
    this.#pieces.push(data)
    if (!isLast) return undefined
    const whole = Buffer.concat(this.#pieces)
    this.#pieces = []
    this.#size = 0
    const isKnown = kind >= KIND.invoke && kind <= KIND.invokeMetadata
    if (isKnown) return { kind, data: whole }
    if (mayBeIgnored) return undefined
    throw new DrpcProtocolError(`packets of kind ${kind} are not known`)
  }
}

/** Writes the packets of one call, in its stream of the session, which has the id 1 (AC-62). */
export class PacketWriter {
  #messageId = 0n

  /** @throws DrpcProtocolError when the data are too large. */
  encode(kind: number, data: Uint8Array): Buffer {
    if (data.length > MAX_PACKET) throw new DrpcProtocolError(`a packet has ${MAX_PACKET} bytes at most`)
    this.#messageId += 1n
    const parts: Uint8Array[] = []
    for (let from = 0; from === 0 || from < data.length; from += MAX_FRAME) {
      const piece = data.subarray(from, from + MAX_FRAME)
      const isLast = from + MAX_FRAME >= data.length
      parts.push(
        Buffer.of(
          (kind << 1) | (isLast ? 1 : 0),
          1,
          ...varint(this.#messageId),
          ...varint(BigInt(piece.length)),
        ),
        piece,
      )
    }
    return Buffer.concat(parts)
  }
}

function varint(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return bytes
}

/** The text that both ends of a call may see of a failure, with its code (AC-64). */
export class DrpcError extends Error {
  override readonly name = 'DrpcError'
  readonly code: number

  constructor(message: string, code = 0) {
    super(message)
    this.code = code
  }

  encode(): Buffer {
    const code = Buffer.alloc(8)
    code.writeBigUInt64BE(BigInt(this.code))
    return Buffer.concat([code, Buffer.from(this.message)])
  }

  static decode(data: Buffer): DrpcError {
    if (data.length < 8) return new DrpcError('the other end reports an error without a code')
    return new DrpcError(data.subarray(8).toString(), Number(data.readBigUInt64BE(0)))
  }
}
