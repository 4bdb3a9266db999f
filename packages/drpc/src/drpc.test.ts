import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { callBidi, callStream, callUnary } from './drpc-client.ts'
import { DrpcError, KIND, MAX_PACKET, PacketReader, PacketWriter } from './drpc-packets.ts'
import { type ServedMethod, serveBidi, serveCall, serveStream, serveUnary } from './drpc-server.ts'
import { CoordinateResponseSchema, NodeSchema, Tailnet } from './generated/tailnet_pb.js'
import { streamPair } from './stream-pair.fixture.ts'
import { YamuxSession } from './yamux-session.ts'

const { coordinate, refreshResumeToken, streamDERPMaps } = Tailnet.method

/** A client of these methods; what failed unexpectedly is in `reports`. */
function connected(...methods: ServedMethod[]) {
  const [a, b] = streamPair()
  const client = new YamuxSession(a, { role: 'client' })
  const reports: unknown[] = []
  const byPath = new Map(methods.map((method) => [method.path, method]))
  const server = new YamuxSession(b, {
    role: 'server',
    onStream: (stream) => void serveCall(stream, byPath, (_path, error) => reports.push(error)),
  })
  return {
    client,
    reports,
    [Symbol.dispose]: () => {
      client[Symbol.dispose]()
      server[Symbol.dispose]()
    },
  }
}

it('AC-60, AC-62: packets of any kind and size survive any cutting; large ones go in frames of 64 KiB', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ kind: fc.integer({ min: 1, max: 7 }), size: fc.integer({ min: 0, max: 150_000 }) }),
        { minLength: 1, maxLength: 5 },
      ),
      fc.integer({ min: 1, max: 70_000 }),
      (sent, piece) => {
        const writer = new PacketWriter()
        const packets = sent.map(({ kind, size }) => ({ kind, data: Buffer.alloc(size, kind) }))
        const wire = Buffer.concat(packets.map(({ kind, data }) => writer.encode(kind, data)))
        const reader = new PacketReader()
        const got = []
        for (let at = 0; at < wire.length; at += piece)
          got.push(...reader.push(wire.subarray(at, at + piece)))
        expect(got.map(({ kind }) => kind)).toEqual(packets.map(({ kind }) => kind))
        // Comparing bytes one by one takes a hundred times as long.
        expect(got.every(({ data }, i) => packets[i]?.data.equals(data))).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
  expect(new PacketWriter().encode(KIND.message, Buffer.alloc(65_537)).length).toBe(65_537 + 6 + 4)
})

it('AC-67: the bytes of an empty call are those that clients of the reference send and expect', () => {
  const path = '/coder.agent.v2.Agent/GetAnnouncementBanners'
  const writer = new PacketWriter()
  const request = Buffer.concat([
    writer.encode(KIND.invoke, Buffer.from(path)),
    writer.encode(KIND.message, Buffer.alloc(0)),
    writer.encode(KIND.closeSend, Buffer.alloc(0)),
  ])
  expect(request.toString('hex')).toBe(`0301012c${Buffer.from(path).toString('hex')}050102000d010300`)
})

it('AC-62: ids that go back, unknown kinds and packets that are too large are refused', () => {
  const twice = Buffer.from('0501010005010100', 'hex')
  expect(() => new PacketReader().push(twice)).toThrow('went back')
  expect(() => new PacketReader().push(Buffer.from('11010100', 'hex'))).toThrow('not known')
  expect(new PacketReader().push(Buffer.from('91010100', 'hex'))).toEqual([])
  expect(() => new PacketReader().push(Buffer.from('050101ffffffff7f', 'hex'))).toThrow('too large')
  expect(() => new PacketReader().push(Buffer.from('05ffffffffffffffffffffff', 'hex'))).toThrow('too long')
  expect(() => new PacketWriter().encode(KIND.message, Buffer.alloc(MAX_PACKET + 1))).toThrow('at most')
  const reader = new PacketReader()
  const part = Buffer.concat([Buffer.from('04010180808001', 'hex'), Buffer.alloc(2 * 1024 * 1024)])
  reader.push(part)
  reader.push(part)
  expect(() => reader.push(part)).toThrow('too large')
})

it('AC-64: one message is answered with one, or with an error that keeps its code', async () => {
  using one = connected(serveUnary(refreshResumeToken, () => ({ token: 't' })))
  expect((await callUnary(one.client.open(), refreshResumeToken, {})).token).toBe('t')
  using refused = connected(
    serveUnary(refreshResumeToken, () => {
      throw new DrpcError('not now', 7)
    }),
  )
  const failure = await callUnary(refused.client.open(), refreshResumeToken, {}).catch(
    (error: unknown) => error,
  )
  expect(failure).toMatchObject({ message: 'not now', code: 7 })
  expect(refused.reports).toEqual([])
})

it('L-H: a failure of ours is reported, and tells the client nothing of the inside', async () => {
  using broken = connected(
    serveUnary(refreshResumeToken, () => {
      throw new Error('secret place')
    }),
  )
  const failure = await callUnary(broken.client.open(), refreshResumeToken, {}).catch(
    (error: unknown) => error,
  )
  expect(String(failure)).not.toContain('secret')
  expect(String(broken.reports)).toContain('secret place')
})

it('AC-44, AC-67: an unknown call is refused with code 12 and the text that clients know', async () => {
  using none = connected()
  const failure = await callUnary(none.client.open(), refreshResumeToken, {}).catch((error: unknown) => error)
  expect(failure).toMatchObject({
    code: 12,
    message: 'unknown rpc: /coder.tailnet.v2.Tailnet/RefreshResumeToken',
  })
})

it('AC-65: messages go both ways until one end has said its last', async () => {
  using both = connected(
    serveBidi(coordinate, async function* (requests) {
      for await (const { addTunnel } of requests) yield { error: String(addTunnel?.id[0]) }
    }),
  )
  const call = callBidi(both.client.open(), coordinate)
  const heard: string[] = []
  for (let n = 0; n < 100; n += 1) await call.send({ addTunnel: { id: Uint8Array.of(n) } })
  call.end()
  for await (const { error } of call.responses) heard.push(error)
  expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => String(n)))
})

it('AC-66: whoever closes the stream before its end has cancelled the call', async () => {
  const cancelled = Promise.withResolvers<void>()
  using one = connected(
    serveStream(streamDERPMaps, async function* (_request, signal) {
      yield {}
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      cancelled.resolve()
    }),
  )
  for await (const _ of callStream(one.client.open(), streamDERPMaps, {})) break
  await cancelled.promise

  const left = Promise.withResolvers<unknown>()
  using two = connected(
    // biome-ignore lint/correctness/useYield: it ends before it has anything to say
    serveBidi(coordinate, async function* (requests) {
      try {
        for await (const _ of requests);
      } catch (error) {
        left.resolve(error)
      }
    }),
  )
  const call = callBidi(two.client.open(), coordinate)
  await call.send({})
  call.cancel()
  expect(String(await left.promise)).toContain('has left')
})

it('13: 300 calls at once on one session are all answered', async () => {
  using one = connected(serveUnary(refreshResumeToken, async () => ({ token: 't' })))
  const all = await Promise.all(
    Array.from({ length: 300 }, () => callUnary(one.client.open(), refreshResumeToken, {})),
  )
  expect(all).toHaveLength(300)
})

it('12: a message of 3 MiB arrives whole', async () => {
  using one = connected(serveUnary(refreshResumeToken, () => ({ token: 'x'.repeat(3 * 1024 * 1024) })))
  expect((await callUnary(one.client.open(), refreshResumeToken, {})).token).toHaveLength(3 * 1024 * 1024)
})

it('AC-146: what a node has beyond the fields that we know is passed on', () => {
  const node = toBinary(NodeSchema, create(NodeSchema, { id: 5n, disco: 'discokey:x' }))
  const more = Buffer.concat([node, Buffer.from([0xfa, 0x01, 0x02, 0x68, 0x69])])
  const wire = Buffer.concat([Buffer.from([0x0a, more.length + 2, 0x12, more.length]), more])
  const read = fromBinary(CoordinateResponseSchema, wire)
  expect(Buffer.from(toBinary(CoordinateResponseSchema, read)).includes(Buffer.from('hi'))).toBe(true)
})
