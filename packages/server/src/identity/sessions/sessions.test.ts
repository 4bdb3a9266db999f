import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createSessionKey,
  createToken,
  deleteOtherSessions,
  deleteSession,
  getUser,
  listSessions,
  login,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

const me = { params: { user: 'me' } }

let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function signIn(name: string, userAgent: string): Promise<Client> {
  const answer = await fetch(`${server.url}/api/v2/users/login`, {
    method: 'POST',
    headers: { 'User-Agent': userAgent },
    body: JSON.stringify({ email: `${name}@example.com`, password: PASSWORD }),
  })
  const { session_token: token } = (await answer.json()) as { session_token: string }
  return new Client({ url: server.url, token })
}

it('ID-210: people see where they are signed in, and nothing that is no sign-in', async () => {
  const client = await server.user('seer')
  const phone = await signIn('seer', 'Phone/1.0')
  await phone.call(createToken, { ...me, body: { token_name: 'ci' } })
  const user = await client.call(getUser, me)
  await fixtures.apiKey(database.db, {
    user_id: user.id,
    login_type: 'password',
    scopes: ['coder:application_connect'],
  })
  await fixtures.apiKey(database.db, { user_id: user.id, login_type: 'oauth2_provider_app' })
  await fixtures.apiKey(database.db, { user_id: user.id, login_type: 'password', expires_at: new Date(0) })
  const sessions = await phone.call(listSessions, me)
  expect(sessions).toHaveLength(2)
  expect(sessions.filter(({ current }) => current)).toEqual([
    expect.objectContaining({
      user_agent: 'Phone/1.0',
      ip_address: '127.0.0.1',
      login_type: 'password',
      user_id: user.id,
    }),
  ])
  expect(JSON.stringify(sessions)).not.toContain('hashed')
})

it('ID-210: ending one leaves the others', async () => {
  const client = await server.user('ender')
  const other = await signIn('ender', 'Other/1.0')
  const [ended] = (await client.call(listSessions, me)).filter(({ user_agent }) => user_agent === 'Other/1.0')
  await client.call(deleteSession, { params: { user: 'me', keyid: ended?.id ?? '' } })
  await expect(other.call(getUser, me)).rejects.toMatchObject({ status: 401 })
  await client.call(getUser, me)
  await expect(
    client.call(deleteSession, { params: { user: 'me', keyid: ended?.id ?? '' } }),
  ).rejects.toMatchObject({ status: 404 })
})

it('ID-210: ending all others leaves the one that asks, and tokens', async () => {
  const client = await server.user('cleaner')
  const browser = await signIn('cleaner', 'Browser/1.0')
  const { key: cli } = await browser.call(createSessionKey, me)
  const { key: token } = await browser.call(createToken, { ...me, body: {} })
  await browser.call(deleteOtherSessions, me)
  for (const ended of [client, new Client({ url: server.url, token: cli })])
    await expect(ended.call(getUser, me)).rejects.toMatchObject({ status: 401 })
  for (const kept of [browser, new Client({ url: server.url, token })]) await kept.call(getUser, me)
  expect(await browser.call(listSessions, me)).toHaveLength(1)
})

it('ID-210: of others they are for who administers keys', async () => {
  const client = await server.user('private')
  const stranger = await server.user('stranger')
  const [session] = await client.call(listSessions, me)
  const of = { params: { user: 'private' } }
  for (const call of [
    () => stranger.call(listSessions, of),
    () => stranger.call(deleteOtherSessions, of),
    () => stranger.call(deleteSession, { params: { user: 'private', keyid: session?.id ?? '' } }),
    () => stranger.call(deleteSession, { params: { user: 'me', keyid: session?.id ?? '' } }),
  ])
    await expect(call()).rejects.toMatchObject({ status: 404 })
  await client.call(getUser, me)
  expect(await owner.call(listSessions, of)).toHaveLength(1)
  await owner.call(deleteOtherSessions, of)
  await expect(client.call(getUser, me)).rejects.toMatchObject({ status: 401 })
})

it('ID-206: somebody who is signed in nowhere has an empty list', async () => {
  await fixtures.user(database.db, { username: 'absent' })
  expect(await owner.call(listSessions, { params: { user: 'absent' } })).toEqual([])
})

it('ID-33: a session tells of the program that signed in', async () => {
  await server.anonymous.call(login, { body: { email: 'owner@example.com', password: PASSWORD } })
  const long = await signIn('owner', 'x'.repeat(2_000))
  const [current] = (await long.call(listSessions, me)).filter((session) => session.current)
  expect(current?.user_agent).toBe('x'.repeat(512))
})
