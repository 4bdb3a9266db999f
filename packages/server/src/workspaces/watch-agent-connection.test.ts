import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import type { ConnectionWatchEvent } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const stack = new AsyncDisposableStack()
let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = stack.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  owner = await server.owner()
})
afterAll(() => stack.disposeAsync())

/** A workspace whose start has built these agents. */
async function started(...names: string[]) {
  const { db } = database
  const workspace = await fixtures.workspace(db)
  const job = await fixtures.provisionerJob(db, {
    organization_id: workspace.organization_id,
    started_at: new Date(),
    completed_at: new Date(),
  })
  await fixtures.workspaceBuild(db, { workspace, job })
  const resource = await fixtures.workspaceResource(db, { job_id: job.id })
  const agents = []
  for (const name of names) agents.push(await fixtures.workspaceAgent(db, { resource_id: resource.id, name }))
  return { workspace, job, agents }
}

async function watch(workspaceId: string, query = '') {
  const url = `${server.url.replace('http', 'ws')}/api/v2/workspaces/${workspaceId}/agent-connection-watch${query}`
  const socket = new WebSocket(url, { headers: { ...owner.headers } })
  const events: ConnectionWatchEvent[] = []
  socket.on('message', (data) => events.push(JSON.parse(String(data))))
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => socket.on('open', resolve))
  return { events, closed, [Symbol.dispose]: () => socket.terminate() }
}

it('AC-246: who waits for an agent hears of its build and of its life, each change once', async () => {
  const { db } = database
  const { workspace, job, agents } = await started('main')
  const id = agents[0]?.id ?? ''
  using watched = await watch(workspace.id)
  const build = { build_update: { transition: 'start', job_status: 'succeeded' } }
  await until('the agent', () => watched.events.length === 2)
  expect(watched.events).toEqual([build, { agent_update: { lifecycle: 'created', id } }])
  await db.updateTable('workspace_agents').set({ lifecycle_state: 'ready' }).where('id', '=', id).execute()
  await until('its readiness', () => watched.events.length === 3)
  expect(watched.events[2]).toEqual({ agent_update: { lifecycle: 'ready', id } })
  const stop = await fixtures.provisionerJob(db, {
    organization_id: job.organization_id,
    started_at: null,
    completed_at: null,
  })
  await fixtures.workspaceBuild(db, { workspace, job: stop, build_number: 2, transition: 'stop' })
  await until('the stop', () => watched.events.length === 4)
  expect(watched.events[3]).toEqual({ build_update: { transition: 'stop', job_status: 'pending' } })
})

it('AC-246: an agent that cannot be meant ends it with a code', async () => {
  const several = await started('one', 'two')
  const none = await started()
  for (const [workspaceId, query, code, message] of [
    [several.workspace.id, '', 1, 'one, two'],
    [several.workspace.id, '?agent_name=three', 2, '"three"'],
    [none.workspace.id, '', 3, 'no agents'],
  ] as const) {
    using watched = await watch(workspaceId, query)
    expect(await watched.closed).toBe(1000)
    expect(watched.events.at(-1)?.error).toMatchObject({ code, retryable: false })
    expect(watched.events.at(-1)?.error?.message).toContain(message)
  }
  using named = await watch(several.workspace.id, '?agent_name=TWO')
  await until('the agent', () => named.events.some(({ agent_update }) => agent_update !== undefined))
})
