import { once } from 'node:events'
import { get, type IncomingMessage, request } from 'node:http'

import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'

import { route } from '@slipway/contract'
import { until } from '@slipway/testkit'
import type { FindAgent } from './agent-access.ts'
import { forAgent } from './bind.ts'
import type { ClaimedRequest } from './options.ts'
import type { Precheck } from './precheck.ts'
import { cpuAccountOf } from './request-context.ts'
import { start } from './testing.ts'

const app: ClaimedRequest = {
  route: 'SUBDOMAIN_APP',
  serve: async (_request, reply) => {
    await reply.send('app')
  },
}

describe('ID-98: the steps of every request', () => {
  it('ID-109, ID-221: a failure of ours is in the log with its answer, and the answer says nothing of it', async () => {
    const { url, lines } = await start()
    const answer = await fetch(`${url}/api/v2/fails`)
    const text = await answer.text()
    expect(answer.status).toBe(500)
    expect(text).not.toContain('driver')
    await expect
      .poll(() => lines.find((line) => line.status_code === 500))
      .toMatchObject({
        level: 'warn',
        response_body: text,
        took: expect.stringMatching(/^[\d.]+ms$/),
      })
    expect(lines.some((line) => String(line.stack).includes('the driver said'))).toBe(true)
  })

  it('ID-114: what handlers start belongs to their request, with a body too', async () => {
    const { url } = await start()
    const body = JSON.stringify({ text: 'x'.repeat(200_000) })
    const answer = await fetch(`${url}/api/v2/notes`, { method: 'POST', body })
    expect(await answer.text()).toBe('the same request')
  })

  it('ID-118: requests, WebSockets and the tunnels of agents are told apart in profiles', () => {
    const route = '/api/v2/workspaces'
    const labels = (of: string, webSocket: boolean) => cpuAccountOf({ route: of, webSocket }).labels
    expect([labels(route, false), labels(route, true)]).toEqual([
      { coder_service: 'http-api', coder_request_type: 'http', route },
      { coder_service: 'http-api', coder_request_type: 'websocket', route },
    ])
    expect(labels('/api/v2/workspaceagents/me/tunnel', true).coder_service).toBe('agent-rpc')
  })

  it('ID-66: nobody is looked up for a probe or a file, and on hosts of apps for every request', async () => {
    const { url, asked } = await start({
      apps: { claim: (_host, target) => (target.includes('claimed') ? app : undefined) },
    })
    const probes = [
      '/healthz',
      '/readyz',
      '/latency-check',
      '/derp',
      '/derp/latency-check',
      '/bin/slipway?x=1',
    ]
    const files = ['/assets/a.js', '/icon/a.svg', '/favicons/a.png', '/theme.js', '/manifest.webmanifest']
    for (const path of [...probes, ...files]) await fetch(`${url}${path}`)
    expect(asked).toEqual([])
    await fetch(`${url}/healthz/claimed`)
    await fetch(`${url}/assets/claimed`)
    expect(asked).toEqual(['SUBDOMAIN_APP', 'SUBDOMAIN_APP'])
    await fetch(`${url}/healthzz`)
    await fetch(`${url}/derpy`)
    expect(asked).toHaveLength(4)
  })

  it('ID-123: apps share the limit of the API', async () => {
    const { url } = await start({ apiRateLimit: 3, apps: { claim: () => app } })
    const statuses = []
    for (let i = 0; i < 5; i += 1) statuses.push((await fetch(`${url}/app`)).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429])
  })

  it('ID-123: what is called like a report of an agent and is none counts as anything else', async () => {
    const { url } = await start({ apiRateLimit: 2 })
    const statuses = []
    for (let i = 0; i < 3; i += 1)
      statuses.push((await fetch(`${url}/api/v2/workspaceagents/me/nothing`)).status)
    expect(statuses).toEqual([404, 404, 429])
  })

  it('ID-108: a client that leaves before the answer has a line too, as 499', async () => {
    const { url, lines } = await start()
    const sent = get(`${url}/api/v2/hangs`)
    sent.on('error', () => undefined)
    await once(sent, 'socket')
    const [socket] = await once(sent, 'finish').then(() => [sent.socket])
    await expect.poll(() => socket?.bytesWritten ?? 0).toBeGreaterThan(0)
    sent.destroy()
    await expect.poll(() => lines.find((line) => line.status_code === 499)?.path).toBe('/api/v2/hangs')
  })

  it('ID-104: a zone of an IPv6 address is not part of it', async () => {
    const { url, lines } = await start({ trust: ['127.0.0.0/8'] })
    const sent = get(`${url}/healthz`, { headers: { 'X-Forwarded-For': 'fe80::1%eth0' } })
    const [answer]: IncomingMessage[] = await once(sent, 'response')
    answer?.resume()
    await expect.poll(() => lines.find((line) => line.path === '/healthz')?.remote_addr).toBe('fe80::1')
  })
})

describe('ID-61: the outcome of the precheck', () => {
  const fault: Precheck = {
    ok: false,
    status: 500,
    message: 'An internal server error occurred.',
    detail: 'Internal error fetching API key by id.',
    reason: 'fault',
    hard: true,
    cause: new Error('the driver said: no such host'),
  }

  it('ID-63: a fault of ours is 500 where somebody must be signed in, and stops nobody else', async () => {
    const { url, lines } = await start({ validate: () => Promise.resolve(fault) })
    const headers = { Cookie: 'coder_session_token=some' }
    const answer = await fetch(`${url}/api/v2/mine`, { headers })
    expect(answer.status).toBe(500)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await answer.json()).toEqual({
      message: fault.message,
      detail: `Reference: ${answer.headers.get('x-coder-request-id')}`,
    })
    expect(lines.some((line) => String(line.stack).includes('no such host'))).toBe(true)
    expect((await fetch(`${url}/api/v2/notes`, { method: 'POST', body: '{"text":"x"}' })).status).toBe(200)
    expect(await (await fetch(`${url}/elsewhere`, { headers })).text()).toBe('page')
  })

  it('ID-109: lines of one key say what each request asked for and where it came from', async () => {
    const precheck: Precheck = { ...fault, status: 401, reason: 'expired', hard: false }
    const { url, lines } = await start({ validate: () => precheck })
    const ask = async (target: string, agent: string): Promise<void> => {
      await (await fetch(`${url}${target}`, { headers: { 'User-Agent': agent } })).text()
    }
    await ask('/api/v2/mine', 'one')
    await ask('/api/v2/mine', 'two')
    await ask('/api/v2/mine?limit=5', 'two')
    await ask('/api/v2/nothing', 'two')
    await ask('/api/v2/mine', 'two')
    const told = await until('the lines', () => {
      const found = lines.filter(({ path: at }) => String(at).startsWith('/api/v2/'))
      return found.length === 5 ? found : undefined
    })
    expect(told.map((line) => [line.path, line.route, line.query_limit, line.user_agent])).toEqual([
      ['/api/v2/mine', '/api/v2/mine', undefined, 'one'],
      ['/api/v2/mine', '/api/v2/mine', undefined, 'two'],
      ['/api/v2/mine', '/api/v2/mine', '5', 'two'],
      ['/api/v2/nothing', 'UNKNOWN', undefined, 'two'],
      ['/api/v2/mine', '/api/v2/mine', undefined, 'two'],
    ])
  })

  it('ID-147, AC-6: an agent is told of our fault as such, and not that its token is worth nothing', async () => {
    const report = forAgent(
      route('GET /api/v2/reported', { id: 'reported', tag: 'Test', responses: { 200: Type.String() } }),
      async ({ agent }) => agent.name,
    )
    const statusWith = async (findAgent: FindAgent) => {
      const { url } = await start({ routes: [report], findAgent })
      const headers = { 'Coder-Session-Token': '0b6f1c7e-7e0c-4d0b-8a51-2f0e4f3a9c11' }
      return (await fetch(`${url}/api/v2/reported`, { headers })).status
    }
    expect(await statusWith(async () => undefined)).toBe(401)
    expect(await statusWith(() => Promise.reject(new Error('the driver said: no such host')))).toBe(500)
  })

  it('ID-110: the line of a request names a key whose secret matched, although it has expired', async () => {
    const { url, lines } = await start({
      validate: (_token, context) => {
        context.apiKeyId = 'expired-id'
        return { ...fault, status: 401, reason: 'expired', hard: false }
      },
    })
    const query = 'limit=5&IDS=a,b&template_ids=&offset=7&q=private&access_token=zzz'
    await fetch(`${url}/api/v2/mine?${query}`)
    const line = await until('the line', () => lines.find((one) => one.path === '/api/v2/mine'))
    expect(line).toMatchObject({
      message: 'GET',
      route: '/api/v2/mine',
      api_key_id: 'expired-id',
      query_limit: '5',
      query_offset: '7',
      query_ids_count: '2',
      query_template_ids_count: '0',
      user_agent: expect.any(String),
      host: expect.any(String),
      received_host: expect.any(String),
      proto: 'HTTP/1.1',
      remote_addr: '127.0.0.1',
      start: expect.any(String),
      took: expect.stringMatching(/ms$/),
      status_code: 401,
      latency_ms: expect.any(Number),
      request_id: expect.any(String),
    })
    expect(JSON.stringify(line)).not.toMatch(/zzz|private/)
  })
})

describe('ID-120: who is limited', () => {
  const from = (address: string, token?: string, headers: Record<string, string> = {}) => ({
    headers: {
      'X-Forwarded-For': address,
      ...(token === undefined ? {} : { 'Coder-Session-Token': token }),
      ...headers,
    },
  })
  const statuses = async (url: string, init: (round: number) => RequestInit, rounds = 4) => {
    const found: number[] = []
    for (let round = 0; round < rounds; round += 1) found.push((await fetch(url, init(round))).status)
    return found
  }

  it('a user wherever the requests come from, and strangers by their address', async () => {
    const { url } = await start({ apiRateLimit: 3, trust: ['127.0.0.0/8'] })
    const target = `${url}/api/v2/mine`
    expect(await statuses(target, (round) => from(`1.0.0.${round}`, 'other'))).toEqual([200, 200, 200, 429])
    expect(await statuses(target, () => from('1.0.0.1', 'boss'), 1)).toEqual([200])
    expect(await statuses(target, (round) => from(`1.0.0.${round}`, 'junk'))).toEqual([401, 401, 401, 401])
    // Whatever a stranger calls himself, he is the same one.
    expect(await statuses(target, (round) => from('2.0.0.1', `junk-${round}`))).toEqual([401, 401, 401, 429])
    expect(await statuses(target, () => from('2.0.0.2'), 1)).toEqual([401])
  })

  it('ID-67: of an app, whose own cookie says it and not that of the dashboard', async () => {
    const claimed: ClaimedRequest = {
      route: 'SUBDOMAIN_APP',
      sessionCookie: 'app_session',
      serve: async ({ context }, reply) => {
        await reply.send(context.precheck.ok ? context.precheck.owner.id : 'nobody')
      },
    }
    const { url } = await start({
      apiRateLimit: 2,
      trust: ['127.0.0.0/8'],
      apps: { claim: () => claimed },
    })
    const visit = (round: number, Cookie: string) =>
      fetch(`${url}/app`, from(`1.0.0.${round}`, undefined, { Cookie }))
    const both = 'coder_session_token=boss; app_session=other'
    expect(await (await visit(1, both)).text()).toBe('other')
    expect(await (await visit(2, 'coder_session_token=boss')).text()).toBe('boss')
    expect(await (await visit(3, 'coder_session_token=boss; app_session=junk')).text()).toBe('nobody')
    expect((await visit(4, both)).status).toBe(200)
    expect((await visit(5, both)).status).toBe(429)
    expect((await visit(6, 'coder_session_token=boss')).status).toBe(200)
  })

  it('one path is one bucket, however it is spelled', async () => {
    const { url } = await start({ apiRateLimit: 3 })
    await statuses(`${url}/api/v2/mine`, () => ({}), 3)
    for (const spelling of ['/api/v2//mine', '/api/v2/%6dine', '/api/v2/mine?x=1'])
      expect((await fetch(`${url}${spelling}`)).status, spelling).toBe(429)
  })

  it('ID-121, ID-122: a limited answer says how much is left, and a refusal for how long', async () => {
    const { url } = await start({ apiRateLimit: 2 })
    const target = `${url}/api/v2/mine`
    const first = await fetch(target)
    expect(first.headers.get('x-ratelimit-limit')).toBe('2')
    expect(first.headers.get('x-ratelimit-remaining')).toBe('1')
    expect(Number(first.headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000)
    await fetch(target)
    const refused = await fetch(target)
    expect(refused.status).toBe(429)
    // Half of the next window has to pass as well, until one of the two weighs little enough.
    const retryAfter = Number(refused.headers.get('retry-after'))
    const left = Number(refused.headers.get('x-ratelimit-reset')) - Date.now() / 1000
    expect(retryAfter).toBeGreaterThan(left + 28)
    expect(retryAfter).toBeLessThan(left + 32)
    expect(await refused.json()).toEqual({
      message: "You've been rate limited for sending more than 2 requests in 1m0s.",
    })
  })

  it('ID-124: only an owner is left out; another user is told so, a stranger is counted all the same', async () => {
    const { url } = await start({ apiRateLimit: 2 })
    const target = `${url}/api/v2/mine`
    const bypass = { 'X-Coder-Bypass-Ratelimit': 'T' }
    expect(await statuses(target, () => from('', 'boss', bypass))).toEqual([200, 200, 200, 200])
    const told = await fetch(target, from('', 'other', bypass))
    expect(told.status).toBe(428)
    expect(told.headers.get('content-type')).toContain('text/plain')
    expect(await told.text()).toContain('X-Coder-Bypass-Ratelimit')
    expect(await statuses(target, () => from('', undefined, bypass))).toEqual([401, 401, 429, 429])
  })
})

describe('what cannot be read', () => {
  const post = (url: string, body: string) => fetch(`${url}/api/v2/notes`, { method: 'POST', body })

  it('NUL characters and halves of surrogate pairs are refused in values and names', async () => {
    const { url } = await start()
    for (const [body, field] of [
      ['{"text":"a\\u0000b"}', 'text'],
      ['{"text":"a\\ud800b"}', 'text'],
      ['{"text":"","more":{"a\\u0000":"b"}}', 'more'],
      ['{"text":"","more":{"\\udc00":"b"}}', 'more'],
    ] as const) {
      const answer = await post(url, body)
      expect(answer.status, body).toBe(400)
      expect(await answer.json()).toMatchObject({ validations: [{ field }] })
    }
    expect((await post(url, '{"text":"\\ud83d\\ude00"}')).status).toBe(200)
  })

  it('ID-108, ID-116: an address that the router cannot read has a line and is counted as unknown', async () => {
    const { url, lines, metrics } = await start()
    const answer = await fetch(`${url}/api/v2/users/%zz`)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('x-coder-build-version')).toBe('v1')
    expect(await until('the line', () => lines.find((line) => line.status_code === 400))).toMatchObject({
      route: 'UNKNOWN',
      request_id: answer.headers.get('x-coder-request-id'),
    })
    expect(metrics()).toContain('requests_processed_total{code="400",method="GET",path="UNKNOWN"} 1')
  })

  it('ID-119: a client that leaves while it sends its body is no failure of ours', async () => {
    const { url, lines } = await start()
    const sent = request(`${url}/api/v2/notes`, { method: 'POST', headers: { 'Content-Length': '100' } })
    sent.on('error', () => undefined).write('{"text":')
    await until('the request', () => (sent.socket?.bytesWritten ?? 0) > 0)
    sent.destroy()
    const line = await until('the line', () => lines.find((one) => one.path === '/api/v2/notes'))
    expect(line).toMatchObject({ level: 'debug', status_code: 499 })
    expect(lines.filter((one) => one.level === 'warn')).toEqual([])
  })
})

it('ID-96, ID-132, AC-236: the latency check may be read by pages of other origins, nothing else', async () => {
  const { url } = await start()
  const origin = async (path: string) =>
    (await fetch(`${url}${path}`, { headers: { Origin: 'https://elsewhere.test' } })).headers.get(
      'access-control-allow-origin',
    )
  expect(await origin('/latency-check?cache=1')).toBe('*')
  expect(await origin('/api/v2/mine')).toBeNull()
  expect(await origin('/.well-known/oauth-authorization-server')).toBe('*')
})
