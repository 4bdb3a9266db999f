import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { isDangerousScheme, matchesRedirectUri } from './redirect-uris.ts'
import type { OAuthClient } from './store/clients.ts'

let server: TestServer
let stack: AsyncDisposableStack
let base: OAuthClient

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  server = stack.use(
    await startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      },
    }),
  )
  const { db } = stack.use(await openDatabase(server.databaseUrl))
  await fixtures.oauth2ProviderSettings(db, { dynamic_client_registration_enabled: true })
  base = await fixtures.oauth2ProviderApp(db)
})
afterAll(() => stack.disposeAsync())

describe('OA-34: which redirect URIs may be registered', () => {
  const REJECT = 'reject'
  it.each([
    // URI, confidential clients, public clients
    ['', REJECT, REJECT],
    ['example.com/cb', REJECT, REJECT],
    ['/cb', REJECT, REJECT],
    ['https://', REJECT, REJECT],
    ['https:///cb', REJECT, REJECT],
    ['https:e.com/cb', REJECT, REJECT],
    ['https://[::x]/', REJECT, REJECT],
    ['https://e.com/a b', REJECT, REJECT],
    ['https://e.com/\u00e9', REJECT, REJECT],
    [' https://e.com/', REJECT, REJECT],
    ['https://e.com/\n', REJECT, REJECT],
    ['https://user:pw@e.com/', REJECT, REJECT],
    ['https://e.com\\@other.example/', REJECT, REJECT],
    ['http://localhost\\@other.example/', REJECT, REJECT],
    ['vscode://ext\\cb', REJECT, REJECT],
    ['http://user@localhost/', REJECT, REJECT],
    ['javascript:alert(1)', REJECT, REJECT],
    ['JavaScript://e.com/%0aalert(1)', REJECT, REJECT],
    ['data:text/html,x', REJECT, REJECT],
    ['DATA:text/html,x', REJECT, REJECT],
    ['file:///etc/passwd', REJECT, REJECT],
    ['ftp://e.com/cb', REJECT, REJECT],
    ['vbscript:x', REJECT, REJECT],
    ['blob:https://e.com/x', REJECT, REJECT],
    ['urn:ietf:wg:oauth:2.0:oob', 'accept', 'accept'],
    ['urn:ietf:wg:oauth:2.0:oob:auto', REJECT, REJECT],
    ['urn:isbn:1', REJECT, REJECT],
    ['https://e.com/cb', 'accept', 'accept'],
    ['https://e.com', 'accept', 'accept'],
    ['https://e.com:8443/cb?a=b', 'accept', 'accept'],
    ['http://localhost/cb', 'accept', 'accept'],
    ['http://localhost:3000/cb', 'accept', 'accept'],
    ['http://127.0.0.1/cb', 'accept', 'accept'],
    ['http://[::1]:9/cb', 'accept', 'accept'],
    ['http://app.localhost/cb', 'accept', REJECT],
    ['http://localhost.e.com/cb', REJECT, REJECT],
    ['http://127.0.0.2/cb', REJECT, REJECT],
    ['http://e.com/cb', REJECT, REJECT],
    ['mailto:a@e.com', 'accept', REJECT],
    ['tel:1', 'accept', REJECT],
    ['sms:1', 'accept', REJECT],
    ['vscode://ext/cb', 'accept', 'accept'],
    ['com.example.app:/cb', 'accept', 'accept'],
    ['cursor://anysphere.cursor-retrieval/oauth/cb', 'accept', 'accept'],
    ['https://e.com/cb#', REJECT, REJECT],
    ['https://e.com/cb#x', REJECT, REJECT],
    ['vscode://ext/cb#x', REJECT, REJECT],
    [`https://e.com/${'x'.repeat(2048)}`, REJECT, REJECT],
  ])('%j: confidential clients %s, public ones %s', async (uri, confidential, open) => {
    for (const [method, verdict] of [
      ['client_secret_basic', confidential],
      ['none', open],
    ]) {
      const response = await fetch(`${server.url}/oauth2/register`, {
        method: 'POST',
        body: JSON.stringify({
          redirect_uris: ['https://e.com/first', uri],
          token_endpoint_auth_method: method,
        }),
      })
      const body = await response.json()
      if (verdict === 'accept') expect(body).toMatchObject({ redirect_uris: ['https://e.com/first', uri] })
      else
        expect([response.status, body]).toEqual([
          400,
          {
            error: 'invalid_client_metadata',
            error_description: expect.stringContaining('redirect_uris'),
          },
        ])
    }
  })
})

describe('OA-44: a redirect URI is one that is registered, to the letter', () => {
  const client = (changes: Partial<OAuthClient>): OAuthClient => ({ ...base, ...changes })
  const admins = (): OAuthClient =>
    client({
      callback_url: 'http://localhost1:8080/foo/bar',
      redirect_uris: ['myapp://cb', 'http://127.0.0.1:7/cb'],
    })

  it('OA-B9: every registered one is', () => {
    for (const uri of ['http://localhost1:8080/foo/bar', 'myapp://cb', 'http://127.0.0.1:7/cb'])
      expect(matchesRedirectUri(admins(), uri)).toBe(true)
  })

  it.each([
    '',
    'http://localhost1:8081/foo/bar',
    'http://localhost1/foo/bar',
    'http://localhost:8080/foo/bar',
    'http://sub.localhost1:8080/foo/bar',
    'http://localhost1.evil.example:8080/foo/bar',
    'http://localhost1:8080/foo',
    'http://localhost1:8080/foo/bar/',
    'http://localhost1:8080/foo/bar/baz',
    'http://localhost1:8080/foo/bar/../bar',
    'http://localhost1:8080/foo/bar?x=y',
    'http://localhost1:8080/foo/bar?',
    'http://localhost1:8080/foo/bar#',
    'http://localhost1:8080/foo%2fbar',
    'http://localhost1:8080/foo/%62ar',
    'http://localhost1:8080//foo/bar',
    'http://LOCALHOST1:8080/foo/bar',
    'HTTP://localhost1:8080/foo/bar',
    'https://localhost1:8080/foo/bar',
    'http://evil@localhost1:8080/foo/bar',
    'http://localhost1:8080@evil.example/foo/bar',
    'http://localhost1:8080\\@evil.example/foo/bar',
    ' http://localhost1:8080/foo/bar',
    'http://localhost1:8080/foo/bar\n',
    'MYAPP://cb',
    'myapp://cb/',
    // Apps of administrators keep their port.
    'http://127.0.0.1:8/cb',
    'http://127.0.0.1/cb',
  ])('%j is not', (uri) => {
    expect(matchesRedirectUri(admins(), uri)).toBe(false)
  })

  const native = (changes: Partial<OAuthClient> = {}): OAuthClient =>
    client({
      dynamically_registered: true,
      client_type: 'public',
      token_endpoint_auth_method: 'none',
      callback_url: 'http://127.0.0.1/cb?a=b',
      redirect_uris: [
        'http://127.0.0.1/cb?a=b',
        'http://localhost:3118/cb',
        'http://[::1]:5',
        'https://localhost/cb',
      ],
      ...changes,
    })

  it.each([
    'http://127.0.0.1:51234/cb?a=b',
    'http://127.0.0.1:1/cb?a=b',
    'http://localhost/cb',
    'http://localhost:65535/cb',
    'http://[::1]:60000',
  ])('OA-B9, RFC 8252 7.3: programs on a machine come back to a port of their choice: %j', (uri) => {
    expect(matchesRedirectUri(native(), uri)).toBe(true)
    const method = { client_type: 'confidential', token_endpoint_auth_method: 'client_secret_basic' } as const
    expect(matchesRedirectUri(native({ ...method, application_type: 'native' }), uri)).toBe(true)
    const document = { dynamically_registered: false, metadata_url: 'https://e.com/client.json' }
    expect(matchesRedirectUri(native(document), uri)).toBe(true)
    // Neither do those who may be on another machine, nor what administrators made.
    expect(matchesRedirectUri(native(method), uri)).toBe(false)
    expect(matchesRedirectUri(native({ dynamically_registered: false }), uri)).toBe(false)
  })

  it.each([
    'http://127.0.0.1:51234/cb',
    'http://127.0.0.1:51234/cb?a=b&c=d',
    'http://127.0.0.1:51234/CB?a=b',
    'http://127.0.0.1:51234/cb/?a=b',
    'http://127.0.0.1:0/cb?a=b',
    'http://127.0.0.1:65536/cb?a=b',
    'http://127.0.0.1:99999999/cb?a=b',
    'http://127.0.0.1:/cb?a=b',
    'http://127.0.0.1:80@evil.example/cb?a=b',
    'http://127.0.0.1:51234@evil.example/cb?a=b',
    'http://127.0.0.1.evil.example:80/cb?a=b',
    'http://localhost:51234/cb?a=b',
    'http://127.0.0.1:51234/cb?a=b#',
    'http://127.0.0.1:51234\\@evil.example/cb?a=b',
    'https://localhost:51234/cb',
    'http://[::1]:60000/',
  ])('OA-B9: nothing but the port may differ: %j', (uri) => {
    expect(matchesRedirectUri(native(), uri)).toBe(false)
  })
})

it.each([
  ['javascript:alert(1)', true],
  [' JAVASCRIPT:alert(1)', true],
  ['data:x', true],
  ['no scheme', true],
  ['https://e.com', false],
  ['myapp://cb', false],
])('§8 row 7: whether %j is dangerous: %s', (uri, dangerous) => {
  expect(isDangerousScheme(uri)).toBe(dangerous)
})
