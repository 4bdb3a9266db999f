import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type CreateWorkspaceBuildRequest,
  cancelBuild,
  createBuild,
  createToken,
  getUser,
  listAuditLogs,
  listBuildParameters,
  listBuilds,
  listOrganizations,
  setDormant,
  suspendUser,
  type WorkspaceBuild,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

/** Tags whose only provisioner is seen and takes no jobs, so that builds wait until a test ends them. */
const HELD = JSON.stringify({ scope: 'organization', owner: '', held: 'yes' })
const FOLLOW = { transition: 'stop', on_success: { transition: 'start' } } as const

let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization_id: string
let member_id: string
let template: Awaited<ReturnType<typeof fixtures.template>>
/** The clock of the servers stands still but for what a test has it go on. */
let now = Date.now()

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_ENABLE_TERRAFORM_DEBUG_MODE: 'true' },
    clock: { now: () => new Date(now) },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  member_id = (await member.call(getUser, { params: { user: 'me' } })).id
  await fixtures.provisionerDaemon(database.db, {
    organization_id,
    tags: HELD,
    last_seen_at: new Date(Date.now() + 86_400_000),
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  template = await fixtures.template(database.db, {
    organization_id,
    active_version_id: randomUUID(),
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  await version(template.active_version_id)
})

/** A version of the template. */
async function version(id: string = randomUUID(), job: object = {}) {
  const made = await fixtures.templateVersion(database.db, {
    id,
    template,
    job: await fixtures.provisionerJob(database.db, {
      organization_id,
      type: 'template_version_import',
      tags: HELD,
      ...job,
    }),
  })
  await fixtures.templateVersionParameter(database.db, {
    version: made,
    name: 'size',
    required: false,
    mutable: true,
    default_value: 'small',
    options: JSON.stringify([]),
  })
  return made
}

/** A running workspace. */
async function running(owner_id = member_id, columns: object = {}) {
  const workspace = await fixtures.workspace(database.db, { owner_id, template_id: template.id, ...columns })
  const build = await fixtures.workspaceBuild(database.db, { workspace })
  await fixtures.workspaceBuildParameter(database.db, { build, name: 'size', value: 'middle' })
  return workspace
}

const build = (client: Client, { id }: { readonly id: string }, body: CreateWorkspaceBuildRequest) =>
  client.call(createBuild, { params: { workspace: id }, body })

/** Ends the job of a build as a provisioner does. */
async function end({ job }: WorkspaceBuild, columns: object = {}): Promise<void> {
  await database.db
    .updateTable('provisioner_jobs')
    .set({ started_at: new Date(), completed_at: new Date(), ...columns })
    .where('id', '=', job.id)
    .execute()
}

const followUpOf = (parent: Pick<WorkspaceBuild, 'id'>) =>
  database.db
    .selectFrom('workspace_build_orchestrations')
    .selectAll()
    .where('parent_build_id', '=', parent.id)
    .executeTakeFirst()

/** What became of what was to follow a build, once that is decided. */
function decided(parent: Pick<WorkspaceBuild, 'id'>) {
  return until('a decision', async () => {
    const row = await followUpOf(parent)
    return row !== undefined && row.status !== 'pending' && row
  })
}

const numbers = async ({ id }: { readonly id: string }, client = member) =>
  (await client.call(listBuilds, { params: { workspace: id } })).map((one) => one.build_number)

describe('WS-177: a stop that a start is to follow', () => {
  it.each([
    ['a start', { transition: 'start', on_success: { transition: 'start' } }],
    ['a delete', { transition: 'delete', on_success: { transition: 'start' } }],
    ['an orphan', { transition: 'delete', orphan: true, on_success: { transition: 'start' } }],
    ['a state', { ...FOLLOW, state: 'e30=' }],
    ['a dry run', { ...FOLLOW, dry_run: true }],
    [
      'a preset without a version',
      { transition: 'stop', on_success: { transition: 'start', template_version_preset_id: randomUUID() } },
    ],
  ] satisfies [string, CreateWorkspaceBuildRequest][])('is not asked for with %s', async (_with, body) => {
    const workspace = await running()
    await expect(build(owner, workspace, body)).rejects.toMatchObject({ status: 400 })
    expect(await numbers(workspace)).toEqual([1])
  })

  it('is followed by nothing but a start', async () => {
    const workspace = await running()
    const answer = await fetch(owner.address(createBuild, { params: { workspace: workspace.id } }), {
      method: 'POST',
      headers: { ...owner.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ transition: 'stop', on_success: { transition: 'delete' } }),
    })
    expect(answer.status).toBe(400)
    for (const template_version_id of [
      randomUUID(),
      (await fixtures.template(database.db)).active_version_id,
    ])
      await expect(
        build(owner, workspace, {
          transition: 'stop',
          on_success: { transition: 'start', template_version_id },
        }),
      ).rejects.toMatchObject({ status: 400 })
    expect(await numbers(workspace)).toEqual([1])
  })

  it('takes both rights, and managers of the template to pin a version', async () => {
    const workspace = await running()
    const refused = { status: 403, message: 'Unauthorized to queue follow-up workspace build.' }
    const pinned = {
      transition: 'stop',
      on_success: { transition: 'start', template_version_id: template.active_version_id },
    } as const
    await expect(build(member, workspace, pinned)).rejects.toMatchObject(refused)
    const { key } = await member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read', 'workspace:stop', 'template:read'] },
    })
    const stopper = new Client({ url: server.url, token: key })
    await expect(build(stopper, workspace, FOLLOW)).rejects.toMatchObject(refused)
    expect(await numbers(workspace)).toEqual([1])
    expect(await build(stopper, workspace, { transition: 'stop' })).toMatchObject({ build_number: 2 })
    expect(await build(owner, await running(), pinned)).toMatchObject({ transition: 'stop' })
  })

  it('is refused when the start could not be made as things are', async () => {
    const workspace = await running()
    await database.db
      .updateTable('template_version_parameters')
      .set({ options: JSON.stringify([{ name: 'Small', value: 'small', description: '', icon: '' }]) })
      .where('template_version_id', '=', template.active_version_id)
      .execute()
    const rich_parameter_values = [{ name: 'size', value: 'huge' }]
    await expect(
      build(member, workspace, {
        transition: 'stop',
        on_success: { transition: 'start', rich_parameter_values },
      }),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'size' }] })
    expect(await numbers(workspace)).toEqual([1])
  })
})

describe('WS-178: what follows', () => {
  it('is one build of the version that is active by then, with the reason, the log level and in the name of the first', async () => {
    const workspace = await running()
    const stop = await build(owner, workspace, {
      transition: 'stop',
      reason: 'cli',
      log_level: 'debug',
      on_success: { transition: 'start', rich_parameter_values: [{ name: 'size', value: 'large' }] },
    })
    const newer = await version()
    await database.db
      .updateTable('templates')
      .set({ active_version_id: newer.id })
      .where('id', '=', template.id)
      .execute()
    expect(await followUpOf(stop)).toMatchObject({ status: 'pending' })
    await end(stop)
    const { status, child_build_id } = await decided(stop)
    expect(status).toBe('completed')
    const [child, ...before] = await owner.call(listBuilds, { params: { workspace: workspace.id } })
    expect(before).toHaveLength(2)
    expect(child).toMatchObject({
      id: child_build_id,
      build_number: 3,
      transition: 'start',
      reason: 'cli',
      initiator_id: stop.initiator_id,
      template_version_id: newer.id,
      status: 'pending',
    })
    const values = await owner.call(listBuildParameters, { params: { workspacebuild: child?.id ?? '' } })
    expect(values).toEqual([{ name: 'size', value: 'large' }])
    const { input } = await database.db
      .selectFrom('provisioner_jobs')
      .select('input')
      .where('id', '=', child?.job.id ?? '')
      .executeTakeFirstOrThrow()
    expect(input).toMatchObject({ log_level: 'debug' })
  })

  it('is of the pinned version, and keeps the values there were', async () => {
    const older = await version()
    const workspace = await running()
    const on_success = { transition: 'start', template_version_id: older.id } as const
    const stop = await build(owner, workspace, { transition: 'stop', on_success })
    await end(stop)
    const { child_build_id } = await decided(stop)
    const [child] = await owner.call(listBuilds, { params: { workspace: workspace.id } })
    expect(child).toMatchObject({ id: child_build_id, template_version_id: older.id, reason: 'initiator' })
    const values = await owner.call(listBuildParameters, { params: { workspacebuild: child?.id ?? '' } })
    expect(values).toEqual([{ name: 'size', value: 'middle' }])
  })

  it('is nothing after a stop that was canceled or has failed', async () => {
    const [one, other] = [await running(), await running()]
    const canceled = await build(owner, one, FOLLOW)
    await owner.call(cancelBuild, { params: { workspacebuild: canceled.id } })
    const failed = await build(owner, other, FOLLOW)
    await end(failed, { error: 'no' })
    expect(await decided(canceled)).toMatchObject({ status: 'canceled', child_build_id: null })
    expect(await decided(failed)).toMatchObject({ status: 'failed', child_build_id: null })
    expect([await numbers(one), await numbers(other)]).toEqual([
      [2, 1],
      [2, 1],
    ])
  })

  it('is nothing for a workspace that is dormant or deleted, that somebody else has built, or whose asker is away', async () => {
    const leaver = await server.user('leaver')
    const leaver_id = (await leaver.call(getUser, { params: { user: 'me' } })).id
    const [dormant, deleted, built, left] = [
      await running(),
      await running(),
      await running(),
      await running(leaver_id),
    ]
    const stops = [
      await build(owner, dormant, FOLLOW),
      await build(owner, deleted, FOLLOW),
      await build(owner, built, FOLLOW),
      await build(leaver, left, FOLLOW),
    ]
    await owner.call(setDormant, { params: { workspace: dormant.id }, body: { dormant: true } })
    await database.db.updateTable('workspaces').set({ deleted: true }).where('id', '=', deleted.id).execute()
    await fixtures.workspaceBuild(database.db, { workspace: built, transition: 'stop' })
    await owner.call(suspendUser, { params: { user: 'leaver' } })
    for (const stop of stops) await end(stop)
    for (const stop of stops)
      expect(await decided(stop)).toMatchObject({ status: 'failed', child_build_id: null })
    expect(await numbers(left, owner)).toEqual([2, 1])
    const { audit_logs: entries } = await until('the entries', async () => {
      const found = await owner.call(listAuditLogs, {
        query: { q: 'resource_type:workspace_build action:start', limit: 50 },
      })
      return stops.every(({ id }) => found.audit_logs.some((entry) => entry.resource_id === id)) && found
    })
    expect(entries.find((entry) => entry.resource_id === stops[3]?.id)).toMatchObject({
      status_code: 409,
      additional_fields: {
        build_number: '3',
        error: 'the account that has asked for it is not active any more',
      },
    })
  })

  it('fails for good by what another try would not change', async () => {
    const workspace = await running()
    const stop = await build(member, workspace, FOLLOW)
    await database.db
      .updateTable('template_version_parameters')
      .set({
        required: true,
        options: JSON.stringify([{ name: 'S', value: 'small', description: '', icon: '' }]),
      })
      .where('template_version_id', '=', template.active_version_id)
      .execute()
    await end(stop)
    expect(await decided(stop)).toMatchObject({
      status: 'failed',
      attempts: 0,
      error: 'Unable to validate parameters',
    })
    expect(await numbers(workspace)).toEqual([2, 1])
  })

  it('is tried three times, half a minute apart, by what may pass', async () => {
    const workspace = await running()
    const stop = await build(member, workspace, FOLLOW)
    const early = await build(owner, await running(), FOLLOW)
    const importing = await version(randomUUID(), { started_at: null, completed_at: null })
    await database.db
      .updateTable('templates')
      .set({ active_version_id: importing.id })
      .where('id', '=', template.id)
      .execute()
    await end(stop)
    const tried = (attempts: number) =>
      until(`attempt ${attempts}`, async () => {
        const row = await followUpOf(stop)
        return row?.attempts === attempts && row
      })
    expect(await tried(1)).toMatchObject({ status: 'pending', error: expect.stringContaining('is pending') })
    // The end of any build has it look again, and find that it is too early.
    const wake = () => fixtures.provisionerJob(database.db, { organization_id })
    await end(early, { error: 'no' })
    await decided(early)
    expect(await followUpOf(stop)).toMatchObject({ attempts: 1, status: 'pending' })
    for (const attempt of [2, 3]) {
      now += 31_000
      await wake()
      await tried(attempt)
    }
    expect(await followUpOf(stop)).toMatchObject({ status: 'failed', attempts: 3 })
    expect(await numbers(workspace)).toEqual([2, 1])
  })

  it('is one build for each stop, however many replicas look', async () => {
    await using _replica = await startTestServer({
      databaseUrl: server.databaseUrl,
      clock: { now: () => new Date(now) },
    })
    const workspaces = []
    for (let i = 0; i < 8; i += 1) workspaces.push(await running())
    const stops = await Promise.all(workspaces.map((workspace) => build(owner, workspace, FOLLOW)))
    await Promise.all(stops.map((stop) => end(stop)))
    for (const stop of stops) expect(await decided(stop)).toMatchObject({ status: 'completed' })
    for (const workspace of workspaces) expect(await numbers(workspace)).toEqual([3, 2, 1])
  })
})
