import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { silentLogger } from '@slipway/request-log'
import { createTestDatabase, fixtures, openDatabase, type TestDatabase, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../database/index.ts'
import type { Engine } from './engine/engine.ts'
import type { JobTools } from './job-handler.ts'
import { JobLog } from './job-log.ts'
import { JobWorker } from './job-worker.ts'
import { cancelJob, type JobRow } from './store/jobs.ts'

const provisioner = systemActor('provisionerd', 'test')
const TAGS = JSON.stringify({ scope: 'organization', owner: '' })

let databaseOf: TestDatabase
let database: Database
let workDirectory: string
let organizationId: string

beforeAll(async () => {
  databaseOf = await createTestDatabase()
  database = await openDatabase(databaseOf.url)
  workDirectory = await mkdtemp(path.join(tmpdir(), 'slipway-worker-'))
  organizationId = (await fixtures.organization(database.db)).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await databaseOf[Symbol.asyncDispose]()
  await rm(workDirectory, { recursive: true, force: true })
})

const engine: Engine = {
  open: () => Promise.reject(new Error('no engine')),
  isGone: () => Promise.resolve(false),
}
const pending = () =>
  fixtures.provisionerJob(database.db, {
    organization_id: organizationId,
    started_at: null,
    completed_at: null,
    tags: TAGS,
  })

const read = (id: string): Promise<JobRow> =>
  database.db.selectFrom('provisioner_jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

function worker(
  run: (job: JobRow, signal: AbortSignal, say: JobTools['say']) => Promise<void>,
  more: { readonly maxSilenceMs?: number } = {},
): JobWorker {
  return new JobWorker({
    database,
    log: silentLogger(),
    metrics: new Registry(),
    organizationId,
    name: 'tested',
    slots: 1,
    version: 'v1.0.0',
    engines: new Map([['typescript', engine]]),
    workDirectory,
    forceCancelMs: 100,
    ...more,
    handlers: [
      {
        type: 'workspace_build',
        async run(job, tools) {
          await run(job, tools.signal, tools.say)
          return { ok: true, store: async () => undefined }
        },
      },
    ],
  })
}

describe('the provisioner of the server', () => {
  it('PR-57: a job that does not stop when it is canceled fails, and its place is free for the next', async () => {
    const stuck = await pending()
    await using own = worker((job) =>
      job.id === stuck.id ? new Promise(() => undefined) : Promise.resolve(),
    )
    await own.start()
    await until('the claim', async () => (await read(stuck.id)).started_at)
    const next = await pending()
    await database.transaction((tx) => cancelJob(provisioner, tx, stuck.id))
    expect(await until('its end', async () => ended(await read(stuck.id)))).toMatchObject({
      job_status: 'failed',
      error: 'Cancel timed out',
    })
    expect(await until('the next', async () => ended(await read(next.id)))).toMatchObject({
      job_status: 'succeeded',
    })
  })

  it('L-12: a job of which nothing is heard fails, names the step and leaves its place, whether it stops or not', async () => {
    const [deaf, obedient, chatty] = [await pending(), await pending(), await pending()]
    await using own = worker(
      async (job, signal, say) => {
        say('Planning Infrastructure', 'begun')
        if (job.id === deaf.id) await new Promise(() => undefined)
        if (job.id === obedient.id)
          await new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(new Error('ended'))),
          )
        for (const begun = performance.now(); performance.now() - begun < 800; ) {
          await delay(10, undefined, { signal })
          say('Starting workspace', 'still at it')
        }
      },
      { maxSilenceMs: 600 },
    )
    await own.start()
    for (const { id } of [deaf, obedient])
      expect(await until('its end', async () => ended(await read(id)))).toMatchObject({
        job_status: 'failed',
        error: expect.stringMatching(/^nothing was heard .* after "Planning Infrastructure", .*: try again/),
      })
    // Longer than it may be silent, but never silent for so long.
    expect(await until('its end', async () => ended(await read(chatty.id)))).toMatchObject({
      job_status: 'succeeded',
    })
  })

  it('PR-B1: one that stops is canceled', async () => {
    const job = await pending()
    await using own = worker(
      (_, signal) =>
        new Promise((_resolve, reject) => {
          const stop = (): void => reject(new Error('stopped'))
          // The cancellation may come between the claim and the work.
          if (signal.aborted) stop()
          else signal.addEventListener('abort', stop)
        }),
    )
    await own.start()
    await until('the claim', async () => (await read(job.id)).started_at)
    await database.transaction((tx) => cancelJob(provisioner, tx, job.id))
    expect(await until('its end', async () => ended(await read(job.id)))).toMatchObject({
      job_status: 'canceled',
    })
  })

  it('PR-7: is registered again after others have removed it as gone', async () => {
    await using own = worker(() => Promise.resolve())
    await own.start()
    await database.db.deleteFrom('provisioner_daemons').execute()
    const [row] = await until('the registration', async () => {
      const rows = await database.db.selectFrom('provisioner_daemons').select('name').execute()
      return rows.length > 0 ? rows : undefined
    })
    expect(row?.name).toBe('tested')
  })
})

it('PR-123: built-in provisioners that were killed are forgotten when one starts, so that no job waits for them', async () => {
  const of = { organization_id: organizationId, last_seen_at: new Date(Date.now() - 660_000) }
  const killed = await fixtures.provisionerDaemon(database.db, {
    ...of,
    key_id: '00000000-0000-0000-0000-000000000001',
  })
  const external = await fixtures.provisionerDaemon(database.db, of)
  await using own = worker(() => Promise.resolve())
  await own.start()
  const rows = await database.db.selectFrom('provisioner_daemons').select('id').execute()
  expect(rows.map(({ id }) => id)).not.toContain(killed.id)
  expect(rows.map(({ id }) => id)).toContain(external.id)
})

it('PR-26: an error that no column could hold ends the job all the same', async () => {
  const job = await pending()
  await using own = worker(() => Promise.reject(new Error('a\0b')))
  await own.start()
  expect(await until('its end', async () => ended(await read(job.id)))).toMatchObject({
    job_status: 'failed',
    error: 'a\u274cb',
  })
})

describe('the log of a job', () => {
  it('WS-191, PR-44: ends at 1 MiB with one notice, and holds no NUL', async () => {
    const { id } = await fixtures.provisionerJob(database.db, { organization_id: organizationId })
    const log = new JobLog({ db: database.db, jobId: id, log: silentLogger() })
    const line = { source: 'provisioner', level: 'info', stage: 'Planning' } as const
    log.write({ ...line, createdAt: new Date(), output: 'a\0b' })
    for (let i = 0; i < 1_200; i += 1)
      log.write({ ...line, createdAt: new Date(), output: 'x'.repeat(1_000) })
    await log.flush()
    await log[Symbol.asyncDispose]()
    const stored = await database.db
      .selectFrom('provisioner_job_logs')
      .select('output')
      .where('job_id', '=', id)
      .orderBy('id')
      .execute()
    expect(stored[0]?.output).toBe('a\u274cb')
    expect(stored.length).toBeLessThan(1_060)
    expect(stored.filter(({ output }) => output.includes('exceeded the max size'))).toHaveLength(1)
    expect(stored.at(-1)?.output).toContain('exceeded the max size')
    expect((await read(id)).logs_overflowed).toBe(true)
  })
})

function ended(job: JobRow): JobRow | undefined {
  return job.completed_at === null ? undefined : job
}
