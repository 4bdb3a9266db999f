import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createSessionKey,
  createToken,
  getKey,
  getUser,
  listAuditLogs,
  listTokens,
  updateProfile,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'
import { newToken, parseToken, sha256 } from './api-key-token.ts'

const me = { params: { user: 'me' } }
let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const idOf = (token: string) => token.slice(0, 10)

describe('ID-38: the form of a key', () => {
  it('is ten characters, a hyphen and twenty-two, each from letters and digits', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 300; i += 1) {
      const { id, token, hashedSecret } = newToken()
      expect(token).toMatch(/^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$/)
      expect(token.slice(0, 10)).toBe(id)
      expect(hashedSecret).toEqual(sha256(token.slice(11)))
      for (const character of token) seen.add(character)
    }
    expect(seen.size).toBe(63)
  })

  it.each([
    '',
    '-',
    'AAAAAAAAAA-',
    '-BBBBBBBBBBBBBBBBBBBBBB',
    'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBB-',
    'AAAAAAAAAA--BBBBBBBBBBBBBBBBBBBBB',
    'AAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBBB',
    'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBB\n',
    'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBé',
    ' AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBB',
  ])('%j is none', (text) => {
    expect(parseToken(text)).toBeUndefined()
  })
})

it('ID-61: a key that is known opens to its secret alone, and what a user calls itself is shown as it is', async () => {
  const { key } = await owner.call(createToken, { ...me, body: {} })
  const ask = (token: string): Promise<Response> =>
    fetch(owner.address(getUser, me), { headers: { 'Coder-Session-Token': token } })
  for (let i = 0; i < 2; i += 1) expect((await ask(key)).status).toBe(200)
  const swapped = (at: number): string =>
    `${key.slice(0, at)}${key[at] === 'a' ? 'b' : 'a'}${key.slice(at + 1)}`
  for (const at of [11, 20, 32]) expect([at, (await ask(swapped(at))).status]).toEqual([at, 401])
  await owner.call(updateProfile, { ...me, body: { username: 'renamed', name: '' } })
  expect(await (await ask(key)).json()).toMatchObject({ username: 'renamed' })
  await owner.call(updateProfile, { ...me, body: { username: 'owner', name: '' } })
  expect(await (await ask(key)).json()).toMatchObject({ username: 'owner' })
})

it('ID-41: neither the secret of a key nor its hash is told again, by the API or in the audit log', async () => {
  const { key } = await owner.call(createToken, { ...me, body: { token_name: 'told-once' } })
  const hash = sha256(key.slice(11))
  const told = JSON.stringify([
    await owner.call(listTokens, me),
    await owner.call(getKey, { params: { user: 'me', keyid: idOf(key) } }),
    await owner.call(listAuditLogs, { query: { q: 'resource_target:told-once' } }),
  ])
  expect(told).toContain('told-once')
  for (const secret of [key.slice(11), hash.toString('hex'), hash.toString('base64')])
    expect(told).not.toContain(secret)
})

it('ID-47: a command line gets a key that slides, whose name is empty, and no cookie', async () => {
  const answer = await fetch(owner.address(createSessionKey, me), {
    method: 'POST',
    headers: owner.headers,
    body: JSON.stringify({ lifetime: 1, scope: 'nothing' }),
  })
  expect([answer.status, answer.headers.get('set-cookie')]).toEqual([201, null])
  const { key } = (await answer.json()) as { key: string }
  expect(await owner.call(getKey, { params: { user: 'me', keyid: idOf(key) } })).toMatchObject({
    login_type: 'password',
    token_name: '',
    lifetime_seconds: 7 * 24 * 3_600,
    scopes: ['coder:all'],
    allow_list: ['*:*'],
  })
})

describe('ID-55, ID-79: what the API says of a key', () => {
  it.each([
    [{ scope: 'all' }, 'all', ['coder:all']],
    [{ scopes: ['application_connect'] }, 'application_connect', ['coder:application_connect']],
    [{ scopes: ['coder:all', 'coder:application_connect'] }, 'application_connect', undefined],
    [{ scopes: ['workspace:read', 'template:read'] }, '', undefined],
  ])('%j is shown to older clients as %j', async (body, legacy, scopes) => {
    const { key } = await owner.call(createToken, { ...me, body })
    const shown = await owner.call(getKey, { params: { user: 'me', keyid: idOf(key) } })
    expect(shown.scope).toBe(legacy)
    if (scopes !== undefined) expect(shown.scopes).toEqual(scopes)
    const { id } = await owner.call(getUser, me)
    expect(shown).toMatchObject({ id: idOf(key), user_id: id, login_type: 'token' })
    for (const field of ['last_used', 'expires_at', 'created_at', 'updated_at', 'lifetime_seconds'])
      expect(shown).toHaveProperty(field)
  })
})

it('ID-80, ID-85: a key whose scope or list means nothing any more, or that has none, does nothing at all', async () => {
  for (const [scopes, allowList] of [
    [['coder:nonsense'], ['*:*']],
    [['coder:all'], ['spaceship:*']],
    [['coder:all'], ['*:*', 'workspace:x']],
    [[], ['*:*']],
  ] as const) {
    const { key } = await owner.call(createToken, { ...me, body: {} })
    const set = database.db
      .updateTable('api_keys')
      .set({ scopes: [...scopes], allow_list: [...allowList] })
      .where('id', '=', idOf(key))
      .execute()
    // Keys without a scope cannot even be stored.
    if (scopes.length === 0) await expect(set).rejects.toThrow()
    else {
      await set
      const answer = await fetch(`${server.url}/api/v2/users/me`, { headers: { 'Coder-Session-Token': key } })
      expect(answer.status).not.toBe(200)
    }
  }
  const { key } = await owner.call(createToken, { ...me, body: {} })
  await expect(
    database.db.updateTable('api_keys').set({ allow_list: [] }).where('id', '=', idOf(key)).execute(),
  ).rejects.toThrow()
})
