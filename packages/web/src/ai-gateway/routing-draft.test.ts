import { expect, it } from 'vitest'

import type { AIProviderRouting } from '@slipway/contract'
import { pairsFault, pairsText, parsePairs } from './pairs.ts'
import { isSameRouting, routingDraft, routingFaults, routingOf } from './routing-draft.ts'

const ROUTING: AIProviderRouting = {
  key_strategy: 'round_robin',
  weight: 3,
  fallbacks: [{ provider: 'backup', models: { 'gpt-5': 'gpt-5-mini' } }, { provider: 'third' }],
  balance: [{ provider: 'twin', weight: 1 }],
  connect_timeout_ms: 1500,
  first_byte_timeout_ms: null,
  idle_timeout_ms: 60_000,
  total_timeout_ms: null,
}

it('AG-B10: what is stored comes back as it was', () => {
  const draft = routingDraft(ROUTING)
  expect(draft.connect_timeout_ms).toBe('1.5')
  expect(routingFaults(draft)).toEqual({})
  expect(routingOf(draft)).toEqual(ROUTING)
  expect(isSameRouting(draft, routingDraft(ROUTING))).toBe(true)
  expect(isSameRouting(draft, { ...draft, weight: '4' })).toBe(false)
})

it('UI-504: says what cannot be sent', () => {
  const draft = routingDraft(ROUTING)
  const [backup] = draft.fallbacks
  if (backup === undefined) throw new Error('no fallback')
  expect(
    routingFaults({
      ...draft,
      connect_timeout_ms: '0',
      weight: 'x',
      fallbacks: [backup, { ...backup, key: 9, models: 'a b' }, { ...backup, key: 10, provider: '' }],
      balance: [{ key: 0, provider: 'twin', weight: '0', models: '' }],
    }),
  ).toMatchObject({
    connect_timeout_ms: expect.stringContaining('0.1'),
    weight: expect.any(String),
    'fallbacks.1.provider': 'It is already in the list.',
    'fallbacks.1.models': expect.stringContaining('name = model'),
    'fallbacks.2.provider': 'Choose a provider.',
    'balance.0.weight': expect.any(String),
  })
})

it('AG-B9: names and what they stand for have a line each', () => {
  expect(parsePairs(' fast = claude-haiku \n\nbig=claude-opus')).toEqual({
    fast: 'claude-haiku',
    big: 'claude-opus',
  })
  expect(pairsText({ fast: 'claude-haiku' })).toBe('fast = claude-haiku')
  for (const text of ['fast', '= x', 'fast =', 'a = b\na = c']) expect(pairsFault(text)).toBeDefined()
})
