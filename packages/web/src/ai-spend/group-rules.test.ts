import { expect, it } from 'vitest'

import {
  limitsDraft,
  limitsFaults,
  limitsOf,
  parseCount,
  policyDraft,
  policyFaults,
  policyOf,
} from './group-rules.ts'

it('AG-B12, AG-B14: what is empty is no limit, and 0 is one', () => {
  const draft = limitsDraft(null, null)
  expect(limitsFaults(draft)).toEqual({})
  expect(limitsOf(draft)).toEqual({
    each: null,
    rest: { total_spend_limit_micros: null, tokens_per_minute: null, member_tokens_per_minute: null },
  })
  expect(limitsOf({ ...draft, each: '0', tokens: '100,000' })).toMatchObject({
    each: 0,
    rest: { tokens_per_minute: 100_000 },
  })
  expect(Object.keys(limitsFaults({ each: 'x', together: '', tokens: '1.5', memberTokens: '-1' }))).toEqual([
    'each',
    'tokens',
    'memberTokens',
  ])
  expect(parseCount('1000000000001')).toBeUndefined()
})

it('AG-B9: a policy without entries is none', () => {
  expect(policyOf(policyDraft(null))).toBeUndefined()
  expect(policyOf({ allow: ' claude-* \n', deny: '', aliases: 'fast = claude-haiku' })).toEqual({
    allow: ['claude-*'],
    deny: [],
    aliases: { fast: 'claude-haiku' },
  })
  expect(Object.keys(policyFaults({ allow: 'a b', deny: 'gpt-*', aliases: 'fast' }))).toEqual([
    'allow',
    'aliases',
  ])
})
