import { expect, it } from 'vitest'

import { niceCeiling } from './bar-chart.tsx'

it('an axis ends at a round number that nothing reaches over', () => {
  expect([0, 1, 1.2, 2.1, 3, 7, 99, 101].map(niceCeiling)).toEqual([0, 1, 1.5, 3, 3, 8, 100, 150])
})
