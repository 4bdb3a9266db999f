import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { getAgent, getAgentManifest, getWorkspace, listAgentLogs, listOrganizations } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { DEFAULT_ROLE_OPTIONS } from '../authz/subject.ts'
import type { Database } from '../database/index.ts'
import { hashAgentToken } from '../resources/index.ts'
import { findAgentByToken } from './store/agents.ts'

const actor = systemActor('system_restricted', 'a test asks which agents may authenticate')
const PENDING = { started_at: null, completed_at: null }
const RUNNING = { completed_at: null }
const CANCELING = { completed_at: null, canceled_at: new Date() }
const CANCELED = { canceled_at: new Date() }
const FAILED = { error: 'no' }
/** Tags that no provisioner has, so that what waits goes on waiting. */
const HELD = JSON.stringify({ scope: 'organization', owner: '', held: 'yes' })

let server: TestServer
let database: Database
let owner: Client
let organization_id: string
const lines: Record<string, unknown>[] = []

beforeAll(async () => {
  server = await startTestServer({
    log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } }),
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Later {
  readonly transition?: 'start' | 'stop' | 'delete'
  readonly number?: number
  readonly job?: object
  readonly anotherVersion?: boolean
}

const jobOf = (columns: object) =>
  fixtures.provisionerJob(database.db, { organization_id, tags: HELD, ...columns })

/** A workspace with an agent of its first build, whose token is known. */
async function started(build: { readonly transition?: 'start' | 'stop'; readonly job?: object } = {}) {
  const { db } = database
  const template = await fixtures.template(db, { organization_id })
  const workspace = await fixtures.workspace(db, { template })
  const first = await fixtures.workspaceBuild(db, {
    workspace,
    transition: build.transition ?? 'start',
    job: await jobOf(build.job ?? {}),
  })
  const token = randomUUID()
  const resource = await fixtures.workspaceResource(db, { build: first })
  const agent = await fixtures.workspaceAgent(db, { resource, auth_token_hash: hashAgentToken(token) })
  const next = async ({ transition = 'stop', number = 2, job = PENDING, anotherVersion = false }: Later) =>
    fixtures.workspaceBuild(db, {
      workspace,
      transition,
      build_number: number,
      job: await jobOf(job),
      ...(anotherVersion ? { version: await fixtures.templateVersion(db, { template }) } : {}),
    })
  return { workspace, first, agent, token, next }
}

const caller = (token: string) => findAgentByToken(actor, database.db, token, DEFAULT_ROLE_OPTIONS)

describe('WS-32, PR-54: an agent of the build before the latest one', () => {
  it.each([
    ['its stop waits', {}],
    ['its stop runs', { job: RUNNING }],
  ] satisfies [string, Later][])('authenticates while %s, as of its own build', async (_when, later) => {
    const { first, agent, token, next } = await started()
    await next(later)
    expect(await caller(token)).toMatchObject({ id: agent.id, buildId: first.id, jobId: first.job_id })
  })

  it.each([
    ['the stop is being canceled', { job: CANCELING }],
    ['the stop was canceled', { job: CANCELED }],
    ['the stop has failed', { job: FAILED }],
    ['the stop has succeeded', { job: {} }],
    ['the stop is of another version', { anotherVersion: true }],
    ['the stop is not the very next build', { number: 3 }],
    ['the next build deletes', { transition: 'delete' }],
    ['the next build starts', { transition: 'start' }],
  ] satisfies [string, Later][])('does not when %s', async (_when, later) => {
    const { token, next } = await started()
    expect(await caller(token)).toBeDefined()
    await next(later)
    expect(await caller(token)).toBeUndefined()
  })

  it('does not when its own build has failed, or was none that starts', async () => {
    for (const build of [{ job: FAILED }, { job: CANCELED }, { transition: 'stop' }] as const) {
      const { token, next } = await started(build)
      await next({})
      expect(await caller(token)).toBeUndefined()
    }
  })

  it('does not when it, or its workspace, is deleted', async () => {
    const [one, other] = [await started(), await started()]
    await one.next({})
    await other.next({})
    await database.db
      .updateTable('workspace_agents')
      .set({ deleted: true })
      .where('id', '=', one.agent.id)
      .execute()
    await database.db
      .updateTable('workspaces')
      .set({ deleted: true })
      .where('id', '=', other.workspace.id)
      .execute()
    expect([await caller(one.token), await caller(other.token)]).toEqual([undefined, undefined])
  })

  it('is out with the end of the stop, whatever it has asked before', async () => {
    const { token, next } = await started()
    const { job_id } = await next({ job: RUNNING })
    const holder = new Client({ url: server.url, token })
    expect(await holder.call(getAgentManifest)).toBeDefined()
    await database.db
      .updateTable('provisioner_jobs')
      .set({ completed_at: new Date() })
      .where('id', '=', job_id)
      .execute()
    await expect(holder.call(getAgentManifest)).rejects.toMatchObject({ status: 401 })
  })
})

describe('what is linked with an agent', () => {
  it('WS-31: is gone with it, or is read again: nothing that lasts names one', async () => {
    const { rows } = await sql<{ table: string; column: string; follows: boolean }>`
      select c.table_name as table, c.column_name as column,
             exists (select 1 from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
                      where k.contype = 'f' and k.confdeltype = 'c' and k.conrelid = c.table_name::regclass
                        and a.attname = c.column_name) as follows
        from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
       where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.column_name ~ 'agent_id$'`.execute(
      database.db,
    )
    expect(rows.length).toBeGreaterThan(5)
    // What a chat was told is compared with the agent of the latest build, and read again when that is another (CH-1302).
    // Minutes of use are counted, and kept for a day.
    expect(
      rows
        .filter((row) => !row.follows)
        .map((row) => `${row.table}.${row.column}`)
        .toSorted(),
    ).toEqual(['chat_contexts.agent_id', 'workspace_agent_stats.agent_id', 'workspace_app_stats.agent_id'])
  })

  it('WS-31: the workspace shows agents of its latest build only', async () => {
    const { workspace, agent, next } = await started()
    const second = await next({ transition: 'start', job: {} })
    const resource = await fixtures.workspaceResource(database.db, { build: second })
    const fresh = await fixtures.workspaceAgent(database.db, { resource, name: agent.name })
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    expect(latest_build.resources.flatMap((one) => one.agents?.map(({ id }) => id) ?? [])).toEqual([fresh.id])
  })
})

it('WS-34, AC-13: an agent is found with its workspace and owner at once, for rights, log and answer', async () => {
  const { workspace, agent } = await started()
  const ask = async (route: typeof getAgent | typeof listAgentLogs) => {
    const address = owner.address(route, { params: { workspaceagent: agent.id } })
    const answer = await fetch(address, { headers: owner.headers })
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
    const id = answer.headers.get('x-coder-request-id')
    return until('the line', () => lines.find((one) => one.request_id === id))
  }
  const [log, one] = await until('a warm cache', async () => {
    const asked = [await ask(listAgentLogs), await ask(getAgent)] as const
    return asked.every(({ statements }) => statements === 2) && asked
  })
  // One finds the agent, the other reads what is asked for.
  for (const line of [log, one])
    expect(line).toMatchObject({ agent_name: agent.name, workspace_name: workspace.name })
})
