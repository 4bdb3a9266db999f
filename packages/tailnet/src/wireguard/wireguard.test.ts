import { expect, it } from 'vitest'

import { parseAddress } from '../addresses.ts'
import { ManualClock } from '../clock.fixture.ts'
import { newPacket } from '../ip/ipv6.ts'
import { KeyPair } from '../keys.ts'
import { MessageType, mac1Key, signMac1, TRANSPORT } from './messages.ts'
import { WireGuard } from './wireguard.ts'

const PAYLOAD_AT = 40
const ADDRESSES = [parseAddress('fd7a:115c:a1e0::1'), parseAddress('fd7a:115c:a1e0::2')] as const

class End {
  readonly keys = KeyPair.generate()
  readonly address: Buffer
  readonly other: Buffer
  readonly received: string[] = []
  /** What it sent and the wire has not carried yet. */
  readonly sent: Buffer[] = []
  readonly interface: WireGuard

  constructor(clock: ManualClock, index: 0 | 1) {
    this.address = ADDRESSES[index]
    this.other = ADDRESSES[index === 0 ? 1 : 0]
    this.interface = new WireGuard({
      keys: this.keys,
      clock,
      transmit: (_key, packet) => this.sent.push(Buffer.from(packet)),
      deliver: (packet) => this.received.push(packet.toString('utf8', PAYLOAD_AT)),
    })
  }

  say(text: string, from = this.address): void {
    const packet = newPacket(from, this.other, 6, text.length)
    packet.write(text, PAYLOAD_AT)
    this.interface.send(packet)
  }

  /** The kinds of what it sent. */
  get kinds(): (number | undefined)[] {
    return this.sent.map((packet) => packet[0])
  }
}

function pair(persistentMs = 0) {
  const clock = new ManualClock()
  const [a, b] = [new End(clock, 0), new End(clock, 1)]
  a.interface.setPeer(b.keys.publicKey, [b.address], persistentMs)
  b.interface.setPeer(a.keys.publicKey, [a.address])
  /** Carries everything both ways until both are silent. */
  const carry = () => {
    while (a.sent.length + b.sent.length > 0) {
      for (const packet of a.sent.splice(0)) b.interface.receive(packet)
      for (const packet of b.sent.splice(0)) a.interface.receive(packet)
    }
  }
  /** Lets time pass on a wire that works. */
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      clock.advance(500)
      carry()
    }
  }
  /** Makes a session that owes nobody anything. */
  const connect = () => {
    a.say('hello')
    carry()
    expect(b.received.splice(0)).toEqual(['hello'])
    pass(12_000)
  }
  return { clock, a, b, carry, pass, connect }
}

it('AC-151: what waits for the handshake arrives after it, and both ends may speak', () => {
  const { a, b, carry } = pair()
  a.say('one')
  a.say('two')
  expect(a.kinds).toEqual([MessageType.initiation])
  carry()
  b.say('three')
  expect(b.kinds).toEqual([MessageType.transport])
  carry()
  expect(b.received).toEqual(['one', 'two'])
  expect(a.received).toEqual(['three'])
})

it('AC-151: the responder waits with its packets for a sign that the initiator has the keys', () => {
  const { a, b } = pair()
  a.say('first')
  for (const packet of a.sent.splice(0)) b.interface.receive(packet)
  b.say('early')
  expect(b.kinds).toEqual([MessageType.response, MessageType.initiation])
  for (const packet of b.sent.splice(0, 1)) a.interface.receive(packet)
  for (const packet of a.sent.splice(0)) b.interface.receive(packet)
  expect(b.kinds.at(-1)).toBe(MessageType.transport)
})

it('AC-151: both ends may begin at the same moment', () => {
  const { a, b, carry, clock } = pair()
  a.say('from a')
  b.say('from b')
  carry()
  for (const end of [a, b]) end.say('later')
  carry()
  expect(b.received).toEqual(['from a', 'later'])
  expect(a.received).toEqual(['from b', 'later'])
  clock.advance(4_000)
  expect([...a.kinds, ...b.kinds]).toEqual([])
})

it('AC-151: reordered packets are taken, repeated and changed ones are not', () => {
  const { a, b, connect } = pair()
  connect()
  for (const text of ['1', '2', '3']) a.say(text)
  const [one, two, three] = a.sent.splice(0)
  if (one === undefined || two === undefined || three === undefined) throw new Error('not sent')
  for (let at = TRANSPORT.counter; at < two.length; at += 1) {
    const changed = Buffer.from(two)
    changed[at] = (changed[at] ?? 0) ^ 0x80
    b.interface.receive(changed)
  }
  for (const packet of [three, one, three, one, two, two]) b.interface.receive(packet)
  expect(b.received).toEqual(['3', '1', '2'])
})

it('AC-151: a packet from an address that its peer does not have is dropped, also when it lost the address', () => {
  const { a, b, carry, connect } = pair()
  connect()
  a.say('not mine', b.address)
  a.say('mine')
  carry()
  expect(b.received.splice(0)).toEqual(['mine'])
  b.interface.setPeer(KeyPair.generate().publicKey, [a.address])
  b.interface.setPeer(a.keys.publicKey, [])
  a.say('not any more')
  carry()
  expect(b.received).toEqual([])
})

it('AC-151: an initiation is answered once, and only for a known key and a right MAC', () => {
  const { a, b, clock } = pair()
  a.say('x')
  const [initiation] = a.sent.splice(0)
  if (initiation === undefined) throw new Error('not sent')
  const forged = Buffer.from(initiation)
  signMac1(forged, 116, mac1Key(a.keys.publicKey))
  b.interface.receive(forged)
  expect(b.sent).toEqual([])
  b.interface.receive(initiation)
  expect(b.kinds).toEqual([MessageType.response])
  clock.advance(60_000)
  b.sent.length = 0
  b.interface.receive(initiation)
  expect(b.sent).toEqual([])
  const stranger = new End(clock, 0)
  stranger.interface.setPeer(b.keys.publicKey, [b.address])
  stranger.say('let me in')
  for (const packet of stranger.sent) b.interface.receive(packet)
  expect(b.sent).toEqual([])
})

it('AC-151: an initiation without an answer is repeated every 5 s for 90 s, then what waited is forgotten', () => {
  const { a, b, carry, clock } = pair()
  a.say('lost')
  clock.advance(4_900)
  expect(a.kinds).toEqual([MessageType.initiation])
  clock.advance(600)
  expect(a.kinds).toEqual([MessageType.initiation, MessageType.initiation])
  expect(a.sent[0]).not.toEqual(a.sent[1])
  clock.advance(600_000)
  expect(a.sent.length).toBeGreaterThan(15)
  expect(a.sent.length).toBeLessThan(20)
  a.sent.length = 0
  a.say('new')
  carry()
  expect(b.received).toEqual(['new'])
})

it('AC-151: packets that wait for a handshake are bounded; the newest stay', () => {
  const { a, b, carry } = pair()
  for (let i = 0; i < 1_000; i += 1) a.say(String(i))
  carry()
  expect(b.received).toHaveLength(128)
  expect(b.received.at(-1)).toBe('999')
})

it('AC-151: the initiator renews a session after 120 s, and nothing is lost meanwhile', () => {
  const { a, b, carry, pass, connect } = pair()
  connect()
  pass(107_000)
  a.say('still old')
  expect(a.kinds.filter((kind) => kind === MessageType.initiation)).toEqual([])
  carry()
  pass(2_000)
  a.say('old')
  expect(a.kinds).toContain(MessageType.initiation)
  b.say('back')
  carry()
  a.say('renewed')
  expect(a.sent[0]?.readBigUInt64LE(TRANSPORT.counter)).toBeLessThan(3n)
  carry()
  expect(b.received).toEqual(['still old', 'old', 'renewed'])
  expect(a.received).toEqual(['back'])
})

it('AC-151: after 180 s a session carries nothing, in either direction', () => {
  const { a, b, clock, connect } = pair()
  connect()
  a.say('late')
  const late = a.sent.splice(0)
  clock.advance(168_000)
  for (const packet of late) b.interface.receive(packet)
  expect(b.received).toEqual([])
  a.sent.length = b.sent.length = 0
  b.say('anew')
  expect(b.kinds).toEqual([MessageType.initiation])
})

it('AC-151: who only receives answers within 10 s, who is not answered begins a handshake after 15 s', () => {
  const { a, b, clock, connect, carry } = pair()
  connect()
  a.say('one way')
  for (const packet of a.sent.splice(0)) b.interface.receive(packet)
  clock.advance(9_900)
  expect(b.sent).toEqual([])
  clock.advance(200)
  expect(b.sent.map((packet) => packet.length)).toEqual([TRANSPORT.payload + 16])
  carry()
  clock.advance(60_000)
  expect([...a.sent, ...b.sent]).toEqual([])
  a.say('unheard')
  a.sent.length = 0
  clock.advance(14_900)
  expect(a.sent).toEqual([])
  clock.advance(600)
  expect(a.kinds).toEqual([MessageType.initiation])
})

it('AC-151: a persistent keep-alive holds a tunnel open without traffic', () => {
  const { a, clock, connect } = pair(25_000)
  connect()
  clock.advance(22_000)
  expect(a.sent).toEqual([])
  clock.advance(2_000)
  expect(a.sent.map((packet) => packet.length)).toEqual([TRANSPORT.payload + 16])
})

it('AC-151: payloads are padded to 16 bytes and the padding is not delivered', () => {
  const { a, b, carry, connect } = pair()
  connect()
  a.say('x')
  expect(a.sent[0]?.length).toBe(TRANSPORT.payload + 48 + 16)
  carry()
  expect(b.received).toEqual(['x'])
})

it('AC-151: a removed peer is not heard and its timers are gone', () => {
  const { a, b, clock, connect } = pair()
  connect()
  a.say('after')
  b.interface.removePeer(a.keys.publicKey)
  for (const packet of a.sent.splice(0)) b.interface.receive(packet)
  expect(b.received).toEqual([])
  b.say('nobody there')
  expect(b.sent).toEqual([])
  a.interface[Symbol.dispose]()
  expect(clock.waiting).toBe(0)
})

it('AC-151: noise of any length is dropped', () => {
  const { b, connect, carry, a } = pair()
  connect()
  for (let length = 0; length < 200; length += 1)
    for (const kind of [0, 1, 2, 3, 4, 5]) {
      const noise = Buffer.alloc(length, length)
      if (length >= 4) noise.writeUInt32LE(kind)
      b.interface.receive(noise)
    }
  a.say('fine')
  carry()
  expect(b.received).toEqual(['fine'])
})
