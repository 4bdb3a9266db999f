import { createHash, randomBytes } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getUser, listOAuth2Apps, updateOAuth2Settings } from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer()
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

const allowRegistration = (dynamic_client_registration_enabled: boolean) =>
  owner.call(updateOAuth2Settings, { body: { dynamic_client_registration_enabled } })

const post = (path: string, body: URLSearchParams | string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${server.url}${path}`, { method: 'POST', body, headers, redirect: 'manual' })

/** Gets a code for the member and redeems it, as a program on a machine does. */
async function signIn(client_id: string, redirect_uri: string, secret?: string): Promise<Response> {
  const code_verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri,
    state: 's',
    code_challenge: createHash('sha256').update(code_verifier).digest('base64url'),
  })
  const authorized = await post(`/oauth2/authorize?${query}`, '', member.headers)
  expect(authorized.status).toBe(302)
  const back = new URL(authorized.headers.get('location') ?? '')
  expect(`${back.origin}${back.pathname}`).toBe(redirect_uri)
  return post(
    '/oauth2/tokens',
    new URLSearchParams({
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      client_id,
      redirect_uri,
      code_verifier,
      ...(secret === undefined ? {} : { client_secret: secret }),
    }),
  )
}

async function register(metadata: object): Promise<Readonly<Record<string, string>>> {
  const response = await post('/oauth2/register', JSON.stringify(metadata))
  expect(response.status).toBe(201)
  return Object(await response.json())
}

it('L-40, OA-B1, OA-56: a public client that has just registered signs in with PKCE alone, on a port of its choice', async () => {
  await allowRegistration(true)
  const client = await register({
    client_name: 'Pine CLI',
    redirect_uris: ['http://127.0.0.1/cb'],
    token_endpoint_auth_method: 'none',
  })
  const answer = await signIn(client.client_id ?? '', 'http://127.0.0.1:51234/cb')
  expect(answer.status).toBe(200)
  const { access_token } = Object(await answer.json())
  const me = await fetch(`${server.url}/api/v2/users/me`, {
    headers: { authorization: `Bearer ${access_token}` },
  })
  expect(me.status).toBe(200)
  const { id: user_id } = await member.call(getUser, { params: { user: 'me' } })
  const apps = await member.call(listOAuth2Apps, { query: { user_id } })
  expect(apps.map(({ id, dynamically_registered }) => [id, dynamically_registered])).toContainEqual([
    client.client_id,
    true,
  ])
})

it('OA-B7: who was authorised once is not among the unused any more', async () => {
  await allowRegistration(true)
  const client = await register({
    redirect_uris: ['http://localhost/cb'],
    token_endpoint_auth_method: 'none',
  })
  await using database = await openDatabase(server.databaseUrl)
  const first = async () =>
    (
      await database.db
        .selectFrom('oauth2_provider_apps')
        .select('first_authorized_at')
        .where('id', '=', client.client_id ?? '')
        .executeTakeFirst()
    )?.first_authorized_at
  expect(await first()).toBeNull()
  await signIn(client.client_id ?? '', 'http://localhost/cb')
  expect(await first()).toBeInstanceOf(Date)
})

it('OA-25: while registration is off, who has registered goes on', async () => {
  await allowRegistration(true)
  const client = await register({ redirect_uris: ['https://e.com/cb'] })
  await allowRegistration(false)
  const answer = await signIn(client.client_id ?? '', 'https://e.com/cb', client.client_secret)
  expect(answer.status).toBe(200)
  const { refresh_token } = Object(await answer.json())
  const refreshed = await post(
    '/oauth2/tokens',
    new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token,
      client_id: client.client_id ?? '',
      client_secret: client.client_secret ?? '',
    }),
  )
  expect(refreshed.status).toBe(200)
})
