import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { rollUpUsage } from './store/rollup.ts'

const actor = systemActor('usage_tracker', 'a test rolls up')
const stack = new AsyncDisposableStack()
let database: Database
let user: Awaited<ReturnType<typeof fixtures.user>>
let template: Awaited<ReturnType<typeof fixtures.template>>
let agent: Awaited<ReturnType<typeof fixtures.workspaceAgent>>
let another: typeof agent

beforeAll(async () => {
  const copy = stack.use(await createTestDatabase())
  database = stack.use(await openDatabase(copy.url, { maxConnections: 2 }))
  user = await fixtures.user(database.db)
  template = await fixtures.template(database.db)
  agent = await fixtures.workspaceAgent(database.db)
  another = await fixtures.workspaceAgent(database.db)
})
afterAll(() => stack.disposeAsync())
beforeEach(async () => {
  for (const table of [
    'workspace_agent_stats',
    'workspace_app_stats',
    'template_usage_stats',
    'usage_rollup',
  ] as const)
    await database.db.deleteFrom(table).execute()
})

const DAY = '2026-03-20'
const at = (clock: string, day = DAY): Date => new Date(`${day}T${clock}:00Z`)

/** A minute of an agent, with one SSH session unless something else is said. */
const minute = (clock: string, columns: Parameters<typeof fixtures.workspaceAgentStat>[1] = {}) =>
  fixtures.workspaceAgentStat(database.db, { agent, user, template, minute: at(clock), ...columns })
const appMinute = (clock: string, slug: string, of = agent) =>
  fixtures.workspaceAppStat(database.db, { agent: of, user, template, slug, minute: at(clock) })
const rollUp = (now: Date) => database.transaction((tx) => rollUpUsage(actor, tx, now))

async function usage() {
  const rows = await database.db
    .selectFrom('template_usage_stats')
    .selectAll()
    .orderBy('start_time')
    .execute()
  return rows.map(({ start_time, usage_mins, ...row }) => ({
    ...row,
    at: start_time.toISOString().slice(11, 16),
    usage_mins,
  }))
}

describe('OP-52, WS-270: minutes become half hours of a user and a template', () => {
  it('a minute counts once, in however many workspaces and ways something was used', async () => {
    await minute('10:05', { ssh: 2, vscode: 1 })
    await minute('10:05', { agent: another, jetbrains: 1 })
    await appMinute('10:05', 'web')
    await minute('10:06', { ssh: 0, reconnecting_pty: 1 })
    await appMinute('10:29', 'web')
    await minute('10:30')
    expect(await rollUp(at('11:00'))).toBe(false)
    expect(await usage()).toMatchObject([
      {
        at: '10:00',
        usage_mins: 3,
        ssh_mins: 1,
        vscode_mins: 1,
        jetbrains_mins: 1,
        reconnecting_pty_mins: 1,
        sftp_mins: 0,
        apps: { web: { mins: 2, times: 2 } },
        user_id: user.id,
        template_id: template.id,
      },
      { at: '10:30', usage_mins: 1, ssh_mins: 1, apps: null },
    ])
  })

  it('an app that is used on is not begun again, also over the half hour and in another workspace', async () => {
    for (const clock of ['10:28', '10:29', '10:30', '10:45']) await appMinute(clock, 'web')
    await appMinute('10:31', 'web', another)
    await rollUp(at('11:00'))
    // Only the second half hour is counted anew.
    await rollUp(at('11:05'))
    expect((await usage()).map(({ apps }) => apps)).toEqual([
      { web: { mins: 2, times: 1 } },
      { web: { mins: 3, times: 1 } },
    ])
  })

  it('the distance is the median of the minutes in which something was used', async () => {
    for (const [clock, latency_ms] of [
      ['10:01', 10],
      ['10:02', 20],
      ['10:03', 90],
    ] as const)
      await minute(clock, { latency_ms })
    // Only bytes went through: nobody worked here.
    await minute('10:04', { ...NOTHING_SAID, rx_bytes: 9, latency_ms: 500 })
    await rollUp(at('11:00'))
    expect(await usage()).toMatchObject([{ usage_mins: 3, median_latency_ms: 20 }])
  })

  it('minutes without sessions, and those of prebuilt workspaces, are no use', async () => {
    await minute('10:01', { ssh: 0 })
    await minute('10:02', { ...NOTHING_SAID, tx_bytes: 9 })
    await minute('10:03', { user: await fixtures.user(database.db, { is_system: true }) })
    await rollUp(at('11:00'))
    expect(await usage()).toEqual([])
  })

  it('a half hour under way is counted anew with what has come since, and late reports of the one before', async () => {
    await minute('10:31')
    await rollUp(at('10:40'))
    expect(await usage()).toMatchObject([{ at: '10:30', usage_mins: 1 }])
    await minute('10:41')
    await minute('10:39')
    await rollUp(at('10:45'))
    expect(await usage()).toMatchObject([{ at: '10:30', usage_mins: 3 }])
    await minute('10:59')
    await rollUp(at('11:01'))
    await rollUp(at('11:02'))
    expect(await usage()).toMatchObject([{ at: '10:30', usage_mins: 4 }])
  })

  it('goes on where it stood when nobody rolled up for days, a day at a time', async () => {
    await minute('09:00')
    await rollUp(at('09:30'))
    await minute('10:00', { minute: at('10:00', '2026-03-21') })
    await minute('10:00', { minute: at('10:00', '2026-03-22') })
    let rounds = 1
    while (await rollUp(at('12:00', '2026-03-22'))) rounds += 1
    expect(rounds).toBe(3)
    expect(await usage()).toHaveLength(3)
  })
})

const NOTHING_SAID = {
  vscode: null,
  jetbrains: null,
  reconnecting_pty: null,
  ssh: null,
  sftp: null,
  other: null,
}
