import { createHash, randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  getAgent,
  getUser,
  listAgentLogs,
  openAgentTunnel,
  reportAgentMetadata,
  watchAgentMetadataWs,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { opened, serveTunnel } from '@slipway/tunnel'
import { systemActor } from '../authz/index.ts'
import { markAlive } from './store/agents.ts'

const system = systemActor('provisionerd', 'stands for the replica that holds an agent')
const logged: Record<string, unknown>[] = []
let server: TestServer
let owner: Client
let ownerId = ''
let database: Awaited<ReturnType<typeof openDatabase>>

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    log: createLogger({ level: 'debug', sink: { write: (line: string) => logged.push(JSON.parse(line)) } }),
  })
  owner = await server.owner()
  ownerId = (await owner.call(getUser, { params: { user: 'me' } })).id
  database = await openDatabase(server.databaseUrl, { maxConnections: 3 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** An agent of a started workspace that is connected, but serves nothing. */
async function connectedAgent() {
  const { db } = database
  const { id } = await db
    .selectFrom('organizations')
    .select('id')
    .where('is_default', '=', true)
    .executeTakeFirstOrThrow()
  const template = await fixtures.template(db, { organization_id: id })
  const workspace = await fixtures.workspace(db, { owner_id: ownerId, template })
  const build = await fixtures.workspaceBuild(db, { workspace })
  const token = randomUUID()
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: createHash('sha256').update(token).digest(),
  })
  const holder = new Client({ url: server.url, token })
  const socket = new WebSocket(owner.address(openAgentTunnel, {}).replace('http', 'ws'), {
    headers: holder.headers,
  })
  await opened(socket)
  serveTunnel(socket, { request: () => undefined, connect: () => Promise.reject(new Error('not here')) })
  await until('the connection', async () => (await statusOf(agent.id)) === 'connected')
  return { agent, workspace, socket, holder }
}

async function statusOf(agentId: string): Promise<string> {
  return (await owner.call(getAgent, { params: { workspaceagent: agentId } })).status
}

it('AC-13: agent, workspace and owner are read at once', async () => {
  const { agent } = await connectedAgent()
  await statusOf(agent.id)
  const route = '/api/v2/workspaceagents/{workspaceagent}'
  const line = await until('the line', () => logged.findLast((one) => one.route === route))
  // The second is for what the build has beside: resources, apps, scripts.
  expect(line.statements).toBe(2)
})

it('AC-21: an agent that has left stays gone, whatever its replica notes late', async () => {
  const { agent, socket } = await connectedAgent()
  socket.terminate()
  await until('its end', async () => (await statusOf(agent.id)) === 'disconnected')
  await markAlive(system, database.db, [agent.id])
  expect(await statusOf(agent.id)).toBe('disconnected')
})

it('AC-22, AC-300: a connection stays while its stop runs, and ends with the next build', async () => {
  const { agent, workspace, socket } = await connectedAgent()
  const { organization_id } = workspace
  const next = async (job: Parameters<typeof fixtures.provisionerJob>[1], transition: 'start' | 'stop') =>
    fixtures.workspaceBuild(database.db, {
      workspace,
      transition,
      job: await fixtures.provisionerJob(database.db, job),
    })
  const touch = () =>
    database.db
      .updateTable('workspace_agents')
      .set({ lifecycle_state: 'shutting_down' })
      .where('id', '=', agent.id)
      .execute()
  await next({ organization_id, started_at: new Date(), completed_at: null }, 'stop')
  // A change of the agent makes its replica look whether it may stay.
  await touch()
  const other = await connectedAgent()
  expect([await statusOf(agent.id), await statusOf(other.agent.id)]).toEqual(['connected', 'connected'])
  expect(socket.readyState).toBe(socket.OPEN)
  await next({ organization_id }, 'start')
  await touch()
  await until('its end', () => socket.readyState === socket.CLOSED)
})

it('AC-97: a watcher never goes back to an older value while a newer one is being stored', async () => {
  const { agent, holder } = await connectedAgent()
  await fixtures.workspaceAgentMetadata(database.db, { agent, key: 'a' })
  const locked = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const blocking = database.db.transaction().execute(async (tx) => {
    await tx.selectFrom('workspace_agent_metadata').selectAll().forUpdate().execute()
    locked.resolve()
    await release.promise
  })
  await locked.promise
  await holder.call(reportAgentMetadata, { body: { metadata: [{ key: 'a', value: 'new', error: '' }] } })
  await until('the write that waits', async () => {
    const { rows } = await sql`
      select 1 from pg_stat_activity
       where wait_event_type = 'Lock' and query like '%update workspace_agent_metadata%'
         and datname = current_database()`.execute(database.db)
    return rows.length > 0
  })
  const address = owner.address(watchAgentMetadataWs, { params: { workspaceagent: agent.id } })
  const socket = new WebSocket(address.replace('http', 'ws'), { headers: owner.headers })
  const first = await new Promise<{ data?: { result: { value: string } }[] }>((resolve) =>
    socket.on('message', (data) => {
      const event = JSON.parse(String(data))
      if (event.type === 'data') resolve(event)
    }),
  )
  expect(first.data?.[0]?.result.value).toBe('new')
  socket.close()
  release.resolve()
  await blocking
})

describe('AC-95: the log', () => {
  it('as text names the agent, the source and the level of each line', async () => {
    const { agent } = await connectedAgent()
    const source = randomUUID()
    await database.db
      .insertInto('workspace_agent_log_sources')
      .values({ workspace_agent_id: agent.id, id: source, display_name: 'Startup', icon: '' })
      .execute()
    await insertLines(agent.id, source, 1)
    const address = owner.address(listAgentLogs, { params: { workspaceagent: agent.id } })
    const text = await (await fetch(`${address}?format=text`, { headers: owner.headers })).text()
    expect(text).toMatch(
      new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\S+Z \\[info\\] \\[agent\\.${agent.name}\\|Startup\\] line 1\\n$`),
    )
  })

  it('AC-304: is sent whole, however long it is, as JSON and as text', async () => {
    const { agent } = await connectedAgent()
    await insertLines(agent.id, randomUUID(), 25_000)
    const logs = await owner.call(listAgentLogs, { params: { workspaceagent: agent.id } })
    expect(logs.map(({ output }) => output)).toEqual(
      Array.from({ length: 25_000 }, (_, i) => `line ${i + 1}`),
    )
    const address = owner.address(listAgentLogs, { params: { workspaceagent: agent.id } })
    const text = await (await fetch(`${address}?format=text`, { headers: owner.headers })).text()
    expect(text.trimEnd().split('\n')).toHaveLength(25_000)
  })

  async function insertLines(agentId: string, source: string, count: number): Promise<void> {
    await sql`
      insert into workspace_agent_logs (agent_id, created_at, log_source_id, level, output)
      select ${agentId}::uuid, now(), ${source}::uuid, 'info', 'line ' || i
        from generate_series(1, ${count}::int) i order by i`.execute(database.db)
  }
})
