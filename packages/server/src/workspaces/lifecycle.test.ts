import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getWorkspace,
  listAuditLogs,
  listBuilds,
  listInboxNotifications,
  reportUsage,
  setAutomaticUpdates,
  setDormant,
  setTtl,
  suspendUser,
  type Template,
  updateTemplate,
  type Workspace,
} from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { nextStart } from './autostart.ts'

describe('nextStart', () => {
  const monday = new Date('2026-11-23T08:00:00Z')

  it('WS-132: is told in the zone of the schedule', () => {
    expect(nextStart('CRON_TZ=Europe/Berlin 30 9 * * 1-5', monday, 0)).toEqual(
      new Date('2026-11-23T08:30:00Z'),
    )
    expect(nextStart('CRON_TZ=America/New_York 0 7 * * *', monday, 0)).toEqual(
      new Date('2026-11-23T12:00:00Z'),
    )
  })

  it('WS-132: keeps the hour of the day when clocks change', () => {
    const before = new Date('2026-10-24T12:00:00Z')
    expect(nextStart('CRON_TZ=Europe/Berlin 0 9 * * *', before, 0)).toEqual(new Date('2026-10-25T08:00:00Z'))
  })

  it('WS-237: leaves out days that the template blocks, judged in the zone, and gives up after a week', () => {
    const blockMonday = 0b0000001
    expect(nextStart('CRON_TZ=Asia/Tokyo 30 8 * * 1,3', monday, blockMonday)).toEqual(
      new Date('2026-11-24T23:30:00Z'),
    )
    expect(nextStart('CRON_TZ=UTC 0 9 * * 1', monday, blockMonday)).toBeUndefined()
    expect(nextStart('CRON_TZ=UTC 0 9 * * *', monday, 0b1111111)).toBeUndefined()
    // The first minute of a day counts, wherever its zone lies.
    const onlySunday = 0b0111111
    expect(nextStart('CRON_TZ=Asia/Kathmandu * * * * *', monday, onlySunday)).toEqual(
      new Date('2026-11-28T18:15:00Z'),
    )
  })
})

describe('the executor', () => {
  let server: TestServer
  let owner: Client
  let template: Template
  let ahead = 0

  beforeAll(async () => {
    server = await startTestServer({
      env: { CODER_AUTOBUILD_POLL_INTERVAL: '100ms', CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
      clock: { now: () => new Date(Date.now() + ahead) },
    })
    owner = await server.owner()
    template = await server.builtInTemplate()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const read = (workspace: Workspace, client = owner) =>
    client.call(getWorkspace, { params: { workspace: workspace.id }, query: { include_deleted: true } })

  /** The workspace when its latest build is this one and has ended. */
  function ended(workspace: Workspace, number: number): Promise<Workspace> {
    return until(`build ${number}`, async () => {
      const current = await read(workspace)
      return current.latest_build.build_number === number &&
        current.latest_build.job.completed_at !== undefined
        ? current
        : undefined
    })
  }

  async function make(name: string, more: object = {}, client = owner): Promise<Workspace> {
    const made = await client.call(createWorkspace, {
      params: { user: 'me' },
      body: { name, template_id: template.id, ...more },
    })
    return ended(made, 1)
  }

  it('WS-235: stops a workspace at its deadline, and what is used gets a later one (WS-240)', async () => {
    const workspace = await make('brief', { ttl_ms: 2 * 3_600_000 })
    const deadline = Date.parse(workspace.latest_build.deadline ?? '')
    expect(deadline - Date.now()).toBeGreaterThan(1.9 * 3_600_000)
    ahead = 1.5 * 3_600_000
    await owner.call(reportUsage, { params: { workspace: workspace.id }, body: {} })
    const bumped = Date.parse((await read(workspace)).latest_build.deadline ?? '')
    expect(bumped - deadline).toBeGreaterThan(0.4 * 3_600_000)
    ahead = 4 * 3_600_000
    const stopped = await ended(workspace, 2)
    expect(stopped.latest_build).toMatchObject({ transition: 'stop', reason: 'autostop', status: 'stopped' })
    expect(stopped.latest_build.initiator_name).toBe('owner')
    ahead = 0
    const q = `resource_id:${workspace.id} action:write`
    const { audit_logs } = await owner.call(listAuditLogs, { query: { q } })
    // RB-102: nobody asked for it, so that it is the owner's and of no request.
    expect(audit_logs).toMatchObject([
      {
        status_code: 200,
        user: { username: 'owner' },
        request_id: '00000000-0000-0000-0000-000000000000',
        additional_fields: {
          automatic_actor: 'coder',
          automatic_subsystem: 'autobuild',
          build_reason: 'autostop',
          build_transition: 'stop',
        },
      },
    ])
  })

  it('WS-239: an owner is reminded before a workspace stops', async () => {
    const notify = (time_til_autostop_notify_ms: number) =>
      owner.call(updateTemplate, {
        params: { template: template.id },
        body: { time_til_autostop_notify_ms },
      })
    await notify(45 * 60_000)
    const workspace = await make('reminded', { ttl_ms: 2 * 3_600_000 })
    ahead = 1.5 * 3_600_000
    const templates = '6f6cb984-c167-4fa5-bb87-1058dd642779'
    const reminder = await until('the reminder', async () =>
      (await owner.call(listInboxNotifications, { query: { templates } })).notifications.find(({ targets }) =>
        targets.includes(workspace.id),
      ),
    )
    expect(reminder.content).toMatch(/reminded.* stops in (29|30) minutes/)
    ahead = 0
    await notify(0)
  })

  /** A daily schedule at the minute that lies so many hours ahead. */
  function daily(hours: number): { readonly at: number; readonly autostart_schedule: string } {
    const time = new Date(Date.now() + hours * 3_600_000)
    time.setUTCSeconds(0, 0)
    return {
      at: time.getTime(),
      autostart_schedule: `CRON_TZ=UTC ${time.getUTCMinutes()} ${time.getUTCHours()} * * *`,
    }
  }

  it('WS-230: a start by the schedule that comes before the deadline moves it', async () => {
    const { at, autostart_schedule } = daily(3)
    const crossed = await make('crossed', { ttl_ms: 12 * 3_600_000, autostart_schedule })
    expect(Date.parse(crossed.latest_build.deadline ?? '')).toBe(at + 12 * 3_600_000)
    const before = await make('before', { ttl_ms: 2 * 3_600_000, autostart_schedule })
    expect(Date.parse(before.latest_build.deadline ?? '')).toBeLessThan(at)
  })

  it('WS-230: counts from what is set when the build ends, not when it began', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const made = await database.transaction(async (tx) => {
      // The build waits for the key of its owner, behind everything else that it reads.
      await sql`lock table git_ssh_keys in access exclusive mode`.execute(tx)
      const held = await owner.call(createWorkspace, {
        params: { user: 'me' },
        body: { name: 'changed', template_id: template.id, ttl_ms: 2 * 3_600_000 },
      })
      await until('the wait', async () => {
        const { rows } =
          await sql`select 1 from pg_locks where not granted and relation = 'git_ssh_keys'::regclass`.execute(
            tx,
          )
        return rows.length > 0
      })
      await owner.call(setTtl, { params: { workspace: held.id }, body: { ttl_ms: 0 } })
      return held
    })
    expect((await ended(made, 1)).latest_build).toMatchObject({ deadline: null })
  })

  it('WS-240: use that reaches into the next start by the schedule gets the deadline of that start', async () => {
    const { at, autostart_schedule } = daily(2.2)
    const workspace = await make('reaching', { ttl_ms: 2 * 3_600_000, autostart_schedule })
    ahead = 1.5 * 3_600_000
    await owner.call(reportUsage, { params: { workspace: workspace.id }, body: {} })
    expect(Date.parse((await read(workspace)).latest_build.deadline ?? '')).toBe(at + 2 * 3_600_000)
    ahead = 0
  })

  it('WS-164: one that is made dormant by hand knows when that deletes it, and forgets it when it wakes', async () => {
    const workspace = await make('resting')
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { time_til_dormant_autodelete_ms: 86_400_000 },
    })
    const params = { workspace: workspace.id }
    const dormant = await owner.call(setDormant, { params, body: { dormant: true } })
    expect(Date.parse(dormant.deleting_at ?? '') - Date.parse(dormant.dormant_at ?? '')).toBe(86_400_000)
    expect(await owner.call(setDormant, { params, body: { dormant: false } })).toMatchObject({
      dormant_at: null,
      deleting_at: null,
    })
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { time_til_dormant_autodelete_ms: 0 },
    })
  })

  it('WS-235: starts a stopped one at its time, with the version that WS-237 says', async () => {
    const workspace = await make('early', { autostart_schedule: 'CRON_TZ=UTC 0 0 * * *' })
    expect(Date.parse(workspace.next_start_at ?? '')).toBeGreaterThan(Date.now())
    await owner.call(setAutomaticUpdates, {
      params: { workspace: workspace.id },
      body: { automatic_updates: 'always' },
    })
    await owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'stop' } })
    await ended(workspace, 2)
    ahead = 25 * 3_600_000
    const started = await ended(workspace, 3)
    expect(started.latest_build).toMatchObject({
      transition: 'start',
      reason: 'autostart',
      status: 'running',
    })
    ahead = 0
  })

  it('WS-235, OP-50: two replicas that look at the same time make one build', async () => {
    await using _second = await startTestServer({
      databaseUrl: server.databaseUrl,
      env: { CODER_AUTOBUILD_POLL_INTERVAL: '100ms', CODER_PROVISIONER_DAEMONS: '0' },
      clock: { now: () => new Date(Date.now() + ahead) },
    })
    const workspaces = await Promise.all(
      ['shared-1', 'shared-2', 'shared-3'].map((name) => make(name, { ttl_ms: 3_600_000 })),
    )
    ahead = 2 * 3_600_000
    for (const workspace of workspaces) {
      await ended(workspace, 2)
      const builds = await owner.call(listBuilds, { params: { workspace: workspace.id } })
      expect(builds.map((one) => one.reason)).toEqual(['autostop', 'initiator'])
    }
    ahead = 0
  })

  it('WS-235: stops what a suspended owner left running', async () => {
    const leaver = await server.user('leaver')
    const workspace = await make('left', {}, leaver)
    await owner.call(suspendUser, { params: { user: 'leaver' } })
    const stopped = await ended(workspace, 2)
    expect(stopped.latest_build).toMatchObject({ transition: 'stop', reason: 'autostop' })
  })

  it('WS-235: what nobody uses becomes dormant and is deleted in the end', async () => {
    const workspace = await make('forgotten')
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { time_til_dormant_ms: 86_400_000, time_til_dormant_autodelete_ms: 86_400_000 },
    })
    ahead = 25 * 3_600_000
    const dormant = await until('dormancy', async () => {
      const current = await read(workspace)
      return current.dormant_at !== null && current.latest_build.status === 'stopped' ? current : undefined
    })
    expect(dormant.latest_build.reason).toBe('dormancy')
    expect(Date.parse(dormant.deleting_at ?? '')).toBeGreaterThan(Date.now() + ahead)
    ahead = 50 * 3_600_000
    await until('the delete', async () => (await read(workspace)).latest_build.status === 'deleted')
    ahead = 0
  })
})
