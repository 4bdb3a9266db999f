import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createOAuth2App,
  createOAuth2AppSecret,
  deleteOAuth2App,
  deleteOAuth2AppSecret,
  listOAuth2AppSecrets,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

const clock = { at: Date.now(), now: () => new Date(clock.at) }
let server: TestServer
let owner: Client
let id: string
let secret: string

beforeAll(async () => {
  server = await startTestServer({ clock })
  owner = await server.owner()
  id = await newApp('one')
  secret = await newSecret(id)
})
afterAll(() => server[Symbol.asyncDispose]())

async function newApp(name: string): Promise<string> {
  return (await owner.call(createOAuth2App, { body: { name, callback_url: 'https://e.com/cb' } })).id
}

async function newSecret(app: string, body: { expires_at?: string } = {}): Promise<string> {
  return (await owner.call(createOAuth2AppSecret, { params: { app }, body })).client_secret_full
}

interface Presented {
  readonly basic?: string
  readonly authorization?: string
  readonly query?: Readonly<Record<string, string>> | [string, string][]
  readonly form?: Readonly<Record<string, string>> | [string, string][]
}

/** Presents credentials with a refresh token that does not exist: `invalid_grant` says that they are good. */
async function ask({ basic, authorization, query = {}, form = {} }: Presented, to = server.url) {
  const header = basic === undefined ? authorization : `Basic ${Buffer.from(basic).toString('base64')}`
  const body = new URLSearchParams(form)
  body.append('grant_type', 'refresh_token')
  body.append('refresh_token', `coder_${'x'.repeat(10)}_${'x'.repeat(40)}`)
  const response = await fetch(`${to}/oauth2/tokens?${new URLSearchParams(query)}`, {
    method: 'POST',
    headers: header === undefined ? {} : { authorization: header },
    body,
  })
  const { error, error_description } = Object(await response.json())
  const challenge = response.headers.get('www-authenticate')
  return { status: response.status, error: String(error), description: String(error_description), challenge }
}

const GOOD = { status: 400, error: 'invalid_grant' }
const REFUSED = {
  status: 401,
  error: 'invalid_client',
  description: 'The client credentials are invalid',
  challenge: 'Basic realm="coder"',
}

describe('OA-54, OA-55: who a client says to be', () => {
  it('Basic, the form, and both when they are equal', async () => {
    const form = { client_id: id, client_secret: secret }
    for (const presented of [
      { basic: `${id}:${secret}` },
      { form },
      { basic: `${id}:${secret}`, form },
      { basic: `${id}:${secret}`, form: { client_id: id } },
      { query: { client_id: id }, form: { client_secret: secret } },
      { query: { client_id: id }, basic: `${id}:${secret}` },
      { authorization: `bAsIc ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    ])
      expect(await ask(presented), JSON.stringify(presented)).toMatchObject(GOOD)
  })

  it('RFC 6749 2.3.1: Basic values are form-encoded', async () => {
    const encoded = (text: string) => text.replace(/[-_]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)
    expect(await ask({ basic: `${encoded(id)}:${encoded(secret)}` })).toMatchObject(GOOD)
    expect(await ask({ basic: `%zz:${secret}` })).toMatchObject(REFUSED)
  })

  it('what contradicts itself is refused', async () => {
    for (const presented of [
      { basic: `${id}:${secret}`, form: { client_id: randomUUID() } },
      { basic: `${id}:${secret}`, form: { client_secret: 'x' } },
      { query: { client_id: randomUUID() }, form: { client_id: id, client_secret: secret } },
    ])
      expect(await ask(presented)).toMatchObject({ status: 400, error: 'invalid_request' })
    const twice: [string, string][] = [
      ['client_id', id],
      ['client_id', randomUUID()],
    ]
    expect(await ask({ form: twice })).toMatchObject({ status: 400, error: 'invalid_request' })
  })

  it('nobody, and nobody who is known', async () => {
    expect(await ask({})).toMatchObject({
      status: 400,
      error: 'invalid_request',
      description: 'Missing client_id parameter',
    })
    for (const client_id of [randomUUID(), 'x', '\0', 'x'.repeat(3_000), 'https://'])
      expect(await ask({ form: { client_id, client_secret: secret } })).toMatchObject({
        status: 401,
        error: 'invalid_client',
        challenge: REFUSED.challenge,
      })
  })

  it('OA-55: a secret in the query does not count', async () => {
    expect(await ask({ query: { client_id: id, client_secret: secret } })).toMatchObject(REFUSED)
  })
})

describe('OA-56, OA-57: what a client proves', () => {
  it.each([
    '1234_4321',
    'notcoder_1_2',
    'coder__x',
    'coder_x_',
    'coder_x',
    'coder_1_2_3',
    'coder_aaaaaaaa\0a_b',
    'coder_aaaaaaaaä_b',
    'coder_aaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
    'x'.repeat(10_000),
  ])('a secret that is none is refused: %#', async (client_secret) => {
    expect(await ask({ form: { client_id: id, client_secret } })).toEqual(REFUSED)
  })

  it('so is a wrong one of the right prefix, one of another app, and none', async () => {
    const other = await newSecret(await newApp('other'))
    const wrong = `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`
    for (const client_secret of [wrong, other, ''])
      expect(await ask({ form: { client_id: id, client_secret } })).toEqual(REFUSED)
    expect(await ask({ basic: `${id}:` })).toEqual(REFUSED)
  })

  it('OA-18: each of several secrets is good', async () => {
    const app = await newApp('several')
    const secrets = [await newSecret(app), await newSecret(app)]
    for (const one of secrets) expect(await ask({ basic: `${app}:${one}` })).toMatchObject(GOOD)
  })

  it('OA-B17: a secret is good until it ends', async () => {
    const app = await newApp('ending')
    const one = await newSecret(app, { expires_at: new Date(clock.at + 60_000).toISOString() })
    expect(await ask({ basic: `${app}:${one}` })).toMatchObject(GOOD)
    clock.at += 60_000
    expect(await ask({ basic: `${app}:${one}` })).toEqual(REFUSED)
  })

  it('OA-B17: the use of a secret is noted, and a wrong one notes nothing', async () => {
    const app = await newApp('noted')
    const one = await newSecret(app)
    const used = async () => (await owner.call(listOAuth2AppSecrets, { params: { app } }))[0]?.last_used_at
    await ask({ basic: `${app}:${one}x` })
    expect(await used()).toBeNull()
    await ask({ basic: `${app}:${one}` })
    const first = await used()
    expect(first).toBe(new Date(clock.at).toISOString())
    clock.at += 59_000
    await ask({ basic: `${app}:${one}` })
    expect(await used()).toBe(first)
    clock.at += 1_000
    await ask({ basic: `${app}:${one}` })
    expect(await used()).toBe(new Date(clock.at).toISOString())
  })

  it('OA-56: public clients have no secret to present', async () => {
    await using database = await openDatabase(server.databaseUrl)
    const { id: app } = await fixtures.oauth2ProviderApp(database.db, {
      client_type: 'public',
      token_endpoint_auth_method: 'none',
    })
    expect(await ask({ form: { client_id: app } })).toMatchObject(GOOD)
    expect(await ask({ basic: `${app}:` })).toMatchObject(GOOD)
    expect(await ask({ form: { client_id: app, client_secret: secret } })).toEqual(REFUSED)
  })
})

describe('OA-19: what was deleted is good for nothing', () => {
  it('at once where it was deleted, and soon on every replica', async () => {
    await using replica = await startTestServer({ databaseUrl: server.databaseUrl })
    for (const what of ['secret', 'app']) {
      const app = await newApp(`deleted-${what}`)
      const one = await newSecret(app)
      const presented = { basic: `${app}:${one}` }
      for (const to of [server.url, replica.url]) expect(await ask(presented, to)).toMatchObject(GOOD)
      const [row] = await owner.call(listOAuth2AppSecrets, { params: { app } })
      const params = { app, secretID: row?.id ?? '' }
      if (what === 'app') await owner.call(deleteOAuth2App, { params })
      else await owner.call(deleteOAuth2AppSecret, { params })
      expect(await ask(presented)).toEqual(REFUSED)
      await until('the replica has heard', async () => (await ask(presented, replica.url)).status === 401)
    }
  })

  it('also when nobody but the database was told', async () => {
    const app = await newApp('dropped')
    const one = await newSecret(app)
    const presented = { basic: `${app}:${one}` }
    expect(await ask(presented)).toMatchObject(GOOD)
    await using database = await openDatabase(server.databaseUrl)
    await database.db.deleteFrom('oauth2_provider_app_secrets').where('app_id', '=', app).execute()
    await until('the change is heard of', async () => (await ask(presented)).status === 401)
  })
})
