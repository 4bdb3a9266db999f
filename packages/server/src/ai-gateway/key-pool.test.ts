import { expect, it } from 'vitest'

import type { AIKeyStrategy } from '@slipway/contract'
import { KeyPool } from './key-pool.ts'

let now = 0
const pool = (): KeyPool =>
  new KeyPool(
    ['a', 'b', 'c'].map((id) => ({ id, key: `sk-${id}`, hint: id })),
    () => now,
  )
const first = (of: KeyPool, strategy: AIKeyStrategy, session: string): string | undefined =>
  of.inOrder(strategy, session)[0]?.id
/** Asks as a request of a session would. */
const asks = (of: KeyPool, strategy: AIKeyStrategy, session: string): string => {
  const id = first(of, strategy, session) ?? ''
  of.keep(session, id)
  return id
}

it('AG-52: the first key that does not rest comes first, by default', () => {
  const keys = pool()
  expect([first(keys, 'primary', 'x'), first(keys, 'primary', 'y')]).toEqual(['a', 'a'])
  keys.rest('a', 'rate_limited', 1_000)
  expect(first(keys, 'primary', 'x')).toBe('b')
  now += 1_000
  expect(first(keys, 'primary', 'x')).toBe('a')
})

it('AG-B11: round_robin gives each new session the next key, and leaves it that one', () => {
  const keys = pool()
  expect(['w', 'x', 'y', 'z'].map((session) => asks(keys, 'round_robin', session))).toEqual([
    'a',
    'b',
    'c',
    'a',
  ])
  expect(['y', 'x', 'w'].map((session) => asks(keys, 'round_robin', session))).toEqual(['c', 'b', 'a'])
  expect(keys.inOrder('round_robin', 'x').map(({ id }) => id)).toEqual(['b', 'c', 'a'])
})

it('AG-B11: a session goes on with another key while its own rests, and stays there', () => {
  const keys = pool()
  asks(keys, 'round_robin', 'x')
  keys.rest('a', 'rate_limited', 1_000)
  const other = asks(keys, 'round_robin', 'x')
  expect(other).not.toBe('a')
  now += 1_000
  expect(asks(keys, 'round_robin', 'x')).toBe(other)
})

it('AG-B11: a session that has been silent for long is a new one', () => {
  const keys = pool()
  asks(keys, 'round_robin', 'x')
  now += 3_600_001
  expect(asks(keys, 'round_robin', 'x')).toBe('b')
})

it('AG-B11: least_busy gives a new session the key with the fewest requests under way', () => {
  const keys = pool()
  const over = ['a', 'a', 'b', 'b', 'c'].map((id) => keys.use(id))
  expect(asks(keys, 'least_busy', 'x')).toBe('c')
  over[0]?.()
  over[1]?.()
  over[1]?.()
  expect(asks(keys, 'least_busy', 'y')).toBe('a')
  // A session stays nevertheless.
  expect(asks(keys, 'least_busy', 'x')).toBe('c')
})
