import fc from 'fast-check'
import { expect, it } from 'vitest'

import { nameFault, suggestName } from './workspace-name.ts'

it('UI-732: every suggestion is a valid name', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999999, noNaN: true }), (at) => {
      expect(nameFault(suggestName(() => at))).toBeUndefined()
    }),
  )
})

it.each(['', '-a', 'a-', 'a--b', 'a_b', 'a'.repeat(33), 'ä'])('UI-732: %j is refused', (name) => {
  expect(nameFault(name)).toBeDefined()
})
