import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  getUser,
  listOrganizations,
  setActiveTemplateVersion,
  updateWorkspace,
  type Workspace,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization_id: string
let owner_id: string

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_ALLOW_WORKSPACE_RENAMES: 'true' },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await member.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Event {
  readonly type: string
  readonly data: Workspace
}

interface Watcher extends Disposable {
  readonly socket: WebSocket
  readonly events: Event[]
  readonly closed: Promise<number>
}

function watch(workspace: { readonly id: string }, client = member): Watcher {
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}/api/v2/workspaces/${workspace.id}/watch-ws`,
    { headers: client.headers },
  )
  const events: Event[] = []
  socket.on('message', (data) => events.push(JSON.parse(String(data))))
  return {
    socket,
    events,
    closed: new Promise((resolve) => socket.on('close', resolve)),
    [Symbol.dispose]: () => socket.terminate(),
  }
}

async function running() {
  const { db } = database
  const template = await fixtures.template(db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  const workspace = await fixtures.workspace(db, { owner_id, template })
  return { template, workspace, build: await fixtures.workspaceBuild(db, { workspace }) }
}

const set = (id: string, change: { last_used_at?: Date; owner_id?: string; name?: string }) =>
  database.db.updateTable('workspaces').set(change).where('id', '=', id).execute()

it('WS-200, WS-201, WS-202: tells of a promotion and a new name, and who loses access gets one error and no more', async () => {
  const { template, workspace } = await running()
  using watcher = watch(workspace)
  const { events } = watcher
  await until('the workspace', () => events.length === 2)
  expect(events.map((event) => event.type)).toEqual(['ping', 'data'])
  expect(events[1]?.data).toMatchObject({ id: workspace.id, outdated: false })

  const version = await fixtures.templateVersion(database.db, { template })
  await owner.call(setActiveTemplateVersion, { params: { template: template.id }, body: { id: version.id } })
  await until('the promotion', () => events.at(-1)?.data.outdated)

  await member.call(updateWorkspace, { params: { workspace: workspace.id }, body: { name: 'other' } })
  await until('the new name', () => events.at(-1)?.data.name === 'other')

  await set(workspace.id, { owner_id: (await owner.call(getUser, { params: { user: 'me' } })).id })
  await watcher.closed
  const after = events.slice(events.findIndex((event) => event.type === 'error'))
  expect(after).toEqual([
    { type: 'error', data: { message: 'Resource not found or you do not have access to this resource' } },
  ])
})

it('WS-202: who may not read the template any more gets an error too', async () => {
  const { template, workspace } = await running()
  using watcher = watch(workspace)
  await until('the workspace', () => watcher.events.some((event) => event.type === 'data'))
  await database.db
    .updateTable('templates')
    .set({ group_acl: '{}', updated_at: new Date() })
    .where('id', '=', template.id)
    .execute()
  await set(workspace.id, { last_used_at: new Date() })
  await watcher.closed
  expect(watcher.events.at(-1)).toMatchObject({ type: 'error', data: { message: 'Forbidden.' } })
})

it('WS-200: takes no messages', async () => {
  const { workspace } = await running()
  using watcher = watch(workspace)
  await until('the workspace', () => watcher.events.length === 2)
  watcher.socket.send('{}')
  expect(await watcher.closed).toBe(1002)
})

it('WS-203: every build that has ended is told to whom may read its workspace, and to nobody else', async () => {
  const { db } = database
  const address = `${server.url.replace('http', 'ws')}/api/experimental/watch-all-workspacebuilds`
  const open = async (client: Client) => {
    const socket = new WebSocket(address, { headers: client.headers })
    const told: { build_id: string; job_status: string }[] = []
    socket.on('message', (data) => told.push(JSON.parse(String(data))))
    await new Promise((resolve) => socket.on('open', resolve))
    return { told, [Symbol.dispose]: () => socket.terminate() }
  }
  using mine = await open(member)
  using all = await open(owner)
  const end = async (of: { readonly id: string }) => {
    const job = await fixtures.provisionerJob(db, {
      organization_id,
      started_at: null,
      completed_at: null,
      tags: JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' }),
    })
    const build = await fixtures.workspaceBuild(db, { workspace_id: of.id, job })
    await db
      .updateTable('provisioner_jobs')
      .set({ started_at: new Date(), completed_at: new Date() })
      .where('id', '=', job.id)
      .execute()
    return build.id
  }
  const { workspace, template } = await running()
  const theirs = await fixtures.workspace(db, { template })
  const other = await end(theirs)
  await until('the first', () => all.told.some((one) => one.build_id === other))
  const own = await end(workspace)
  await until('the second', () => mine.told.some((one) => one.build_id === own))
  expect(all.told).toContainEqual(expect.objectContaining({ build_id: own, job_status: 'succeeded' }))
  expect(mine.told.map((one) => one.build_id)).not.toContain(other)
})

it('WS-312: a burst of changes is told four times a second at most, and its end for certain', async () => {
  const { workspace } = await running()
  using watcher = watch(workspace)
  const data = () => watcher.events.filter((event) => event.type === 'data')
  await until('the workspace', () => data().length > 0)
  const begin = performance.now()
  while (performance.now() - begin < 1000) await set(workspace.id, { last_used_at: new Date() })
  await set(workspace.id, { name: 'settled' })
  await until('the last change', () => data().at(-1)?.data.name === 'settled')
  expect(data().length).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - begin) / 250))
})

it('WS-201: a change that comes while the workspace is read for the first time is told', async () => {
  const { db } = database
  const { workspace, build } = await running()
  const resource = await fixtures.workspaceResource(db, { build })
  const agent = await fixtures.workspaceAgent(db, { resource })
  // The reading has its snapshot already, and takes its time.
  await sql`create or replace function agent_status(a workspace_agents) returns agent_status language plpgsql as $$
    begin
      perform pg_sleep(0.3);
      return case when a.first_connected_at is null then 'connecting' else 'connected' end;
    end $$`.execute(db)
  using watcher = watch(workspace)
  await until('the reading', async () => {
    const { rows } =
      await sql`select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`.execute(
        db,
      )
    return rows.length > 0
  })
  await db
    .updateTable('workspace_agents')
    .set({ first_connected_at: new Date(), last_connected_at: new Date() })
    .where('id', '=', agent.id)
    .execute()
  const statuses = () =>
    watcher.events
      .filter((event) => event.type === 'data')
      .map((event) => event.data.latest_build.resources[0]?.agents?.[0]?.status)
  await until('the connection', () => statuses().includes('connected'), 10_000)
  expect(statuses()).toEqual(['connecting', 'connected'])
})
