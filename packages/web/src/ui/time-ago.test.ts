import { expect, it } from 'vitest'

import { describeTime } from './time-ago.tsx'

const DAY = 86_400_000

it('UI-1705: times are counted, and only days have names', () => {
  const words = [-1000, -61_000, -DAY, -2 * DAY, -31 * DAY, -366 * DAY, 2 * DAY].map((from) =>
    describeTime(from, 0),
  )
  expect(words).toEqual([
    'just now',
    '1 min ago',
    'yesterday',
    '2 days ago',
    '1 mo ago',
    '1 yr ago',
    'in 2 days',
  ])
})
