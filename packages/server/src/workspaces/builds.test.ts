import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateWorkspaceBuildRequest,
  cancelBuild,
  createBuild,
  createWorkspace,
  getBuild,
  getBuildState,
  getUser,
  getWorkspace,
  listBuilds,
  listOrganizations,
  putBuildState,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

type Row<Name extends 'template' | 'workspace' | 'templateVersion'> = Awaited<
  ReturnType<(typeof fixtures)[Name]>
>

/** Tags whose only provisioner is seen and takes no jobs, so that builds wait. */
const HELD = JSON.stringify({ scope: 'organization', owner: '', held: 'yes' })
/** Tags that no provisioner has. */
const NOBODY = JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' })
const ABSENT = '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let organization_id: string
let owner_id: string
let template: Row<'template'>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  member = await server.user('member')
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await member.call(getUser, { params: { user: 'me' } })).id
  await fixtures.provisionerDaemon(database.db, { organization_id, tags: HELD })
  template = await heldTemplate()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function heldTemplate(): Promise<Row<'template'>> {
  const { db } = database
  const made = await fixtures.template(db, {
    organization_id,
    active_version_id: randomUUID(),
    allow_user_cancel_workspace_jobs: true,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  await versionOf(made, { tags: HELD }, made.active_version_id)
  return made
}

async function versionOf(
  of: Row<'template'>,
  job: object,
  id: string = randomUUID(),
): Promise<Row<'templateVersion'>> {
  return fixtures.templateVersion(database.db, {
    id,
    template: of,
    job: await fixtures.provisionerJob(database.db, {
      organization_id,
      type: 'template_version_import',
      ...job,
    }),
  })
}

/** A stopped workspace of the member. */
async function stopped(columns: object = {}): Promise<Row<'workspace'>> {
  const workspace = await fixtures.workspace(database.db, { owner_id, template_id: template.id, ...columns })
  await fixtures.workspaceBuild(database.db, { workspace, transition: 'stop' })
  return workspace
}

const build = (client: Client, { id }: { readonly id: string }, body: CreateWorkspaceBuildRequest) =>
  client.call(createBuild, { params: { workspace: id }, body })

describe('many requests at once', () => {
  it('WS-171: of twenty starts one is made, and nineteen are told that a build is active', async () => {
    const workspace = await stopped()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => build(member, workspace, { transition: 'start' })),
    )
    const made = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value.build_number] : []))
    expect(made).toEqual([2])
    for (const one of outcomes)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({ status: 409, message: 'A workspace build is already active.' })
    const builds = await member.call(listBuilds, { params: { workspace: workspace.id } })
    expect(builds.map((one) => one.build_number)).toEqual([2, 1])
    await expect(build(member, workspace, { transition: 'stop' })).rejects.toMatchObject({ status: 409 })
  })

  it('WS-300: of ten workspaces of one name one is made, and the others get what the check answers', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        member.call(createWorkspace, {
          params: { user: 'me' },
          body: { name: i % 2 === 0 ? 'Racing' : 'racing', template_id: template.id },
        }),
      ),
    )
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const one of outcomes)
      if (one.status === 'rejected')
        expect(one.reason).toMatchObject({
          status: 409,
          message: expect.stringMatching(/^Workspace "[rR]acing" already exists\.$/),
          validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
        })
  })
})

it('WS-137: who made a workspace is told whether anybody can build it', async () => {
  const made = await member.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'told', template_id: template.id },
  })
  expect(made.latest_build).toMatchObject({
    build_number: 1,
    reason: 'initiator',
    status: 'pending',
    resources: [],
    matched_provisioners: { count: 1, available: 1 },
  })
  const nobody = await fixtures.template(database.db, { organization_id, active_version_id: randomUUID() })
  await versionOf(nobody, { tags: NOBODY }, nobody.active_version_id)
  const { latest_build } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'untold', template_id: nobody.id },
  })
  expect(latest_build.matched_provisioners).toMatchObject({ count: 0, available: 0 })
  expect(latest_build.job.error).toContain('only=nobody')
})

describe('checks of a new build, in order (WS-170)', () => {
  it('a deleted workspace is only deleted again, though it is dormant', async () => {
    const gone = await stopped({ deleted: true, dormant_at: new Date() })
    await expect(build(member, gone, { transition: 'start' })).rejects.toMatchObject({
      status: 409,
      message: 'Cannot start a deleted workspace!',
    })
    await expect(build(member, gone, { transition: 'stop' })).rejects.toMatchObject({ status: 409 })
    expect(await build(member, gone, { transition: 'delete' })).toMatchObject({ transition: 'delete' })
  })

  it('who may read and not change it is told so, also when it is dormant', async () => {
    const reader = await server.user('reader', ['auditor', 'template-admin'])
    for (const columns of [{}, { dormant_at: new Date() }])
      await expect(build(reader, await stopped(columns), { transition: 'start' })).rejects.toMatchObject({
        status: 403,
        message: 'You do not have permission to start this workspace.',
      })
  })

  it('state and orphan are for managers of the template, whatever version is named', async () => {
    const workspace = await stopped()
    for (const more of [{ state: 'e30=' }, { orphan: true }, { orphan: true, template_version_id: ABSENT }])
      await expect(build(member, workspace, { transition: 'delete', ...more })).rejects.toMatchObject({
        status: 403,
        message: 'Only template managers may provide custom state',
      })
    await expect(build(owner, workspace, { transition: 'stop', orphan: true })).rejects.toMatchObject({
      status: 400,
      message: 'Orphan is only permitted when deleting a workspace.',
    })
    await expect(
      build(owner, workspace, { transition: 'delete', orphan: true, state: 'e30=' }),
    ).rejects.toMatchObject({ status: 400 })
  })

  it('a log level is for administrators, and only where the deployment allows it', async () => {
    const workspace = await stopped()
    await expect(build(member, workspace, { transition: 'start', log_level: 'debug' })).rejects.toMatchObject(
      {
        status: 400,
        message: 'Workspace builds with a custom log level are restricted to administrators only.',
      },
    )
    await expect(build(owner, workspace, { transition: 'start', log_level: 'debug' })).rejects.toMatchObject({
      status: 400,
      message: 'Terraform debug mode is disabled in the deployment configuration.',
    })
  })

  it('the version exists, is of this template and was imported', async () => {
    const workspace = await stopped()
    const start = async (template_version_id: string) =>
      build(member, workspace, { transition: 'start', template_version_id })
    await expect(start(ABSENT)).rejects.toMatchObject({
      status: 400,
      message: 'template version does not exist',
    })
    await expect(start((await heldTemplate()).active_version_id)).rejects.toMatchObject({
      status: 400,
      message: "template version doesn't match template",
    })
    const importing = await versionOf(template, { tags: HELD, started_at: null, completed_at: null })
    await expect(start(importing.id)).rejects.toMatchObject({
      status: 406,
      message: 'The provided template version is pending. Wait for it to complete importing!',
    })
    const failed = await versionOf(template, { error: 'no "main"' })
    await expect(start(failed.id)).rejects.toMatchObject({
      status: 400,
      message: `The provided template version "${failed.name}" has failed to import: "no \\"main\\"". You cannot build workspaces with it!`,
    })
    const canceled = await versionOf(template, { canceled_at: new Date() })
    await expect(start(canceled.id)).rejects.toMatchObject({
      status: 400,
      message:
        'The provided template version was canceled during import. You cannot build workspaces with it!',
    })
  })

  it('where the template asks for its active version, only its managers start another one', async () => {
    const strict = await heldTemplate()
    const old = await versionOf(strict, { tags: HELD })
    await database.db
      .updateTable('templates')
      .set({ require_active_version: true })
      .where('id', '=', strict.id)
      .execute()
    const { id } = await fixtures.workspace(database.db, { owner_id, template_id: strict.id })
    await fixtures.workspaceBuild(database.db, { workspace_id: id, transition: 'stop', version: old })
    await expect(build(member, { id }, { transition: 'start' })).rejects.toMatchObject({ status: 403 })
    const started = await build(owner, { id }, { transition: 'start' })
    expect(started.template_version_id).toBe(old.id)
    await member.call(cancelBuild, { params: { workspacebuild: started.id } })
    const template_version_id = strict.active_version_id
    expect(await build(member, { id }, { transition: 'start', template_version_id })).toMatchObject({
      template_version_id,
      build_number: 3,
    })
  })

  it('WS-174: a start wakes a dormant workspace, and one that is refused does not', async () => {
    const dormant = { dormant_at: new Date(), deleting_at: new Date(), last_used_at: new Date(0) }
    const workspace = await stopped(dormant)
    const read = () => member.call(getWorkspace, { params: { workspace: workspace.id } })
    await expect(
      build(member, workspace, { transition: 'start', template_version_id: ABSENT }),
    ).rejects.toMatchObject({ status: 400 })
    expect((await read()).dormant_at).not.toBeNull()
    await build(member, workspace, { transition: 'start' })
    const awake = await read()
    expect(awake).toMatchObject({ dormant_at: null, deleting_at: null })
    expect(Date.parse(awake.last_used_at)).toBeGreaterThan(Date.now() - 60_000)
  })
})

describe('a workspace whose provisioner is gone', () => {
  it('WS-172: is orphaned at once by who manages its template', async () => {
    const lost = await fixtures.template(database.db, { organization_id, active_version_id: randomUUID() })
    await versionOf(lost, { tags: NOBODY }, lost.active_version_id)
    const workspace = await stopped({ template_id: lost.id })
    const made = await build(owner, workspace, { transition: 'delete', orphan: true })
    expect(made.status).toBe('deleted')
    await expect(owner.call(getWorkspace, { params: { workspace: workspace.id } })).rejects.toMatchObject({
      status: 410,
      message: `Workspace "${workspace.id}" was deleted, you can view this workspace by specifying '?include_deleted=true' and trying again.`,
    })
  })
})

describe('reading builds', () => {
  it('WS-187, WS-304: pages go forward from a build, back from one, and from a time', async () => {
    const workspace = await stopped()
    for (let i = 0; i < 3; i += 1) await fixtures.workspaceBuild(database.db, { workspace })
    const params = { workspace: workspace.id }
    const list = async (query: object) =>
      (await member.call(listBuilds, { params, query })).map((one) => one.build_number)
    expect(await list({})).toEqual([4, 3, 2, 1])
    expect(await list({ limit: 2, offset: 1 })).toEqual([3, 2])
    const [, third, second] = await member.call(listBuilds, { params })
    expect(await list({ after_id: second?.id })).toEqual([4, 3])
    expect(await list({ before_id: third?.id, limit: 1 })).toEqual([2])
    expect(await list({ since: second?.created_at })).not.toContain(2)
    expect(await list({ since: '2100-01-01T00:00:00Z' })).toEqual([])
    for (const since of ['yesterday', '2026-12-31T23:59:60Z', '2026-12-01T00:00:00Z[UTC]'])
      await expect(list({ since })).rejects.toMatchObject({
        status: 400,
        message: 'bad `since` format, must be RFC3339',
      })
    for (const cursor of ['after_id', 'before_id'])
      await expect(list({ [cursor]: ABSENT })).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining(cursor),
      })
  })

  it('WS-192: its state is for who manages the template; who does not, sees nothing there', async () => {
    const workspace = await stopped()
    const latest = (await member.call(getWorkspace, { params: { workspace: workspace.id } })).latest_build
    const params = { workspacebuild: latest.id }
    const body = { state: Buffer.from('{"a":1}').toString('base64') }
    await expect(member.call(getBuildState, { params })).rejects.toMatchObject({ status: 404 })
    await expect(member.call(putBuildState, { params, body })).rejects.toMatchObject({ status: 404 })
    await owner.call(putBuildState, { params, body })
    const answer = await fetch(owner.address(getBuildState, { params }), { headers: owner.headers })
    expect(answer.headers.get('content-type')).toContain('application/json')
    expect(await answer.text()).toBe('{"a":1}')
    expect(await owner.call(listBuilds, { params: { workspace: workspace.id } })).toHaveLength(1)
  })
})

describe('cancelling', () => {
  it('WS-186: needs the right to update, and a known expectation', async () => {
    const workspace = await stopped()
    const { id } = await build(member, workspace, { transition: 'start' })
    const params = { workspacebuild: id }
    const reader = await server.user('onlooker', ['template-admin'])
    expect((await reader.call(getBuild, { params })).id).toBe(id)
    await expect(
      reader.call(cancelBuild, { params, query: { expect_status: 'pending' } }),
    ).rejects.toMatchObject({
      status: 403,
      message: 'User is not allowed to cancel workspace builds. Owner role is required.',
    })
    await expect(
      member.call(cancelBuild, { params, query: { expect_status: 'idle' } }),
    ).rejects.toMatchObject({
      status: 400,
      message: `Invalid expect_status "idle". Only 'running' or 'pending' are allowed.`,
    })
    await expect(
      member.call(cancelBuild, { params, query: { expect_status: 'running' } }),
    ).rejects.toMatchObject({
      status: 412,
    })
    expect((await member.call(getBuild, { params })).status).toBe('pending')
    expect(await member.call(cancelBuild, { params })).toEqual({
      message: 'Job has been marked as canceled...',
    })
    expect((await member.call(getBuild, { params })).status).toBe('canceled')
  })
})
