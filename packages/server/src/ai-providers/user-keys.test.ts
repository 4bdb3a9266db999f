import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createAIProvider,
  deleteAIProvider,
  deleteUserAIProviderKey,
  listUserAIProviderKeys,
  putUserAIProviderKey,
  updateAIProvider,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer()
  owner = await server.owner()
  member = await server.user('member')
  for (const [name, enabled] of [
    ['open', true],
    ['shut', false],
  ] as const)
    await owner.call(createAIProvider, {
      body: {
        type: 'openai',
        name,
        enabled,
        base_url: 'https://api.example/v1',
        api_keys: ['sk-of-the-deployment'],
      },
    })
})
afterAll(() => server[Symbol.asyncDispose]())

const put = (provider: string, api_key: string, client = member, user = 'me') =>
  client.call(putUserAIProviderKey, { params: { user, provider }, body: { api_key } })
const remove = (provider: string) =>
  member.call(deleteUserAIProviderKey, { params: { user: 'me', provider } })
const list = (client = member, user = 'me') => client.call(listUserAIProviderKeys, { params: { user } })

it('CH-507: users bring a key for a provider that is on, see that it is there, and take it back', async () => {
  expect(await list()).toEqual([
    {
      provider: {
        id: expect.any(String),
        type: 'openai',
        name: 'open',
        display_name: 'open',
        icon: '',
        enabled: true,
        deleted: false,
      },
      has_user_api_key: false,
      has_provider_api_key: true,
      byok_enabled: true,
    },
  ])
  expect(await put('open', 'sk-mine-0123456789')).toMatchObject({ has_user_api_key: true })
  await put('open', 'sk-other-0123456789')
  expect(JSON.stringify(await list())).not.toContain('0123456789')
  await using database = await openDatabase(server.databaseUrl)
  const { rows } = await sql<{ key: string }>`
    select encode(api_key, 'escape') as key from user_ai_provider_keys`.execute(database.db)
  expect(rows).toHaveLength(1)
  expect(rows[0]?.key).not.toContain('0123456789')
  await remove('open')
  expect(await list()).toMatchObject([{ has_user_api_key: false }])
  await expect(remove('open')).rejects.toMatchObject({ status: 404 })
})

it.each([
  ['is empty', ''],
  ['has white space around it', ' sk'],
  ['is too long', 'x'.repeat(10_241)],
  ['breaks a header', 'sk\r\nx'],
])('a key that %s is refused', async (_what, key) => {
  await expect(put('open', key)).rejects.toMatchObject({ status: 400, validations: [{ field: 'api_key' }] })
})

it('no key is taken for a provider that is off, gone or not there', async () => {
  await expect(put('shut', 'sk')).rejects.toMatchObject({ status: 412 })
  await expect(put('absent', 'sk')).rejects.toMatchObject({ status: 404 })
  const { id } = await owner.call(createAIProvider, {
    body: { type: 'openai', name: 'leaving', enabled: true, base_url: 'https://api.example/v1' },
  })
  await put('leaving', 'sk-mine')
  await owner.call(deleteAIProvider, { params: { idOrName: 'leaving' } })
  await expect(put(id, 'sk')).rejects.toMatchObject({ status: 404 })
  expect((await list()).find(({ provider }) => provider.id === id)).toMatchObject({
    provider: { deleted: true, enabled: false },
    has_user_api_key: true,
  })
  await remove(id)
  expect(await list()).toHaveLength(1)
})

it('keys of users who may not be seen are nobody else’s business', async () => {
  await put('open', 'sk-mine')
  const other = await server.user('other')
  await expect(put('open', 'sk', other, 'member')).rejects.toMatchObject({ status: 404 })
  await expect(list(other, 'member')).rejects.toMatchObject({ status: 404 })
  expect(await list(other)).toMatchObject([{ has_user_api_key: false }])
  await owner.call(updateAIProvider, { params: { idOrName: 'open' }, body: { enabled: false } })
  expect(await list(other)).toEqual([])
  expect(await list()).toMatchObject([{ provider: { enabled: false }, has_user_api_key: true }])
})

it('AG §4: where users may not bring keys, none is taken', async () => {
  await using strict = await startTestServer({ env: { CODER_AI_GATEWAY_ALLOW_BYOK: 'false' } })
  const admin = await strict.owner()
  const made = await admin.call(createAIProvider, {
    body: { type: 'openai', name: 'open', enabled: true, base_url: 'https://api.example/v1' },
  })
  // AG-107
  expect(made).toMatchObject({
    status: 'error',
    status_detail: 'It has no key, and users may not bring their own.',
  })
  await expect(put('open', 'sk', admin)).rejects.toMatchObject({
    status: 403,
    message: 'Bring Your Own Key (BYOK) mode is not enabled.',
    detail: 'Contact your administrator to enable it with --ai-gateway-allow-byok.',
  })
  expect(await list(admin)).toMatchObject([{ byok_enabled: false }])
})
