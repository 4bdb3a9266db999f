import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createTestDatabase, fixtures, openDatabase, type TestDatabase } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { dueChange } from './lifecycle.ts'
import { takeStoppingWorkspaces } from './store/autostop-reminders.ts'
import { bumpDeadline } from './store/workspace-changes.ts'
import { getWorkspace, listTimedWorkspaces } from './store/workspaces.ts'

const HOUR = 3_600_000
const NS_PER_HOUR = HOUR * 1_000_000
const actor = systemActor('autostart', 'workspaces start and stop when their time has come')

let source: TestDatabase
let database: Database
const now = new Date()
const at = (hours: number): Date => new Date(now.getTime() + hours * HOUR)

beforeAll(async () => {
  source = await createTestDatabase()
  database = await openDatabase(source.url, { maxConnections: 2 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await source[Symbol.asyncDispose]()
})

interface Case {
  readonly template?: object
  readonly owner?: object
  readonly workspace?: object
  readonly build?: object
  /** The job of the latest build, which has ended an hour ago. */
  readonly job?: object
  /** It was made for a task. */
  readonly isTask?: boolean
}

async function make({ template, owner, workspace, build, job, isTask }: Case): Promise<string> {
  const { db } = database
  const made = await fixtures.workspace(db, {
    owner: await fixtures.user(db, { status: 'active', ...owner }),
    template: await fixtures.template(db, template),
    ...workspace,
  })
  const { organization_id } = made
  await fixtures.workspaceBuild(db, {
    workspace: made,
    job: await fixtures.provisionerJob(db, {
      organization_id,
      started_at: at(-2),
      completed_at: at(-1),
      ...job,
    }),
    created_at: at(-2),
    ...build,
  })
  if (isTask === true) await fixtures.task(db, { workspace: made })
  return made.id
}

/** What is due, for the first reading as for the second. */
async function due(given: Case) {
  const id = await make(given)
  const row = (await listTimedWorkspaces(actor, database.db, now)).find((one) => one.id === id)
  const later = dueChange(await getWorkspace(actor, database.db, id), now)
  expect(row === undefined ? undefined : dueChange(row, now)).toEqual(later)
  return later
}

const stop = (reason: string) => ({ build: { transition: 'stop', reason } })
const failed = { error: 'broken' }

describe('what the clock asks for (WS-235)', () => {
  it('a stop at the deadline, or when the owner is suspended', async () => {
    expect(await due({ build: { deadline: at(0) } })).toEqual(stop('autostop'))
    expect(await due({ build: { deadline: at(1) } })).toBeUndefined()
    expect(await due({ build: { deadline: at(0) }, isTask: true })).toEqual(stop('task_auto_pause'))
    expect(await due({ owner: { status: 'suspended' } })).toEqual(stop('autostop'))
    expect(await due({ job: { completed_at: null }, build: { deadline: at(-1) } })).toBeUndefined()
    expect(await due({ build: { deadline: at(-1) }, workspace: { dormant_at: at(-1) } })).toBeUndefined()
    expect(await due({ build: { deadline: at(-1) }, workspace: { deleted: true } })).toBeUndefined()
  })

  it('a start by the schedule, of who is active and may', async () => {
    const build = { transition: 'stop' }
    const workspace = { autostart_schedule: 'CRON_TZ=UTC */30 * * * *' }
    expect(await due({ build, workspace })).toEqual({ build: { transition: 'start', reason: 'autostart' } })
    for (const refused of [
      { owner: { status: 'suspended' } },
      { owner: { status: 'dormant' } },
      { template: { allow_user_autostart: false } },
      { template: { autostart_block_days: 0b1111111 } },
      { workspace: { ...workspace, dormant_at: at(-1) } },
      { job: failed },
      { build: { transition: 'start' } },
      { build: { transition: 'stop', created_at: at(0) } },
    ])
      expect(await due({ build, workspace, ...refused })).toBeUndefined()
  })

  it('a stop of what has failed for longer than the template keeps it', async () => {
    for (const transition of ['start', 'stop']) {
      const build = { transition }
      expect(await due({ build, job: failed, template: { failure_ttl: NS_PER_HOUR / 2 } })).toEqual(
        stop('autostop'),
      )
      expect(await due({ build, job: failed, template: { failure_ttl: 2 * NS_PER_HOUR } })).toBeUndefined()
      expect(await due({ build, job: failed })).toBeUndefined()
    }
  })

  it('rest of what nobody uses; only what runs is stopped for it (WS-308)', async () => {
    const template = { time_til_dormant: 24 * NS_PER_HOUR }
    const workspace = { last_used_at: at(-25) }
    expect(await due({ template, workspace, build: { transition: 'stop' } })).toEqual({ dormant: true })
    expect(await due({ template, workspace })).toEqual({ dormant: true, ...stop('dormancy') })
    expect(await due({ template, workspace: { last_used_at: at(-23) } })).toBeUndefined()
    expect(await due({ workspace })).toBeUndefined()
  })

  it('the end of what is dormant for too long, where the template still wants that; a second try waits a day', async () => {
    const template = { time_til_dormant_autodelete: NS_PER_HOUR }
    const workspace = { dormant_at: at(-30), deleting_at: at(-29) }
    const remove = { build: { transition: 'delete', reason: 'autodelete' } }
    expect(await due({ template, workspace, build: { transition: 'stop' } })).toEqual(remove)
    expect(await due({ workspace, build: { transition: 'stop' } })).toBeUndefined()
    expect(
      await due({
        template,
        workspace: { dormant_at: at(-1), deleting_at: at(1) },
        build: { transition: 'stop' },
      }),
    ).toBeUndefined()
    const build = { transition: 'delete' }
    for (const ended of [failed, { canceled_at: at(-1) }]) {
      expect(await due({ template, workspace, build, job: ended })).toBeUndefined()
      expect(await due({ template, workspace, build, job: { ...ended, completed_at: at(-25) } })).toEqual(
        remove,
      )
    }
  })
})

describe('reminders of a stop (WS-239)', () => {
  const HOUR_AHEAD = { time_til_autostop_notify: NS_PER_HOUR, activity_bump: 0 }
  const taken = async () =>
    (await takeStoppingWorkspaces(actor, database.db, now)).map((workspace) => workspace.id)
  async function reminds(given: Case): Promise<boolean> {
    const id = await make({ template: HOUR_AHEAD, build: { deadline: at(0.5) }, ...given })
    return (await taken()).includes(id)
  }

  it('are for what runs and stops within the time of its template', async () => {
    expect(await reminds({})).toBe(true)
    expect(await reminds({ template: {} })).toBe(false)
    for (const build of [
      { deadline: at(1.1) },
      { deadline: at(-0.1) },
      { deadline: null },
      { deadline: at(0.5), transition: 'stop' },
    ])
      expect(await reminds({ build }), JSON.stringify(build)).toBe(false)
    expect(await reminds({ job: failed })).toBe(false)
    expect(await reminds({ workspace: { dormant_at: at(-1) } })).toBe(false)
    expect(await reminds({ workspace: { deleted: true } })).toBe(false)
    expect(await reminds({ owner: { status: 'suspended' } })).toBe(false)
    const { db } = database
    const id = await make({ template: HOUR_AHEAD, build: { deadline: at(0.5) } })
    const workspace = await db.selectFrom('workspaces').selectAll().where('id', '=', id).executeTakeFirst()
    await fixtures.workspaceBuild(db, {
      ...(workspace && { workspace }),
      build_number: 2,
      transition: 'stop',
    })
    expect(await taken()).not.toContain(id)
  })

  it('come once for each deadline', async () => {
    const id = await make({ template: HOUR_AHEAD, build: { deadline: at(0.5) } })
    expect(await taken()).toContain(id)
    expect(await taken()).not.toContain(id)
    await database.db
      .updateTable('workspace_builds')
      .set({ deadline: at(0.6) })
      .where('workspace_id', '=', id)
      .execute()
    expect(await taken()).toContain(id)
  })

  it('wait while it is used, where use still moves the deadline', async () => {
    const template = { ...HOUR_AHEAD, activity_bump: NS_PER_HOUR }
    const used = { last_used_at: at(-0.1) }
    const build = { deadline: at(0.5) }
    expect(await reminds({ template, workspace: used })).toBe(false)
    expect(await reminds({ template, workspace: { last_used_at: at(-0.3) } })).toBe(true)
    expect(await reminds({ template: HOUR_AHEAD, workspace: used })).toBe(true)
    expect(await reminds({ template, workspace: used, build: { ...build, max_deadline: at(0.9) } })).toBe(
      true,
    )
    expect(await reminds({ template, workspace: used, build: { ...build, max_deadline: at(2) } })).toBe(false)
  })
})

describe('use of a workspace (WS-240)', () => {
  /** The deadline in hours from now, after use. */
  async function used(given: Case, nextStart?: Date): Promise<number> {
    const { db } = database
    const id = await make({ ...given, template: { activity_bump: NS_PER_HOUR, ...given.template } })
    await bumpDeadline(actor, db, await getWorkspace(actor, db, id), now, nextStart)
    const { deadline } = await getWorkspace(actor, db, id)
    return ((deadline?.getTime() ?? Number.NaN) - now.getTime()) / HOUR
  }

  it('moves the deadline once a twentieth of the bump has passed', async () => {
    expect(await used({ build: { deadline: at(0.98) } })).toBeCloseTo(0.98)
    expect(await used({ build: { deadline: at(0.9) } })).toBeCloseTo(1)
    expect(await used({ build: { deadline: at(5) } })).toBeCloseTo(5)
  })

  it('never past the maximum, and not where the template has no bump', async () => {
    expect(await used({ build: { deadline: at(0.5), max_deadline: at(0.7) } })).toBeCloseTo(0.7)
    expect(await used({ build: { deadline: at(0.5) }, template: { activity_bump: 0 } })).toBeCloseTo(0.5)
    expect(await used({ build: { deadline: at(0.5) }, job: failed })).toBeCloseTo(0.5)
  })

  it('that reaches into the next start by the schedule gets the time of that one', async () => {
    const workspace = { ttl: 8 * NS_PER_HOUR }
    expect(await used({ workspace, build: { deadline: at(0.5) } }, at(0.8))).toBeCloseTo(8.8)
    expect(await used({ workspace, build: { deadline: at(0.5) } }, at(1.2))).toBeCloseTo(1)
  })
})
