import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { ApiFailure, type Client } from '@slipway/client'
import { getAgentConnection, getConnection, getUser } from '@slipway/contract'
import { callStream, callUnary, Tailnet } from '@slipway/drpc'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { bytesOf } from './peer-update.ts'
import { dialCoordinator, updatesOf } from './reference-client.fixture.ts'

const stack = new AsyncDisposableStack()
let server: TestServer
let owner: Client
let agentId = ''
let otherId = ''

beforeAll(async () => {
  server = stack.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  owner = await server.owner()
  const { id } = await owner.call(getUser, { params: { user: 'me' } })
  const database = stack.use(await openDatabase(server.databaseUrl))
  const agent = async () => {
    const workspace = await fixtures.workspace(database.db, { owner_id: id })
    const build = await fixtures.workspaceBuild(database.db, { workspace })
    const resource = await fixtures.workspaceResource(database.db, { job_id: build.job_id })
    return (await fixtures.workspaceAgent(database.db, { resource_id: resource.id })).id
  }
  agentId = await agent()
  otherId = await agent()
})
afterAll(() => stack.disposeAsync())

const pathOf = (query: string) => `/api/v2/workspaceagents/${agentId}/coordinate?${query}`

/** The answer to a connection that is refused. */
async function refusal(
  path: string,
  client: Client,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}${path}`, {
    headers: { ...client.headers },
  })
  return new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was not refused')))
    socket.on('error', () => undefined)
    socket.on('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }))
    })
  })
}

it('AC-130: a client is told where relays are, with the names that it reads', async () => {
  const info = await owner.call(getConnection)
  expect(info).toMatchObject({
    derp_map: {
      Regions: {
        999: { RegionID: 999, EmbeddedRelay: true, RegionCode: 'coder', Nodes: [{ Name: '999b' }] },
      },
    },
    derp_force_websockets: false,
    hostname_suffix: 'coder',
  })
  expect(await owner.call(getAgentConnection, { params: { workspaceagent: agentId } })).toEqual(info)
  const stranger = await server.user(`stranger-${randomUUID().slice(0, 8)}`)
  const hidden = await stranger
    .call(getAgentConnection, { params: { workspaceagent: agentId } })
    .catch((error: unknown) => error)
  expect(hidden).toBeInstanceOf(ApiFailure)
  expect(hidden).toMatchObject({ status: 404 })
})

it('AC-40, AC-41, 6: only versions that we speak are taken', async () => {
  for (const query of ['version=2.12', 'version=3.0', 'version=1.0', 'version=cats', '']) {
    const { status, body } = await refusal(pathOf(query), owner)
    expect(status).toBe(400)
    expect(body).toMatchObject({
      message: 'Unknown or unsupported API version',
      validations: [{ field: 'version' }],
    })
  }
  expect(await refusal('/api/v2/tailnet?version=1.0', owner)).toMatchObject({ status: 400 })
  using all = await dialCoordinator(server.url, owner, '/api/v2/tailnet')
  void all
})

it('AC-131: who may not open a shell there is told that there is no such agent', async () => {
  const stranger = await server.user(`stranger-${randomUUID().slice(0, 8)}`)
  expect(await refusal(pathOf('version=2.0'), stranger)).toMatchObject({ status: 404 })
})

it('AC-143, 21: a client comes back as who it was with its token, and with none that is not ours', async () => {
  const { refreshResumeToken } = Tailnet.method
  using first = await dialCoordinator(server.url, owner, pathOf('version=2.0'))
  const { token, refreshIn, expiresAt } = await callUnary(first.session.open(), refreshResumeToken, {})
  expect(refreshIn?.seconds).toBe(43_200n)
  expect(Number(expiresAt?.seconds) * 1_000 - Date.now()).toBeGreaterThan(23 * 3_600_000)
  using again = await dialCoordinator(server.url, owner, pathOf(`version=2.0&resume_token=${token}`))
  // It is the same peer: the older connection ends.
  await until('the older one to end', () => first.heard.some(({ error }) => error.includes('overwritten')))
  await first.over
  const second = await callUnary(again.session.open(), refreshResumeToken, {})
  const subject = (text: string) =>
    JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).sub
  expect(subject(second.token)).toBe(subject(token))

  const [head = '', body = '', signature = ''] = token.split('.')
  const broken = `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
  for (const bad of [broken, 'cats'])
    expect(await refusal(pathOf(`version=2.0&resume_token=${bad}`), owner)).toMatchObject({
      status: 401,
      body: { message: 'Invalid resume token', validations: [{ field: 'resume_token' }] },
    })
  const anonymous = Buffer.from(JSON.stringify({ alg: 'HS512' })).toString('base64url')
  using fresh = await dialCoordinator(
    server.url,
    owner,
    pathOf(`version=2.0&resume_token=${anonymous}.${body}.${signature}`),
  )
  const third = await callUnary(fresh.session.open(), refreshResumeToken, {})
  expect(subject(third.token)).not.toBe(subject(token))
})

it('AC-133: the map of relays comes at once on a call, too', async () => {
  using client = await dialCoordinator(server.url, owner, pathOf('version=2.0'))
  for await (const map of callStream(client.session.open(), Tailnet.method.streamDERPMaps, {})) {
    expect(map.homeParams).toBeDefined()
    expect(map.regions[999]).toMatchObject({ regionId: 999n, embeddedRelay: true })
    break
  }
})

it('AC-145: telemetry never fails', async () => {
  using client = await dialCoordinator(server.url, owner, pathOf('version=2.0'))
  await callUnary(client.session.open(), Tailnet.method.postTelemetry, {})
})

it('AC-141, 18: a client that asks for another agent is cut off; on the way to all it may', async () => {
  using one = await dialCoordinator(server.url, owner, pathOf('version=2.0'))
  await one.call.send({ addTunnel: { id: bytesOf(otherId) } })
  await one.over
  expect(one.heard.at(-1)?.error).toContain('may not connect')

  using all = await dialCoordinator(server.url, owner, '/api/v2/tailnet?version=2.0')
  await all.call.send({ addTunnel: { id: bytesOf(otherId) } })
  await all.call.send({ addTunnel: { id: bytesOf(agentId) } })
  await all.call.send({ addTunnel: { id: bytesOf(randomUUID()) } })
  await all.over
  expect(all.heard).toHaveLength(1)
  expect(updatesOf(all, otherId)).toEqual([])
})

it('AC-50: texts end the connection with 1003', async () => {
  const socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}${pathOf('version=2.0')}`, {
    headers: { ...owner.headers },
  })
  socket.on('open', () => socket.send('hello'))
  const code = await new Promise((resolve) => socket.on('close', resolve))
  expect(code).toBe(1003)
})

it('22: where only browsers may connect, nobody else does', async () => {
  await using strict = await startTestServer({
    databaseUrl: server.databaseUrl,
    env: { CODER_BROWSER_ONLY: 'true', CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
  })
  for (const path of [pathOf('version=2.0'), '/api/v2/tailnet?version=2.0']) {
    const socket = new WebSocket(`${strict.url.replace(/^http/, 'ws')}${path}`, {
      headers: { ...owner.headers },
    })
    const status = await new Promise((resolve) => {
      socket.on('error', () => undefined)
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
    })
    expect(status).toBe(409)
  }
})
