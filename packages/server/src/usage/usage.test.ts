import { createHash, randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  getDeploymentDaus,
  getDeploymentStats,
  getTemplateDaus,
  getTemplateInsights,
  getUserActivity,
  getUserLatency,
  getUserStatusCounts,
  reportAgentStats,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

/** As short as it can be. */
const env = { CODER_AGENT_STATS_REFRESH_INTERVAL: '1s', CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }
const stack = new AsyncDisposableStack()
let server: TestServer
let owner: Client
let database: Database
let ahead = 0

beforeAll(async () => {
  server = stack.use(await startTestServer({ env, clock: { now: () => new Date(Date.now() + ahead) } }))
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  owner = await server.owner()
})
afterAll(() => stack.disposeAsync())

/** An agent that nobody runs, of a running workspace, with the token that it holds. */
async function newAgent(
  at: { readonly url: string; readonly db: Database['db'] },
  columns: Parameters<typeof fixtures.workspace>[1] = {},
) {
  const workspace = await fixtures.workspace(at.db, columns)
  const build = await fixtures.workspaceBuild(at.db, { workspace })
  const resource = await fixtures.workspaceResource(at.db, { build })
  const token = randomUUID()
  const auth_token_hash = createHash('sha256').update(token).digest()
  const agent = await fixtures.workspaceAgent(at.db, { resource, auth_token_hash })
  const client = new Client({ url: at.url, token })
  const report = (session_counts: Record<string, number>) =>
    client.call(reportAgentStats, { body: { session_counts } })
  const rows = () =>
    at.db.selectFrom('workspace_agent_stats').selectAll().where('agent_id', '=', agent.id).execute()
  return { workspace, agent, report, rows }
}

/** Later than the minute that is now. */
function nextMinute(): void {
  ahead += 60_000
}

describe('AC-100 to AC-102: what agents report', () => {
  it('is stored by the minute, by families, for the owner and the template', async () => {
    const { workspace, report, rows } = await newAgent({ url: server.url, db: database.db })
    expect(await report({ ssh: 1, Zed: 1, cursor: 3, 'JetBrains ': 1, sftp: 2, strange: 4, vim: 0 })).toEqual(
      {
        report_interval_seconds: 1,
      },
    )
    const [row] = await until('the minute', async () => {
      const found = await rows()
      return found.length > 0 && found
    })
    expect(row).toMatchObject({
      user_id: workspace.owner_id,
      template_id: workspace.template_id,
      ssh: 2,
      vscode: 3,
      jetbrains: 1,
      sftp: 2,
      other: 4,
      reconnecting_pty: 0,
      sessions: 12,
    })
    expect(row?.minute.getTime()).toSatisfy((time: number) => time % 60_000 === 0)
  })

  it('that there are no sessions is stored once, after there were some', async () => {
    const busy = await newAgent({ url: server.url, db: database.db })
    const idle = await newAgent({ url: server.url, db: database.db })
    await idle.report({ ssh: 0 })
    await busy.report({ ssh: 1 })
    for (let i = 0; i < 3; i += 1) {
      nextMinute()
      await busy.report({ ssh: 0 })
      await idle.report({})
    }
    const sessions = await until('the end of the session', async () => {
      const found = await busy.rows()
      return found.length > 1 && found.map((row) => row.sessions)
    })
    expect(sessions.sort()).toEqual([0, 1])
    // It comes in one batch with what was stored, or before it.
    expect(await idle.rows()).toEqual([])
  })

  it('prebuilt workspaces are used by nobody', async () => {
    const prebuilt = await newAgent(
      { url: server.url, db: database.db },
      { owner: await fixtures.user(database.db, { is_system: true }) },
    )
    const claimed = await newAgent({ url: server.url, db: database.db })
    await prebuilt.report({ ssh: 1 })
    await claimed.report({ ssh: 1 })
    await until('the claimed one', async () => (await claimed.rows()).length > 0)
    expect(await prebuilt.rows()).toEqual([])
  })
})

describe('OP-12: figures of the deployment', () => {
  it('are those of the last quarter of an hour: open sessions, bytes, distances, and workspaces by their builds', async () => {
    ahead += 20 * 60_000
    const before = await until('figures without sessions', async () => {
      const stats = await owner.call(getDeploymentStats)
      return Date.parse(stats.collected_at) >= Date.now() + ahead - 60_000 && stats
    })
    expect(before).toMatchObject({
      session_count: { vscode: 0, ssh: 0, jetbrains: 0, reconnecting_pty: 0 },
      workspaces: { rx_bytes: 0, tx_bytes: 0, connection_latency_ms: { P50: -1, P95: -1 } },
    })
    expect(Date.parse(before.collected_at) - Date.parse(before.aggregated_from)).toBe(15 * 60_000)
    expect(Date.parse(before.next_update_at)).toBeGreaterThan(Date.parse(before.collected_at))

    const { db } = database
    const { agent } = await newAgent({ url: server.url, db })
    const minute = (minutes: number, columns: Parameters<typeof fixtures.workspaceAgentStat>[1]) =>
      fixtures.workspaceAgentStat(db, {
        agent,
        minute: new Date(Math.floor((Date.now() + ahead) / 60_000) * 60_000 - minutes * 60_000),
        ...columns,
      })
    await minute(3, { ssh: 5, vscode: 2, rx_bytes: 100, tx_bytes: 7, latency_ms: 10 })
    await minute(2, { ssh: 1, reconnecting_pty: 1, rx_bytes: 50, latency_ms: 20 })
    // It has said nothing of its sessions since.
    const nothing = {
      ssh: null,
      vscode: null,
      jetbrains: null,
      reconnecting_pty: null,
      sftp: null,
      other: null,
    }
    await minute(1, { ...nothing, tx_bytes: 3, latency_ms: 30 })
    await minute(40, { ssh: 9, rx_bytes: 1_000_000 })
    for (const [transition, job_status] of [
      ['start', 'pending'],
      ['stop', 'running'],
      ['start', 'failed'],
      ['start', 'canceled'],
      ['stop', 'succeeded'],
    ] as const) {
      const started = job_status === 'pending' ? {} : { started_at: new Date() }
      const ended = ['pending', 'running'].includes(job_status) ? {} : { completed_at: new Date() }
      const failed = job_status === 'failed' ? { error: 'it broke' } : {}
      const canceled = job_status === 'canceled' ? { canceled_at: new Date() } : {}
      const job = await fixtures.provisionerJob(db, {
        started_at: null,
        completed_at: null,
        updated_at: new Date(),
        ...started,
        ...ended,
        ...failed,
        ...canceled,
      })
      expect(job.job_status).toBe(job_status)
      await fixtures.workspaceBuild(db, { transition, job })
    }
    const after = await until('the sessions', async () => {
      const stats = await owner.call(getDeploymentStats)
      return stats.session_count.ssh === 1 && stats.workspaces.stopped > before.workspaces.stopped && stats
    })
    expect(after.session_count).toEqual({ vscode: 0, ssh: 1, jetbrains: 0, reconnecting_pty: 1 })
    expect(after.workspaces).toMatchObject({
      rx_bytes: 150,
      tx_bytes: 10,
      connection_latency_ms: { P50: 20, P95: 29 },
      running: before.workspaces.running + 1,
      failed: before.workspaces.failed + 2,
      stopped: before.workspaces.stopped + 1,
    })
    // A worker may take up what waits, or end what it does not know.
    const { pending, building, failed } = after.workspaces
    expect(pending + building + failed).toBe(
      before.workspaces.pending + before.workspaces.building + before.workspaces.failed + 4,
    )
  })

  it('are for those who may read them', async () => {
    const member = await server.user('counted')
    const auditor = await server.user('counting', ['auditor'])
    await expect(member.call(getDeploymentStats)).rejects.toMatchObject({ status: 403 })
    await expect(auditor.call(getDeploymentStats)).resolves.toMatchObject({ workspaces: {} })
  })
})

describe('stats-collection-usage-stats-enable', () => {
  it('AC-102, OP-160: switched off, nothing is stored and there are no insights but the status of users', async () => {
    await using off = await startTestServer({
      env: { ...env, CODER_STATS_COLLECTION_USAGE_STATS_ENABLE: 'false' },
    })
    await using its = await openDatabase(off.databaseUrl, { maxConnections: 2 })
    const client = await off.owner()
    const { workspace, report, rows } = await newAgent(
      { url: off.url, db: its.db },
      { last_used_at: new Date(0) },
    )
    await report({ ssh: 1 })
    // Use still counts for the workspace.
    const used = await its.db
      .selectFrom('workspaces')
      .select('last_used_at')
      .where('id', '=', workspace.id)
      .executeTakeFirstOrThrow()
    expect(used.last_used_at.getTime()).toBeGreaterThan(0)
    const gone = { status: 404, detail: 'Template insights are disabled.' }
    const query = { start_time: '2026-01-01T00:00:00Z', end_time: '2026-01-02T00:00:00Z' }
    const params = { template: workspace.template_id }
    for (const ask of [
      () => client.call(getDeploymentDaus, { query: {} }),
      () => client.call(getTemplateDaus, { params, query: {} }),
      () => client.call(getUserActivity, { query }),
      () => client.call(getUserLatency, { query }),
      () => client.call(getTemplateInsights, { query }),
    ])
      await expect(ask()).rejects.toMatchObject(gone)
    await expect(client.call(getUserStatusCounts, { query: {} })).resolves.toMatchObject({
      status_counts: {},
    })
    await off.stop()
    expect(await rows()).toEqual([])
  })
})
