import fc from 'fast-check'
import { expect, it } from 'vitest'

import { FrameReader, frame } from './frames.ts'

it('AC-164: frames come out as they went in, wherever the stream was cut', () => {
  const frames = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 })), {
    maxLength: 20,
  })
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(([type, payload]) => frame(type, payload)))
      const received: [number, Uint8Array][] = []
      const reader = new FrameReader((type, payload) => received.push([type, Uint8Array.from(payload)]))
      for (let at = 0, i = 0; at < stream.length; i += 1) {
        const length = cuts[i % cuts.length] ?? 1
        reader.push(stream.subarray(at, at + length))
        at += length
      }
      expect(received).toEqual(sent)
    }),
  )
})

it('AC-164: a frame that is longer than any may be is an error as soon as its length is known', () => {
  const reader = new FrameReader(() => undefined)
  reader.push(frame(5, Buffer.alloc(64 * 1024 + 32)))
  expect(() => reader.push(Buffer.from([5, 0, 2, 0, 0]))).toThrow(/131072 bytes/)
})
