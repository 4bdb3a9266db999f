import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { modelAccess } from './model-access.ts'
import { ModelGlob } from './model-glob.ts'

const matches = (pattern: string, provider: string, model: string): boolean =>
  new ModelGlob(pattern).matches(provider, model)

describe('AG-B9: patterns of models', () => {
  it.each([
    ['gpt-*', 'any', 'gpt-5', true],
    ['gpt-*', 'any', 'my-gpt-5', false],
    ['*-mini', 'any', 'gpt-5-mini', true],
    ['*-mini', 'any', 'gpt-5-mini-x', false],
    ['a*b*a', 'any', 'aba', true],
    ['a*a', 'any', 'a', false],
    ['*', 'any', 'x/y', true],
    ['gpt', 'any', 'GPT', true],
    ['openai/gpt-*', 'openai', 'gpt-5', true],
    ['openai/gpt-*', 'other', 'gpt-5', false],
    ['open*/*', 'openai', 'gpt-5', true],
    // Names of providers have no slash: what is behind the first one is the model's.
    ['router/openai/*', 'router', 'openai/gpt-5', true],
    ['openai/*', 'router', 'openai/gpt-5', false],
    // Google calls the same model both.
    ['gemini-*', 'google', 'models/gemini-2.5-pro', true],
    ['gemini-*', 'google', 'Models/Gemini-2.5-pro', true],
    ['google/gemini-2.5-pro', 'google', 'models/gemini-2.5-pro', true],
    ['*/models/gemini-*', 'google', 'models/gemini-2.5-pro', true],
    ['gemini-*', 'google', 'tunedModels/gemini-2.5-pro', false],
    ['g.t', 'any', 'gpt', false],
    ['', 'any', 'gpt', false],
  ])('%s for %s %s: %s', (pattern, provider, model, expected) => {
    expect(matches(pattern, provider, model)).toBe(expected)
  })

  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', 'A'), maxLength: 12 })
  const names = fc.string({ unit: fc.constantFrom('a', 'b', '.', 'B', '/'), maxLength: 16 })

  it('mean what the regular expression of the same words means', () => {
    fc.assert(
      fc.property(letters, names, (pattern, model) => {
        const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*')
        expect(matches(pattern, 'p', model)).toBe(new RegExp(`^${source}$`, 'is').test(model))
      }),
      { numRuns: 2_000 },
    )
  })

  it('take a time that does not grow faster than pattern and name', () => {
    const begun = performance.now()
    expect(matches('a*'.repeat(100), 'p', `${'a'.repeat(200)}b`)).toBe(true)
    expect(matches(`${'*a'.repeat(120)}c`, 'p', 'a'.repeat(256))).toBe(false)
    expect(performance.now() - begun).toBeLessThan(200)
  })
})

describe('AG-B9: what several groups allow', () => {
  const policy = (allow: string[], deny: string[] = [], aliases: Record<string, string> = {}) => ({
    allow: allow.map((pattern) => new ModelGlob(pattern)),
    deny: deny.map((pattern) => new ModelGlob(pattern)),
    aliases: new Map(Object.entries(aliases)),
  })
  const key = {
    providers: undefined,
    models: undefined,
    monthlySpendLimitMicros: undefined,
    requestsPerSecond: undefined,
    tokensPerMinute: undefined,
  }

  it('is what any allows and none denies', () => {
    const access = modelAccess([policy(['a*']), policy(['b*'], ['ab'])], undefined)
    expect(['a', 'ab', 'b', 'c'].filter((model) => access.allows('p', model))).toEqual(['a', 'b'])
    const open = modelAccess([policy(['a*']), policy([])], undefined)
    expect([open.isLimited, open.allows('p', 'c')]).toEqual([false, true])
  })

  it('is not widened by a policy that only gives other names', () => {
    const access = modelAccess([policy(['a*']), policy([], [], { fast: 'c' })], undefined)
    expect([access.resolve('fast'), access.allows('p', 'a'), access.allows('p', 'c')]).toEqual([
      'c',
      true,
      false,
    ])
  })

  it('AG-B8: is narrowed by the token', () => {
    const access = modelAccess([policy(['a*'])], { ...key, providers: ['p'], models: ['*b'] })
    expect(access.allows('p', 'ab')).toBe(true)
    expect(access.allows('p', 'a')).toBe(false)
    expect(access.allows('p', 'b')).toBe(false)
    expect([access.allows('q', 'ab'), access.allowsProvider('q')]).toEqual([false, false])
  })

  it('has each alias once, from the first policy, and no alias of an alias', () => {
    const access = modelAccess(
      [policy([], [], { fast: 'one' }), policy([], [], { fast: 'two', one: 'x' })],
      key,
    )
    expect([access.isLimited, access.hasAliases, access.resolve('fast'), access.resolve('y')]).toEqual([
      false,
      true,
      'one',
      'y',
    ])
  })
})
