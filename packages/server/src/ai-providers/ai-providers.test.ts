import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type AIProvider,
  type CreateAIProviderRequest,
  createAIProvider,
  deleteAIProvider,
  getAIProvider,
  listAIProviders,
  listAuditLogs,
  testAIProvider,
  type UpdateAIProviderRequest,
  updateAIProvider,
} from '@slipway/contract'
import { FakeModelProvider, fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = await startTestServer()
  owner = await server.owner()
  database = await openDatabase(server.databaseUrl)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  for (const { id } of await list()) await remove(id)
})

const KEYS = ['sk-first-0123456789abcdef', 'sk-second-0123456789abcd', 'sk-third-0123456789abcde'] as const
const BEDROCK = {
  _type: 'bedrock',
  _version: 1,
  region: 'eu-west-1',
  model: 'anthropic.claude-large',
  small_fast_model: 'anthropic.claude-small',
}

const list = () => owner.call(listAIProviders, {})
const create = (body: CreateAIProviderRequest = {}, client = owner) =>
  client.call(createAIProvider, {
    body: { type: 'openai', name: 'openai', base_url: 'https://api.example/v1', ...body },
  })
const get = (idOrName: string) => owner.call(getAIProvider, { params: { idOrName } })
const patch = (idOrName: string, body: UpdateAIProviderRequest) =>
  owner.call(updateAIProvider, { params: { idOrName }, body })
const remove = (idOrName: string) => owner.call(deleteAIProvider, { params: { idOrName } })
const check = (idOrName: string) => owner.call(testAIProvider, { params: { idOrName } })
const masks = ({ api_keys }: AIProvider) => api_keys.map(({ masked }) => masked)

const refused = (...fields: string[]) => ({
  status: 400,
  message: 'Invalid AI provider request.',
  validations: fields.map((field) => ({ field, detail: expect.any(String) })),
})

describe('AG-98: providers', () => {
  it('AG-98: are made off, listed by name, read by id and name, changed and deleted', async () => {
    const made = await create({ name: 'zeta', display_name: 'Zeta', icon: '/z.svg' })
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'openai',
      name: 'zeta',
      display_name: 'Zeta',
      icon: '/z.svg',
      enabled: false,
      base_url: 'https://api.example/v1',
      api_keys: [],
      settings: null,
      status: 'disabled',
      status_detail: '',
      last_check: null,
      trouble: null,
      open_circuits: [],
      created_at: expect.any(String),
      updated_at: made.created_at,
    })
    const other = await create({ name: 'alpha', enabled: true })
    expect(other).toMatchObject({ display_name: 'alpha', enabled: true, status: 'enabled' })
    expect(await list()).toEqual([other, made])
    expect(await get('zeta')).toEqual(made)
    expect(await get(made.id.toUpperCase())).toEqual(made)
    const changed = await patch('zeta', { base_url: 'http://127.0.0.1:11434/v1', display_name: '' })
    expect(changed).toMatchObject({
      id: made.id,
      base_url: 'http://127.0.0.1:11434/v1',
      display_name: 'zeta',
    })
    await remove('zeta')
    await expect(get('zeta')).rejects.toMatchObject({ status: 404 })
    await expect(get(made.id)).rejects.toMatchObject({ status: 404 })
    await expect(remove('zeta')).rejects.toMatchObject({ status: 404 })
    await expect(patch('zeta', { enabled: true })).rejects.toMatchObject({ status: 404 })
    await expect(get('no_name')).rejects.toMatchObject({ status: 400 })
  })

  it('AG-98: have names of their own while they live (AG-102)', async () => {
    const first = await create({ api_keys: [KEYS[0]] })
    await expect(create()).rejects.toMatchObject({
      status: 409,
      message: 'AI provider "openai" already exists.',
    })
    await remove('openai')
    const second = await create()
    expect(second.id).not.toBe(first.id)
    const { rows } = await sql<{ deleted: boolean; enabled: boolean; keys: number }>`
      select deleted, enabled, (select count(*)::int from ai_provider_keys k where k.provider_id = p.id) as keys
        from ai_providers p where id = ${first.id}`.execute(database.db)
    expect(rows).toEqual([{ deleted: true, enabled: false, keys: 0 }])
  })

  it('AG-98: keep their name and type', async () => {
    const { id } = await create({ name: 'fixed' })
    for (const body of [{ name: 'other' }, { type: 'anthropic' }]) {
      const answer = await fetch(`${server.url}/api/v2/ai/providers/${id}`, {
        method: 'PATCH',
        headers: { ...owner.headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(answer.status).toBe(400)
    }
    expect(await get(id)).toMatchObject({ name: 'fixed', type: 'openai' })
  })

  it.each([
    ['type', { type: 'cohere' }],
    ['name', { name: 'Open AI' }],
    ['name', { name: '-a' }],
    ['name', { name: 'a'.repeat(65) }],
    ['base_url', { base_url: '' }],
    ['base_url', { base_url: '/v1' }],
    ['base_url', { base_url: 'ftp://api.example' }],
    ['base_url', { base_url: 'https://user:secret@api.example' }],
    ['base_url', { base_url: 'https://api.example/v1?key=1' }],
    ['display_name', { display_name: 'x'.repeat(129) }],
    ['api_keys[0]', { api_keys: [''] }],
    ['api_keys[0]', { api_keys: [' sk'] }],
    ['api_keys[0]', { api_keys: ['sk\nx'] }],
    ['api_keys[1]', { api_keys: ['sk', 'sk'] }],
    ['api_keys', { api_keys: ['1', '2', '3', '4', '5', '6'] }],
    ['settings', { settings: BEDROCK }],
  ] satisfies [string, CreateAIProviderRequest][])('AG-98: %s is refused: %j', async (field, body) => {
    await expect(create(body)).rejects.toMatchObject(refused(field))
  })

  it.each(['sessions', 'models', 'clients', 'keys', 'serve', 'proxy', 'interceptions'])(
    'AG-B19: the name %s is reserved',
    async (name) => expect(create({ name })).rejects.toMatchObject(refused('name')),
  )

  it('AG-98: all that is wrong is named at once', async () => {
    await expect(create({ type: 'x', name: '', base_url: 'x' })).rejects.toMatchObject(
      refused('type', 'name', 'base_url'),
    )
    await expect(patch((await create()).id, {})).rejects.toMatchObject({
      status: 400,
      message: 'At least one field must be provided.',
    })
  })

  it('AG-97: every type can be made', async () => {
    const types = [
      'openai',
      'anthropic',
      'azure',
      'google',
      'openai-compat',
      'openrouter',
      'vercel',
      'copilot',
    ]
    for (const type of types) expect(await create({ type, name: type })).toMatchObject({ type })
    expect((await create({ type: 'bedrock', name: 'bedrock', settings: BEDROCK })).settings).toMatchObject(
      BEDROCK,
    )
    expect(await list()).toHaveLength(9)
  })
})

describe('AG-100: keys of a provider', () => {
  it('AG-99: are never shown, and sealed (AG-83, AG-104)', async () => {
    const made = await create({ api_keys: ['sk-proj-0123456789abcdefghij', 'sk-0123456', 'abcde', 'abcd'] })
    expect(masks(made)).toEqual(['sk-p...ghij', 'sk...56', 'a...e', '...'])
    expect(JSON.stringify([await list(), await get('openai')])).not.toContain('0123456')
    const { rows } = await sql<{ key: string }>`
      select encode(api_key, 'escape') as key from ai_provider_keys`.execute(database.db)
    expect(JSON.stringify(rows)).not.toContain('0123456')
  })

  it('AG-100: a change describes the set that results', async () => {
    const made = await create({ api_keys: [KEYS[0], KEYS[1]] })
    const [first, second] = made.api_keys
    expect(await patch('openai', { enabled: true })).toMatchObject({ api_keys: made.api_keys })
    const changed = await patch('openai', { api_keys: [{ id: second?.id ?? '' }, { api_key: KEYS[2] }] })
    expect(changed.api_keys[0]).toEqual(second)
    expect(masks(changed)).toEqual(['sk-s...abcd', 'sk-t...bcde'])
    await expect(patch('openai', { api_keys: [{ id: first?.id ?? '' }] })).rejects.toMatchObject(
      refused('api_keys[0]'),
    )
    expect((await patch('openai', { api_keys: [] })).api_keys).toEqual([])
  })

  it.each([
    ['api_keys[0]', [{}]],
    ['api_keys[0]', [{ id: randomUUID() }]],
    ['api_keys[0]', [{ id: randomUUID(), api_key: 'x' }]],
    ['api_keys[1]', [{ api_key: 'x' }, { api_key: 'x' }]],
    [
      'api_keys',
      [
        { api_key: '1' },
        { api_key: '2' },
        { api_key: '3' },
        { api_key: '4' },
        { api_key: '5' },
        { api_key: '6' },
      ],
    ],
  ])('AG-100: %s is refused: %j', async (field, api_keys) => {
    const { id, api_keys: before } = await create({ api_keys: [KEYS[0]] })
    await expect(patch(id, { api_keys })).rejects.toMatchObject(refused(field))
    expect((await get(id)).api_keys).toEqual(before)
  })

  it('AG-100: a key that stays is not added again, nor named twice', async () => {
    const made = await create({ api_keys: [KEYS[0]] })
    const id = made.api_keys[0]?.id ?? ''
    await expect(patch('openai', { api_keys: [{ id }, { api_key: KEYS[0] }] })).rejects.toMatchObject(
      refused('api_keys'),
    )
    await expect(patch('openai', { api_keys: [{ id }, { id }] })).rejects.toMatchObject(
      refused('api_keys[1]'),
    )
    // Taken out, it may come again.
    expect((await patch('openai', { api_keys: [{ api_key: KEYS[0] }] })).api_keys).toHaveLength(1)
  })

  it('AG-101: Bedrock and Copilot take none', async () => {
    const given = { api_keys: [KEYS[0]] }
    await expect(create({ type: 'bedrock', settings: BEDROCK, ...given })).rejects.toMatchObject({
      ...refused('api_keys'),
      detail: expect.stringContaining('Bedrock providers do not accept api_keys; '),
    })
    await expect(create({ type: 'anthropic', settings: BEDROCK, ...given })).rejects.toMatchObject(
      refused('api_keys'),
    )
    await expect(create({ type: 'copilot', ...given })).rejects.toMatchObject(refused('api_keys'))
    await create({ type: 'copilot', name: 'copilot' })
    await expect(patch('copilot', { api_keys: [{ api_key: 'x' }] })).rejects.toMatchObject(
      refused('api_keys'),
    )
  })
})

describe('AG-105: settings of Bedrock', () => {
  const bedrock = (settings: object = {}) =>
    create({ type: 'bedrock', name: 'bedrock', settings: { ...BEDROCK, ...settings } })

  it('AG-105: secrets stay when they are left out, go when they are empty, and are never shown', async () => {
    await bedrock({ access_key: 'AKIAEXAMPLE', access_key_secret: 'secret-of-aws' })
    const shown = (await get('bedrock')).settings
    expect(shown).toEqual({ ...BEDROCK, role_arn: '', external_id: '', protocol: 'invoke-model' })
    await patch('bedrock', { settings: { ...BEDROCK, model: 'other' } })
    // Still a pair: one of both alone would be refused.
    await expect(patch('bedrock', { settings: { ...BEDROCK, access_key: '' } })).rejects.toMatchObject(
      refused('settings.access_key'),
    )
    await patch('bedrock', { settings: { ...BEDROCK, access_key: '', access_key_secret: '' } })
    await expect(patch('bedrock', { settings: { ...BEDROCK, access_key: 'AKIA' } })).rejects.toMatchObject(
      refused('settings.access_key'),
    )
  })

  it('AG-105: the external id is made with the first role and never changed', async () => {
    const role_arn = 'arn:aws:iam::123456789012:role/models'
    await expect(bedrock({ external_id: 'mine' })).rejects.toMatchObject(refused('settings.external_id'))
    expect((await bedrock()).settings?.external_id).toBe('')
    const first = (await patch('bedrock', { settings: { ...BEDROCK, role_arn } })).settings?.external_id
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    const echoed = await patch('bedrock', { settings: { ...BEDROCK, role_arn, external_id: first ?? '' } })
    expect(echoed.settings?.external_id).toBe(first)
    await expect(
      patch('bedrock', { settings: { ...BEDROCK, role_arn, external_id: 'x' } }),
    ).rejects.toMatchObject(refused('settings.external_id'))
  })

  it.each([
    ['settings._type', { _type: 'vertex' }],
    ['settings._type', { _type: undefined }],
    ['settings._version', { _version: undefined }],
    ['settings._version', { _version: 2 }],
    ['settings.protocol', { protocol: 'grpc' }],
    ['settings.model', { model: '' }],
    ['settings.small_fast_model', { small_fast_model: '' }],
    ['settings.region', { protocol: 'mantle', region: '' }],
    ['settings.role_arn', { role_arn: 'arn:aws:s3:::bucket' }],
  ])('AG-105: %s is refused: %j', async (field, settings) => {
    await expect(bedrock(settings)).rejects.toMatchObject(refused(field))
  })

  it('AG-105: are required for Bedrock', async () => {
    await expect(create({ type: 'bedrock' })).rejects.toMatchObject(refused('settings'))
  })
})

describe('AG-139: rights', () => {
  it('AG-139: only owners see or change providers', async () => {
    const { id } = await create()
    const auditor = await server.user('auditor', ['auditor'])
    for (const client of [auditor, await server.user('plain')]) {
      const params = { idOrName: id }
      const calls = await Promise.allSettled([
        client.call(listAIProviders, {}),
        client.call(getAIProvider, { params }),
        client.call(getAIProvider, { params: { idOrName: 'absent' } }),
        create({ name: 'other' }, client),
        client.call(updateAIProvider, { params, body: { enabled: true } }),
        client.call(deleteAIProvider, { params }),
        client.call(testAIProvider, { params }),
      ])
      expect(calls).toEqual(
        calls.map(() => ({ status: 'rejected', reason: expect.objectContaining({ status: 403 }) })),
      )
    }
    await expect(server.anonymous.call(listAIProviders, {})).rejects.toMatchObject({ status: 401 })
    expect(await get(id)).toMatchObject({ enabled: false })
  })
})

describe('AG-103: audit', () => {
  it('AG-103: names what changed, and every key masked', async () => {
    const made = await create({ name: 'audited', api_keys: [KEYS[0]] })
    await patch('audited', { api_keys: [{ id: made.api_keys[0]?.id ?? '' }, { api_key: KEYS[1] }] })
    await patch('audited', { enabled: true })
    await remove('audited')
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_target:audited', limit: 50 },
    })
    const entries = audit_logs.toReversed().map(({ resource_type, action, diff, additional_fields }) => ({
      kind: `${resource_type} ${action}`,
      diff,
      fields: additional_fields,
    }))
    expect(entries.map(({ kind }) => kind).sort()).toEqual([
      'ai_provider create',
      'ai_provider delete',
      'ai_provider write',
      'ai_provider write',
      'ai_provider_key create',
      'ai_provider_key create',
      'ai_provider_key delete',
      'ai_provider_key delete',
    ])
    const [keyOnly, enabled] = entries.filter(({ kind }) => kind === 'ai_provider write')
    expect(keyOnly?.fields).toMatchObject({
      added: [{ id: expect.any(String), masked: 'sk-s...abcd' }],
      removed: [],
      kept: 1,
    })
    expect(enabled?.diff).toMatchObject({ enabled: { old: false, new: true } })
    expect(entries.find(({ kind }) => kind === 'ai_provider_key create')?.diff).toMatchObject({
      api_key: { old: '', new: 'sk-f...cdef', secret: false },
    })
    expect(JSON.stringify(audit_logs)).not.toContain('0123456789')
  })
})

describe('AG-B18: what was found wrong', () => {
  it('AG-B18: is listed, and forgotten with what it was found of', async () => {
    const { id: provider_id, api_keys } = await create({ api_keys: [KEYS[0]] })
    const since = new Date('2026-01-01T10:00:00Z')
    const of = { provider_id, since }
    const until = new Date(Date.now() + 3_600_000)
    const begin = async () => {
      const { db } = database
      await fixtures.aiProviderTrouble(db, { ...of, subject: api_keys[0]?.id ?? '', kind: 'unauthorized' })
      await fixtures.aiProviderTrouble(db, { ...of, error: 'it is away' })
      await fixtures.aiProviderTrouble(db, { ...of, subject: '/r', model: 'm', kind: 'circuit_open', until })
      await fixtures.aiProviderTrouble(db, {
        ...of,
        subject: '/r',
        model: 'n',
        kind: 'circuit_open',
        until: since,
      })
    }
    const found = {
      api_keys: [{ trouble: { kind: 'unauthorized', since: since.toISOString(), until: null } }],
      trouble: { kind: 'failing', error: 'it is away' },
      // The other one is over.
      open_circuits: [{ route: '/r', model: 'm', until: until.toISOString() }],
    }
    await begin()
    expect(await list()).toMatchObject([found])
    expect(await patch('openai', { display_name: 'Other' })).toMatchObject(found)
    const changes: UpdateAIProviderRequest[] = [
      { base_url: 'https://other.example' },
      { enabled: true },
      { api_keys: [{ id: api_keys[0]?.id ?? '' }, { api_key: KEYS[1] }] },
    ]
    for (const change of changes) {
      expect(await patch('openai', change)).toMatchObject({ trouble: null, open_circuits: [] })
      expect(masks(await get('openai')).length).toBeGreaterThan(0)
      expect((await get('openai')).api_keys.map(({ trouble }) => trouble)).not.toContainEqual(
        expect.anything(),
      )
      await begin()
    }
  })
})

describe('AG-B18: the test of a provider', () => {
  it('AG-B18: says for each key how it fares, and is remembered', async () => {
    await using upstream = await FakeModelProvider.start()
    upstream.answer = (request) =>
      request.key === KEYS[1] ? { status: 401, message: `${KEYS[1]} is refused.` } : undefined
    const made = await create({ base_url: `${upstream.url}/v1`, api_keys: [KEYS[0], KEYS[1]] })
    expect(await check('openai')).toEqual({
      ok: true,
      results: [
        {
          key_id: made.api_keys[0]?.id,
          masked: 'sk-f...cdef',
          ok: true,
          status_code: 200,
          error: '',
          latency_ms: expect.any(Number),
        },
        {
          key_id: made.api_keys[1]?.id,
          masked: 'sk-s...abcd',
          ok: false,
          status_code: 401,
          // AG-99
          error: `${'*'.repeat(KEYS[1].length)} is refused.`,
          latency_ms: expect.any(Number),
        },
      ],
    })
    expect((await get('openai')).last_check).toEqual({ ok: true, error: '', checked_at: expect.any(String) })
    upstream.answer = () => ({ status: 500, message: 'broken' })
    expect(await check('openai')).toMatchObject({ ok: false })
    expect((await get('openai')).last_check).toMatchObject({ ok: false, error: 'broken' })
    expect(upstream.requests.map(({ method, path }) => `${method} ${path}`)).toContain('GET /v1/models')
  })

  it('AG-B18: says when nothing answers, and when there is no credential', async () => {
    await create({ base_url: 'http://127.0.0.1:9/v1', api_keys: [KEYS[0]] })
    expect(await check('openai')).toMatchObject({
      ok: false,
      results: [{ status_code: 0, error: '127.0.0.1:9 cannot be reached' }],
    })
    await create({ name: 'bare' })
    expect(await check('bare')).toMatchObject({ ok: false, results: [{ key_id: null, status_code: 0 }] })
  })

  it('AG-B18: uses the credential of each type in its own way', async () => {
    await using upstream = await FakeModelProvider.start()
    const seen: string[] = []
    upstream.answer = ({ method, path, headers }) => {
      const name = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'].find((one) => headers[one])
      seen.push(`${method} ${path} ${name}`)
      return { status: 200, body: '{}' }
    }
    for (const type of ['anthropic', 'azure', 'google', 'openrouter']) {
      await create({ type, name: type, base_url: `${upstream.url}/${type}`, api_keys: [KEYS[0]] })
      expect(await check(type)).toMatchObject({ ok: true })
    }
    const keys = { access_key: 'AKIAEXAMPLE0123456789', access_key_secret: 'secret-of-aws' }
    await create({
      type: 'bedrock',
      name: 'bedrock',
      base_url: `${upstream.url}/bedrock`,
      settings: { ...BEDROCK, ...keys },
    })
    expect(await check('bedrock')).toMatchObject({ ok: true, results: [{ masked: 'AKIA...6789' }] })
    expect(seen).toEqual([
      'GET /anthropic/v1/models?limit=1 x-api-key',
      'GET /azure/models api-key',
      'GET /google/models x-goog-api-key',
      'GET /openrouter/key authorization',
      'POST /bedrock/model/anthropic.claude-small/invoke authorization',
    ])
    expect(upstream.requests.at(-1)?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE0123456789\/\d{8}\/eu-west-1\/bedrock\/aws4_request, /,
    )
  })
})
