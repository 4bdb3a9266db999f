import { describe, expect, it } from 'vitest'

import type { AIProvider } from '@slipway/contract'
import {
  isSameProvider,
  newProvider,
  providerChange,
  providerCreation,
  providerDraft,
  providerFaults,
} from './provider-draft.ts'
import { problemsOf, providerLook } from './provider-words.ts'

const STORED: AIProvider = {
  id: 'p',
  type: 'openai',
  name: 'openai',
  display_name: 'OpenAI',
  icon: '',
  enabled: true,
  base_url: 'https://api.openai.com/v1/',
  api_keys: [
    { id: 'k1', masked: 'sk-a…1', created_at: '', trouble: null },
    { id: 'k2', masked: 'sk-b…2', created_at: '', trouble: null },
  ],
  settings: null,
  status: 'enabled',
  status_detail: '',
  last_check: null,
  trouble: null,
  open_circuits: [],
  created_at: '',
  updated_at: '',
}

describe('AG-100: keys of a provider', () => {
  const draft = providerDraft(STORED)

  it('are left out while they stay', () => {
    expect(isSameProvider(draft, providerDraft(STORED))).toBe(true)
    expect(providerChange({ ...draft, display_name: 'Ours' }, STORED)).not.toHaveProperty('api_keys')
    // An empty field for a new one is none.
    const blank = { ...draft, keys: [...draft.keys, { key: 9, text: ' ' }] }
    expect(isSameProvider(blank, draft)).toBe(true)
    expect(providerChange(blank, STORED)).not.toHaveProperty('api_keys')
  })

  it('are sent as the set that results', () => {
    const keys = [...draft.keys.slice(1), { key: 9, text: ' sk-new ' }]
    expect(providerChange({ ...draft, keys }, STORED).api_keys).toEqual([{ id: 'k2' }, { api_key: 'sk-new' }])
    expect(providerChange({ ...draft, keys: [] }, STORED).api_keys).toEqual([])
    expect(isSameProvider({ ...draft, keys: [] }, draft)).toBe(false)
  })
})

describe('AG-105: Bedrock', () => {
  it('has settings and no keys, and secrets only where they are given', () => {
    const draft = { ...newProvider('bedrock'), base_url: 'https://bedrock.example' }
    const aws = { ...draft.aws, region: 'eu-central-1' }
    expect(providerCreation({ ...draft, aws })).toMatchObject({
      settings: { _type: 'bedrock', _version: 1, protocol: 'invoke-model', region: 'eu-central-1' },
    })
    expect(providerCreation({ ...draft, aws })).not.toHaveProperty('api_keys')
    expect(providerCreation({ ...draft, aws }).settings).not.toHaveProperty('access_key')
    const keyed = { ...aws, access_key: 'AKIA', access_key_secret: 's' }
    expect(providerCreation({ ...draft, aws: keyed }).settings).toMatchObject({
      access_key: 'AKIA',
      access_key_secret: 's',
    })
    const mantle = { ...aws, protocol: 'mantle' as const }
    expect(providerCreation({ ...draft, aws: mantle }).settings).not.toHaveProperty('model')
  })

  it('offers a name that is free', () => {
    const taken = ['openai', 'openai-3', 'openai-2']
    expect(newProvider('openai', taken)).toMatchObject({ name: 'openai-4', display_name: 'OpenAI 4' })
    expect(newProvider('anthropic', taken)).toMatchObject({ name: 'anthropic', display_name: 'Anthropic' })
  })

  it('says what is missing', () => {
    expect(Object.keys(providerFaults(newProvider('bedrock')))).toEqual(['base_url', 'region'])
    expect(providerFaults(newProvider('openai'))).toEqual({})
    expect(Object.keys(providerFaults({ ...newProvider('openai'), name: 'My Key' }))).toEqual(['name'])
  })
})

describe('AG-B18: what requests have found wrong', () => {
  it('AG-B18: is told of the provider, its keys and its models, and makes it look so', () => {
    expect(problemsOf(STORED)).toEqual([])
    expect(providerLook(STORED).label).toBe('Ready')
    const bare = { ...STORED, type: 'openai' as const, api_keys: [], last_check: null }
    expect(providerLook(bare).label).toBe('No key')
    expect(providerLook({ ...bare, type: 'openai-compat' }).label).toBe('Ready')
    expect(providerLook({ ...bare, type: 'copilot' }).label).toBe('Ready')
    const since = '2026-01-01T00:00:00Z'
    const [first, second] = STORED.api_keys
    const found: AIProvider = {
      ...STORED,
      trouble: { kind: 'failing', error: 'it has answered 503', since, until: null },
      api_keys: [first, second].flatMap((key, at) =>
        key === undefined
          ? []
          : [
              {
                ...key,
                trouble: at === 0 ? null : { kind: 'unauthorized', error: 'No.', since, until: null },
              },
            ],
      ),
      open_circuits: [{ route: '/v1/responses', model: '', since, until: since }],
    }
    expect(problemsOf(found).map(({ text }) => text)).toEqual([
      'The last request failed: it has answered 503',
      'The key sk-b…2 was refused: No.',
      '/v1/responses failed too often and is left alone for a while',
    ])
    expect([providerLook(found).label, providerLook({ ...found, status: 'disabled' }).label]).toEqual([
      'Trouble',
      'Off',
    ])
  })
})
