import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createOrganizationWorkspace,
  createTask,
  createWorkspace,
  getUser,
  listOrganizations,
  listWorkspaces,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

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
    for (const asked of [
      owner.call(createWorkspace, {
        params,
        body: { name: 'strange', template_id: template.id, template_version_preset_id },
      }),
      owner.call(createBuild, {
        params: { workspace: workspace.id },
        body: { transition: 'start', template_version_preset_id },
      }),
      owner.call(createTask, {
        params,
        body: { input: 'x', template_version_id: version.id, template_version_preset_id },
      }),
    ])
      await expect(asked).rejects.toMatchObject(refused)
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
