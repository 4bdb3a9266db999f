import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { FrameType, frame, isDisco } from '@slipway/tailnet/relay'
import { SEED } from '@slipway/testkit'
import { type Frame, FrameError, FrameReader, fromClient, fromStranger } from './frames.ts'

/** Frames of a stream that comes in pieces which end at these places. */
function read(reader: FrameReader, bytes: Buffer, cuts: readonly number[]): Frame[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  const frames: Frame[] = []
  let start = 0
  for (const end of [...ends, bytes.length]) {
    reader.push(bytes.subarray(start, end))
    start = end
    for (let next = reader.next(); next !== undefined; next = reader.next())
      frames.push({ type: next.type, payload: Buffer.from(next.payload) })
  }
  return frames
}

const SKIPPED = 0x77
const frames = fc.array(
  fc.record({
    type: fc.constantFrom(FrameType.sendPacket, FrameType.ping, SKIPPED),
    payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  }),
  { maxLength: 20 },
)

describe('AC-164: frames', () => {
  it('are the same however their bytes come, and those that are skipped leave nothing', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 50 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(({ type, payload }) => frame(type, payload)))
        const reader = new FrameReader((type) => (type === SKIPPED ? undefined : [0, 300]))
        expect(read(reader, bytes, cuts)).toEqual(sent.filter(({ type }) => type !== SKIPPED))
      }),
      { seed: SEED },
    )
  })

  it('are nothing until the last byte has come, one at a time too', () => {
    const bytes = Buffer.concat([frame(FrameType.ping, Buffer.alloc(8, 1)), frame(FrameType.keepAlive)])
    const reader = new FrameReader(() => [0, 8])
    const seen = [...bytes].map((byte) => {
      reader.push(Buffer.of(byte))
      return reader.next()?.type
    })
    expect(seen.flatMap((type, at) => (type === undefined ? [] : [[at, type]]))).toEqual([
      [12, FrameType.ping],
      [17, FrameType.keepAlive],
    ])
  })

  it('never end the reader with anything but a refusal, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat()), (bytes, cuts) => {
        try {
          read(new FrameReader(fromClient), Buffer.from(bytes), cuts)
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError)
        }
      }),
      { seed: SEED },
    )
  })

  it.each([
    ['a packet without a whole key', FrameType.sendPacket, 31, 'refused'],
    ['an empty packet', FrameType.sendPacket, 32, 'read'],
    ['a packet of 64 KiB', FrameType.sendPacket, 32 + 65_536, 'read'],
    ['a packet of one byte more', FrameType.sendPacket, 32 + 65_537, 'refused'],
    ['a ping of 7 bytes', FrameType.ping, 7, 'refused'],
    ['a ping of 1000 bytes', FrameType.ping, 1_000, 'read'],
    ['a ping of 1001 bytes', FrameType.ping, 1_001, 'refused'],
    ['a preference of two bytes', FrameType.notePreferred, 2, 'refused'],
    ['something unknown of 4 GiB', 0x99, 0xffff_ffff, 'skipped'],
  ] as const)('AC-165: %s is told by its header', (_name, type, length, what) => {
    const header = Buffer.alloc(5)
    header.writeUInt8(type, 0)
    header.writeUInt32BE(length, 1)
    const reader = new FrameReader(fromClient)
    reader.push(header)
    if (what === 'refused') return expect(() => reader.next()).toThrow(FrameError)
    expect(reader.next()).toBeUndefined()
    reader.push(Buffer.alloc(Math.min(length, 100_000)))
    expect(reader.next()?.type).toBe(what === 'read' ? type : undefined)
  })

  it('AC-164: a stranger may say who it is, in 256 KiB, and nothing else', () => {
    const said = (type: number, length: number): boolean => {
      const header = Buffer.alloc(5)
      header.writeUInt8(type, 0)
      header.writeUInt32BE(length, 1)
      const reader = new FrameReader(fromStranger)
      reader.push(header)
      try {
        reader.next()
        return true
      } catch {
        return false
      }
    }
    expect(said(FrameType.clientInfo, 256 * 1024)).toBe(true)
    expect(said(FrameType.clientInfo, 256 * 1024 + 1)).toBe(false)
    expect(said(FrameType.sendPacket, 40)).toBe(false)
    expect(said(0x99, 1)).toBe(false)
  })
})

it('AC-166: packets by which peers find each other are told by their first six bytes', () => {
  expect(isDisco(Buffer.from('5453f09f92ac00', 'hex'))).toBe(true)
  expect(isDisco(Buffer.from('5453f09f92ad00', 'hex'))).toBe(false)
  expect(isDisco(Buffer.from('5453f0', 'hex'))).toBe(false)
})
