import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { createTestDatabase, fixtures, openDatabase, type TestDatabase, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import { JobReaper } from './job-reaper.ts'
import { countMatching } from './store/daemons.ts'
import { claimJob, completeJob, type JobRow, listLostJobs, queuePlaces, renewJob } from './store/jobs.ts'
import { mergeTags, normalizeTags, type Tags } from './tags.ts'

const provisioner = systemActor('provisionerd', 'test')
const daemons = systemActor('system_read_provisioner_daemons', 'test')
const USER = randomUUID()
const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000)

let databaseOf: TestDatabase
let database: Database

beforeAll(async () => {
  databaseOf = await createTestDatabase()
  database = await openDatabase(databaseOf.url)
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await databaseOf[Symbol.asyncDispose]()
})

/** The empty queue of an organization of its own. */
async function emptyQueue() {
  const organizationId = (await fixtures.organization(database.db)).id
  return {
    organizationId,
    queued: (more: object = {}) =>
      fixtures.provisionerJob(database.db, {
        organization_id: organizationId,
        started_at: null,
        completed_at: null,
        tags: JSON.stringify(normalizeTags({}, USER)),
        ...more,
      }),
    claim: (tags: Tags = normalizeTags({}, USER), id: string = randomUUID()) =>
      claimJob(provisioner, database.db, { id, organizationId, provisioners: ['typescript'], tags }),
  }
}

const read = (id: string): Promise<JobRow> =>
  database.db.selectFrom('provisioner_jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

describe('tags', () => {
  it('PR-8: are merged from left to right, and their owner follows from their scope', () => {
    expect(mergeTags({ a: '1', b: '2' }, { a: '', b: '3', c: '' })).toEqual({ a: '1', b: '3', c: '' })
    expect(normalizeTags({ scope: 'moon', owner: 'x' }, USER)).toEqual({ scope: 'organization', owner: '' })
    expect(normalizeTags({ scope: 'user' }, USER)).toEqual({ scope: 'user', owner: USER })
  })

  const other = randomUUID()
  it.each<[Tags, Tags, boolean]>([
    [{}, {}, true],
    [{ env: 'prod' }, {}, false],
    [{}, { env: 'prod' }, false],
    [{ env: 'prod', dc: 'a' }, { env: 'prod' }, true],
    [{ env: 'prod' }, { env: 'prod', dc: 'a' }, false],
    [{ dc: 'b' }, { dc: 'a' }, false],
    [{ scope: 'user', owner: USER, env: 'prod' }, { scope: 'user', owner: USER }, true],
    [{ scope: 'user', owner: USER }, {}, false],
    [{ scope: 'user', owner: USER }, { scope: 'user', owner: other }, false],
    [{}, { scope: 'user', owner: USER }, false],
  ])('PR-16, PR-17: a provisioner with %j and a job with %j', async (has, wants, runs) => {
    const { organizationId, queued, claim } = await emptyQueue()
    const tags = { ...normalizeTags({}, USER), ...has }
    const job = await queued({ tags: JSON.stringify({ ...normalizeTags({}, USER), ...wants }) })
    await fixtures.provisionerDaemon(database.db, {
      organization_id: organizationId,
      tags: JSON.stringify(tags),
    })
    const needs = { organizationId, provisioner: 'typescript', tags: Object(job.tags) }
    expect((await countMatching(daemons, database.db, needs)).count).toBe(runs ? 1 : 0)
    expect((await queuePlaces(daemons, database.db, [job.id])).get(job.id)?.position).toBe(
      runs ? 1 : undefined,
    )
    expect((await claim(tags))?.id).toBe(runs ? job.id : undefined)
  })

  it('PR-16, L-S7: neither another organization nor another kind of template matches', async () => {
    const { queued, claim } = await emptyQueue()
    const elsewhere = await fixtures.organization(database.db)
    await queued({ organization_id: elsewhere.id })
    await queued({ provisioner: 'terraform' })
    expect(await claim()).toBeUndefined()
  })
})

describe('the queue', () => {
  it('WS-193, PR-29, PR-38: people come before prebuilds, then the oldest; what none of these takes does not count', async () => {
    const { organizationId, queued, claim } = await emptyQueue()
    const prebuild = { initiator_id: 'c42fdf75-3097-471c-8c33-fb52454d81c0' }
    const last = await queued({ ...prebuild, created_at: ago(90) })
    const second = await queued({ created_at: ago(50) })
    const first = await queued({ created_at: ago(60) })
    const foreign = await queued({
      created_at: ago(99),
      tags: JSON.stringify({ scope: 'organization', gpu: 'yes' }),
    })
    const daemon = { organization_id: organizationId }
    await fixtures.provisionerDaemon(database.db, daemon)
    await fixtures.provisionerDaemon(database.db, {
      ...daemon,
      tags: JSON.stringify({ scope: 'organization', gpu: 'yes' }),
      last_seen_at: ago(120),
    })
    expect((await queuePlaces(daemons, database.db, [foreign.id])).get(foreign.id)).toBeUndefined()
    const places = await queuePlaces(daemons, database.db, [first.id, second.id, last.id])
    expect([first, second, last].map(({ id }) => places.get(id))).toMatchObject([
      { position: 1, size: 3 },
      { position: 2, size: 3 },
      { position: 3, size: 3 },
    ])
    for (const job of [first, second, last]) expect((await claim())?.id).toBe(job.id)
  })

  it('PR-29: of many provisioners at once each job is taken by one', async () => {
    const { queued, claim } = await emptyQueue()
    const jobs = await Promise.all(Array.from({ length: 10 }, () => queued()))
    const claimed = await Promise.all(Array.from({ length: 20 }, () => claim()))
    const ids = claimed.flatMap((job) => (job === undefined ? [] : [job.id]))
    // Whoever finds a row that another one is about to take may leave with nothing and come again.
    for (let job = await claim(); job !== undefined; job = await claim()) ids.push(job.id)
    expect(ids.sort()).toEqual(jobs.map(({ id }) => id).sort())
  })
})

describe('a job whose provisioner is gone', () => {
  const reaper = () => new JobReaper({ database, log: silentLogger(), handlers: [] })
  const abandon = (id: string) =>
    database.db
      .updateTable('provisioner_jobs')
      .set({ updated_at: ago(40) })
      .where('id', '=', id)
      .execute()

  it.each(['template_version_import', 'template_version_dry_run'] as const)(
    'PR-122: %s is tried once more, and fails the second time',
    async (type) => {
      const { queued, claim } = await emptyQueue()
      const job = await queued({ type })
      using own = reaper()
      await claim()
      await abandon(job.id)
      await own.tick()
      expect(await read(job.id)).toMatchObject({ job_status: 'pending', worker_id: null, attempts: 1 })
      expect((await claim())?.id).toBe(job.id)
      await abandon(job.id)
      await own.tick()
      expect(await read(job.id)).toMatchObject({
        job_status: 'failed',
        error: 'connection to provisioner daemon lost',
      })
    },
  )

  it('PR-B4: is neither renewed nor completed by a provisioner that comes back', async () => {
    const { organizationId, queued, claim } = await emptyQueue()
    const job = await queued()
    const worker = randomUUID()
    await claim(undefined, worker)
    const held = { id: job.id, workerId: worker, organizationId }
    expect(await renewJob(provisioner, database.db, held)).toEqual({ canceled: false })
    await abandon(job.id)
    using own = reaper()
    await own.tick()
    expect(await renewJob(provisioner, database.db, held)).toBeUndefined()
    expect(await completeJob(provisioner, database.db, held)).toBe(false)
    expect((await read(job.id)).job_status).toBe('failed')
  })

  it('OP-51: of many ten are looked at together, whether they were lost or waited for half an hour, and no others', async () => {
    const { queued } = await emptyQueue()
    const young = await queued({ updated_at: ago(20 * 60) })
    const lost = await Promise.all(Array.from({ length: 6 }, () => queued({ updated_at: ago(31 * 60) })))
    for (let i = 0; i < 6; i += 1) lost.push(await queued({ updated_at: ago(40), started_at: ago(60) }))
    const listed = async () =>
      (await listLostJobs(systemActor('job_reaper', 'test'), database.db)).map(({ id }) => id)
    const ids = lost.map(({ id }) => id)
    const found = await listed()
    expect(found).toHaveLength(10)
    expect(found.filter((id) => !ids.includes(id))).toEqual([])
    using own = reaper()
    await until('the end of all', async () => {
      await own.tick()
      return (await listed()).length === 0
    })
    for (const id of ids) expect((await read(id)).job_status, id).toBe('failed')
    expect((await read(young.id)).job_status).not.toBe('failed')
  })

  it('PR-122: is left alone while its provisioner renews it', async () => {
    const { organizationId, queued, claim } = await emptyQueue()
    const job = await queued()
    const worker = randomUUID()
    await claim(undefined, worker)
    await abandon(job.id)
    await renewJob(provisioner, database.db, { id: job.id, workerId: worker, organizationId })
    using own = reaper()
    await own.tick()
    expect((await read(job.id)).job_status).toBe('running')
  })
})
