import { ADDRESS_BYTES } from '../addresses.ts'

/** Where the fields of a header begin, and how long it is (RFC 8200). */
export const IPV6 = { length: 4, nextHeader: 6, source: 8, destination: 24, header: 40 } as const

/** What can be inside a packet. */
export const Protocol = { tcp: 6, icmp: 58, tsmp: 99 } as const

/** The longest packet of a tailnet. */
export const MTU = 1280

const HOP_LIMIT = 64

/** Room for a packet with its header written and `length` bytes of payload still to fill in. */
export function newPacket(source: Buffer, destination: Buffer, protocol: number, length: number): Buffer {
  const packet = Buffer.allocUnsafe(IPV6.header + length)
  packet.writeUInt32BE(0x60000000, 0)
  packet.writeUInt16BE(length, IPV6.length)
  packet[IPV6.nextHeader] = protocol
  packet[IPV6.nextHeader + 1] = HOP_LIMIT
  source.copy(packet, IPV6.source)
  destination.copy(packet, IPV6.destination)
  return packet
}

/** The checksum of TCP and ICMPv6 over a whole packet (RFC 8200, section 8.1): 0 when the one inside is right. */
export function checksum(packet: Buffer, protocol: number): number {
  let sum = protocol + packet.length - IPV6.header
  const even = packet.length & ~1
  for (let i = IPV6.source; i < even; i += 2) sum += ((packet[i] ?? 0) << 8) | (packet[i + 1] ?? 0)
  if (even < packet.length) sum += (packet[even] ?? 0) << 8
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff)
  return ~sum & 0xffff
}

/** The sender's address: a copy, which outlives the packet. */
export function sourceOf(packet: Buffer): Buffer {
  return Buffer.from(packet.subarray(IPV6.source, IPV6.source + ADDRESS_BYTES))
}
