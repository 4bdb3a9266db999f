import fc from 'fast-check'
import { expect, it } from 'vitest'

import { resultLimit, truncateResult } from './truncate-result.ts'

it('CH-708: the limit follows the context, with a floor, and one for models whose context is unknown', () => {
  expect(resultLimit(128_000)).toBe(127_998)
  expect(resultLimit(1_000)).toBe(16 * 1024)
  expect(resultLimit(undefined)).toBe(64 * 1024)
})

it('CH-708: whatever a tool gives fits afterwards, is well-formed, and says what is left out', () => {
  const text = fc.string({ unit: 'binary', maxLength: 3000 })
  const value = fc.oneof(
    text,
    fc.record({ output: text, code: fc.integer() }),
    fc.array(text, { maxLength: 5 }),
  )
  fc.assert(
    fc.property(value, fc.integer({ min: 300, max: 2000 }), (result, limit) => {
      const short = truncateResult(result, limit)
      const json = JSON.stringify(short.result)
      expect(Buffer.byteLength(json)).toBeLessThanOrEqual(Math.max(limit, 0))
      if (short.truncated) expect(json).toContain('bytes are left out')
      else expect(short.result).toEqual(result)
    }),
  )
})
