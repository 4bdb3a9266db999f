import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { checksum, Protocol } from './ipv6.ts'
import { CONNECTIONS_LIMIT, HALF_OPEN_LIMIT } from './stack.ts'
import { RECEIVE_LIMIT, Receiver } from './tcp/receiver.ts'
import { Flag, type Segment } from './tcp/segment.ts'
import { HERE, THERE, Wire } from './wire.fixture.ts'

const has = (segment: Segment | undefined, flag: number) => ((segment?.flags ?? 0) & flag) !== 0
const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error)
const bytesOf = (length: number) => randomFillSync(Buffer.alloc(length))

/** Reads to the end, without touching the other half. */
async function readAll(stream: Duplex): Promise<Buffer> {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  await once(stream, 'end')
  return Buffer.concat(parts)
}

/** Waits for the end of a stream and tells the code of its error. */
async function endOf(stream: Duplex): Promise<unknown> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
  return codeOf(stream.errored)
}

/** Writes bytes in pieces of changing sizes, as fast as the stream takes them, and ends. */
async function writeAll(stream: Duplex, bytes: Buffer, piece: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += piece)
    if (!stream.write(bytes.subarray(at, at + piece))) await once(stream, 'drain')
  stream.end()
}

describe('AC-151: byte streams survive what a network does', () => {
  const faults = fc.record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    loss: fc.constantFrom(0, 0.01, 0.05, 0.2),
    duplication: fc.constantFrom(0, 0.05, 0.3),
    jitterMs: fc.constantFrom(0, 3, 40),
    delayMs: fc.constantFrom(1, 30),
  })
  const sizes = fc.record({
    up: fc.integer({ min: 0, max: 200_000 }),
    down: fc.integer({ min: 0, max: 200_000 }),
    piece: fc.constantFrom(1_000, 1_220, 5_000, 65_536),
    sack: fc.boolean(),
  })

  it('loss, duplication, reordering, both ways at once, with SACK and without', async () => {
    await fc.assert(
      fc.asyncProperty(faults, sizes, async (fault, { up, down, piece, sack }) => {
        using wire = new Wire(fault)
        if (!sack)
          wire.filter = (_from, segment, packet) => {
            // The option becomes two that mean nothing; the checksum knows.
            if (segment?.sackPermitted) forgetSack(packet)
            return true
          }
        const { near, far } = await wire.connect()
        const [there, back] = [bytesOf(up), bytesOf(down)]
        const all = Promise.all([
          readAll(far),
          readAll(near),
          writeAll(near, there, piece),
          writeAll(far, back, piece),
        ])
        const [arrived, returned] = await wire.wait('both streams', all)
        expect(arrived.equals(there) && returned.equals(back)).toBe(true)
        await wire.clock.until('the end', () => wire.here.connections + wire.there.connections === 0)
      }),
      { numRuns: 25 },
    )
  })

  it('a reader that comes late holds the writer back, and a lost word of new room does not end it', async () => {
    using wire = new Wire()
    const { near, far } = await wire.connect()
    const bytes = bytesOf(6_000_000)
    let written = 0
    const writing = (async () => {
      for (let at = 0; at < bytes.length; at += 10_000) {
        if (!near.write(bytes.subarray(at, at + 10_000))) await once(near, 'drain')
        written = at
      }
      near.end()
    })()
    let last = { written: -1, at: 0 }
    await wire.clock.until('the writer to stop', () => {
      if (written !== last.written) last = { written, at: wire.clock.now() }
      return wire.clock.now() - last.at > 5_000
    })
    expect(written).toBeLessThan(3_000_000)
    // Everything that the far end says about its room is lost for some minutes.
    let deaf = true
    wire.filter = (from) => from === 'here' || !deaf
    const reading = readAll(far)
    wire.clock.after(400_000, () => {
      deaf = false
    })
    const [arrived] = await wire.wait('everything', Promise.all([reading, writing]))
    expect(arrived.equals(bytes)).toBe(true)
  })

  it.each([true, false])('a lost segment is sent again before its time is up (SACK: %s)', async (sack) => {
    using wire = new Wire()
    let toLose = 20
    wire.filter = (from, segment, packet) => {
      if (!sack && segment?.sackPermitted) forgetSack(packet)
      if (from === 'there' || segment === undefined || segment.payload.length === 0) return true
      toLose -= 1
      return toLose !== 0
    }
    const { near, far } = await wire.connect()
    const bytes = bytesOf(100_000)
    const began = wire.clock.now()
    near.write(bytes)
    let length = 0
    far.on('data', (part: Buffer) => {
      length += part.length
    })
    await wire.clock.until('everything', () => length === bytes.length)
    expect(toLose).toBeLessThan(0)
    // Of the wire's clock; the shortest time until a repetition is 300 ms.
    expect(wire.clock.now() - began).toBeLessThan(300)
  })

  it('what a peer sends beyond the window is not kept', () => {
    const receiver = new Receiver()
    receiver.receive(1, Buffer.alloc(RECEIVE_LIMIT - 5), false)
    receiver.receive(1 + RECEIVE_LIMIT - 5, Buffer.alloc(10), true)
    receiver.receive(1 + RECEIVE_LIMIT + 5, Buffer.alloc(10), false)
    expect(receiver.queue.length).toBe(RECEIVE_LIMIT)
    expect(receiver.ranges()).toEqual([])
    expect(receiver.isComplete).toBe(false)
    expect(receiver.announce()).toBe(0)
    receiver.queue.discard(1 + 100_000)
    expect(receiver.announce()).toBe(100_000)
  })

  it('a slow reader gets everything', async () => {
    using wire = new Wire({ loss: 0.02, seed: 3 })
    const { near, far } = await wire.connect()
    const bytes = bytesOf(1_500_000)
    near.end(bytes)
    const parts: Buffer[] = []
    far.on('data', (part: Buffer) => {
      parts.push(part)
      far.pause()
      wire.clock.after(50, () => far.resume())
    })
    await wire.wait('the end', once(far, 'end'))
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  })

  it('a half that was closed says so while the other goes on', async () => {
    using wire = new Wire()
    const { near, far } = await wire.connect()
    near.end('question')
    expect(await wire.wait('the question', readAll(far))).toEqual(Buffer.from('question'))
    expect(near.readableEnded).toBe(false)
    const answer = bytesOf(300_000)
    far.end(answer)
    expect((await wire.wait('the answer', readAll(near))).equals(answer)).toBe(true)
    await wire.clock.until('the end', () => wire.here.connections + wire.there.connections === 0)
  })
})

describe('AC-151: how connections begin and end', () => {
  it('a port that is closed refuses', async () => {
    using wire = new Wire()
    await expect(wire.dial(80).catch(codeOf)).resolves.toBe('ECONNREFUSED')
    wire.listen(
      () => undefined,
      (port) => port === 22,
    )
    await expect(wire.dial(23).catch(codeOf)).resolves.toBe('ECONNREFUSED')
    await wire.dial(22)
  })

  it('a peer that says nothing is given up', async () => {
    using wire = new Wire({ loss: 1 })
    await expect(wire.dial(80).catch(codeOf)).resolves.toBe('ETIMEDOUT')
    expect(wire.here.connections).toBe(0)
  })

  it('a peer that falls silent is given up, and the stream says why', async () => {
    using wire = new Wire()
    const { near } = await wire.connect()
    wire.faults = { loss: 1 }
    near.write('anybody?')
    expect(await wire.wait('the end', endOf(near))).toBe('ETIMEDOUT')
  })

  it('a handler hears who came and to which port; the other end hears a reset', async () => {
    using wire = new Wire()
    const { promise, resolve } = Promise.withResolvers<unknown>()
    wire.listen((stream, from) => {
      resolve(from)
      stream.destroy(new Error('no'))
    })
    const near = await wire.dial(4)
    expect(await wire.wait('the reset', endOf(near))).toBe('ECONNRESET')
    expect(await promise).toMatchObject({ port: 4, remoteAddress: HERE })
  })

  it('what was written before a stream was destroyed is delivered; what comes later is refused', async () => {
    using wire = new Wire({ loss: 0.1, seed: 5 })
    const { near, far } = await wire.connect()
    const bytes = bytesOf(100_000)
    near.write(bytes)
    near.destroy()
    expect((await wire.wait('the bytes', readAll(far))).equals(bytes)).toBe(true)
    far.write('too late')
    expect(await wire.wait('the reset', endOf(far))).toBe('ECONNRESET')
    await wire.clock.until('the end', () => wire.here.connections + wire.there.connections === 0)
  })

  it('a reset counts only with exactly the number that comes next', async () => {
    using wire = new Wire()
    const { near, far } = await wire.connect()
    let last: { segment: Segment; packet: Buffer } | undefined
    wire.filter = (from, segment, packet) => {
      if (from === 'there' && segment !== undefined) last = { segment, packet: Buffer.from(packet) }
      return true
    }
    near.write('ping')
    await wire.clock.until('an acknowledgement', () => last !== undefined)
    if (last === undefined) throw new Error('nothing was said')
    const { packet } = last
    packet[53] = Flag.rst
    packet.writeUInt32BE((packet.readUInt32BE(44) + 1) >>> 0, 44)
    fixChecksum(packet)
    wire.here.receive(packet)
    expect(near.destroyed).toBe(false)
    far.write('pong')
    const [answer] = await wire.wait('an answer', once(near, 'data'))
    expect(String(answer)).toBe('pong')
  })

  it('who closes first answers late segments for a while and then forgets', async () => {
    using wire = new Wire()
    const { near, far } = await wire.connect()
    far.resume()
    near.resume()
    near.end()
    let acknowledgements = 0
    let dropped = 0
    wire.filter = (from, segment) => {
      if (from !== 'here' || has(segment, Flag.syn)) return true
      acknowledgements += 1
      // The first answer to the far FIN is lost: it comes again.
      if (wire.here.connections === 0 && dropped === 0) {
        dropped += 1
        return false
      }
      return true
    }
    await wire.wait('the FIN', once(far, 'end'))
    wire.faults = { loss: 0 }
    far.end()
    await wire.clock.until('both to forget', () => wire.here.connections + wire.there.connections === 0)
    expect(acknowledgements).toBeGreaterThan(0)
    wire.clock.advance(61_000)
    expect(wire.clock.waiting).toBe(0)
  })

  it('begun connections and connections are limited; whoever waits comes in when there is room', async () => {
    using wire = new Wire()
    const streams: Duplex[] = []
    wire.listen((stream) => streams.push(stream))
    const dial = () => wire.here.dial(THERE, 80).then((stream) => void stream.on('error', codeOf), codeOf)
    wire.filter = (from) => from === 'here'
    for (let i = 0; i < HALF_OPEN_LIMIT + 50; i += 1) void dial()
    wire.clock.advance(500)
    expect(wire.there.connections).toBe(HALF_OPEN_LIMIT)
    wire.filter = () => true
    await wire.clock.until('all of them', () => streams.length === HALF_OPEN_LIMIT + 50)
    while (wire.here.connections < CONNECTIONS_LIMIT) {
      const count = Math.min(HALF_OPEN_LIMIT, CONNECTIONS_LIMIT - wire.here.connections)
      const results = await wire.wait('more', Promise.all(Array.from({ length: count }, dial)))
      expect(new Set(results)).toEqual(new Set([undefined]))
    }
    expect(await dial()).toBe('EMFILE')
  })

  it('a node that closes tells its peers', async () => {
    using wire = new Wire()
    const { far } = await wire.connect()
    wire.here[Symbol.dispose]()
    expect(await wire.wait('the reset', endOf(far))).toBe('ECONNRESET')
  })

  it('ports and addresses that are none are refused with their names', async () => {
    using wire = new Wire()
    await expect(wire.here.dial(THERE, 0)).rejects.toThrow(/0 is no port/)
    await expect(wire.here.dial('10.0.0.1', 80)).rejects.toThrow(/10\.0\.0\.1/)
  })
})

/** Replaces the option SACK-permitted of a SYN by no-operations. */
function forgetSack(packet: Buffer): void {
  for (let at = 60; at + 1 < packet.length; at += 1)
    if (packet[at] === 4 && packet[at + 1] === 2) {
      packet.fill(1, at, at + 2)
      fixChecksum(packet)
      return
    }
}

function fixChecksum(packet: Buffer): void {
  packet.writeUInt16BE(0, 56)
  packet.writeUInt16BE(checksum(packet, Protocol.tcp), 56)
}
