import { expect, it } from 'vitest'

import type { AIKeyStrategy } from '@slipway/contract'
import type { ModelProvider } from '../../ai-providers/index.ts'
import { cooldownOf, KeyPool, KeyPools } from './key-pool.ts'

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

it('AG-52: a clock that is set back lets no key rest for longer', () => {
  const keys = pool()
  keys.rest('a', 'rate_limited', 1_000)
  now -= 3_600_000
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

it('AG-52: whatever a provider asks for, a key rests for a day at most', () => {
  const day = 86_400_000
  expect(cooldownOf({ 'retry-after': '86400000' })).toBe(day)
  expect(cooldownOf({ 'retry-after-ms': '864000000' })).toBe(day)
  expect([cooldownOf({ 'retry-after': '2.5' }), cooldownOf({ 'retry-after-ms': '70' })]).toEqual([2_500, 70])
  expect(cooldownOf({ 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' })).toBeUndefined()
})

it('AG-52, AG-57: what is still asked by an earlier state of a provider leaves the rests of the new one alone', () => {
  const at = (baseUrl: string): ModelProvider => ({
    id: 'p',
    name: 'p',
    type: 'openai',
    family: 'openai',
    displayName: 'p',
    icon: '',
    enabled: true,
    bedrock: undefined,
    baseUrl,
    status: 'enabled',
    statusDetail: '',
    keys: [{ id: 'a', key: 'sk-a', hint: 'a' }],
  })
  const pools = new KeyPools(() => now)
  const [before, after, read, next] = [
    at('http://one'),
    at('http://two'),
    at('http://two'),
    at('http://three'),
  ]
  pools.keep([before])
  pools.of(before).rest('a', 'rate_limited', 1_000)
  pools.keep([after])
  expect(pools.of(after).usable()).toHaveLength(1)
  pools.of(after).rest('a', 'rate_limited', 1_000)
  const earlier = pools.of(before)
  expect(earlier).not.toBe(pools.of(after))
  expect(pools.of(before)).toBe(earlier)
  expect(pools.known().get('p')).toBe(pools.of(after))
  // Read again without a change.
  pools.keep([read])
  expect(pools.of(read)).toBe(pools.of(after))
  // Asked for the first time behind the change.
  pools.keep([next])
  const current = pools.of(next)
  expect(pools.of(at('http://two'))).not.toBe(current)
  expect(pools.known().get('p')).toBe(current)
  pools.keep([])
  expect(pools.known().size).toBe(0)
})
