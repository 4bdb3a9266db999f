import { expect, it } from 'vitest'

import { pageOf } from './list-address.ts'

it('UI-502: whatever is no number of a page leads to the first one', () => {
  for (const text of [undefined, '', '0', '-3', '1.5', 'two', '1e99']) expect(pageOf(text), text).toBe(1)
  expect(pageOf('12')).toBe(12)
})
