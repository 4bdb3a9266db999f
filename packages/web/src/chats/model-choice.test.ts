import { describe, expect, it } from 'vitest'

import type { ChatModelConfig, ChatUserModelOverrides } from '@slipway/contract'
import { chooseEffort, chooseModel, modelOffers, tokens } from './model-choice.ts'

const config = (id: string, more: Partial<ChatModelConfig> = {}): ChatModelConfig => ({
  id,
  ai_provider_id: 'p',
  model: id,
  display_name: '',
  enabled: true,
  is_default: false,
  context_limit: 200_000,
  compression_threshold: 70,
  created_at: '',
  updated_at: '',
  ...more,
})
const model = (id: string) => ({ id, provider: 'p', model: id, display_name: '' })
const provider = (name: string) => ({
  provider: name,
  provider_id: name,
  provider_type: 'openai' as const,
  display_name: name,
  icon: '',
})
const OFFERS = modelOffers(
  [
    { ...provider('one'), available: true, models: [model('a'), model('b'), model('c')] },
    {
      ...provider('two'),
      available: false,
      unavailable_reason: 'missing_api_key',
      models: [model('locked')],
    },
  ],
  [
    config('a'),
    config('b', {
      is_default: true,
      reasoning_efforts: ['low', 'medium', 'high'],
      model_config: { reasoning_effort: { default: 'medium', max: 'high' } },
    }),
    config('c', { reasoning_efforts: ['none', 'low'] }),
  ],
)
const own = (mode: 'model' | 'chat_default', id = ''): ChatUserModelOverrides => {
  const one = { context: 'root' as const, mode, model_config_id: id, is_set: true, is_malformed: false }
  const unset = { context: 'general' as const, model_config_id: '', is_malformed: false }
  return {
    enabled: true,
    root: one,
    general: one,
    explore: one,
    deployment_defaults: { general: unset, explore: unset },
  }
}
const NONE = { explicit: undefined, own: undefined, last: undefined }

describe('UI-1114: the model of a new chat', () => {
  it('is the first wish that can be had', () => {
    const all = { explicit: 'c', own: own('model', 'b'), last: 'a' }
    expect(chooseModel(OFFERS, all)?.id).toBe('c')
    expect(chooseModel(OFFERS, { ...all, explicit: 'gone' })?.id).toBe('b')
    expect(chooseModel(OFFERS, { ...NONE, own: own('model', 'locked'), last: 'a' })?.id).toBe('a')
    expect(chooseModel(OFFERS, { ...NONE, own: own('chat_default'), last: 'a' })?.id).toBe('b')
    expect(chooseModel(OFFERS, { ...NONE, last: 'a' })?.id).toBe('a')
    expect(chooseModel(OFFERS, { ...NONE, last: 'locked' })?.id).toBe('b')
    expect(chooseModel(OFFERS.slice(2), NONE)?.id).toBe('c')
    expect(chooseModel([], NONE)).toBeUndefined()
  })

  it('ignores own models while administrators do not allow them', () => {
    const off = { ...own('model', 'a'), enabled: false }
    expect(chooseModel(OFFERS, { ...NONE, own: off })?.id).toBe('b')
  })
})

it('UI-1119: an effort that the model does not know falls to its own, then to the highest', () => {
  const [a, b, c] = OFFERS
  expect(chooseEffort(a, 'high')).toBeUndefined()
  expect(chooseEffort(b, 'low')).toBe('low')
  expect(chooseEffort(b, 'max')).toBe('medium')
  expect(chooseEffort(c, 'max')).toBe('low')
})

it('tells tokens in short', () => {
  expect([200_000, 1_000_000, 1_200_000, 32_768, 500].map(tokens)).toEqual([
    '200K',
    '1M',
    '1.2M',
    '32,768',
    '500',
  ])
})
