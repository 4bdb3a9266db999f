import { expect, it } from 'vitest'

import { utf8Length } from './long-text.ts'

it('measures texts in bytes of UTF-8', () => {
  expect(utf8Length('aé東')).toBe(6)
})
