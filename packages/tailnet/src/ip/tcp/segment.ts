import { checksum, IPV6, newPacket, Protocol } from '../ipv6.ts'

/** Bits of the flags of a segment (RFC 9293). */
export const Flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const

export const TCP_HEADER = 20

const AT = {
  sourcePort: IPV6.header,
  destinationPort: IPV6.header + 2,
  sequence: IPV6.header + 4,
  acknowledgment: IPV6.header + 8,
  headerWords: IPV6.header + 12,
  flags: IPV6.header + 13,
  window: IPV6.header + 14,
  checksum: IPV6.header + 16,
  urgent: IPV6.header + 18,
  options: IPV6.header + TCP_HEADER,
} as const

const Option = { end: 0, nothing: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5 } as const
const MAX_WINDOW_SCALE = 14

/** A range of sequence numbers: from the first to the one behind the last. */
export type Range = readonly [start: number, end: number]

/** A segment that came in. Numbers are as on the wire. */
export interface Segment {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  readonly window: number
  readonly mss: number | undefined
  readonly windowScale: number | undefined
  readonly sackPermitted: boolean
  readonly sacks: readonly Range[]
  readonly payload: Buffer
}

/** Both ends of a connection, as addresses of 16 bytes and ports. */
export interface Flow {
  readonly local: Buffer
  readonly remote: Buffer
  readonly localPort: number
  readonly remotePort: number
}

/** What goes into the header of a segment. */
export interface Header {
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  readonly window: number
}

/** How many numbers a segment takes: its bytes, and one each for SYN and FIN. */
export function spaceOf(segment: Segment): number {
  const syn = (segment.flags & Flag.syn) === 0 ? 0 : 1
  return segment.payload.length + syn + ((segment.flags & Flag.fin) === 0 ? 0 : 1)
}

/** Reads a segment; undefined when it is malformed or was damaged. */
export function parseSegment(packet: Buffer): Segment | undefined {
  if (packet.length < AT.options) return undefined
  const begin = IPV6.header + ((packet[AT.headerWords] ?? 0) >> 4) * 4
  if (begin < AT.options || begin > packet.length || checksum(packet, Protocol.tcp) !== 0) return undefined
  return {
    sourcePort: packet.readUInt16BE(AT.sourcePort),
    destinationPort: packet.readUInt16BE(AT.destinationPort),
    sequence: packet.readUInt32BE(AT.sequence),
    acknowledgment: packet.readUInt32BE(AT.acknowledgment),
    flags: packet[AT.flags] ?? 0,
    window: packet.readUInt16BE(AT.window),
    ...(begin === AT.options ? NO_OPTIONS : parseOptions(packet, begin)),
    payload: packet.subarray(begin),
  }
}

type Options = Pick<Segment, 'mss' | 'windowScale' | 'sackPermitted' | 'sacks'>

const NO_OPTIONS: Options = { mss: undefined, windowScale: undefined, sackPermitted: false, sacks: [] }

function parseOptions(packet: Buffer, end: number): Options {
  let { mss, windowScale, sackPermitted }: Options = NO_OPTIONS
  const sacks: Range[] = []
  for (let at: number = AT.options; at < end && packet[at] !== Option.end; ) {
    const kind = packet[at]
    if (kind === Option.nothing) {
      at += 1
      continue
    }
    const length = packet[at + 1] ?? 0
    if (length < 2 || at + length > end) break
    if (kind === Option.mss && length === 4) mss = packet.readUInt16BE(at + 2)
    else if (kind === Option.windowScale && length === 3)
      windowScale = Math.min(packet[at + 2] ?? 0, MAX_WINDOW_SCALE)
    else if (kind === Option.sackPermitted) sackPermitted = true
    else if (kind === Option.sack)
      for (let block = at + 2; block + 8 <= at + length; block += 8)
        sacks.push([packet.readUInt32BE(block), packet.readUInt32BE(block + 4)])
    at += length
  }
  return { mss, windowScale, sackPermitted, sacks }
}

/** The options of a first segment: the longest segment taken here, the scale of windows, and SACK (RFC 2018). */
export function synOptions(mss: number, windowScale: number | undefined, sack: boolean): Buffer {
  const options = Buffer.from([Option.mss, 4, mss >> 8, mss & 0xff])
  const scale = windowScale === undefined ? [] : [Option.nothing, Option.windowScale, 3, windowScale]
  const permitted = sack ? [Option.nothing, Option.nothing, Option.sackPermitted, 2] : []
  return Buffer.concat([options, Buffer.from(scale), Buffer.from(permitted)])
}

/** The option that says which ranges arrived beyond a gap. */
export function sackOption(ranges: readonly Range[]): Buffer {
  const option = Buffer.alloc(4 + ranges.length * 8, Option.nothing)
  option[2] = Option.sack
  option[3] = 2 + ranges.length * 8
  ranges.forEach(([start, end], i) => {
    option.writeUInt32BE(start, 4 + i * 8)
    option.writeUInt32BE(end, 8 + i * 8)
  })
  return option
}

/** Where the payload begins in a packet that `newSegment` made. */
export function payloadOffset(options: Buffer | undefined): number {
  return AT.options + (options?.length ?? 0)
}

/** A packet with room for its payload. Fill that in, then `seal` it with the checksum. */
export function newSegment(
  flow: Flow,
  header: Header,
  options: Buffer | undefined,
  payloadLength: number,
): Buffer {
  const optionsLength = options?.length ?? 0
  const packet = newPacket(flow.local, flow.remote, Protocol.tcp, TCP_HEADER + optionsLength + payloadLength)
  packet.writeUInt16BE(flow.localPort, AT.sourcePort)
  packet.writeUInt16BE(flow.remotePort, AT.destinationPort)
  packet.writeUInt32BE(header.sequence, AT.sequence)
  packet.writeUInt32BE(header.acknowledgment, AT.acknowledgment)
  packet[AT.headerWords] = ((TCP_HEADER + optionsLength) / 4) << 4
  packet[AT.flags] = header.flags
  packet.writeUInt16BE(header.window, AT.window)
  packet.writeUInt16BE(0, AT.urgent)
  options?.copy(packet, AT.options)
  return packet
}

/** Writes the checksum of a packet that is otherwise complete. */
export function seal(packet: Buffer): Buffer {
  packet.writeUInt16BE(0, AT.checksum)
  packet.writeUInt16BE(checksum(packet, Protocol.tcp), AT.checksum)
  return packet
}

/** The reset that answers a segment for which there is no connection (RFC 9293, section 3.10.7.1). */
export function resetFor(flow: Flow, segment: Segment): Buffer {
  const answersAck = (segment.flags & Flag.ack) !== 0
  return seal(
    newSegment(
      flow,
      {
        sequence: answersAck ? segment.acknowledgment : 0,
        acknowledgment: answersAck ? 0 : (segment.sequence + spaceOf(segment)) >>> 0,
        flags: answersAck ? Flag.rst : Flag.rst | Flag.ack,
        window: 0,
      },
      undefined,
      0,
    ),
  )
}
