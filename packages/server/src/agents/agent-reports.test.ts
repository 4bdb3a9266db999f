import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  appendAgentLogs,
  createAgentLogSource,
  getAgent,
  getAgentManifest,
  getUser,
  getWorkspace,
  listAgentLogs,
  listListeningPorts,
  openAgentTunnel,
  type PatchAppStatus,
  patchAgentAppStatus,
  reportAgentMetadata,
  reportAppHealth,
  watchAgentMetadataWs,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { opened, serveTunnel, type TunnelHandlers } from '@slipway/tunnel'

let server: TestServer
let owner: Client
let ownerId = ''
let database: Awaited<ReturnType<typeof openDatabase>>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  ownerId = (await owner.call(getUser, { params: { user: 'me' } })).id
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** An agent of a started workspace, with the token that it holds; nobody runs it. */
async function newAgent(of = database) {
  const { db } = of
  const template = await fixtures.template(db, { organization_id: await organizationOf(of) })
  const workspace = await fixtures.workspace(db, { owner_id: ownerId, template })
  const build = await fixtures.workspaceBuild(db, { workspace })
  const token = randomUUID()
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: createHash('sha256').update(token).digest(),
  })
  return { workspace, build, agent, token, holder: new Client({ url: server.url, token }) }
}

async function organizationOf({ db }: typeof database): Promise<string> {
  return (
    await db.selectFrom('organizations').select('id').where('is_default', '=', true).executeTakeFirstOrThrow()
  ).id
}

/** Status of a request with this token. */
async function statusOf(holder: Client): Promise<number> {
  return holder.call(getAgentManifest).then(
    () => 200,
    (error: { status: number }) => error.status,
  )
}

describe('AC-4: a token of the build before', () => {
  const job = (state: 'pending' | 'running' | 'succeeded' | 'failed' | 'canceling' | 'canceled') => ({
    started_at: state === 'pending' ? null : new Date(),
    canceled_at: state === 'canceling' || state === 'canceled' ? new Date() : null,
    completed_at: ['pending', 'running', 'canceling'].includes(state) ? null : new Date(),
    error: state === 'failed' ? 'it failed' : null,
  })

  for (const [state, status] of [
    ['pending', 200],
    ['running', 200],
    ['succeeded', 401],
    ['failed', 401],
    ['canceling', 401],
    ['canceled', 401],
  ] as const)
    it(`is answered with ${status} while the stop is ${state}`, async () => {
      const { workspace, holder } = await newAgent()
      expect(await statusOf(holder)).toBe(200)
      await fixtures.workspaceBuild(database.db, {
        workspace,
        transition: 'stop',
        job: await fixtures.provisionerJob(database.db, {
          organization_id: workspace.organization_id,
          ...job(state),
        }),
      })
      expect(await statusOf(holder)).toBe(status)
    })

  it('is refused after another start, two builds later, with another version, and when its own start failed', async () => {
    const running = async (organization_id: string) =>
      fixtures.provisionerJob(database.db, { organization_id, ...job('running') })
    const restarted = await newAgent()
    await fixtures.workspaceBuild(database.db, {
      workspace: restarted.workspace,
      job: await running(restarted.workspace.organization_id),
    })
    expect(await statusOf(restarted.holder)).toBe(401)

    const later = await newAgent()
    await fixtures.workspaceBuild(database.db, {
      workspace: later.workspace,
      transition: 'stop',
      build_number: 3,
      job: await running(later.workspace.organization_id),
    })
    expect(await statusOf(later.holder)).toBe(401)

    const updated = await newAgent()
    const version = await fixtures.templateVersion(database.db, {
      template_id: updated.workspace.template_id,
      organization_id: updated.workspace.organization_id,
    })
    await fixtures.workspaceBuild(database.db, {
      workspace: updated.workspace,
      version,
      transition: 'stop',
      job: await running(updated.workspace.organization_id),
    })
    expect(await statusOf(updated.holder)).toBe(401)

    const failed = await newAgent()
    await database.db
      .updateTable('provisioner_jobs')
      .set({ error: 'it failed' })
      .where('id', '=', failed.build.job_id)
      .execute()
    await fixtures.workspaceBuild(database.db, {
      workspace: failed.workspace,
      transition: 'stop',
      job: await running(failed.workspace.organization_id),
    })
    expect(await statusOf(failed.holder)).toBe(401)
  })

  it('the first start is out and the second is in while the second stop runs', async () => {
    const first = await newAgent()
    const { workspace } = first
    await fixtures.workspaceBuild(database.db, { workspace, transition: 'stop' })
    const token = randomUUID()
    const build = await fixtures.workspaceBuild(database.db, { workspace })
    await fixtures.workspaceAgent(database.db, {
      resource: await fixtures.workspaceResource(database.db, { build }),
      auth_token_hash: createHash('sha256').update(token).digest(),
    })
    await fixtures.workspaceBuild(database.db, {
      workspace,
      transition: 'stop',
      job: await fixtures.provisionerJob(database.db, {
        organization_id: workspace.organization_id,
        ...job('running'),
      }),
    })
    expect(await statusOf(first.holder)).toBe(401)
    expect(await statusOf(new Client({ url: server.url, token }))).toBe(200)
  })
})

it('AC-1: the token is read from cookie, query and headers alike', async () => {
  const { token } = await newAgent()
  const address = owner.address(getAgentManifest, {})
  for (const [url, headers] of [
    [address, { Cookie: `coder_session_token=${token}` }],
    [`${address}?coder_session_token=${token}`, {}],
    [address, { 'Coder-Session-Token': token }],
    [address, { Authorization: `Bearer ${token}` }],
    [`${address}?access_token=${token}`, {}],
  ] as const)
    expect((await fetch(url, { headers: { ...headers } })).status, url).toBe(200)
  expect((await fetch(address)).status).toBe(401)
})

it('ID-120: many agents behind one address do not use up the limit of each other', async () => {
  await using limited = await startTestServer({
    databaseUrl: server.databaseUrl,
    env: { CODER_API_RATE_LIMIT: '5' },
  })
  const [one, other] = [await newAgent(), await newAgent()]
  const ask = (token: string) =>
    fetch(`${limited.url}${getAgentManifest.path}`, { headers: { 'Coder-Session-Token': token } }).then(
      ({ status }) => status,
    )
  const statuses = []
  for (let i = 0; i < 6; i += 1) statuses.push(await ask(one.token))
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
  expect(await ask(other.token)).toBe(200)
  const guesses = []
  for (let i = 0; i < 6; i += 1) guesses.push(await ask(randomUUID()))
  expect(guesses).toEqual([401, 401, 401, 401, 401, 429])
})

describe('logs', () => {
  const outputs = async (agentId: string, query: { before?: number; limit?: number; after?: number } = {}) =>
    (await owner.call(listAgentLogs, { params: { workspaceagent: agentId }, query })).map(
      (line) => line.output,
    )

  it('AC-91, AC-303: what is no text is replaced and the rest is kept; lines have 1024 characters at most, and say when they are cut', async () => {
    const { agent, holder } = await newAgent()
    await holder.call(appendAgentLogs, {
      body: { logs: [{ output: 'a\0b' }, { output: 'c\ufffdd' }, { output: `${'x'.repeat(1023)}😀` }] },
    })
    expect(await outputs(agent.id)).toEqual(['a❌b', 'c❌d', `${'x'.repeat(1023)}…`])
  })

  it('AC-92, AC-303: a full log refuses more and says so, and keeps the newest 64 KiB of it', async () => {
    const { agent, holder } = await newAgent()
    const kib = (name: string) =>
      Array.from({ length: 100 }, (_, i) => ({ output: `${name} ${i} `.padEnd(1_024, '.') }))
    for (let i = 0; i < 10; i += 1) await holder.call(appendAgentLogs, { body: { logs: kib(`first ${i}`) } })
    const refuse = (logs: { output: string }[]) =>
      expect(holder.call(appendAgentLogs, { body: { logs } })).rejects.toMatchObject({
        status: 413,
        message: 'Logs limit exceeded',
      })
    for (let i = 0; i < 4; i += 1) await refuse(kib(`late ${i}`))
    await refuse([{ output: 'why it failed' }])
    const found = await owner.call(getAgent, { params: { workspaceagent: agent.id } })
    expect(found).toMatchObject({ logs_overflowed: true, logs_length: 1_024_000 })
    const lines = await outputs(agent.id)
    expect(lines[0]).toMatch(/^first 0 0 /)
    expect(lines.at(-1)).toBe('why it failed')
    const tail = lines.slice(1_000)
    expect(tail.join('').length).toBeLessThanOrEqual(65_536)
    expect(tail.length).toBeGreaterThan(60)
    expect(tail[0]).toMatch(/^late 3 /)
  })

  it('AC-92: lines without text use up the log too', async () => {
    const { agent, holder } = await newAgent()
    await holder.call(appendAgentLogs, {
      body: { logs: Array.from({ length: 500 }, () => ({ output: '' })) },
    })
    expect((await owner.call(getAgent, { params: { workspaceagent: agent.id } })).logs_length).toBe(500)
  })

  it('AC-90: log sources are made once each, and not without end', async () => {
    const { agent, holder } = await newAgent()
    const make = (id: string) => holder.call(createAgentLogSource, { body: { id, display_name: 'a\0b' } })
    const first = randomUUID()
    expect(await make(first)).toMatchObject({ id: first, display_name: 'a❌b' })
    for (let i = 1; i < 256; i += 1) await make(randomUUID())
    await make(first)
    await expect(make(randomUUID())).rejects.toMatchObject({ status: 400 })
    const found = await owner.call(getAgent, { params: { workspaceagent: agent.id } })
    expect(found.log_sources).toHaveLength(256)
  })

  it('AC-304: `before` and `limit` give the page that ends there', async () => {
    const { agent, holder } = await newAgent()
    await holder.call(appendAgentLogs, {
      body: { logs: Array.from({ length: 100 }, (_, i) => ({ output: String(i) })) },
    })
    const all = await owner.call(listAgentLogs, { params: { workspaceagent: agent.id } })
    const before = all[50]?.id ?? 0
    expect(await outputs(agent.id, { before, limit: 3 })).toEqual(['47', '48', '49'])
    expect(await outputs(agent.id, { after: all[0]?.id ?? 0, limit: 2 })).toEqual(['1', '2'])
    expect(await outputs(agent.id, { after: all[48]?.id ?? 0, before })).toEqual(['49'])
  })

  it('AC-95: a follower gets a backlog of any length at once', async () => {
    const { agent, holder } = await newAgent()
    for (let i = 0; i < 3; i += 1)
      await holder.call(appendAgentLogs, {
        body: { logs: Array.from({ length: 8_000 }, () => ({ output: 'short' })) },
      })
    const address = owner.address(listAgentLogs, { params: { workspaceagent: agent.id } })
    const socket = new WebSocket(`${address.replace('http', 'ws')}?follow`, { headers: owner.headers })
    let seen = 0
    socket.on('message', (data) => {
      seen += JSON.parse(String(data)).length
    })
    await until('the whole backlog', () => seen === 24_000, 10_000)
    socket.close()
  })
})

describe('metadata', () => {
  async function withItems(...keys: readonly string[]) {
    const made = await newAgent()
    for (const key of keys) await fixtures.workspaceAgentMetadata(database.db, { agent: made.agent, key })
    return made
  }
  const stored = async (agentId: string) =>
    Object.fromEntries(
      (
        await database.db
          .selectFrom('workspace_agent_metadata')
          .select(['key', 'value'])
          .where('workspace_agent_id', '=', agentId)
          .execute()
      ).map(({ key, value }) => [key, value]),
    )

  it('AC-75: a value that no column can hold spoils neither its report nor those of others', async () => {
    const [bad, good] = [await withItems('a', 'b'), await withItems('a')]
    await bad.holder.call(reportAgentMetadata, {
      body: {
        metadata: [
          { key: 'a', value: 'x\0y', error: '' },
          { key: 'b', value: `${'x'.repeat(2_047)}é`, error: '' },
        ],
      },
    })
    await good.holder.call(reportAgentMetadata, {
      body: { metadata: [{ key: 'a', value: 'fine', error: '' }] },
    })
    await until('both', async () => (await stored(good.agent.id)).a === 'fine')
    expect(await stored(bad.agent.id)).toEqual({ a: 'x❌y', b: 'x'.repeat(2_047) })
  })

  it('AC-75: keys of more than 6144 bytes are refused after storing what fits', async () => {
    const { agent, holder } = await withItems('first')
    const metadata = Array.from({ length: 60 }, (_, i) => ({
      key: `${i} `.padEnd(128, 'k'),
      value: 'v',
      error: '',
    }))
    await expect(
      holder.call(reportAgentMetadata, {
        body: { metadata: [{ key: 'first', value: 'v', error: '' }, ...metadata] },
      }),
    ).rejects.toMatchObject({ status: 400 })
    await until('what fits', async () => (await stored(agent.id)).first === 'v')
  })

  it('AC-97: a change within a second of the last event is sent when that second is over', async () => {
    const { agent, holder } = await withItems('a')
    const address = owner.address(watchAgentMetadataWs, { params: { workspaceagent: agent.id } })
    const socket = new WebSocket(address.replace('http', 'ws'), { headers: owner.headers })
    const values: { readonly at: number; readonly value: string }[] = []
    socket.on('message', (data) => {
      const event: { type: string; data: { result: { value: string } }[] } = JSON.parse(String(data))
      if (event.type === 'data')
        values.push({ at: performance.now(), value: event.data[0]?.result.value ?? '' })
    })
    const first = await until('the first event', () => values[0])
    await holder.call(reportAgentMetadata, { body: { metadata: [{ key: 'a', value: 'new', error: '' }] } })
    const second = await until('the change', () => values.find(({ value }) => value === 'new'))
    expect(second.at - first.at).toBeLessThan(3_000)
    socket.close()
  })
})

it('AC-74: the health of an unknown app, or of one that is not checked, is refused', async () => {
  const { agent, holder } = await newAgent()
  const app = (healthcheck_url: string) =>
    fixtures.workspaceApp(database.db, { agent_id: agent.id, healthcheck_url, health: 'initializing' })
  const [checked, unchecked] = [await app('http://localhost:1/'), await app('')]
  const report = (id: string) =>
    holder.call(reportAppHealth, { body: { updates: [{ id, health: 'unhealthy' }] } })
  await report(checked.id)
  for (const id of [unchecked.id, randomUUID()])
    await expect(report(id)).rejects.toMatchObject({ status: 400 })
  const { apps } = await owner.call(getAgent, { params: { workspaceagent: agent.id } })
  expect(apps?.find(({ id }) => id === checked.id)?.health).toBe('unhealthy')
})

describe('AC-§6: what an agent answers', () => {
  async function connected(request: TunnelHandlers['request']) {
    const { agent, token } = await newAgent()
    const address = owner.address(openAgentTunnel, {})
    const socket = new WebSocket(address.replace('http', 'ws'), { headers: { 'Coder-Session-Token': token } })
    await opened(socket)
    serveTunnel(socket, { request, connect: () => Promise.reject(new Error('nothing listens')) })
    await until('the connection', async () => {
      const found = await owner.call(getAgent, { params: { workspaceagent: agent.id } })
      return found.status === 'connected'
    })
    return { ports: () => owner.call(listListeningPorts, { params: { workspaceagent: agent.id } }) }
  }

  it('is not read without end, and need not make sense', async () => {
    const endless = await connected((_request, response) => {
      const more = (): void => {
        while (!response.stream.destroyed && response.write(Buffer.alloc(64 * 1024, ' ')));
      }
      response.on('drain', more)
      response.stream.on('error', () => undefined)
      more()
    })
    await expect(endless.ports()).rejects.toMatchObject({ status: 502 })
    const senseless = await connected((_request, response) => response.end('{"ports": [null, {"port": "x"}'))
    await expect(senseless.ports()).rejects.toMatchObject({ status: 502 })
    const odd = await connected((_request, response) =>
      response.end('{"ports": [null, {"port": 70000}, {"port": 8080}]}'),
    )
    expect(await odd.ports()).toEqual({ ports: [{ process_name: '', network: 'tcp', port: 8080 }] })
  })
})

describe('AC-85, WS-257: what an app reports of its work', () => {
  const report = (holder: Client, body: Partial<PatchAppStatus>) =>
    holder.call(patchAgentAppStatus, {
      body: { app_slug: 'web', state: 'working', message: 'Reads', ...body },
    })
  const shown = async (workspace: string) =>
    (await owner.call(getWorkspace, { params: { workspace } })).latest_app_status

  it('is stored, shown at the app and the workspace, and told to those who watch', async () => {
    const { workspace, agent, holder } = await newAgent()
    const app = await fixtures.workspaceApp(database.db, { agent, slug: 'web' })
    const other = await fixtures.workspaceApp(database.db, { agent, slug: 'other' })
    expect(await shown(workspace.id)).toBeNull()
    const heard: string[] = []
    using _watching = database.feed.subscribe({
      kinds: new Set(['workspace_app']),
      onEvent: ({ key }) => void heard.push(key),
      onReset: () => undefined,
    })
    await report(holder, { message: 'Reads\r\nthe\u001b[31m code\0', uri: 'file:///home/me/x' })
    await until('the change', () => heard.includes(agent.id))
    const status = {
      workspace_id: workspace.id,
      agent_id: agent.id,
      app_id: app.id,
      state: 'working',
      message: 'Reads the [31m code\u274c',
      uri: 'file:///home/me/x',
      icon: '',
      needs_user_attention: false,
    }
    expect(await shown(workspace.id)).toMatchObject(status)
    await report(holder, { app_slug: 'other', state: 'failure', message: 'x'.repeat(160) })
    await report(holder, { state: 'complete', message: '' })
    const { apps } = await owner.call(getAgent, { params: { workspaceagent: agent.id } })
    expect(apps.find(({ id }) => id === app.id)?.statuses).toMatchObject([{ state: 'complete' }, status])
    expect(apps.find(({ id }) => id === other.id)?.statuses).toMatchObject([{ state: 'failure' }])
    expect(await shown(workspace.id)).toMatchObject({ state: 'complete', app_id: app.id })
    // Stays when the workspace stops, though its agents are gone from the answers.
    await fixtures.workspaceBuild(database.db, { workspace, transition: 'stop' })
    expect(await shown(workspace.id)).toMatchObject({ state: 'complete' })
  })

  it('is refused for an app that the agent has not, in too many words, and with a link that runs something', async () => {
    const { workspace, agent, holder } = await newAgent()
    await fixtures.workspaceApp(database.db, { agent, slug: 'web' })
    const elsewhere = await newAgent()
    await fixtures.workspaceApp(database.db, { agent: elsewhere.agent, slug: 'elsewhere' })
    const refused = async (body: object) =>
      expect(report(holder, body)).rejects.toMatchObject({ status: 400 })
    await refused({ app_slug: 'elsewhere' })
    await refused({ message: 'x'.repeat(161) })
    await refused({ state: 'bored' })
    for (const uri of ['javascript:alert(1)', ' JavaScript:alert(1)', 'data:text/html,x'])
      await refused({ uri })
    expect(await shown(workspace.id)).toBeNull()
    await report(holder, { message: '😀'.repeat(80) })
    expect(await shown(workspace.id)).toMatchObject({ message: '😀'.repeat(80) })
    await expect(report(owner, {})).rejects.toMatchObject({ status: 401 })
  })

  it('WS-240: puts off the stop of the workspace while it works and when it has just ended', async () => {
    const { workspace, build, agent, holder } = await newAgent()
    await fixtures.workspaceApp(database.db, { agent, slug: 'web' })
    const { db } = database
    const used = async (): Promise<boolean> => {
      const { last_used_at } = await db
        .selectFrom('workspaces')
        .select('last_used_at')
        .where('id', '=', workspace.id)
        .executeTakeFirstOrThrow()
      await db
        .updateTable('workspaces')
        .set({ last_used_at: new Date(0) })
        .where('id', '=', workspace.id)
        .execute()
      return last_used_at.getTime() > 0
    }
    await used()
    expect(build.transition).toBe('start')
    for (const [state, counts] of [
      ['idle', false],
      ['working', true],
      ['working', true],
      ['complete', true],
      ['idle', false],
    ] as const) {
      await report(holder, { state })
      expect(await used(), state).toBe(counts)
    }
  })
})
