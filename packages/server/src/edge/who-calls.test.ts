import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, expireKey } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, freePort, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

const WEB = fileURLToPath(new URL('../../../web/dist/', import.meta.url))
const lines: Record<string, unknown>[] = []
let server: TestServer
let owner: Client
let member: Client
let metricsUrl: string
let ahead = 0

beforeAll(async () => {
  const port = await freePort()
  metricsUrl = `http://127.0.0.1:${port}`
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_ALLOW_QUERY_TOKENS: 'no-oauth',
      CODER_PROMETHEUS_ENABLE: 'true',
      CODER_PROMETHEUS_ADDRESS: `127.0.0.1:${port}`,
    },
    clock: { now: () => new Date(Date.now() + ahead) },
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
  })
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(() => server[Symbol.asyncDispose]())

const get = (target: string, headers: Record<string, string> = {}) =>
  fetch(`${server.url}${target}`, { headers, redirect: 'manual' })
const metrics = async () => (await get('/api/v2/debug/metrics', { ...owner.headers })).text()
const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''

describe('ID-202: tokens that were issued to an app', () => {
  it('are refused in the query and accepted in a header; ordinary keys pass in both', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const token = tokenOf(member)
    const asQuery = () => get(`/api/v2/users/me?access_token=${token}`)
    expect((await asQuery()).status).toBe(200)
    const key = await database.db
      .updateTable('api_keys')
      .set({ login_type: 'oauth2_provider_app' })
      .where('id', '=', token.slice(0, 10))
      .returningAll()
      .executeTakeFirstOrThrow()
    await fixtures.oauth2ProviderAppToken(database.db, { key })
    const refused = await until('the change to be known', async () => {
      const answer = await asQuery()
      return answer.status === 401 ? answer : undefined
    })
    expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('send a header') })
    expect((await get(`/api/v2/users/me?coder_session_token=${token}`)).status).toBe(401)
    // Rows that are known and rows that are not make no difference.
    expect((await get('/api/v2/users/me', { Authorization: `Bearer ${token}` })).status).toBe(200)
    expect((await asQuery()).status).toBe(401)
    await database.db
      .updateTable('api_keys')
      .set({ login_type: 'password' })
      .where('id', '=', token.slice(0, 10))
      .execute()
    await until('the way back', async () => (await asQuery()).status === 200)
  })
})

describe('OP-80: metrics', () => {
  it('are there for who may read debug information, whether the listener is on or not', async () => {
    const text = await metrics()
    expect(text).toContain('# TYPE coderd_api_requests_processed_total counter')
    expect(text).toContain('slipway_dbpurge_backlog')
    expect(text).toMatch(/^coderd_authz_authorize_duration_seconds_count\{allowed="true"\} [1-9]/m)
    expect((await get('/api/v2/debug/metrics', { ...member.headers })).status).toBe(403)
    expect((await get('/api/v2/debug/metrics')).status).toBe(401)
    expect((await get('/metrics', { ...member.headers })).status).toBe(404)
    expect((await get('/metrics', { ...owner.headers })).status).toBe(200)
    // ID-75, RB-12: a token of an owner sees them only when it may see everything.
    const narrow = await owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    expect((await get('/metrics', { 'Coder-Session-Token': narrow.key })).status).toBe(404)
    const whole = await owner.call(createToken, { params: { user: 'me' }, body: {} })
    expect((await get('/metrics', { 'Coder-Session-Token': whole.key })).status).toBe(200)
  })

  it('count accounts by status, and who came within the last hour', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    await fixtures.user(database.db, { status: 'suspended' })
    const idle = await fixtures.apiKey(database.db, { last_used: new Date(Date.now() - 2 * 3_600_000) })
    await fixtures.user(database.db, { deleted: true, status: 'suspended' })
    const before = Number(/^coderd_api_active_users_duration_hour (\d+)$/m.exec(await metrics())?.[1])
    expect(before).toBeGreaterThan(0)
    await database.db
      .updateTable('api_keys')
      .set({ last_used: new Date() })
      .where('id', '=', idle.id)
      .execute()
    ahead += 16_000
    const text = await metrics()
    expect(text).toContain(`coderd_api_active_users_duration_hour ${before + 1}\n`)
    expect(text).toContain('coderd_api_total_user_count{status="suspended"} 1\n')
    expect(text).toContain('coderd_api_total_user_count{status="dormant"} 0\n')
    expect(text).toMatch(/^coderd_license_active_users [1-9]\d*$/m)
    expect(text).toContain('coderd_license_limit_users 0\n')
  })

  it('are served on every path of the listener, to everybody who reaches it', async () => {
    for (const target of ['/', '/metrics', '/any/thing?x']) {
      const answer = await fetch(`${metricsUrl}${target}`)
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
      ])
      expect(await answer.text()).toContain('coderd_api_requests_processed_total')
    }
  })

  it('an address that cannot be used stops nobody', async () => {
    const said: Record<string, unknown>[] = []
    await using second = await startTestServer({
      env: { CODER_PROMETHEUS_ENABLE: 'true', CODER_PROMETHEUS_ADDRESS: metricsUrl.slice(7) },
      log: createLogger({ level: 'error', sink: { write: (line) => void said.push(JSON.parse(line)) } }),
    })
    expect((await fetch(`${second.url}/healthz`)).status).toBe(200)
    expect(said.map((line) => line.setting)).toEqual(['--prometheus-address'])
  })
})

describe('ID-94: bodies that are too long', () => {
  it('have no effect, one line and their place in the metrics', async () => {
    const answer = await fetch(`${server.url}/api/v2/users/login`, {
      method: 'POST',
      body: JSON.stringify({ email: 'owner@example.com', password: 'x'.repeat(5 * 1024 * 1024) }),
    })
    expect(answer.status).toBe(413)
    expect(answer.headers.get('set-cookie')).toBeNull()
    const id = answer.headers.get('x-coder-request-id')
    await until('the line', () => lines.find((line) => line.request_id === id))
    expect(lines.filter((line) => line.request_id === id)).toEqual([
      expect.objectContaining({ status_code: 413, max_request_body_bytes: 4_194_304 }),
    ])
    expect(await metrics()).toContain(
      'coderd_api_requests_too_large_total{method="POST",path="/api/v2/users/login",reason="request_body"} 1\n',
    )
  })
})

describe('ID-120: who is counted', () => {
  it('an expired key is anonymous to the limit, and others from elsewhere are not touched by it', async () => {
    await using limited = await startTestServer({
      env: {
        CODER_API_RATE_LIMIT: '30',
        CODER_PROXY_TRUSTED_ORIGINS: '127.0.0.1/32',
        CODER_PROXY_TRUSTED_HEADERS: 'X-Forwarded-For',
      },
    })
    const boss = await limited.owner()
    const { key } = await boss.call(createToken, { params: { user: 'me' }, body: {} })
    await boss.call(expireKey, { params: { user: 'me', keyid: key.slice(0, 10) } })
    await until('a window with room', () => Date.now() % 60_000 < 50_000)
    const ask = async (address: string, token: string) =>
      (
        await fetch(`${limited.url}/api/v2/buildinfo`, {
          headers: { 'X-Forwarded-For': address, 'Coder-Session-Token': token },
        })
      ).status
    const statuses: number[] = []
    for (let i = 0; i < 31; i += 1) statuses.push(await ask('1.2.3.4', key))
    expect(statuses.lastIndexOf(200)).toBe(29)
    expect(statuses[30]).toBe(429)
    expect(await ask('1.2.3.5', tokenOf(boss))).toBe(200)
    expect(await ask('1.2.3.4', tokenOf(boss))).toBe(200)
  })
})

it('ID-134: no page of the dashboard has an inline script', async () => {
  const names = await readdir(WEB, { recursive: true })
  const pages = names.filter((name) => name.endsWith('.html'))
  expect(pages.length).toBeGreaterThan(0)
  for (const name of pages) {
    const html = await readFile(path.join(WEB, name), 'utf8')
    for (const [, attributes = '', body = ''] of html.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g))
      expect([name, body.trim(), attributes.includes('src=')]).toEqual([name, '', true])
    expect(html).not.toMatch(/\son[a-z]+=|javascript:/i)
  }
})

describe('ID-63: a database that fails', () => {
  // Last, because nothing works after it.
  it('T8, RB-5, RB-84: so are roles that cannot be looked up', async () => {
    const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    await sql`alter table organization_members rename to organization_members_gone`.execute(database.db)
    try {
      const answer = await fetch(`${server.url}/api/v2/authcheck`, {
        method: 'POST',
        headers: { 'Coder-Session-Token': key },
        body: JSON.stringify({ checks: { one: { object: { resource_type: 'workspace' }, action: 'read' } } }),
      })
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([500, null])
    } finally {
      await sql`alter table organization_members_gone rename to organization_members`.execute(database.db)
    }
  })

  it('RB-84: so is an object that cannot be looked up, and no refusal', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const ask = (resource_id: string) =>
      fetch(`${server.url}/api/v2/authcheck`, {
        method: 'POST',
        headers: owner.headers,
        body: JSON.stringify({
          checks: { one: { object: { resource_type: 'template', resource_id }, action: 'read' } },
        }),
      })
    const absent = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'
    expect(await (await ask(absent)).json()).toEqual({ one: false })
    await sql`alter table templates rename to templates_gone`.execute(database.db)
    try {
      expect((await ask(absent)).status).toBe(500)
    } finally {
      await sql`alter table templates_gone rename to templates`.execute(database.db)
    }
  })

  it('is a 500 everywhere and never a lost session, and touches nothing that needs nobody', async () => {
    const { key } = await owner.call(createToken, { params: { user: 'me' }, body: {} })
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    await sql`alter table api_keys rename to api_keys_gone`.execute(database.db)
    try {
      const cookie = { Cookie: `coder_session_token=${key}` }
      for (const target of ['/api/v2/users/me', '/metrics']) {
        const answer = await get(target, cookie)
        const text = await answer.text()
        expect([target, answer.status]).toEqual([target, 500])
        expect(answer.headers.get('set-cookie')).toBeNull()
        expect(JSON.parse(text)).toEqual({
          message: 'An internal error occurred. Please try again or contact the system administrator.',
          detail: `Reference: ${answer.headers.get('x-coder-request-id')}`,
        })
        // ID-221: the reason is in the log, under the id that the answer names.
        const id = answer.headers.get('x-coder-request-id')
        expect(lines.some((line) => line.request_id === id && /api_keys/.test(String(line.stack)))).toBe(true)
      }
      const [asset = ''] = (await readdir(path.join(WEB, 'assets'))).filter((name) => name.endsWith('.js'))
      for (const target of ['/healthz', `/assets/${asset}`, '/theme.js', '/latency-check']) {
        const answer = await get(target, cookie)
        await answer.arrayBuffer()
        expect([target, answer.status]).toEqual([target, 200])
        const id = answer.headers.get('x-coder-request-id')
        const line = await until('the line', () => lines.find((one) => one.request_id === id))
        expect([target, line.statements]).toEqual([target, 0])
      }
    } finally {
      await sql`alter table api_keys_gone rename to api_keys`.execute(database.db)
    }
  })
})
