import { once } from 'node:events'
import type { createServer as createPlainServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import tls from 'node:tls'

import { generate } from 'selfsigned'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const stack = new AsyncDisposableStack()
const clock = { at: Date.now(), now: () => new Date(clock.at) }
let server: TestServer
let database: Database
let host: string

/** What the host of documents answers, by path. */
interface Served {
  /** 0 to cut the connection. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Before it answers. */
  readonly held?: Promise<void>
}
const served = new Map<string, Served | ((asked: number) => Served)>()
const asked: string[] = []

function listen(of: Server | ReturnType<typeof createPlainServer>): number {
  const address = of.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keySize: 2048,
    extensions: [
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  const trusted = tls.getCACertificates('default')
  tls.setDefaultCACertificates([...trusted, cert])
  stack.defer(() => tls.setDefaultCACertificates(trusted))
  const documents = createServer({ key, cert }, (request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const found = served.get(path)
    const answer = typeof found === 'function' ? found(asked.filter((one) => one === path).length) : found
    void (answer?.held ?? Promise.resolve()).then(() => {
      if (answer?.status === 0) return void request.socket.destroy()
      response.writeHead(answer === undefined ? 404 : (answer.status ?? 200), {
        'content-type': 'application/json',
        ...answer?.headers,
      })
      response.end(answer?.body ?? '')
    })
  })
  documents.listen(0, '127.0.0.1')
  await once(documents, 'listening')
  stack.defer(() => {
    documents.closeAllConnections()
    documents.close()
  })
  host = `https://localhost:${listen(documents)}`
  server = stack.use(
    await startTestServer({
      clock,
      env: {
        CODER_OAUTH2_CLIENT_DOCUMENT_PRIVATE_RANGES: '127.0.0.0/8',
        CODER_OAUTH2_REGISTRATION_RATE_LIMIT_PER_ADDRESS: '200',
      },
    }),
  )
  database = stack.use(await openDatabase(server.databaseUrl))
})
afterAll(() => stack.disposeAsync())
beforeEach(() => {
  asked.length = 0
})

/** A document at a path of the host, and the client that it is of. */
function serve(path: string, changes: object = {}, headers: Readonly<Record<string, string>> = {}): string {
  const client_id = `${host}${path}`
  const document = {
    client_id,
    client_name: 'Pine',
    redirect_uris: ['http://127.0.0.1/cb'],
    token_endpoint_auth_method: 'none',
    ...changes,
  }
  served.set(path, { body: JSON.stringify(document), headers })
  return client_id
}

/** How the token endpoint answers to this client; `unsupported_grant_type` says that it is known. */
async function present(
  client_id: string,
  to = server.url,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const body = new URLSearchParams({ client_id, grant_type: 'x' })
  const response = await fetch(`${to}/oauth2/tokens`, { method: 'POST', body, headers })
  const { error, error_description } = Object(await response.json())
  return error === 'unsupported_grant_type' ? 'known' : `${response.status} ${error}: ${error_description}`
}

const rowOf = (metadata_url: string) =>
  database.db
    .selectFrom('oauth2_provider_apps')
    .selectAll()
    .where('metadata_url', '=', metadata_url)
    .executeTakeFirst()

describe('OA-B13: a document is a client', () => {
  it('is fetched once while it is fresh, and becomes a public client that is not dynamically registered', async () => {
    const id = serve('/client.json', {
      client_name: 'Pine',
      client_uri: 'https://pine.example',
      scope: 'workspace:read openid',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
      redirect_uris: ['http://127.0.0.1/cb', 'https://pine.example/cb'],
    })
    expect(await present(id)).toBe('known')
    expect(await present(id)).toBe('known')
    expect(asked).toEqual(['/client.json'])
    expect(await rowOf(id)).toMatchObject({
      name: 'Pine',
      client_type: 'public',
      dynamically_registered: false,
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/cb', 'https://pine.example/cb'],
      callback_url: 'http://127.0.0.1/cb',
      scope: 'workspace:read',
      grant_types: ['authorization_code', 'refresh_token'],
      first_authorized_at: null,
    })
  })

  it.each([
    [{ 'cache-control': 'max-age=3600' }, 3_600],
    [{ 'cache-control': 'public, max-age="120"' }, 120],
    [{ 'cache-control': 'max-age=3600', age: '3000' }, 600],
    [{ 'cache-control': 'max-age=99999999' }, 86_400],
    [{}, 300],
    [{ expires: '0' }, 10],
    [{ 'cache-control': 'max-age=0' }, 10],
  ])('with the headers %j it is fresh for %i seconds', async (headers, seconds) => {
    const path = `/${encodeURIComponent(JSON.stringify(headers))}.json`
    const id = serve(path, {}, headers)
    await present(id)
    clock.at += seconds * 1_000 - 500
    expect(await present(id)).toBe('known')
    expect(asked).toEqual([path])
    clock.at += 1_000
    expect(await present(id)).toBe('known')
    expect(asked).toEqual([path, path])
  })

  it.each(['no-store', 'no-cache'])('with %s it is fetched each time', async (directive) => {
    const id = serve(`/${directive}.json`, {}, { 'cache-control': directive })
    await present(id)
    await present(id)
    expect(asked).toHaveLength(2)
  })

  it('what has changed counts from then on, under the same id', async () => {
    const id = serve('/changing.json', {}, { 'cache-control': 'max-age=60' })
    await present(id)
    const before = await rowOf(id)
    serve('/changing.json', { client_name: 'Oak', redirect_uris: ['https://oak.example/cb'] })
    clock.at += 61_000
    await present(id)
    const after = await rowOf(id)
    expect(after).toMatchObject({ id: before?.id, name: 'Oak', redirect_uris: ['https://oak.example/cb'] })
  })

  it('OA-B13: fails closed when it is gone, is not asked again at once, and comes back', async () => {
    const id = serve('/gone.json', {}, { 'cache-control': 'max-age=60' })
    await present(id)
    const row = await rowOf(id)
    served.delete('/gone.json')
    clock.at += 61_000
    for (const clientId of [id, row?.id ?? '', id])
      expect(await present(clientId)).toMatch(/^401 invalid_client: .*answered 404/)
    expect(asked).toEqual(['/gone.json', '/gone.json'])
  })

  it.each<[string, Served]>([
    ['does not answer', { status: 0 }],
    ['fails', { status: 502 }],
    ['has too much to do', { status: 429 }],
  ])(
    'OA-B13: while its host %s, who was a client is told to come back, and nobody else',
    async (what, answer) => {
      const path = `/away-${encodeURIComponent(what)}`
      const id = serve(path, {}, { 'cache-control': 'max-age=60' })
      await present(id)
      clock.at += 61_000
      served.set(path, answer)
      served.set(`${path}-new`, answer)
      for (const clientId of [id, (await rowOf(id))?.id ?? ''])
        expect(await present(clientId)).toMatch(/^503 temporarily_unavailable: /)
      expect(asked).toEqual([path, path])
      expect(await present(`${id}-new`)).toMatch(/^401 invalid_client: /)
    },
  )

  it('many who ask at once cause one request', async () => {
    const id = serve('/crowd.json')
    expect(await Promise.all(Array.from({ length: 30 }, () => present(id)))).toEqual(Array(30).fill('known'))
    expect(asked).toEqual(['/crowd.json'])
  })

  it('a host that is slow keeps no other from being read', async () => {
    const held = Promise.withResolvers<void>()
    const slow = ['/slow-0', '/slow-1', '/slow-2', '/slow-3'].map((path) => {
      const id = serve(path)
      served.set(path, { ...Object(served.get(path)), held: held.promise })
      return id
    })
    const waiting = slow.map((id) => present(id))
    try {
      await until('the documents are asked for', () => asked.length === slow.length)
      expect(await present(serve('/slow-4'))).toMatch(/^503 temporarily_unavailable/)
      const elsewhere = host.replace('localhost', '127.0.0.1')
      const id = serve('/elsewhere.json', { client_id: `${elsewhere}/elsewhere.json` })
      expect(await present(id.replace(host, elsewhere))).toBe('known')
    } finally {
      held.resolve()
    }
    expect(await Promise.all(waiting)).toEqual(Array(slow.length).fill('known'))
    expect(await present(`${host}/slow-4`)).toBe('known')
  })

  it.each([
    ['another client_id', { client_id: 'https://pine.example/client.json' }],
    ['no client_id', { client_id: undefined }],
    ['a secret', { client_secret: 'x' }],
    ['a method with a secret', { token_endpoint_auth_method: 'client_secret_post' }],
    ['a method with a key', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['no redirect URIs', { redirect_uris: [] }],
    ['a dangerous redirect URI', { redirect_uris: ['javascript:alert(1)'] }],
    ['plain http to elsewhere', { redirect_uris: ['http://e.com/cb'] }],
    ['a logo that is no URL', { logo_uri: 'data:image/png;base64,A' }],
    ['a name that is no text', { client_name: {} }],
    ['only other response types', { response_types: ['id_token'] }],
  ])('with %s it is none', async (what, changes) => {
    const id = serve(`/${encodeURIComponent(what)}`, changes)
    expect(await present(id)).toMatch(/^401 invalid_client: /)
    expect(asked).toHaveLength(1)
    expect(await rowOf(id)).toBeUndefined()
  })

  it.each<[string, Served]>([
    ['not found', { status: 404, body: '{}' }],
    ['a failure', { status: 500, body: '{}' }],
    ['another success', { status: 203, body: '{}' }],
    ['a page', { headers: { 'content-type': 'text/html' }, body: '{}' }],
    ['no JSON', { body: '{' }],
    ['a list', { body: '[]' }],
    ['a text', { body: '"x"' }],
    ['too much', { body: JSON.stringify({ client_name: 'x'.repeat(5_200) }) }],
    ['too much of a stream', { headers: { 'transfer-encoding': 'chunked' }, body: 'x'.repeat(1_000_000) }],
  ])('an answer that is %s is none', async (what, answer) => {
    const path = `/answer-${encodeURIComponent(what)}`
    served.set(path, answer)
    expect(await present(`${host}${path}`)).toMatch(/^401 invalid_client: /)
    expect(asked).toEqual([path])
  })

  it.each([
    (at: string) => at,
    (at: string) => `${at}/`,
    (at: string) => `${at}/c.json#x`,
    (at: string) => `${at}/a/../c.json`,
    (at: string) => `${at.replace('localhost', 'LOCALHOST')}/c.json`,
    (at: string) => `${at.replace('https://', 'https://user@')}/c.json`,
    (at: string) => `${at.replace('https:', 'http:')}/c.json`,
    (at: string) => `${at}/${'x'.repeat(2_048)}`,
    () => 'https://',
    () => 'https:e.com/c.json',
  ])('address %#: one that is not in its one form, or without a path, is not fetched', async (spell) => {
    serve('/c.json')
    expect(await present(spell(host))).toMatch(/^401 invalid_client/)
    expect(asked).toEqual([])
  })

  it('its stored row is no way around the document, nor a registration', async () => {
    const id = serve('/by-id.json', {}, { 'cache-control': 'max-age=60' })
    await present(id)
    const row = await rowOf(id)
    expect(await present(row?.id ?? '')).toBe('known')
    const response = await fetch(`${server.url}/oauth2/clients/${row?.id}`, {
      headers: { authorization: 'Bearer x' },
    })
    expect(response.status).toBe(403)
  })
})

describe('SSRF through documents, logos and key sets', () => {
  it('redirects are not followed', async () => {
    served.set('/target.json', { body: '{}' })
    served.set('/moved.json', { status: 302, headers: { location: `${host}/target.json` } })
    expect(await present(`${host}/moved.json`)).toMatch(/answered 302/)
    expect(asked).toEqual(['/moved.json'])
  })

  it('logos and key sets are never fetched', async () => {
    const id = serve('/with-more.json', { logo_uri: `${host}/logo.png`, jwks_uri: `${host}/jwks.json` })
    expect(await present(id)).toBe('known')
    const { db } = database
    await fixtures.oauth2ProviderSettings(db, { dynamic_client_registration_enabled: true })
    const response = await fetch(`${server.url}/oauth2/register`, {
      method: 'POST',
      body: JSON.stringify({
        redirect_uris: ['https://e.com/cb'],
        logo_uri: `${host}/logo.png`,
        jwks_uri: `${host}/jwks.json`,
      }),
    })
    expect(response.status).toBe(201)
    expect(asked).toEqual(['/with-more.json'])
  })

  it('OA-108: addresses inside are not reached, and nobody learns what is there', async () => {
    await using guarded = await startTestServer()
    serve('/inside.json')
    const port = new URL(host).port
    const answers = new Set<string>()
    for (const inside of [
      `https://localhost:${port}/inside.json`,
      `https://127.0.0.1:${port}/inside.json`,
      `https://[::1]:${port}/inside.json`,
      'https://169.254.169.254/latest/meta-data',
      'https://10.0.0.1/c.json',
      'https://[::ffff:7f00:1]/c.json',
      'https://nothing.invalid/c.json',
    ])
      answers.add(await present(inside, guarded.url))
    expect([...answers]).toEqual(['401 invalid_client: The client document could not be fetched'])
    expect(asked).toEqual([])
    // Whoever runs a deployment without a way there is told what helps, and not that the application is at fault.
    const query = new URLSearchParams({ client_id: 'https://nothing.invalid/c.json', response_type: 'code' })
    const page = await fetch(`${guarded.url}/oauth2/authorize?${query}`)
    expect(page.status).toBe(401)
    const text = await page.text()
    expect(text).toContain('CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS=*')
    expect(text).not.toContain('only it can put it right')
  })

  it('OA-B13: hosts that are denied, or not among the allowed ones, are not asked', async () => {
    for (const [env, allowed] of [
      [{ CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS: '*' }, false],
      [{ CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS: 'localhost' }, false],
      [{ CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS: '*.localhost,e.com' }, true],
      [{ CODER_OAUTH2_CLIENT_DOCUMENT_ALLOWED_HOSTS: '*.example.com' }, false],
      [{ CODER_OAUTH2_CLIENT_DOCUMENT_ALLOWED_HOSTS: 'example.com,localhost' }, true],
      [
        {
          CODER_OAUTH2_CLIENT_DOCUMENT_ALLOWED_HOSTS: 'localhost',
          CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS: 'localhost',
        },
        false,
      ],
    ] as const) {
      await using other = await startTestServer({
        env: { CODER_OAUTH2_CLIENT_DOCUMENT_PRIVATE_RANGES: '127.0.0.0/8', ...env },
      })
      asked.length = 0
      const answer = await present(serve('/by-host.json'), other.url)
      expect(answer === 'known', JSON.stringify(env)).toBe(allowed)
      expect(asked).toHaveLength(allowed ? 1 : 0)
      // With a dot at its end the host has another name, which no list holds.
      const dotted = serve('/by-host.json').replace('localhost', 'localhost.')
      expect(await present(dotted, other.url)).toMatch(/^401 invalid_client/)
      expect(asked).toHaveLength(allowed ? 1 : 0)
      const metadata = await fetch(`${other.url}/.well-known/oauth-authorization-server`)
      expect(await metadata.json()).toMatchObject({
        client_id_metadata_document_supported: !(
          'CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS' in env &&
          env.CODER_OAUTH2_CLIENT_DOCUMENT_DENIED_HOSTS === '*'
        ),
      })
    }
  })
})

it('OA-B7: a flood of documents is bounded in time and in rows', async () => {
  await using small = await startTestServer({
    env: {
      CODER_OAUTH2_CLIENT_DOCUMENT_PRIVATE_RANGES: '127.0.0.0/8',
      CODER_OAUTH2_REGISTRATION_RATE_LIMIT: '8',
      CODER_OAUTH2_MAX_UNUSED_CLIENTS: '3',
    },
  })
  for (let count = 0; count < 8; count += 1)
    expect(await present(serve(`/flood-${count}.json`), small.url)).toBe('known')
  expect(await present(serve('/flood-8.json'), small.url)).toMatch(/^429 temporarily_unavailable/)
  expect(asked).toHaveLength(8)
  await using rows = await openDatabase(small.databaseUrl)
  const { length } = await rows.db.selectFrom('oauth2_provider_apps').select('id').execute()
  expect(length).toBeLessThanOrEqual(4)
})

it('OA-B7: one address does not use up the documents that all may bring', async () => {
  await using small = await startTestServer({
    env: {
      CODER_OAUTH2_CLIENT_DOCUMENT_PRIVATE_RANGES: '127.0.0.0/8',
      CODER_OAUTH2_REGISTRATION_RATE_LIMIT_PER_ADDRESS: '2',
      CODER_PROXY_TRUSTED_HEADERS: 'X-Forwarded-For',
      CODER_PROXY_TRUSTED_ORIGINS: '127.0.0.0/8,::1/128',
    },
  })
  const from = (address: string, path: string) =>
    present(serve(path), small.url, { 'x-forwarded-for': address })
  for (const path of ['/one.json', '/two.json']) expect(await from('198.51.100.1', path)).toBe('known')
  expect(await from('198.51.100.1', '/three.json')).toMatch(/^429 temporarily_unavailable/)
  expect(await from('198.51.100.1', '/one.json')).toBe('known')
  expect(await from('198.51.100.2', '/three.json')).toBe('known')
})
