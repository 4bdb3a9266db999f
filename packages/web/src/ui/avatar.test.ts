import { expect, it } from 'vitest'

import { initials } from './avatar.tsx'

it('tells people of one first name apart, and takes two letters of a single word', () => {
  expect(
    ['ada-lovelace', 'ada-hamilton', 'Ada King of Lovelace', 'owner', 'x', '-', 'élan.örn'].map(initials),
  ).toEqual(['al', 'ah', 'AK', 'ow', 'x', '', 'éö'])
})
