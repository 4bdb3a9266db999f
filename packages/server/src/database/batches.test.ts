import { expect, it } from 'vitest'

import { Batches } from './batches.ts'

it('joins calls of one turn, and those that come while others are under way', async () => {
  const runs: number[][] = []
  const gates: (() => void)[] = []
  const batches = new Batches(
    async (inputs: readonly number[]) => {
      runs.push([...inputs])
      await new Promise<void>((resolve) => gates.push(resolve))
      return inputs.map((input) => input * 2)
    },
    { atOnce: 1 },
  )
  const first = [batches.call(1), batches.call(2)]
  await new Promise((resolve) => setImmediate(resolve))
  const later = [batches.call(3)]
  await new Promise((resolve) => setImmediate(resolve))
  later.push(batches.call(4))
  expect(runs).toEqual([[1, 2]])
  gates.shift()?.()
  expect(await Promise.all(first)).toEqual([2, 4])
  await new Promise((resolve) => setImmediate(resolve))
  expect(runs).toEqual([
    [1, 2],
    [3, 4],
  ])
  gates.shift()?.()
  expect(await Promise.all(later)).toEqual([6, 8])
})

it('sends no more than allowed at once, and the rest after it', async () => {
  const sizes: number[] = []
  const batches = new Batches(
    async (inputs: readonly number[]) => {
      sizes.push(inputs.length)
      return inputs
    },
    { max: 4 },
  )
  const inputs = Array.from({ length: 10 }, (_, index) => index)
  expect(await Promise.all(inputs.map((input) => batches.call(input)))).toEqual(inputs)
  expect(sizes).toEqual([4, 4, 2])
})

it('refuses only the call that is at fault', async () => {
  const batches = new Batches(async (inputs: readonly number[]) => {
    if (inputs.includes(2)) throw new Error('two is wrong')
    return inputs
  })
  const outcomes = await Promise.allSettled([batches.call(1), batches.call(2), batches.call(3)])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
