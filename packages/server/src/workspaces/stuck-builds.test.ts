import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { cancelBuild, getBuild, getUser, listOrganizations } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization_id: string
let owner_id: string
let template_id: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await member.call(getUser, { params: { user: 'me' } })).id
  const template = await fixtures.template(database.db, {
    organization_id,
    allow_user_cancel_workspace_jobs: false,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  template_id = template.id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const ago = (seconds: number): Date => new Date(Date.now() - seconds * 1000)
/** Keeps the reaper away, which does not wait for anybody. */
const alive = () => ({ worker_id: randomUUID(), updated_at: new Date(Date.now() + 3_600_000) })

/** A build of the member's workspace whose job is like this, with a line of log so many seconds ago. */
async function build(job: object, saidSecondsAgo?: number, transition: 'start' | 'stop' = 'start') {
  const { db } = database
  const workspace = await fixtures.workspace(db, { owner_id, template_id })
  const made = await fixtures.provisionerJob(db, {
    organization_id,
    initiator_id: owner_id,
    completed_at: null,
    tags: JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' }),
    ...job,
  })
  if (saidSecondsAgo !== undefined)
    await fixtures.provisionerJobLog(db, { job: made, created_at: ago(saidSecondsAgo) })
  return fixtures.workspaceBuild(db, { workspace, job: made, transition })
}

type Build = Awaited<ReturnType<typeof build>>
const cancel = (client: Client, { id }: Build, query: { expect_status?: 'running' | 'pending' } = {}) =>
  client.call(cancelBuild, { params: { workspacebuild: id }, query })
const statusOf = async ({ id }: Build) =>
  (await owner.call(getBuild, { params: { workspacebuild: id } })).job.status

describe('where the template forbids cancelling', () => {
  it('WS-186: a build that makes progress goes on, except for owners of the deployment', async () => {
    const running = await build({ started_at: ago(400), ...alive() }, 1)
    await expect(cancel(member, running)).rejects.toMatchObject({
      status: 403,
      message: 'User is not allowed to cancel workspace builds. Owner role is required.',
    })
    await cancel(owner, running)
    expect(await statusOf(running)).toBe('canceling')
  })

  it('WS-303: one that nobody runs yet is canceled, when it is expected to wait', async () => {
    const pending = await build({ started_at: null })
    await expect(cancel(member, pending)).rejects.toMatchObject({ status: 403 })
    await expect(cancel(owner, pending, { expect_status: 'running' })).rejects.toMatchObject({ status: 412 })
    expect(await statusOf(pending)).toBe('pending')
    await cancel(member, pending, { expect_status: 'pending' })
    expect(await statusOf(pending)).toBe('canceled')
  })

  it('WS-303: expecting a running build to wait does not get around the template', async () => {
    const running = await build({ started_at: ago(60), ...alive() }, 1)
    await expect(cancel(member, running, { expect_status: 'pending' })).rejects.toMatchObject({ status: 412 })
    expect(await statusOf(running)).toBe('running')
  })

  it('WS-317: one that has said nothing for five minutes may be canceled by who may update the workspace', async () => {
    const silent = await build({ started_at: ago(400), ...alive() }, 310)
    await cancel(member, silent)
    expect(await statusOf(silent)).toBe('canceling')
    const mute = await build({ started_at: ago(310), ...alive() })
    await cancel(member, mute)
    expect(await statusOf(mute)).toBe('canceling')
  })

  it('WS-317: so may one that takes three times as long as usual, and ten minutes at least', async () => {
    const workspace = await fixtures.workspace(database.db, { owner_id, template_id })
    for (let i = 0; i < 5; i += 1)
      await fixtures.workspaceBuild(database.db, {
        workspace,
        transition: 'stop',
        job: await fixtures.provisionerJob(database.db, {
          organization_id,
          started_at: ago(10_000),
          completed_at: ago(10_000 - 400),
        }),
      })
    const within = await build({ started_at: ago(1100), ...alive() }, 1, 'stop')
    await expect(cancel(member, within)).rejects.toMatchObject({ status: 403 })
    await cancel(member, await build({ started_at: ago(1300), ...alive() }, 1, 'stop'))
    // Nothing is known of starts, so ten minutes count.
    await expect(cancel(member, await build({ started_at: ago(590), ...alive() }, 1))).rejects.toMatchObject({
      status: 403,
    })
    await cancel(member, await build({ started_at: ago(610), ...alive() }, 1))
  })

  it('WS-317: asking again after 30 s ends it even if its provisioner never answers', async () => {
    const stuck = await build({ started_at: ago(400), ...alive() }, 310)
    await cancel(member, stuck)
    await expect(cancel(member, stuck)).rejects.toMatchObject({
      status: 400,
      message: 'Job has already been marked as canceled!',
    })
    await database.db
      .updateTable('provisioner_jobs')
      .set({ canceled_at: sql<Date>`canceled_at - interval '31 seconds'` })
      .where('id', '=', stuck.job_id)
      .execute()
    await cancel(member, stuck)
    expect(await statusOf(stuck)).toBe('canceled')
    await expect(cancel(owner, stuck)).rejects.toMatchObject({
      status: 400,
      message: 'Job has already completed!',
    })
  })
})
