import { checksum, IPV6, newPacket, Protocol, sourceOf } from './ipv6.ts'

const ECHO_REQUEST = 128
const ECHO_REPLY = 129
const ECHO_HEADER = 8
const CHECKSUM = IPV6.header + 2

const TSMP_PING = 'p'.charCodeAt(0)
const TSMP_PONG = 'o'.charCodeAt(0)
const TSMP_PING_BYTES = 9
// The two last bytes name a port of an HTTP API between peers; zero says that there is none.
const TSMP_PONG_BYTES = 11

/** The answer to an ICMPv6 echo request (RFC 4443, section 4.2); undefined for anything else. */
export function icmpAnswer(packet: Buffer): Buffer | undefined {
  if (packet.length < IPV6.header + ECHO_HEADER || packet[IPV6.header] !== ECHO_REQUEST) return undefined
  if (checksum(packet, Protocol.icmp) !== 0) return undefined
  const answer = reply(packet, Protocol.icmp, packet.length - IPV6.header)
  packet.copy(answer, IPV6.header, IPV6.header)
  answer[IPV6.header] = ECHO_REPLY
  answer.writeUInt16BE(0, CHECKSUM)
  answer.writeUInt16BE(checksum(answer, Protocol.icmp), CHECKSUM)
  return answer
}

/** The answer to the probe by which peers learn that this node is reachable (AC-153); undefined for anything else. */
export function tsmpAnswer(packet: Buffer): Buffer | undefined {
  if (packet.length < IPV6.header + TSMP_PING_BYTES || packet[IPV6.header] !== TSMP_PING) return undefined
  const answer = reply(packet, Protocol.tsmp, TSMP_PONG_BYTES).fill(0, IPV6.header)
  answer[IPV6.header] = TSMP_PONG
  packet.copy(answer, IPV6.header + 1, IPV6.header + 1, IPV6.header + TSMP_PING_BYTES)
  return answer
}

function reply(packet: Buffer, protocol: number, length: number): Buffer {
  const own = packet.subarray(IPV6.destination, IPV6.header)
  return newPacket(own, sourceOf(packet), protocol, length)
}
