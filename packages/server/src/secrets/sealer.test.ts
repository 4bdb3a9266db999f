import { randomBytes } from 'node:crypto'

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { Sealer } from './sealer.ts'

const first = randomBytes(32)
const second = randomBytes(32)

it('seals and opens any bytes', () => {
  const sealer = new Sealer([first])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
      expect(sealer.open(sealer.seal(bytes, 'test'), 'test')).toEqual(Buffer.from(bytes))
    }),
  )
})

it('opens values of an older key after rotation', () => {
  const old = new Sealer([first]).seal(Buffer.from('secret'), 'test')
  expect(new Sealer([second, first]).open(old, 'test').toString()).toBe('secret')
  expect(() => new Sealer([second]).open(old, 'test')).toThrow('not configured')
})

it('refuses a value that was changed or moved', () => {
  const sealer = new Sealer([first])
  const sealed = sealer.seal(Buffer.from('secret'), 'a')
  expect(() => sealer.open(sealed, 'b')).toThrow()
  sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1
  expect(() => sealer.open(sealed, 'a')).toThrow()
})
