import { once } from 'node:events'
import { createServer } from 'node:http'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  getDebugMetrics,
  getHealth,
  getHealthSettings,
  listAuditLogs,
  updateHealthSettings,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let now = new Date()
let server: TestServer
let database: Database
let owner: Client
let member: Client

const health = (client: Client, query: { force?: boolean; format?: string } = {}) =>
  client.call(getHealth, { query })
const get = (path: string, client = owner) => fetch(`${server.url}${path}`, { headers: client.headers })

beforeAll(async () => {
  server = await startTestServer({
    clock: { now: () => now },
    env: { CODER_PROVISIONER_DAEMONS: '0', CODER_HEALTH_CHECK_THRESHOLD_DATABASE: '10s' },
  })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(async () => {
  await database?.[Symbol.asyncDispose]()
  await server?.[Symbol.asyncDispose]()
})

describe('OP-100: the health report', () => {
  it('is made once for a while, and anew when that is asked for', async () => {
    const first = await health(owner)
    now = new Date(now.getTime() + 60_000)
    const second = await health(owner)
    expect(second.time).toBe(first.time)
    expect(second.age_seconds).toBe(60)
    expect((await health(owner, { force: true })).time > first.time).toBe(true)
    const third = await health(owner)
    now = new Date(now.getTime() + 10 * 60_000)
    expect((await health(owner)).time > third.time).toBe(true)
  })

  it('is for those who may read debug info', async () => {
    for (const path of ['/api/v2/debug/health', '/api/v2/debug/health/settings'])
      expect((await get(path, member)).status).toBe(403)
  })

  it('is text on request, and nothing else', async () => {
    const response = await get('/api/v2/debug/health?format=text')
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toMatch(
      /^time: \S+\nhealthy: (true|false)\nderp: true\naccess_url: true\nwebsocket: true\ndatabase: true\n$/,
    )
    expect((await get('/api/v2/debug/health?format=xml')).status).toBe(400)
  })
})

it('OP-101: sections that are well say so, and the worst severity is that of the report', async () => {
  const report = await health(owner, { force: true })
  expect(report.access_url).toMatchObject({
    severity: 'ok',
    reachable: true,
    status_code: 200,
    healthz_response: 'OK',
  })
  expect(report.websocket).toMatchObject({ severity: 'ok', code: 101 })
  expect(report.database).toMatchObject({ severity: 'ok', reachable: true, threshold_ms: 10_000 })
  expect(report.derp).toMatchObject({ severity: 'ok', regions: {} })
  expect(report.workspace_proxy.workspace_proxies.regions).toEqual([])
  expect(report.ai_gateway).toMatchObject({ severity: 'ok', enabled: true, providers: [] })
  expect(report.ai_gateway.warnings.map(({ code }) => code)).toEqual(['EAIG02'])
  expect(report.provisioner_daemons.warnings.map(({ code }) => code)).toEqual(['EPD01'])
  expect(report).toMatchObject({ severity: 'error', healthy: false })
})

describe('PR-23: provisioner daemons', () => {
  it('count while they were seen within 90 seconds, with what is wrong with each', async () => {
    const organization = await fixtures.organization(database.db)
    const { coder_version: version } = await health(owner)
    const row = (name: string, columns: object) =>
      fixtures.provisionerDaemon(database.db, { organization, name, version, ...columns })
    await row('a-silent', { last_seen_at: new Date(Date.now() - 91_000) })
    await row('d-good', {})
    await row('b-old', { version: 'v2.1.0' })
    await row('c-dev', { version: 'v0.0.0-devel' })
    const before = (await health(owner, { force: true })).provisioner_daemons
    expect(
      before.items.map(({ provisioner_daemon: { name }, warnings }) => [
        name,
        ...warnings.map((w) => w.code),
      ]),
    ).toEqual([['b-old', 'EPD02'], ['c-dev'], ['d-good']])
    expect(before.severity).toBe('warning')
    await row('e-other-api', { api_version: '2.0' })
    await row('f-none', { version: 'nonsense' })
    const after = (await health(owner, { force: true })).provisioner_daemons
    expect(after.items.slice(3).map(({ warnings }) => warnings.map(({ code }) => code))).toEqual([
      ['EPD03'],
      ['EUNKNOWN'],
    ])
    expect(after).toMatchObject({ severity: 'error', error: expect.stringMatching(/^EUNKNOWN: /) })
    await database.db.deleteFrom('provisioner_daemons').execute()
  })
})

describe('OP-102: dismissing sections', () => {
  const put = (client: Client, names: readonly string[]) =>
    fetch(`${server.url}/api/v2/debug/health/settings`, {
      method: 'PUT',
      headers: { ...client.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ dismissed_healthchecks: names }),
    })

  it('marks them without a new report, keeps their severity, and is recorded', async () => {
    const before = await health(owner)
    expect((await put(owner, ['AIGateway', 'ProvisionerDaemons', 'AIGateway'])).status).toBe(200)
    const after = await health(owner)
    expect(after.time).toBe(before.time)
    expect(after.provisioner_daemons).toMatchObject({
      dismissed: true,
      severity: before.provisioner_daemons.severity,
    })
    expect([after.ai_gateway.dismissed, after.database.dismissed]).toEqual([true, false])
    expect((await put(owner, ['ProvisionerDaemons', 'AIGateway'])).status).toBe(204)
    const { audit_logs: logs } = await owner.call(listAuditLogs, {
      query: { q: 'resource_type:health_settings', limit: 10, offset: 0 },
    })
    expect(logs.map(({ diff }) => diff)).toEqual([
      { dismissed_healthchecks: { old: [], new: ['ProvisionerDaemons', 'AIGateway'], secret: false } },
    ])
    expect(await owner.call(getHealthSettings)).toEqual({
      dismissed_healthchecks: ['ProvisionerDaemons', 'AIGateway'],
    })
    await owner.call(updateHealthSettings, { body: { dismissed_healthchecks: [] } })
  })

  it('needs known names and the right to configure the deployment', async () => {
    expect((await put(owner, ['Nonsense'])).status).toBe(400)
    expect((await put(member, ['DERP'])).status).toBe(403)
  })
})

it('OP-B11: the metric tells each section', async () => {
  await health(owner, { force: true })
  const response = await get(getDebugMetrics.path)
  const text = await response.text()
  expect(text).toContain('slipway_health{section="database"} 0')
  expect(text).toContain('slipway_health{section="provisioner_daemons"} 2')
})

it('OP-104: the echo is for who may read debug info', async () => {
  const dial = async (headers: Readonly<Record<string, string>>): Promise<WebSocket | number> => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v2/debug/ws`, { headers })
    const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode)
    const answer = await Promise.race([once(socket, 'open'), refused])
    return typeof answer === 'number' ? answer : socket
  }
  expect(await dial({})).toBe(401)
  expect(await dial({ 'X-Slipway-Relay-Token': 'made-up' })).toBe(401)
  expect(await dial({ ...member.headers })).toBe(403)
  const socket = await dial({ ...owner.headers })
  if (typeof socket === 'number') throw new Error(`refused with ${socket}`)
  socket.send('hello')
  expect(String((await once(socket, 'message'))[0])).toBe('hello')
  socket.terminate()
})

it('OP-101: an access URL that leads elsewhere is told with its code', async () => {
  const stranger = createServer((_request, response) => void response.writeHead(418).end('teapot'))
  await once(stranger.listen(0, '127.0.0.1'), 'listening')
  const address = stranger.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  try {
    await using other = await startTestServer({
      env: { CODER_ACCESS_URL: `http://127.0.0.1:${address.port}` },
    })
    const report = await health(await other.owner())
    expect(report.access_url).toMatchObject({ severity: 'warning', reachable: true, status_code: 418 })
    expect(report.access_url.warnings[0]?.code).toBe('EACS04')
    expect(report.websocket).toMatchObject({ severity: 'error', code: 418, body: 'teapot' })
    expect(report.websocket.error).toMatch(/^EWS01: /)
    stranger.close()
    stranger.closeAllConnections()
    const gone = await health(await other.owner(), { force: true })
    expect(gone.access_url).toMatchObject({ severity: 'error', reachable: false })
    expect(gone.access_url.error).toMatch(/^EACS03: /)
    expect(gone.access_url.error).not.toContain('.ts:')
  } finally {
    stranger.close()
  }
})

it('OP-101: a slow database is told with its median', async () => {
  await using slow = await startTestServer({ env: { CODER_HEALTH_CHECK_THRESHOLD_DATABASE: '1ns' } })
  const report = await health(await slow.owner())
  expect(report.database).toMatchObject({ severity: 'warning', healthy: true })
  expect(report.database.warnings[0]?.code).toBe('EDB02')
})
