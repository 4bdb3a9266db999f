import { expect, it } from 'vitest'

import type { ChatModelConfig } from '@slipway/contract'
import { fromKnown, knownModels, modelDraft, modelFaults, modelRequest, NEW_MODEL } from './model-draft.ts'

const STORED: ChatModelConfig = {
  id: 'm',
  ai_provider_id: 'p',
  model: 'gpt-5',
  display_name: 'GPT-5',
  enabled: true,
  is_default: true,
  context_limit: 400_000,
  compression_threshold: 80,
  model_config: {
    temperature: 0.2,
    reasoning_effort: { default: 'low', max: 'high' },
    openai_config: { use_responses_api: true },
    provider_options: { openai: { store: false } },
  },
  created_at: '',
  updated_at: '',
}

it('CH-504: a model survives being edited and not changed', () => {
  const { id, created_at, updated_at, ...sent } = STORED
  expect(modelRequest(modelDraft(STORED))).toEqual(sent)
})

it('CH-504: says what is wrong with numbers, efforts and options', () => {
  const draft = { ...NEW_MODEL, provider: 'p', model: 'x' }
  expect(modelFaults(draft)).toEqual({})
  expect(Object.keys(modelFaults(NEW_MODEL))).toEqual(['ai_provider_id', 'model'])
  const faulty = {
    ...draft,
    context_limit: '1.5',
    compression_threshold: '101',
    temperature: '3',
    top_k: '0.5',
    effort_default: 'max' as const,
    effort_max: 'low' as const,
    provider_options: '{"openai": 1}',
  }
  expect(Object.keys(modelFaults(faulty))).toEqual([
    'context_limit',
    'compression_threshold',
    'temperature',
    'top_k',
    'reasoning_effort',
    'provider_options',
  ])
  expect(modelFaults({ ...draft, effort_max: 'low' }).reasoning_effort).toBe('Fill in both, or neither.')
})

it('every known model makes a valid draft', () => {
  for (const type of ['anthropic', 'openai', 'azure', 'google', 'bedrock', 'openrouter', 'vercel'] as const)
    for (const known of knownModels(type))
      expect(modelFaults({ ...fromKnown(NEW_MODEL, known), provider: 'p' }), known.model).toEqual({})
})
