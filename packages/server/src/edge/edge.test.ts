import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace } from '@slipway/contract'
import { createLogger, type LogSink } from '@slipway/request-log'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { canonicalTarget } from './canonical-target.ts'

const lines: string[] = []
let server: TestServer
let owner: Client
let member: Client

beforeAll(async () => {
  const sink = { write: (line: string) => void lines.push(line) } as unknown as LogSink
  server = await startTestServer({
    env: { CODER_API_RATE_LIMIT: '10000' },
    log: createLogger({ level: 'debug', sink }),
  })
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, { headers, redirect: 'manual' })
}

function tokenOf(client: Client): string {
  return client.headers['Coder-Session-Token'] ?? ''
}

describe('small endpoints', () => {
  it('OP: /healthz, /latency-check and /api/v2/buildinfo need nobody', async () => {
    expect(await (await get('/healthz')).text()).toBe('OK')
    const latency = await get('/latency-check')
    expect(latency.headers.get('timing-allow-origin')).toBe('*')
    // AC-163: without a body, by which clients choose a region.
    const relay = await get('/derp/latency-check')
    expect([relay.status, await relay.text()]).toEqual([200, ''])
    expect(await (await get('/api/v2/buildinfo')).json()).toMatchObject({ deployment_id: expect.any(String) })
  })

  it('ID-100: every answer has a request id of ours, whatever the client sends', async () => {
    const sent = randomUUID()
    const answer = await get('/api/v2/buildinfo', { 'X-Coder-Request-Id': sent })
    const id = answer.headers.get('x-coder-request-id')
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(id).not.toBe(sent)
  })

  it('L-8: every answer of the API says how long the server took, to those who have signed in', async () => {
    for (const [path, status] of [
      ['/api/v2/users/me', 200],
      ['/api/v2/users/nobody', 404],
    ] as const) {
      const answer = await get(path, owner.headers)
      expect([answer.status, answer.headers.get('server-timing')]).toEqual([
        status,
        expect.stringMatching(/^app;dur=\d+\.\d$/),
      ])
      expect((await get(path)).headers.get('server-timing'), `${path} for nobody`).toBeNull()
    }
    expect((await get('/', owner.headers)).headers.get('server-timing'), 'a page').toBeNull()
  })

  it('ID-99: slashes that are repeated are one', async () => {
    for (const path of ['//api//v2/buildinfo', '/api/v2//buildinfo', '/api///v2/buildinfo'])
      expect([path, (await get(path)).status]).toEqual([path, 200])
  })

  it('ID-99: clients of Coder ask for some operations with a slash behind them; the paths of providers keep theirs', async () => {
    for (const path of ['users/me/', 'users/me/?x=1', 'organizations/default/members/', 'users/%6De/'])
      expect([path, (await get(`/api/v2/${path}`, owner.headers)).status]).toEqual([path, 200])
    expect((await get('/api/v2/users/me/roles/x/', owner.headers)).status).toBe(404)
    // Who means something of a user and leaves out what must not be taken to mean the user.
    const deleted = await fetch(`${server.url}/api/v2/users/member/`, {
      method: 'DELETE',
      headers: owner.headers,
    })
    expect(deleted.status).toBe(404)
    expect(canonicalTarget('/api/v2/ai-gateway/p/v1/models/')).toBe('/api/v2/ai-gateway/p/v1/models/')
    expect(canonicalTarget('/@me/ws.main/apps/code/?x=/')).toBe('/@me/ws.main/apps/code/?x=/')
  })

  it('ID-96, ID-108: the root of the API answers probes, and has no line', async () => {
    for (const path of ['/api/v2', '/api/v2/']) {
      const answer = await get(path)
      expect([path, answer.status, await answer.json()]).toEqual([path, 200, { message: '👋' }])
    }
    const other = await get('/api/v2/?x=1')
    const id = other.headers.get('x-coder-request-id') ?? ''
    const last = (await get('/api/v2/buildinfo')).headers.get('x-coder-request-id') ?? ''
    await until('a later line', () => lines.some((line) => line.includes(last)))
    // ID-108: probes would fill the log.
    expect(lines.some((line) => line.includes(id))).toBe(false)
  })

  it('ID-91: an unknown route of the API is 404 in the envelope', async () => {
    const answer = await get('/api/v2/no-such-thing')
    expect(answer.status).toBe(404)
    expect(await answer.json()).toEqual({ message: 'Route not found.' })
  })
})

describe('who calls', () => {
  it('ID-62, ID-72: no credential is 401 with a challenge that names no error', async () => {
    const answer = await get('/api/v2/users/me')
    expect(answer.status).toBe(401)
    const challenge = answer.headers.get('www-authenticate') ?? ''
    expect(challenge).toContain('Bearer')
    expect(challenge).not.toContain('error=')
    expect(await answer.json()).toMatchObject({ message: expect.stringContaining('signed out') })
  })

  it('ID-72: a wrong credential is 401 with invalid_token', async () => {
    const answer = await get('/api/v2/users/me', {
      'Coder-Session-Token': 'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBB',
    })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it.each([
    ['cookie', (token: string) => get('/api/v2/users/me', { Cookie: `coder_session_token=${token}` })],
    ['query', (token: string) => get(`/api/v2/users/me?coder_session_token=${token}`)],
    ['header', (token: string) => get('/api/v2/users/me', { 'Coder-Session-Token': token })],
    ['bearer', (token: string) => get('/api/v2/users/me', { Authorization: `Bearer ${token}` })],
    ['access_token', (token: string) => get(`/api/v2/users/me?access_token=${token}`)],
  ])('ID-56: a token is taken from the %s', async (_name, ask) => {
    expect((await ask(tokenOf(owner))).status).toBe(200)
  })

  it('ID-56: the cookie comes before the header', async () => {
    const answer = await get('/api/v2/users/me', {
      Cookie: `coder_session_token=${tokenOf(member)}`,
      'Coder-Session-Token': tokenOf(owner),
    })
    expect(await answer.json()).toMatchObject({ username: 'member' })
  })

  it('ID-91: what may not be read is as absent as what does not exist', async () => {
    const hidden = await get(`/api/v2/workspaces/${randomUUID()}`, { 'Coder-Session-Token': tokenOf(member) })
    expect(hidden.status).toBe(404)
    expect(await hidden.json()).toEqual({
      message: 'Resource not found or you do not have access to this resource',
    })
  })
})

describe('CSRF', () => {
  const change = (headers: Record<string, string>) =>
    fetch(`${server.url}/api/v2/users/me/keys`, { method: 'POST', headers })

  it('ID-127: a cookie alone may not change anything', async () => {
    const answer = await change({ Cookie: `coder_session_token=${tokenOf(owner)}` })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('CSRF')
  })

  it('ID-127, ID-204: nor under another spelling of the address', async () => {
    const { hostname, port } = new URL(server.url)
    const targets = [
      '/%61pi/v2/users/me/keys',
      `http://${hostname}/api/v2/users/me/keys`,
      '//api/v2/users/me/keys',
      '/api/v2/users/me/%6beys#x',
    ]
    for (const path of targets) {
      const sent = httpRequest({
        hostname,
        port,
        path,
        method: 'POST',
        headers: { Cookie: `coder_session_token=${tokenOf(owner)}` },
      })
      sent.end()
      const [answer] = await once(sent, 'response')
      answer.resume()
      expect(answer.statusCode, path).toBe(400)
    }
  })

  it('ID-128: a token in the header needs no CSRF token', async () => {
    expect((await change({ 'Coder-Session-Token': tokenOf(owner) })).status).toBe(201)
  })
})

describe('requests that are wrong', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/api/v2/users/login`, {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', ...headers },
    })

  it('ID-89: a body that breaks rules is 400 with one validation for each field, and no values', async () => {
    const answer = await post(JSON.stringify({ email: 'a@example.com' }))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({
      message: 'Validation failed.',
      validations: [{ field: 'password', detail: 'Validation failed for tag "required" with value: ""' }],
    })
  })

  it('ID-207: what is refused of a secret is never said again', async () => {
    const secret = 'never-to-be-said-again'
    const answer = await post(JSON.stringify({ email: `${secret}@`, password: secret.repeat(500) }))
    expect(answer.status).toBe(400)
    expect(await answer.text()).not.toContain(secret)
    const made = await fetch(`${server.url}/api/v2/users/first`, {
      method: 'POST',
      body: JSON.stringify({ email: 'a@example.com', username: 'a', password: secret.repeat(10) }),
    })
    expect(await made.text()).not.toContain(secret)
    for (const [path, body] of [
      ['users/otp/change-password', { email: 'a', one_time_passcode: [secret], password: [secret] }],
      ['users/me/secrets', { name: 'x', value: { secret } }],
      ['users/me/password', { password: secret.repeat(10), old_password: secret }],
    ] as const) {
      const refused = await fetch(`${server.url}/api/v2/${path}`, {
        method: path.endsWith('me/password') ? 'PUT' : 'POST',
        headers: { 'Coder-Session-Token': tokenOf(owner) },
        body: JSON.stringify(body),
      })
      expect([path, refused.status]).toEqual([path, 400])
      expect(await refused.text()).not.toContain(secret)
    }
  })

  it('NUL characters are refused wherever they come from, and an address that cannot be read is 400', async () => {
    const key = { 'Coder-Session-Token': tokenOf(owner) }
    expect((await get('/api/v2/users/a%00b', key)).status).toBe(400)
    expect((await get('/api/v2/users?q=a%00b', key)).status).toBe(400)
    const answer = await post(JSON.stringify({ email: 'a\0@example.com', password: 'x' }))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ validations: [{ field: 'email' }] })
    const broken = await get('/api/v2/users/%zz', key)
    expect(broken.status).toBe(400)
    expect(await broken.json()).toHaveProperty('message')
  })

  it('ID-88: a body that is no JSON is 400', async () => {
    const answer = await post('{"email":')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ message: 'Request body must be valid JSON.' })
  })

  it('ID-93: a body that is too long is 413 and names the limit', async () => {
    const answer = await post(JSON.stringify({ email: 'x'.repeat(5 * 1024 * 1024) }))
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('4194304') })
  })

  it('ID-89: JSON is read whatever its content type says, and nothing else is', async () => {
    const body = JSON.stringify({ email: 'nobody@example.com', password: 'wrong' })
    expect((await post(body, { 'Content-Type': 'application/x-www-form-urlencoded' })).status).toBe(401)
    const bare = await fetch(`${server.url}/api/v2/users/login`, { method: 'POST', body: Buffer.from(body) })
    expect(bare.status).toBe(401)
    expect((await post('a=b', { 'Content-Type': 'application/x-www-form-urlencoded' })).status).toBe(400)
  })

  it('ID-89: bytes that are no UTF-8 are refused and not replaced', async () => {
    const body = Buffer.concat([Buffer.from('{"email":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])
    const answer = await fetch(`${server.url}/api/v2/users/login`, { method: 'POST', body })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ message: 'Request body must be valid JSON.' })
  })

  it('ID-96: a wrong method on an address of the API is 405 and names the right ones', async () => {
    const answer = await fetch(`${server.url}/api/v2/buildinfo`, { method: 'DELETE' })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('GET, HEAD')
    const named = await fetch(`${server.url}/api/v2/users/somebody`, { method: 'PATCH' })
    expect(named.headers.get('allow')).toContain('GET')
    expect((await fetch(`${server.url}/api/v2/nothing`, { method: 'DELETE' })).status).toBe(404)
    const query = (headers: Record<string, string>) =>
      fetch(`${server.url}/api/v2/buildinfo`, { method: 'QUERY', headers })
    expect((await query({ 'Content-Type': 'application/json' })).status).toBe(405)
    expect((await query({})).status).toBe(400)
  })

  it('ID-91: only /api is the API', async () => {
    expect((await get('/apix')).headers.get('content-type')).not.toContain('json')
    expect((await get('/api?x')).status).toBe(404)
  })

  it('ID-95: anybody may report a violation of the policy, within 64 KiB', async () => {
    const report = (text: string) =>
      fetch(`${server.url}/api/v2/csp/reports`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/csp-report' },
        body: JSON.stringify({ 'csp-report': { 'blocked-uri': text } }),
      })
    expect(await (await report('inline')).json()).toBe('ok')
    expect((await report('x'.repeat(70_000))).status).toBe(413)
  })

  it('JSON that is nested a million deep is refused and harms nobody', async () => {
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
    expect((await post(deep)).status).toBe(400)
    expect((await get('/healthz')).status).toBe(200)
  })

  it('ID-90: all faults of a query are answered at once', async () => {
    const answer = await get('/api/v2/users?limit=-1&offset=x', { 'Coder-Session-Token': tokenOf(owner) })
    expect(answer.status).toBe(400)
    const body = (await answer.json()) as { validations: { field: string }[] }
    expect(body.validations.map((one) => one.field).sort()).toEqual(['limit', 'offset'])
  })

  it('ID-148: a path parameter that must be a UUID and is none is 400', async () => {
    const answer = await get('/api/v2/workspaces/not-a-uuid', { 'Coder-Session-Token': tokenOf(owner) })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ message: 'Invalid UUID "not-a-uuid".' })
    for (const [path, message] of [
      ['v2/workspaces/', 'Missing UUID in URL.'],
      ['experimental/chats/nothing', 'Invalid UUID "nothing".'],
    ]) {
      const other = await get(`/api/${path}`, { 'Coder-Session-Token': tokenOf(owner) })
      expect([path, other.status]).toEqual([path, 400])
      expect(await other.json()).toMatchObject({ message })
    }
  })

  it('an upgrade is needed where a WebSocket is served', async () => {
    const template = await server.builtInTemplate()
    const answer = await get(`/api/v2/templateversions/${template.active_version_id}/dynamic-parameters`, {
      'Coder-Session-Token': tokenOf(owner),
    })
    expect(answer.status).toBe(426)
  })
})

describe('log and metrics', () => {
  it('ID-108, ID-110: each request leaves one line with key, route, method and who asked', async () => {
    await get('/api/v2/users/member?coder_session_token=secret', {
      Cookie: `coder_session_token=${tokenOf(owner)}`,
    })
    const line = lines
      .map((text): Record<string, unknown> => JSON.parse(text))
      .find((entry) => entry.path === '/api/v2/users/member')
    expect(line).toMatchObject({
      message: 'GET',
      route: '/api/v2/users/{user}',
      status_code: 200,
      requestor_name: 'owner',
      params_user: 'member',
      api_key_id: tokenOf(owner).slice(0, 10),
    })
    expect(JSON.stringify(line)).not.toContain('secret')
  })

  it('ID-115, ID-117: metrics name full route patterns and only an owner sees them', async () => {
    await get('/api/v2/users/member', { 'Coder-Session-Token': tokenOf(owner) })
    const text = await (await get('/metrics', { 'Coder-Session-Token': tokenOf(owner) })).text()
    expect(text).toContain(
      'coderd_api_requests_processed_total{code="200",method="GET",path="/api/v2/users/{user}"}',
    )
    expect((await get('/metrics', { 'Coder-Session-Token': tokenOf(member) })).status).toBe(404)
  })

  it('AC-237: no metric is about a part of a route, or about an address as it came', async () => {
    const addresses = [
      '/',
      '/templates/secretname',
      '/assets/secretname.js',
      '/bin/secretname',
      '/icon/secretname.svg',
      '/api/v2/secretname',
      '/api/v2/users/secretname',
      '/api/v2/workspaceagents/secretname/pty',
      '/api/v2/ai-gateway/secretname/v1/secretname',
      '/api/experimental/secretname',
      '/oauth2/secretname',
      '/scim/v2/Users/secretname',
      '/.well-known/secretname',
      '/@secretname/secretname.main/apps/secretname/secretname',
      '/derp/latency-check',
    ]
    for (const path of addresses)
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const headers = { 'Coder-Session-Token': tokenOf(owner) }
        await (await fetch(`${server.url}${path}`, { method, headers, redirect: 'manual' })).arrayBuffer()
      }
    const text = await (await get('/metrics', { 'Coder-Session-Token': tokenOf(owner) })).text()
    const labels = new Set([...text.matchAll(/[{,](?:path|route)="([^"]*)"/g)].map(([, label = '']) => label))
    expect(labels).toContain('UNKNOWN')
    expect(labels).toContain('STATIC')
    expect(labels).toContain('/@{user}/{workspace_and_agent}/apps/{workspaceapp}/*')
    for (const label of labels) {
      expect(label).not.toMatch(/^\/?\*$|secretname/)
      expect(label).toMatch(/^(?:UNKNOWN|STATIC|SUBDOMAIN_APP|)$|^\//)
    }
  })

  it('ID-108, ID-117: a WebSocket is logged when it opens and counted while it is open', async () => {
    const template = await server.builtInTemplate()
    const route = '/api/v2/templateversions/{templateversion}/dynamic-parameters'
    const path = `/api/v2/templateversions/${template.active_version_id}/dynamic-parameters`
    const open = () => metric(`coderd_api_concurrent_websockets{path="${route}"}`)
    const before = await open()
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}${path}?coder_session_token=${tokenOf(owner)}`,
    )
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
    expect(await open()).toBe(before + 1)
    const logged = lines
      .map((text): Record<string, unknown> => JSON.parse(text))
      .filter((entry) => entry.path === path && entry.status_code === 202)
    expect(logged).toHaveLength(1)
    socket.close()
    await until('the gauge to fall', async () => (await open()) === before)
    expect(await metric(`coderd_api_websocket_durations_seconds_count{path="${route}"}`)).toBeGreaterThan(0)
  })

  it('ID-117: a client that leaves in the middle of an answer is not counted as in flight for ever', async () => {
    const route = '/api/v2/workspaces/{workspace}/watch'
    const template = await server.builtInTemplate()
    const workspace = await owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name: 'watched', template_id: template.id },
    })
    const inFlight = () => metric(`coderd_api_concurrent_requests{method="GET",path="${route}"}`)
    const abort = new AbortController()
    const answer = await fetch(`${server.url}/api/v2/workspaces/${workspace.id}/watch`, {
      headers: { ...owner.headers },
      signal: abort.signal,
    })
    expect(answer.status).toBe(200)
    expect(await inFlight()).toBe(1)
    abort.abort()
    await until('the gauge to fall', async () => (await inFlight()) === 0)
  })
})

async function metric(series: string): Promise<number> {
  const text = await (await get('/metrics', { 'Coder-Session-Token': tokenOf(owner) })).text()
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

describe('limits', () => {
  it('ID-121, ID-124: a user has a limit, an owner may ask to be left out, others may not', async () => {
    await using limited = await startTestServer({ env: { CODER_API_RATE_LIMIT: '20' } })
    const boss = await limited.owner()
    const ask = (headers: Record<string, string>) =>
      fetch(`${limited.url}/api/v2/users/me`, { headers: { ...boss.headers, ...headers } })
    let refused: Response | undefined
    for (let i = 0; i < 40 && refused === undefined; i += 1) {
      const answer = await ask({})
      if (answer.status === 429) refused = answer
    }
    expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await ask({ 'X-Coder-Bypass-Ratelimit': 'true' })).status).toBe(200)
    const stranger = await fetch(`${limited.url}/api/v2/buildinfo`, {
      headers: { 'X-Coder-Bypass-Ratelimit': 'true' },
    })
    expect(stranger.status).toBe(200)
  })
})

describe('shutdown', () => {
  it('OP-33: open streams end, and the server stops at once', async () => {
    await using short = await startTestServer()
    const boss = await short.owner()
    const template = await short.builtInTemplate()
    const socket = new WebSocket(
      `${short.url.replace('http', 'ws')}/api/v2/templateversions/${template.active_version_id}/dynamic-parameters?coder_session_token=${boss.headers['Coder-Session-Token']}`,
    )
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
    await short.stop()
    expect((await closed).code).toBe(1001)
  })
})
