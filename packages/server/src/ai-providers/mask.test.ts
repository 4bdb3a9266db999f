import { expect, it } from 'vitest'

import { maskSecret } from './mask.ts'

it.each([
  ['', '...'],
  ['abcd', '...'],
  ['abcde', 'a...e'],
  ['abcdefghi', 'a...i'],
  ['abcdefghij', 'ab...ij'],
  ['abcdefghijklmnopqrs', 'ab...rs'],
  ['abcdefghijklmnopqrst', 'abcd...qrst'],
])('AG-83: of %j is shown %j', (secret, shown) => {
  expect(maskSecret(secret)).toBe(shown)
})
