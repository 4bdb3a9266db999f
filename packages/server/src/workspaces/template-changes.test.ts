import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getTemplate,
  getUser,
  getWorkspace,
  listInboxNotifications,
  listOrganizations,
  listPortShares,
  type UpdateTemplateMeta,
  updateTemplate,
  upsertPortShare,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { PREBUILDS_USER } from '../authz/index.ts'
import type { Database } from '../database/index.ts'

const HOUR = 3_600_000
const NS_PER_HOUR = HOUR * 1_000_000
/** A Wednesday. */
const NOW = Date.UTC(2030, 0, 9, 12)
const at = (hours: number): Date => new Date(NOW + hours * HOUR)
/** The quiet hour of the Saturday that follows. */
const SATURDAY = new Date(Date.UTC(2030, 0, 12))

let server: TestServer
let database: Database
let owner: Client
let organization_id: string
let owner_id: string
let template: Awaited<ReturnType<typeof fixtures.template>>

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_AUTOBUILD_POLL_INTERVAL: '24h' },
    clock: { now: () => new Date(NOW) },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => another())

/** Begins with another template. */
async function another(columns: object = {}): Promise<void> {
  template = await fixtures.template(database.db, { organization_id, ...columns })
}

const change = (body: UpdateTemplateMeta) =>
  owner.call(updateTemplate, { params: { template: template.id }, body })

/** A workspace whose latest build has ended some hours ago. */
async function workspaceOf(
  build: object = {},
  columns: object = {},
  { hoursAgo = 1, job = {} }: { readonly hoursAgo?: number; readonly job?: object } = {},
) {
  const { db } = database
  const workspace = await fixtures.workspace(db, { owner_id, template_id: template.id, ...columns })
  const ended = await fixtures.provisionerJob(db, {
    organization_id,
    started_at: at(-hoursAgo - 1),
    completed_at: at(-hoursAgo),
    ...job,
  })
  await fixtures.workspaceBuild(db, { workspace, job: ended, ...build })
  return workspace
}

const stored = ({ id }: { readonly id: string }) =>
  database.db.selectFrom('workspaces').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

async function stopOf({ id }: { readonly id: string }) {
  const { deadline, max_deadline } = await database.db
    .selectFrom('workspace_builds')
    .select(['deadline', 'max_deadline'])
    .where('workspace_id', '=', id)
    .orderBy('build_number', 'desc')
    .executeTakeFirstOrThrow()
  return [deadline, max_deadline]
}

describe('WS-88: by a wish of once', () => {
  it('all workspaces count as used now, and none as used before', async () => {
    const used = await workspaceOf({}, { last_used_at: at(-100) })
    const later = await workspaceOf({}, { last_used_at: at(1) })
    const deleted = await workspaceOf({}, { last_used_at: at(-100), deleted: true })
    await change({ update_workspace_last_used_at: false })
    expect((await stored(used)).last_used_at).toEqual(at(-100))
    await change({ update_workspace_last_used_at: true })
    expect((await stored(used)).last_used_at).toEqual(at(0))
    expect((await stored(later)).last_used_at).toEqual(at(1))
    expect((await stored(deleted)).last_used_at).toEqual(at(-100))
  })

  it('the dormant ones are dormant from now on', async () => {
    await another({ time_til_dormant_autodelete: 10 * NS_PER_HOUR })
    const dormant = await workspaceOf({}, { dormant_at: at(-5), deleting_at: at(5) })
    const awake = await workspaceOf()
    await change({ update_workspace_dormant_at: true })
    expect(await stored(dormant)).toMatchObject({ dormant_at: at(0), deleting_at: at(10) })
    expect(await stored(awake)).toMatchObject({ dormant_at: null, deleting_at: null })
  })
})

describe('WS-90: another schedule of a template', () => {
  it('tells anew when dormant workspaces are deleted, and their owners', async () => {
    const dormant = await workspaceOf({}, { dormant_at: at(-5), name: 'asleep' })
    const awake = await workspaceOf()
    await change({ time_til_dormant_autodelete_ms: 48 * HOUR })
    expect(await stored(dormant)).toMatchObject({ dormant_at: at(-5), deleting_at: at(43) })
    expect((await stored(awake)).deleting_at).toBeNull()
    const told = () =>
      until('the notification', async () => {
        const { notifications } = await owner.call(listInboxNotifications)
        const mine = notifications.filter(({ targets }) => targets.includes(dormant.id))
        return mine.length > 0 && mine
      })
    expect(await told()).toMatchObject([
      { title: 'Workspace "asleep" will be deleted', content: expect.stringContaining('2 days') },
    ])
    await change({ time_til_dormant_autodelete_ms: 48 * HOUR, description: 'the same' })
    await change({ time_til_dormant_autodelete_ms: 0 })
    expect(await stored(dormant)).toMatchObject({ dormant_at: at(-5), deleting_at: null })
    expect(await told()).toHaveLength(1)
  })

  it('takes the time until shutdown out of the hands of users', async () => {
    const own = await workspaceOf({}, { ttl: 3 * NS_PER_HOUR })
    const prebuilt = await workspaceOf({}, { owner_id: await prebuilds(), ttl: 3 * NS_PER_HOUR })
    await change({ default_ttl_ms: 5 * HOUR })
    expect((await stored(own)).ttl).toBe(3 * NS_PER_HOUR)
    await change({ allow_user_autostop: false })
    expect((await stored(own)).ttl).toBe(5 * NS_PER_HOUR)
    await database.db.updateTable('workspaces').set({ ttl: NS_PER_HOUR }).where('id', '=', own.id).execute()
    await change({ description: 'no other schedule' })
    expect((await stored(own)).ttl).toBe(NS_PER_HOUR)
    await change({ default_ttl_ms: 6 * HOUR })
    expect((await stored(own)).ttl).toBe(6 * NS_PER_HOUR)
    await change({ default_ttl_ms: 0 })
    expect((await stored(own)).ttl).toBeNull()
    await change({ allow_user_autostop: true, default_ttl_ms: 7 * HOUR })
    expect((await stored(own)).ttl).toBeNull()
    expect((await stored(prebuilt)).ttl).toBe(3 * NS_PER_HOUR)
  })

  it('has workspaces stop on the days that it requires', async () => {
    const early = { deadline: at(3) }
    const [free, bound, late] = [
      await workspaceOf(),
      await workspaceOf(early, { ttl: 4 * NS_PER_HOUR }),
      await workspaceOf({ deadline: at(300) }, { ttl: 301 * NS_PER_HOUR }),
    ]
    const others = [
      await workspaceOf({ deadline: at(1), max_deadline: at(1) }),
      await workspaceOf({ transition: 'stop' }),
      await workspaceOf({}, {}, { job: { error: 'no' } }),
      await workspaceOf({}, {}, { job: { completed_at: null } }),
      await workspaceOf({}, { deleted: true }),
      await workspaceOf({}, { owner_id: await prebuilds() }),
    ]
    const before = await Promise.all(others.map(stopOf))
    await change({ autostop_requirement: { days_of_week: ['saturday'], weeks: 1 } })
    expect(await stopOf(free)).toEqual([SATURDAY, SATURDAY])
    expect(await stopOf(bound)).toEqual([at(3), SATURDAY])
    expect(await stopOf(late)).toEqual([SATURDAY, SATURDAY])
    expect(await Promise.all(others.map(stopOf))).toEqual(before)
    await change({ autostop_requirement: { days_of_week: [], weeks: 1 } })
    expect(await stopOf(free)).toEqual([null, null])
    expect(await stopOf(bound)).toEqual([at(3), null])
    expect(await stopOf(late)).toEqual([SATURDAY, null])
  })

  it('stops nothing sooner than in two hours', async () => {
    const old = await workspaceOf({}, {}, { hoursAgo: 24 * 30 })
    await change({ autostop_requirement: { days_of_week: ['saturday'], weeks: 1 } })
    expect(await stopOf(old)).toEqual([at(2), at(2)])
    // Within that notice it stays as it is.
    await change({ autostop_requirement: { days_of_week: [], weeks: 1 } })
    expect(await stopOf(old)).toEqual([at(2), at(2)])
  })

  it('moves the next start to a day that it allows', async () => {
    const workspace = await workspaceOf({}, { autostart_schedule: 'CRON_TZ=UTC 0 9 * * *' })
    const next = async () =>
      (await owner.call(getWorkspace, { params: { workspace: workspace.id } })).next_start_at
    expect(await next()).toBe('2030-01-10T09:00:00.000Z')
    await change({ autostart_requirement: { days_of_week: ['sunday'] } })
    expect(await next()).toBe('2030-01-13T09:00:00.000Z')
    await change({ autostart_requirement: { days_of_week: [] } })
    expect(await next()).toBeNull()
  })

  it('is carried out as a whole, or not at all', async () => {
    const broken = await fixtures.user(database.db, { quiet_hours_schedule: 'nonsense' })
    const dormant = await workspaceOf({}, { dormant_at: at(-5), last_used_at: at(-9) })
    await workspaceOf({}, { owner_id: broken.id })
    await expect(
      change({
        update_workspace_last_used_at: true,
        max_port_share_level: 'public',
        time_til_dormant_autodelete_ms: 48 * HOUR,
        autostop_requirement: { days_of_week: ['saturday'], weeks: 1 },
      }),
    ).rejects.toMatchObject({ status: 500 })
    expect(await stored(dormant)).toMatchObject({ last_used_at: at(-9), deleting_at: null })
    expect(await owner.call(getTemplate, { params: { template: template.id } })).toMatchObject({
      time_til_dormant_autodelete_ms: 0,
      max_port_share_level: 'owner',
    })
  })
})

describe('WS-89, WS-310: ports that are shared wider than a template allows by now', () => {
  it('are taken back to what it allows, and stay there', async () => {
    await another({ max_port_sharing_level: 'public' })
    const { db } = database
    const workspace = await fixtures.workspace(db, { owner_id, template_id: template.id })
    const build = await fixtures.workspaceBuild(db, { workspace })
    const resource = await fixtures.workspaceResource(db, { build })
    await fixtures.workspaceAgent(db, { resource, name: 'main' })
    const params = { workspace: workspace.id }
    for (const [port, share_level] of [
      [8080, 'public'],
      [8081, 'authenticated'],
      [8082, 'organization'],
    ] as const)
      await owner.call(upsertPortShare, {
        params,
        body: { agent_name: 'main', port, share_level, protocol: 'http' },
      })
    const elsewhere = await fixtures.workspaceAgentPortShare(db, { share_level: 'public' })
    const levels = async () =>
      (await owner.call(listPortShares, { params })).shares.map((share) => share.share_level)
    expect(await levels()).toEqual(['public', 'authenticated', 'organization'])
    const lowered = async (max_port_share_level: 'authenticated' | 'organization' | 'owner') => {
      await change({ max_port_share_level })
      await change({ max_port_share_level: 'public' })
      return levels()
    }
    expect(await lowered('authenticated')).toEqual(['authenticated', 'authenticated', 'organization'])
    expect(await lowered('organization')).toEqual(['organization', 'organization', 'organization'])
    expect(await lowered('owner')).toEqual([])
    const left = await db.selectFrom('workspace_agent_port_share').select('workspace_id').execute()
    expect(left).toEqual([{ workspace_id: elsewhere.workspace_id }])
  })
})

async function prebuilds(): Promise<string> {
  const { db } = database
  const found = await db.selectFrom('users').select('id').where('id', '=', PREBUILDS_USER).executeTakeFirst()
  return (found ?? (await fixtures.user(db, { id: PREBUILDS_USER, is_system: true, login_type: 'none' }))).id
}
