import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getDeploymentDaus,
  getTemplateDaus,
  getTemplateInsights,
  getUser,
  getUserActivity,
  getUserLatency,
  getUserStatusCounts,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The day before yesterday, in UTC. */
const day = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS
const at = (hours: number): Date => new Date(day + hours * HOUR_MS)
const text = (time: Date): string => time.toISOString().replace('.000', '')
const dateOf = (time: Date): string => time.toISOString().slice(0, 10)

const stack = new AsyncDisposableStack()
let server: TestServer
let owner: Client
let database: Database
let ada: Awaited<ReturnType<typeof fixtures.user>>
let bob: Awaited<ReturnType<typeof fixtures.user>>
let one: Awaited<ReturnType<typeof fixtures.template>>
let two: Awaited<ReturnType<typeof fixtures.template>>
/** All that happened on the day, and a day on. */
const query = { start_time: text(at(0)), end_time: text(at(24)) }

beforeAll(async () => {
  server = stack.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  owner = await server.owner()
  const { db } = database
  ada = await fixtures.user(db, { status: 'active' })
  bob = await fixtures.user(db, { status: 'active' })
  const organization = await db
    .selectFrom('organizations')
    .selectAll()
    .where('is_default', '=', true)
    .executeTakeFirstOrThrow()
  one = await fixtures.template(db, { organization })
  two = await fixtures.template(db)
  const used = (
    hours: number,
    user: typeof ada,
    template: typeof one,
    columns: Parameters<typeof fixtures.templateUsageStat>[1],
  ) => fixtures.templateUsageStat(db, { start_time: at(hours), user, template, ssh_mins: 0, ...columns })
  const apps = (uses: Record<string, { mins: number; times: number }>) => JSON.stringify(uses)
  await fixtures.templateUsedApp(db, {
    template: one,
    slug: 'web',
    display_name: 'Web',
    icon: '/icon/web.svg',
  })
  await fixtures.templateUsedApp(db, {
    template: two,
    slug: 'web',
    display_name: 'Web',
    icon: '/icon/web.svg',
  })
  await fixtures.templateUsedApp(db, { template: two, slug: 'own', display_name: 'Own' })
  // Two templates in one half hour: thirty minutes, and not forty.
  await used(10, ada, one, {
    usage_mins: 20,
    vscode_mins: 20,
    median_latency_ms: 10,
    apps: apps({ web: { mins: 5, times: 2 } }),
  })
  await used(10, ada, two, { usage_mins: 20, vscode_mins: 20, median_latency_ms: 30 })
  await used(10.5, ada, one, { usage_mins: 10, ssh_mins: 4, median_latency_ms: 20 })
  await used(23, bob, two, {
    usage_mins: 7,
    reconnecting_pty_mins: 7,
    apps: apps({ web: { mins: 1, times: 1 }, own: { mins: 3, times: 1 } }),
  })
  // The day before, just, and the day after.
  await used(-0.5, bob, one, { usage_mins: 30, ssh_mins: 30, median_latency_ms: 99 })
  await used(24, bob, one, { usage_mins: 30, ssh_mins: 30, median_latency_ms: 99 })
})
afterAll(() => stack.disposeAsync())

describe('WS-272: reports of users', () => {
  it('tell how long each was active, the most active first, and once where several templates were used', async () => {
    const { report } = await owner.call(getUserActivity, { query })
    expect(report).toEqual({
      ...query,
      template_ids: [one.id, two.id].sort(),
      users: [
        {
          user_id: ada.id,
          username: ada.username,
          avatar_url: '',
          seconds: 40 * 60,
          template_ids: expect.toSatisfy((ids: string[]) => ids.length === 2),
        },
        { user_id: bob.id, username: bob.username, avatar_url: '', seconds: 420, template_ids: [two.id] },
      ],
    })
    const ofTwo = await owner.call(getUserActivity, { query: { ...query, template_ids: [two.id] } })
    expect(ofTwo.report.users.map(({ seconds }) => seconds)).toEqual([1_200, 420])
    const both = await owner.call(getUserActivity, {
      query: { ...query, template_ids: [`${one.id},${two.id}`] },
    })
    expect(both.report.users).toEqual(report.users)
  })

  it('tell how far away workspaces were; of who was not far or near nothing is told', async () => {
    const { report } = await owner.call(getUserLatency, { query })
    expect(report.users).toEqual([
      {
        user_id: ada.id,
        username: ada.username,
        avatar_url: '',
        template_ids: expect.toSatisfy((ids: string[]) => ids.length === 2),
        latency_ms: { p50: 20, p95: 29 },
      },
    ])
  })
})

describe('WS-272: reports of templates', () => {
  it('tell what was used: built-in ways to work, then apps, the longest first', async () => {
    const { report, interval_reports } = await owner.call(getTemplateInsights, { query })
    expect(interval_reports).toBeUndefined()
    expect(report).toMatchObject({ ...query, active_users: 2, template_ids: [one.id, two.id].sort() })
    expect(
      report?.apps_usage.map(({ type, slug, seconds, times_used }) => [type, slug, seconds, times_used]),
    ).toEqual([
      ['builtin', 'vscode', 1_800, 0],
      ['builtin', 'jetbrains', 0, 0],
      ['builtin', 'reconnecting-pty', 420, 0],
      ['builtin', 'ssh', 240, 0],
      ['builtin', 'sftp', 0, 0],
      ['app', 'web', 360, 3],
      ['app', 'own', 180, 1],
    ])
    expect(report?.apps_usage[5]).toMatchObject({ display_name: 'Web', icon: '/icon/web.svg' })
    expect(report?.apps_usage[3]?.template_ids).toEqual([one.id])
    const ofOne = await owner.call(getTemplateInsights, { query: { ...query, template_ids: [one.id] } })
    expect(ofOne.report).toMatchObject({ active_users: 1, template_ids: [one.id] })
    expect(ofOne.report?.apps_usage.find(({ slug }) => slug === 'own')).toBeUndefined()
  })

  it('tell of each day or week, in the offset that was asked with, and only the sections that are asked for', async () => {
    const east = (time: Date): string => text(new Date(time.getTime() + 2 * HOUR_MS)).replace('Z', '+02:00')
    const { report, interval_reports } = await owner.call(getTemplateInsights, {
      query: {
        start_time: east(at(-2)),
        end_time: east(at(22 + 24)),
        interval: 'day',
        sections: ['interval_reports'],
      },
    })
    expect(report).toBeUndefined()
    expect(interval_reports).toEqual([
      // What bob did before midnight in UTC was after it there.
      {
        start_time: east(at(-2)),
        end_time: east(at(22)),
        template_ids: expect.toSatisfy((ids: string[]) => ids.length === 2),
        interval: 'day',
        active_users: 2,
      },
      expect.objectContaining({ start_time: east(at(22)), end_time: east(at(46)), active_users: 1 }),
    ])
  })

  it('count the values of parameters in the latest start of each workspace', async () => {
    const { db } = database
    const template = await fixtures.template(db)
    const version = await fixtures.templateVersion(db, { template })
    const options = [{ name: 'Big', description: '', value: 'big', icon: '' }]
    await fixtures.templateVersionParameter(db, {
      version,
      name: 'size',
      display_name: 'Size',
      options: JSON.stringify(options),
    })
    const build = async (
      workspace: Awaited<ReturnType<typeof fixtures.workspace>>,
      value: string,
      hours: number,
    ) => {
      const made = await fixtures.workspaceBuild(db, { workspace, version, created_at: at(hours) })
      await fixtures.workspaceBuildParameter(db, { build: made, name: 'size', value })
    }
    const workspaces = [
      await fixtures.workspace(db, { template }),
      await fixtures.workspace(db, { template }),
    ]
    for (const workspace of workspaces) await build(workspace, 'small', 1)
    for (const workspace of workspaces) await build(workspace, 'big', 2)
    await build(await fixtures.workspace(db, { template }), 'small', 3)
    await build(await fixtures.workspace(db, { template }), 'small', 30)
    const { report } = await owner.call(getTemplateInsights, {
      query: { ...query, template_ids: [template.id], sections: ['report'] },
    })
    expect(report?.parameters_usage).toEqual([
      {
        template_ids: [template.id],
        name: 'size',
        display_name: 'Size',
        type: 'string',
        description: '',
        options,
        values: [
          { value: 'big', count: 2 },
          { value: 'small', count: 1 },
        ],
      },
    ])
  })
})

describe('WS-271, OP-160: active users by day', () => {
  const amounts = (entries: readonly { date: string; amount: number }[]) =>
    Object.fromEntries(entries.filter(({ amount }) => amount > 0).map(({ date, amount }) => [date, amount]))

  it('are told of sixty days, today the last of them, where hours are counted to the west', async () => {
    const { tz_hour_offset, entries } = await owner.call(getDeploymentDaus, { query: {} })
    expect(tz_hour_offset).toBe(0)
    expect(entries).toHaveLength(60)
    expect([dateOf(new Date()), dateOf(new Date(Date.now() - 60_000))]).toContain(entries.at(-1)?.date)
    expect(amounts(entries)).toEqual({ [dateOf(at(-1))]: 1, [dateOf(at(0))]: 2, [dateOf(at(24))]: 1 })
    // Two hours to the east it was the next day for what bob did last.
    const east = await owner.call(getDeploymentDaus, { query: { tz_offset: -2 } })
    expect(east.tz_hour_offset).toBe(-2)
    expect(amounts(east.entries)).toEqual({ [dateOf(at(0))]: 2, [dateOf(at(24))]: 1 })
    const west = await owner.call(getDeploymentDaus, { query: { tz_offset: 11 } })
    expect(amounts(west.entries)).toEqual({ [dateOf(at(-1))]: 2, [dateOf(at(0))]: 1 })
  })

  it('are told of one template', async () => {
    const { entries } = await owner.call(getTemplateDaus, { params: { template: two.id }, query: {} })
    expect(amounts(entries)).toEqual({ [dateOf(at(0))]: 2 })
  })
})

describe('WS-273: users by their status', () => {
  it('are counted at the end of each day, until they are deleted', async () => {
    const { db } = database
    const counts = async (given: Record<string, string | number>) => {
      const { status_counts } = await owner.call(getUserStatusCounts, { query: given })
      expect(Object.keys(status_counts).sort()).toEqual(['active', 'dormant', 'suspended'])
      for (const days of Object.values(status_counts)) expect(days).toHaveLength(60)
      return (status: string, fromLast: number) => status_counts[status]?.at(-1 - fromLast)?.count ?? -1
    }
    const before = await counts({})
    const user = await fixtures.user(db, { status: 'dormant' })
    const changed = (new_status: 'active' | 'suspended', days: number) =>
      fixtures.userStatusChange(db, { user, new_status, changed_at: new Date(Date.now() - days * DAY_MS) })
    await db
      .updateTable('user_status_changes')
      .set({ changed_at: new Date(Date.now() - 10 * DAY_MS) })
      .where('user_id', '=', user.id)
      .execute()
    await changed('active', 8)
    await changed('suspended', 6)
    const added = async (status: string, days: number) =>
      (await counts({}))(status, days) - before(status, days)
    expect(await added('dormant', 11)).toBe(0)
    expect(await added('dormant', 9)).toBe(1)
    expect(await added('active', 7)).toBe(1)
    expect(await added('dormant', 7)).toBe(0)
    expect(await added('suspended', 5)).toBe(1)
    expect(await added('suspended', 0)).toBe(1)
    await db.updateTable('users').set({ deleted: true }).where('id', '=', user.id).execute()
    await db
      .updateTable('user_deletions')
      .set({ deleted_at: new Date(Date.now() - 3 * DAY_MS) })
      .where('user_id', '=', user.id)
      .execute()
    expect(await added('suspended', 2)).toBe(0)
    expect(await added('suspended', 4)).toBe(1)
  })

  it('have days that begin at midnight where they are', async () => {
    const last = async (given: Record<string, string | number>) => {
      const { status_counts } = await owner.call(getUserStatusCounts, { query: given })
      return status_counts.active?.at(-1)?.date.slice(11, 16)
    }
    expect(await last({})).toBe('00:00')
    expect(await last({ timezone: 'Asia/Kolkata' })).toBe('18:30')
    expect(await last({ tz_offset: 5, interval: '86400' })).toBe('05:00')
    expect(await last({ tz_offset: -3 })).toBe('21:00')
  })
})

describe('faults', () => {
  it.each([
    ['insights/user-activity', '', 'start_time'],
    ['insights/user-activity', 'start_time=2026-01-01T00:00:00Z', 'end_time'],
    ['insights/user-latency', 'start_time=2026-01-01&end_time=2026-01-02T00:00:00Z', 'start_time'],
    ['insights/user-activity', 'start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z', 'end_time'],
    ['insights/user-activity', `${new URLSearchParams(query)}&template_ids=x`, 'template_ids'],
    ['insights/user-latency', `${new URLSearchParams(query)}&templates=x`, 'templates'],
    ['insights/templates', `${new URLSearchParams(query)}&interval=month`, 'interval'],
    ['insights/templates', `${new URLSearchParams(query)}&interval=week`, 'end_time'],
    ['insights/templates', `${new URLSearchParams(query)}&sections=report,other`, 'sections'],
    ['insights/daus', 'tz_offset=x', 'tz_offset'],
    ['insights/daus', 'tz_offset=15', 'tz_offset'],
    ['insights/daus', 'offset=1', 'offset'],
    ['insights/user-status-counts', 'timezone=Mars/Base', 'timezone'],
    ['insights/user-status-counts', 'timezone=Europe/Berlin&tz_offset=1', 'tz_offset'],
  ])('WS-272, WS-273: GET %s?%s is a 400 that names %s, %s', async (path, search, field) => {
    const answer = await fetch(`${server.url}/api/v2/${path}?${search}`, { headers: owner.headers })
    expect(answer.status).toBe(400)
    const body = (await answer.json()) as { validations?: { field: string }[] }
    expect(body.validations?.map((validation) => validation.field)).toContain(field)
  })
})

describe('WS-274: who may see insights', () => {
  it('of all templates, of one, or of none', async () => {
    const auditor = await server.user('insights-auditor', ['auditor'])
    const admin = await server.user('insights-admin', ['template-admin'])
    const member = await server.user('insights-member')
    const manager = await server.user('insights-manager')
    const { id } = await manager.call(getUser, { params: { user: 'me' } })
    await database.db
      .updateTable('templates')
      .set({ user_acl: JSON.stringify({ [id]: ['*'] }) })
      .where('id', '=', one.id)
      .execute()
    const sees = async (client: Client, ids: readonly string[]): Promise<boolean> => {
      const answers = await Promise.allSettled([
        client.call(getUserActivity, { query: { ...query, template_ids: [...ids] } }),
        client.call(getUserLatency, { query: { ...query, template_ids: [...ids] } }),
        client.call(getTemplateInsights, { query: { ...query, template_ids: [...ids] } }),
        ...(ids.length === 0
          ? [client.call(getDeploymentDaus, { query: {} }), client.call(getUserStatusCounts, { query: {} })]
          : ids.map((template) => client.call(getTemplateDaus, { params: { template }, query: {} }))),
      ])
      for (const answer of answers)
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ status: 404 })
      const seen = answers.filter(({ status }) => status === 'fulfilled').length
      return seen === answers.length ? true : seen === 0 ? false : expect.fail('some only')
    }
    for (const client of [owner, auditor, admin]) {
      expect(await sees(client, [])).toBe(true)
      expect(await sees(client, [two.id])).toBe(true)
    }
    expect(await sees(member, [])).toBe(false)
    expect(await sees(member, [one.id])).toBe(false)
    expect(await sees(manager, [])).toBe(false)
    expect(await sees(manager, [one.id])).toBe(true)
    expect(await sees(manager, [two.id])).toBe(false)
    // One that may not be seen, or is none, is enough.
    for (const other of [two.id, '00000000-0000-4000-8000-000000000000']) {
      const both = manager.call(getUserActivity, { query: { ...query, template_ids: [one.id, other] } })
      await expect(both).rejects.toMatchObject({ status: 404 })
    }
  })
})
