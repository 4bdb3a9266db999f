import { expect, it } from 'vitest'

import type { AIModelPrice } from '@slipway/contract'
import { changeWords, matching, priceDraft, pricedModels, priceFaults, priceUpsert } from './model-prices.ts'

const price = (
  provider: string,
  model: string,
  source: 'default' | 'custom',
  input: number,
): AIModelPrice => ({
  provider,
  model,
  source,
  input_price: input,
  output_price: 15_000_000,
  cache_read_price: null,
  cache_write_price: 0,
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
})
const MODELS = pricedModels([
  price('openai', 'gpt-5', 'default', 1),
  price('anthropic', 'claude-haiku', 'custom', 2),
  price('anthropic', 'claude-haiku', 'default', 3),
])

it('AG-108: the price of the deployment wins over that of the release', () => {
  expect(MODELS.map(({ model }) => model)).toEqual(['claude-haiku', 'gpt-5'])
  expect(MODELS[0]?.price.input_price).toBe(2)
  expect(MODELS[0]?.release?.input_price).toBe(3)
})

it('finds models by words, provider and source', () => {
  const names = (filter: string) => matching(MODELS, filter).map(({ model }) => model)
  expect(names('')).toHaveLength(2)
  expect(names('HAIKU')).toEqual(['claude-haiku'])
  expect(names('provider:openai')).toEqual(['gpt-5'])
  expect(names('source:default')).toEqual(['gpt-5'])
  expect(names('provider:openai claude')).toEqual([])
})

it('AG-109: all four prices are sent; what is not known is null, and free is 0', () => {
  const draft = priceDraft(price('anthropic', 'claude', 'default', 3_000_000))
  expect(draft).toMatchObject({ input_price: '3', cache_read_price: '', cache_write_price: '0' })
  expect(priceUpsert({ ...draft, output_price: ' 12.5 ' })).toEqual({
    provider: 'anthropic',
    model: 'claude',
    input_price: 3_000_000,
    output_price: 12_500_000,
    cache_read_price: null,
    cache_write_price: 0,
  })
})

it('UI-504: a price without any value, provider or model is not sent', () => {
  expect(Object.keys(priceFaults(priceDraft())).sort()).toEqual(['input_price', 'model', 'provider'])
  expect(priceFaults({ ...priceDraft(), provider: 'openai', model: 'x', output_price: 'much' })).toEqual({
    output_price: 'An amount in dollars, such as 2.50.',
  })
})

it('AG-108: a change of a price says what is known of it, and whether it is gone', () => {
  const change = {
    ...price('openai', 'x', 'custom', 1_250_000),
    id: 'x',
    changed_at: '',
    changed_by: null,
    removed: false,
    output_price: null,
    cache_read_price: 0,
    cache_write_price: null,
  }
  expect(changeWords(change)).toBe('$1.25 in · $0.00 cache read')
  expect(changeWords({ ...change, removed: true })).toBe('Removed: $1.25 in · $0.00 cache read')
})
