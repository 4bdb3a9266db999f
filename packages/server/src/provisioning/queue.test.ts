import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getUser,
  listBuildLogs,
  listOrganizations,
  listProvisionerDaemons,
  listProvisionerJobs,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let organization_id: string
let owner_id: string

const organization = 'default'
const NOBODY = JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' })
const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000)

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  await server.builtInTemplate()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function build(job: object) {
  const made = await fixtures.provisionerJob(database.db, {
    organization_id,
    completed_at: null,
    tags: NOBODY,
    ...job,
  })
  const workspace = await fixtures.workspace(database.db, { owner_id, organization_id })
  return fixtures.workspaceBuild(database.db, { workspace, job: made })
}

const jobOf = (id: string) =>
  until('the end of the job', async () => {
    const [job] = await owner.call(listProvisionerJobs, { params: { organization }, query: { ids: id } })
    return job?.completed_at === undefined ? undefined : job
  })

describe('the reaper', () => {
  it('PR-42, OP-51: a job that nobody takes for half an hour fails and says so in its log', async () => {
    const waiting = await build({ started_at: null, created_at: ago(1900), updated_at: ago(1860) })
    expect(await jobOf(waiting.job_id)).toMatchObject({
      status: 'failed',
      error:
        'Coder: Build has been detected as pending for 30 minutes and has been terminated by the reaper.',
    })
    const logs = await owner.call(listBuildLogs, { params: { workspacebuild: waiting.id } })
    expect(logs.map((line) => line.output)).toContain(
      'Coder: Build has been detected as pending for 30 minutes and will be terminated.',
    )
    expect(logs).toHaveLength(5)
  })

  it('PR-122: a build whose provisioner is gone fails; one that was canceled is canceled', async () => {
    const gone = { worker_id: randomUUID(), started_at: ago(60), updated_at: ago(40) }
    const lost = await build(gone)
    const canceled = await build({ ...gone, canceled_at: ago(50) })
    expect(await jobOf(lost.job_id)).toMatchObject({
      status: 'failed',
      error: 'connection to provisioner daemon lost',
    })
    expect((await jobOf(canceled.job_id)).status).toBe('canceled')
  })
})

describe('lists', () => {
  it('PR-39: jobs are found by id, and what is no id is refused', async () => {
    const query = (ids: string) =>
      owner.call(listProvisionerJobs, { params: { organization }, query: { ids } })
    await expect(query('nonsense')).rejects.toMatchObject({ status: 400, validations: [{ field: 'ids' }] })
    expect(await query(randomUUID())).toEqual([])
    await expect(
      owner.call(listProvisionerJobs, { params: { organization }, query: { limit: 1e20 } }),
    ).rejects.toMatchObject({ status: 400 })
    expect(
      await owner.call(listProvisionerJobs, { params: { organization }, query: { status: 'unknown' } }),
    ).toEqual([])
  })

  it('WS-193: jobs are listed with their place in the queue, by their keys, for those who may', async () => {
    const list = (query: object = {}) => owner.call(listProvisionerJobs, { params: { organization }, query })
    const initiator_id = randomUUID()
    const tags = { scope: 'organization', owner: '', place: 'here' }
    await fixtures.provisionerDaemon(database.db, {
      organization_id,
      tags: JSON.stringify(tags),
      last_seen_at: new Date(Date.now() + 3_600_000),
    })
    const waiting = { initiator_id, started_at: null, tags: JSON.stringify(tags) }
    const [first, second] = [
      await build({ ...waiting, created_at: ago(20) }),
      await build({ ...waiting, created_at: ago(10) }),
    ]
    const places = async (query: object) =>
      (await list(query)).map((job) => [job.id, job.queue_position, job.queue_size])
    const both = [
      [second.job_id, 2, 2],
      [first.job_id, 1, 2],
    ]
    expect(await places({ initiator: initiator_id })).toEqual(both)
    expect(await places({ tags: '{"place":"here"}' })).toEqual(both)
    expect(await places({ ids: first.job_id })).toEqual([[first.job_id, 1, 2]])
    expect(await places({ initiator: initiator_id, status: 'running' })).toEqual([])
    for (let i = 0; i < 51; i += 1)
      await fixtures.provisionerJob(database.db, { organization_id, initiator_id, tags: NOBODY })
    expect(await list({ initiator: initiator_id })).toHaveLength(50)
    expect(await list({ initiator: initiator_id, limit: 52 })).toHaveLength(52)
    await expect(list({ colour: 'red' })).rejects.toMatchObject({ status: 400 })
    const stranger = await server.user('stranger')
    await expect(stranger.call(listProvisionerJobs, { params: { organization } })).rejects.toMatchObject({
      status: 404,
    })
  })

  it('PR-19, PR-20: provisioners are listed with what they do; offline ones when asked for', async () => {
    const list = (query: object = {}) =>
      owner
        .call(listProvisionerDaemons, { params: { organization }, query })
        .then((daemons) => daemons.map((daemon) => daemon.name))
    const { db } = database
    const off = await fixtures.provisionerDaemon(db, { organization_id, last_seen_at: ago(91) })
    const idle = await fixtures.provisionerDaemon(db, {
      organization_id,
      tags: JSON.stringify({ scope: 'organization', owner: '', gpu: 'yes' }),
    })
    const busy = await fixtures.provisionerDaemon(db, { organization_id })
    await build({ worker_id: busy.id, started_at: ago(1), updated_at: new Date(Date.now() + 3_600_000) })
    const all = await list()
    expect(all).toEqual(expect.arrayContaining([idle.name, busy.name]))
    expect(all).not.toContain(off.name)
    expect(await list({ offline: 'true' })).toContain(off.name)
    expect(await list({ status: 'offline' })).toEqual([off.name])
    expect(await list({ status: 'busy' })).toEqual([busy.name])
    expect(await list({ tags: '{"gpu":"yes"}' })).toEqual([idle.name])
    expect(await list({ offline: 'true', max_age: '1m' })).not.toContain(off.name)
    expect(await list({ ids: `${idle.id},${busy.id}`, limit: 1 })).toEqual([busy.name])
    for (const query of [{ max_age: 'soon' }, { status: 'tired' }, { ids: 'x' }, { colour: 'red' }])
      await expect(list(query)).rejects.toMatchObject({ status: 400 })
    const [own] = (await owner.call(listProvisionerDaemons, { params: { organization } })).filter(
      (daemon) => daemon.previous_job !== undefined,
    )
    expect(own?.previous_job).toMatchObject({ status: 'succeeded', template_name: 'local-workspace' })
    const member = await server.user('member')
    await expect(member.call(listProvisionerDaemons, { params: { organization } })).rejects.toMatchObject({
      status: 404,
    })
  })
})
