import { setImmediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { TickShape } from './tick-shape.ts'

test('an object of the kind that each tick makes is kept until the server stops', async () => {
  const shape = new TickShape()
  await setImmediate()
  expect(shape.isKept).toBe(true)
  shape[Symbol.dispose]()
  expect(shape.isKept).toBe(false)
})
