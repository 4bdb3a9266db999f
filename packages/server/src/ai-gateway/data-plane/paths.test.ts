import { describe, expect, it } from 'vitest'

import type { ModelProvider } from '../../ai-providers/index.ts'
import { destinationOf } from './paths.ts'

const provider = (
  family: ModelProvider['family'],
  type: ModelProvider['type'] = 'openai',
): ModelProvider => ({
  id: '1',
  name: 'one',
  type,
  family,
  displayName: '',
  icon: '',
  baseUrl: 'https://models.example/base/v1/',
  enabled: true,
  status: 'enabled',
  statusDetail: '',
  keys: [],
  bedrock: undefined,
})
const where = (path: string, family: ModelProvider['family'] = 'openai', query = '') =>
  destinationOf(provider(family), path, query)

describe('AG-3: what is listed cannot be left', () => {
  it.each([
    '/v1/models/..\\files',
    '/v1/models/x\\..\\..\\files',
    '/v1/models/..%5cfiles',
    '/v1/models/../files',
    '/v1/models/..',
    '/v1/models/%2e%2E/files',
    '/v1/models/..%2ffiles',
    '/v1/models/..#x',
    '/v1/responses//',
    '/v1/responses/%2f',
    '/v1//responses/x',
  ])('AG-3: %s', (path) => {
    expect(where(path)).toBeUndefined()
  })

  it.each(['/v1/models', '/v1/chat/completions'])(
    'AG step 11: %s of an address that is none is a 502',
    (path) => {
      const broken = { ...provider('openai'), baseUrl: 'nonsense' }
      expect(() => destinationOf(broken, path, '')).toThrow(
        expect.objectContaining({ status: 502, message: 'invalid provider base URL' }),
      )
    },
  )

  it('AG-3: a model of Google is not asked where requests go unrecorded', () => {
    const google = provider('openai', 'google')
    expect(destinationOf(google, '/v1/models/gemini-pro', '')).toMatchObject({ kind: 'passthrough' })
    for (const verb of [':generateContent', ':streamGenerateContent', '%3ApredictLongRunning'])
      expect(destinationOf(google, `/v1/models/gemini-pro${verb}`, '')).toBeUndefined()
    expect(where('/v1/models/org/model:free')).toMatchObject({ kind: 'passthrough' })
  })

  it('AG-2: what is listed is reached below the base URL, and counted by how it is listed', () => {
    expect(where('/v1/models/org%2Fmodel', 'openai', '?x=1')).toMatchObject({
      kind: 'passthrough',
      route: '/v1/models(/*)',
      url: { href: 'https://models.example/base/v1/models/org%2Fmodel?x=1' },
    })
    expect(where('/v1/chat/completions')).toMatchObject({
      kind: 'intercepted',
      route: '/v1/chat/completions',
    })
    expect(where('/.well-known/x', 'copilot')).toMatchObject({ route: '/.well-known/*' })
    expect(where('/models/', 'copilot')).toMatchObject({ route: '/models(/*)' })
  })
})
