import { expect, it } from 'vitest'

import { parseAddress } from '../addresses.ts'
import { systemClock } from '../clock.ts'
import { checksum, IPV6, newPacket, Protocol } from './ipv6.ts'
import { IpStack } from './stack.ts'

const own = parseAddress('fd7a:115c:a1e0::1')
const peer = parseAddress('fd7a:115c:a1e0::2')

function answersTo(protocol: number, payload: Buffer, to = own, damage = 0): Buffer[] {
  const answers: Buffer[] = []
  using stack = new IpStack({
    clock: systemClock,
    addresses: ['fd7a:115c:a1e0::1', 'fd60:627a:a42b::1'],
    send: (packet) => answers.push(packet),
  })
  const packet = newPacket(peer, to, protocol, payload.length)
  payload.copy(packet, IPV6.header)
  if (protocol === Protocol.icmp) packet.writeUInt16BE(checksum(packet, protocol) ^ damage, IPV6.header + 2)
  stack.receive(packet)
  return answers
}

it('AC-153: the probe "p" is answered "o", with the same 8 bytes and 2 more', () => {
  const [answer] = answersTo(Protocol.tsmp, Buffer.from('pabcdefgh and more'))
  expect(answer?.subarray(IPV6.header)).toEqual(Buffer.from('oabcdefgh\0\0'))
  expect(answer?.subarray(IPV6.source, IPV6.destination)).toEqual(own)
  expect(answer?.subarray(IPV6.destination, IPV6.header)).toEqual(peer)
  expect(answer?.[IPV6.nextHeader]).toBe(99)
  for (const noProbe of ['pshort', 'oabcdefgh', ''])
    expect(answersTo(Protocol.tsmp, Buffer.from(noProbe))).toEqual([])
})

it('AC-153: every address of the node answers, others do not', () => {
  const vpn = parseAddress('fd60:627a:a42b::1')
  const probe = Buffer.from('p12345678')
  expect(answersTo(Protocol.tsmp, probe, vpn)[0]?.subarray(IPV6.source, IPV6.destination)).toEqual(vpn)
  expect(answersTo(Protocol.tsmp, probe, parseAddress('fd7a:115c:a1e0::3'))).toEqual([])
})

it('AC-151: an echo request of ICMPv6 is answered with its bytes and a right checksum', () => {
  const request = Buffer.concat([Buffer.from([128, 0, 0, 0, 0, 7, 0, 9]), Buffer.from('odd')])
  const [answer] = answersTo(Protocol.icmp, request)
  if (answer === undefined) throw new Error('no answer')
  expect(answer.subarray(IPV6.header, IPV6.header + 2)).toEqual(Buffer.from([129, 0]))
  expect(answer.subarray(IPV6.header + 4)).toEqual(request.subarray(4))
  expect(checksum(answer, Protocol.icmp)).toBe(0)
  expect(answersTo(Protocol.icmp, request, own, 1)).toEqual([])
})

it('AC-151: the checksum is that of RFC 1071 over the pseudo header', () => {
  // By hand: addresses 2 * (fd7a + 115c + a1e0) + 1 + 2, length 1, protocol 99, byte 80 as 8000.
  const packet = newPacket(peer, own, 99, 1)
  packet[IPV6.header] = 0x80
  const sum = 2 * (0xfd7a + 0x115c + 0xa1e0) + 1 + 2 + 1 + 99 + 0x8000
  expect(checksum(packet, 99)).toBe(~((sum & 0xffff) + (sum >>> 16)) & 0xffff)
})
