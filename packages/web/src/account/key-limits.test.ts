import { expect, it } from 'vitest'

import { isUnlimited, keyLimitsDraft, keyLimitsFaults, keyLimitsOf } from './key-limits.ts'

it('AG-B8: what is empty is no limit', () => {
  const draft = keyLimitsDraft(null)
  expect(keyLimitsFaults(draft)).toEqual({})
  expect(isUnlimited(keyLimitsOf(draft))).toBe(true)
  const limits = keyLimitsOf({
    monthly: '12.50',
    requests: '5',
    tokens: '100,000',
    models: 'claude-*\n\n gpt-5 ',
    providers: '',
  })
  expect(limits).toEqual({
    monthly_spend_limit_micros: 12_500_000,
    requests_per_second: 5,
    tokens_per_minute: 100_000,
    models: ['claude-*', 'gpt-5'],
    providers: null,
  })
  expect(isUnlimited(limits)).toBe(false)
  expect(keyLimitsOf(keyLimitsDraft(limits))).toEqual(limits)
})

it('UI-504: says what cannot be sent', () => {
  expect(
    Object.keys(
      keyLimitsFaults({ monthly: 'x', requests: '0', tokens: '-1', models: 'a b', providers: 'fine' }),
    ),
  ).toEqual(['monthly', 'requests', 'tokens', 'models'])
})
