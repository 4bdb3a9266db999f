import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createOrganizationWorkspace,
  createTask,
  createWorkspace,
  getUser,
  getWorkspace,
  listOrganizations,
  listWorkspaces,
  reportUsage,
  setAutomaticUpdates,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { type Database, violatedUnique } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let organization_id: string
let owner_id: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('WS-51: what a workspace is made of is of its own organization', () => {
  it('a preset of another one makes no workspace, build or task', async () => {
    const { db } = database
    const elsewhere = await fixtures.template(db, { organization: await fixtures.organization(db) })
    const { id: template_version_preset_id } = await fixtures.templateVersionPreset(db, {
      template_version_id: elsewhere.active_version_id,
    })
    const template = await fixtures.template(db, { organization_id, active_version_id: randomUUID() })
    const version = await fixtures.templateVersion(db, {
      id: template.active_version_id,
      template,
      has_ai_task: true,
    })
    const workspace = await fixtures.workspace(db, { template, owner_id })
    await fixtures.workspaceBuild(db, { workspace, transition: 'stop' })
    const before = (await owner.call(listWorkspaces)).count
    const refused = { status: 400, message: 'The preset does not belong to the template version.' }
    const params = { user: 'me' }
    for (const ask of [
      () =>
        owner.call(createWorkspace, {
          params,
          body: { name: 'strange', template_id: template.id, template_version_preset_id },
        }),
      () =>
        owner.call(createBuild, {
          params: { workspace: workspace.id },
          body: { transition: 'start', template_version_preset_id },
        }),
      () =>
        owner.call(createTask, {
          params,
          body: { input: 'x', template_version_id: version.id, template_version_preset_id },
        }),
    ])
      await expect(ask()).rejects.toMatchObject(refused)
    expect((await owner.call(listWorkspaces)).count).toBe(before)
  })

  it('a version of another one is none of its template, and a template of another one none of its address', async () => {
    const { db } = database
    const elsewhere = await fixtures.template(db, { organization: await fixtures.organization(db) })
    const template = await fixtures.template(db, { organization_id })
    const workspace = await fixtures.workspace(db, { template, owner_id })
    await fixtures.workspaceBuild(db, { workspace, transition: 'stop' })
    await expect(
      owner.call(createBuild, {
        params: { workspace: workspace.id },
        body: { transition: 'start', template_version_id: elsewhere.active_version_id },
      }),
    ).rejects.toMatchObject({ status: 400, message: "template version doesn't match template" })
    await expect(
      owner.call(createOrganizationWorkspace, {
        params: { organization: organization_id, user: 'me' },
        body: { name: 'strange', template_id: elsewhere.id },
      }),
    ).rejects.toMatchObject({ status: 400 })
  })
})

/** The code with which the database refuses something. */
const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => undefined,
    (error: { readonly code?: string }) => error.code,
  )
const UNIQUE = '23505'
const CHECK = '23514'
const RESTRICT = '23001'

describe('what the database itself refuses', () => {
  it('WS-22: a build number, a job and a parameter twice, and to forget a workspace that was built', async () => {
    const { db } = database
    const workspace = await fixtures.workspace(db)
    const first = await fixtures.workspaceBuild(db, { workspace })
    const again = (columns: object) => refusal(fixtures.workspaceBuild(db, { workspace, ...columns }))
    expect(await again({ build_number: 1 })).toBe(UNIQUE)
    expect(await again({ build_number: 0 })).toBe(CHECK)
    expect(await again({ job_id: first.job_id })).toBe(UNIQUE)
    const value = { build: first, name: 'size' }
    await fixtures.workspaceBuildParameter(db, value)
    expect(await refusal(fixtures.workspaceBuildParameter(db, value))).toBe(UNIQUE)
    expect(await refusal(db.deleteFrom('workspaces').where('id', '=', workspace.id).execute())).toBe(RESTRICT)
    // A build goes with its version or its job.
    const second = await fixtures.workspaceBuild(db, { workspace })
    const builds = async () =>
      (
        await db
          .selectFrom('workspace_builds')
          .select('id')
          .where('workspace_id', '=', workspace.id)
          .execute()
      ).map(({ id }) => id)
    await db.deleteFrom('provisioner_jobs').where('id', '=', second.job_id).execute()
    expect(await builds()).toEqual([first.id])
    await db.deleteFrom('template_versions').where('id', '=', first.template_version_id).execute()
    expect(await builds()).toEqual([])
  })

  it('WS-22: numbers of builds grow by one, also behind builds that have failed', async () => {
    const template = await fixtures.template(database.db, { organization_id })
    const workspace = await fixtures.workspace(database.db, { owner_id, template })
    await fixtures.workspaceBuild(database.db, { workspace, transition: 'stop' })
    const failed = await fixtures.provisionerJob(database.db, { organization_id, error: 'no' })
    await fixtures.workspaceBuild(database.db, { workspace, job: failed })
    const made = await owner.call(createBuild, {
      params: { workspace: workspace.id },
      body: { transition: 'start' },
    })
    expect(made.build_number).toBe(3)
  })

  it('WS-23: a deadline behind the latest one, and a latest one without a deadline', async () => {
    const at = (hours: number) => new Date(Date.UTC(2030, 0, 1, hours))
    const build = (deadline: Date | null, max_deadline: Date | null) =>
      refusal(fixtures.workspaceBuild(database.db, { deadline, max_deadline }))
    expect(await build(at(2), at(1))).toBe(CHECK)
    expect(await build(null, at(1))).toBe(CHECK)
    for (const [deadline, latest] of [
      [at(1), at(1)],
      [at(1), at(2)],
      [at(1), null],
      [null, null],
    ] as const)
      expect(await build(deadline, latest)).toBeUndefined()
  })

  it('WS-25: parts of a version of one name, two presets to begin with, and a direction that is none', async () => {
    const { db } = database
    const version = await fixtures.templateVersion(db)
    const named = { version, name: 'x' }
    for (const insert of [
      () => fixtures.templateVersionParameter(db, named),
      () => fixtures.templateVersionVariable(db, named),
      () => fixtures.templateVersionPreset(db, named),
      () => fixtures.templateVersionPreset(db, { version, is_default: true }),
    ]) {
      await insert()
      expect(await refusal(insert())).toBe(UNIQUE)
    }
    const wayward = sql<'increasing'>`'sideways'`
    expect(
      await refusal(
        db
          .updateTable('template_version_parameters')
          .set({ validation_monotonic: wayward })
          .where('template_version_id', '=', version.id)
          .execute(),
      ),
    ).toBe(CHECK)
    for (const validation_monotonic of ['increasing', 'decreasing', ''] as const)
      await fixtures.templateVersionParameter(db, { version, validation_monotonic })
  })

  it('WS-26: the same bytes of one uploader twice', async () => {
    const { db } = database
    const { hash, created_by, data } = await fixtures.file(db)
    expect(await refusal(fixtures.file(db, { hash, created_by, data }))).toBe(UNIQUE)
    expect(await refusal(fixtures.file(db, { hash, data }))).toBeUndefined()
  })

  it('AC-9: agents of one build with one name, whatever its case, unless one is deleted', async () => {
    const { db } = database
    const build = await fixtures.workspaceBuild(db)
    const agent = async (name: string, of = build, columns: object = {}) =>
      fixtures.workspaceAgent(db, {
        name,
        resource: await fixtures.workspaceResource(db, { build: of }),
        ...columns,
      })
    const main = await agent('Main')
    const twice = await agent('main').catch((error: unknown) => error)
    expect(violatedUnique(twice)).toBe('workspace_agents_name_in_build')
    await agent('main', build, { deleted: true })
    await agent('main', await fixtures.workspaceBuild(db))
    const other = await agent('other')
    const rename = (name: string) =>
      refusal(db.updateTable('workspace_agents').set({ name }).where('id', '=', other.id).execute())
    expect(await rename('MAIN')).toBe(UNIQUE)
    await db.updateTable('workspace_agents').set({ deleted: true }).where('id', '=', main.id).execute()
    expect(await rename('MAIN')).toBeUndefined()
    const many = await Promise.allSettled([agent('racing'), agent('Racing')])
    expect(many.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

it.each([
  ['pending', { started_at: null, completed_at: null }],
  ['running', { completed_at: null }],
  ['succeeded', {}],
  ['failed', { error: 'no' }],
  ['failed', { error: 'no', completed_at: null }],
  ['failed', { error: 'no', canceled_at: new Date() }],
  ['canceled', { canceled_at: new Date() }],
  ['canceling', { canceled_at: new Date(), completed_at: null }],
  ['canceling', { canceled_at: new Date(), started_at: null, completed_at: null }],
] as const)('WS-27: a job is %s with %j', async (status, columns) => {
  const { id } = await fixtures.provisionerJob(database.db, columns)
  const { rows } = await sql<{
    job_status: string
  }>`select job_status from provisioner_jobs where id = ${id}`.execute(database.db)
  expect(rows).toEqual([{ job_status: status }])
})

describe('a workspace', () => {
  it('WS-134, WS-166: updates itself always or never, which is how it begins', async () => {
    const template = await fixtures.template(database.db, { organization_id })
    const make = (name: string, more: object) =>
      fetch(owner.address(createWorkspace, { params: { user: 'me' } }), {
        method: 'POST',
        headers: { ...owner.headers, 'content-type': 'application/json' },
        body: JSON.stringify({ name, template_id: template.id, ...more }),
      })
    expect(await (await make('by-itself', {})).json()).toMatchObject({ automatic_updates: 'never' })
    const always = Object(await (await make('kept-new', { automatic_updates: 'always' })).json())
    expect(always).toMatchObject({ automatic_updates: 'always' })
    expect((await make('wayward', { automatic_updates: 'sometimes' })).status).toBe(400)
    const params = { workspace: String(always.id) }
    const set = (automatic_updates: string) =>
      fetch(owner.address(setAutomaticUpdates, { params }), {
        method: 'PUT',
        headers: { ...owner.headers, 'content-type': 'application/json' },
        body: JSON.stringify({ automatic_updates }),
      })
    const shown = async () => (await owner.call(getWorkspace, { params })).automatic_updates
    const refused = await set('sometimes')
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ validations: [{ field: 'automatic_updates' }] })
    expect(await shown()).toBe('always')
    expect((await set('never')).status).toBe(204)
    expect(await shown()).toBe('never')
  })

  it('WS-168, WS-241: is used by who may change it, and was never used later than it is', async () => {
    const { db } = database
    const template = await fixtures.template(db, { organization_id })
    const used = async (last_used_at: Date) => {
      const workspace = await fixtures.workspace(db, { owner_id, template, last_used_at })
      await fixtures.workspaceBuild(db, { workspace })
      return workspace
    }
    const read = async ({ id }: { readonly id: string }) =>
      (
        await db
          .selectFrom('workspaces')
          .select('last_used_at')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
      ).last_used_at
    const [old, later] = [await used(new Date(0)), await used(new Date(Date.UTC(2100, 0, 1)))]
    const report = (client: Client, workspace: { readonly id: string }) =>
      client.call(reportUsage, { params: { workspace: workspace.id }, body: {} })
    const reader = await server.user('looker', ['template-admin'])
    await expect(report(reader, old)).rejects.toMatchObject({ status: 403 })
    await expect(report(await server.user('outsider'), old)).rejects.toMatchObject({ status: 404 })
    expect(await read(old)).toEqual(new Date(0))
    for (const workspace of [old, later]) await report(owner, workspace)
    const now = await read(old)
    expect(now.getTime()).toBeGreaterThan(0)
    expect(await read(later)).toEqual(new Date(Date.UTC(2100, 0, 1)))
    // What follows within a minute is not written again.
    await report(owner, old)
    await db
      .updateTable('workspaces')
      .set({ last_used_at: sql<Date>`now() - interval '59 minutes'` })
      .where('id', '=', later.id)
      .execute()
    await report(owner, later)
    expect((await read(later)).getTime()).toBeGreaterThan(now.getTime() - 60_000)
  })

  it('WS-173: is built from the state that the build before has left, also when that has failed', async () => {
    const { db } = database
    const template = await fixtures.template(db, { organization_id })
    const workspace = await fixtures.workspace(db, { owner_id, template })
    const states = [Buffer.from('of a success'), Buffer.from('of a failure')]
    await fixtures.workspaceBuild(db, { workspace, provisioner_state: states[0] ?? null })
    const failed = await fixtures.provisionerJob(db, { organization_id, error: 'no' })
    await fixtures.workspaceBuild(db, { workspace, job: failed, provisioner_state: states[1] ?? null })
    const made = await owner.call(createBuild, {
      params: { workspace: workspace.id },
      body: { transition: 'stop' },
    })
    const { provisioner_state } = await db
      .selectFrom('workspace_builds')
      .select('provisioner_state')
      .where('id', '=', made.id)
      .executeTakeFirstOrThrow()
    expect(provisioner_state).toEqual(states[1])
  })
})
