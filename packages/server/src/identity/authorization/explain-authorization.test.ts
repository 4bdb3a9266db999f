import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  createToken,
  explainAuthorization,
  getUser,
  type QueryOf,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let kim: Client
let kimId: string
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  kim = await server.user('kim')
  const me = await kim.call(getUser, { params: { user: 'me' } })
  kimId = me.id
  organizationId = me.organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const why = (query: QueryOf<typeof explainAuthorization>, client = owner) =>
  client.call(explainAuthorization, { query })

describe('GET /authz/explain', () => {
  it('RB-135: says which permission of which role lets a user do something, and what is asked in vain', async () => {
    const own = await fixtures.workspace(database.db, { organization_id: organizationId, owner_id: kimId })
    const question = { user: 'kim', action: 'ssh', resource_type: 'workspace' }
    const explained = await why({ ...question, resource_id: own.id })
    expect(explained).toMatchObject({
      allowed: true,
      object: { resource_id: own.id, owner_id: kimId, organization_id: organizationId },
      subject: { id: kimId, username: 'kim', status: 'active' },
      roles: { allowed: true },
      acl: { allowed: false, entries: [] },
      scope: { allowed: true, names: ['coder:all'] },
    })
    expect(explained.roles.levels).toEqual([
      { level: 'site', applies: true, vote: 0, permissions: [] },
      { level: 'user', applies: false, vote: 0, permissions: [] },
      { level: 'org', organization_id: organizationId, applies: true, vote: 0, permissions: [] },
      {
        level: 'member',
        organization_id: organizationId,
        applies: true,
        vote: 1,
        permissions: [
          {
            role: 'organization-workspace-access',
            organization_id: organizationId,
            resource_type: 'workspace',
            action: 'ssh',
            negate: false,
          },
        ],
      },
    ])
    const others = await fixtures.workspace(database.db, {
      organization_id: organizationId,
      user_acl: JSON.stringify({ [kimId]: ['ssh'] }),
    })
    expect(await why({ ...question, resource_id: others.id })).toMatchObject({
      allowed: true,
      roles: { allowed: false },
      acl: { allowed: true, entries: [{ kind: 'user', id: kimId, actions: ['ssh'] }] },
    })
    expect(await why({ ...question, action: 'delete', resource_id: others.id })).toMatchObject({
      allowed: false,
      acl: { allowed: false },
    })
  })

  it('RB-135: names the role that refuses', async () => {
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: 'kim' },
      body: { roles: ['organization-workspace-creation-ban'] },
    })
    const explained = await why({
      user: kimId,
      action: 'create',
      resource_type: 'workspace',
      organization_id: organizationId,
      owner_id: 'me',
    })
    expect(explained.allowed).toBe(false)
    expect(explained.roles.levels.find(({ level }) => level === 'org')).toMatchObject({
      vote: -1,
      permissions: [{ role: 'organization-workspace-creation-ban', negate: true }],
    })
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: 'kim' },
      body: { roles: [] },
    })
  })

  it('RB-135: shows what the scope and the allow list of a key leave', async () => {
    const workspace = await fixtures.workspace(database.db, {
      organization_id: organizationId,
      owner_id: kimId,
    })
    const other = await fixtures.workspace(database.db, { organization_id: organizationId, owner_id: kimId })
    const { key } = await kim.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'], allow_list: [`workspace:${workspace.id}`] },
    })
    const question = { user: 'kim', resource_type: 'workspace', key_id: key.slice(0, 10) }
    expect(await why({ ...question, action: 'ssh', resource_id: workspace.id })).toMatchObject({
      allowed: false,
      roles: { allowed: true },
      scope: { allowed: false, permits: false, listed: true, names: ['workspace:read'] },
    })
    expect(await why({ ...question, action: 'read', resource_id: other.id })).toMatchObject({
      allowed: false,
      scope: { permits: true, listed: false, allow_list: [`workspace:${workspace.id}`] },
    })
    expect((await why({ ...question, action: 'read', resource_id: workspace.id })).allowed).toBe(true)
    await expect(
      why({ ...question, user: 'owner', action: 'read', resource_id: workspace.id }),
    ).rejects.toMatchObject({ status: 404 })
  })

  it('RB-135: is for owners and auditors alone', async () => {
    const question = { user: 'kim', action: 'read', resource_type: 'template' }
    const auditor = await server.user('auditor', ['auditor'])
    expect((await why({ ...question, organization_id: organizationId }, auditor)).allowed).toBe(false)
    const others = [kim]
    for (const role of ['user-admin', 'template-admin']) others.push(await server.user(role, [role]))
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: 'template-admin' },
      body: { roles: ['organization-admin'] },
    })
    for (const client of others)
      await expect(why({ ...question, user: 'me' }, client)).rejects.toMatchObject({ status: 403 })
    const hidden = await fixtures.workspace(database.db, { organization_id: organizationId })
    await expect(
      why({ user: 'kim', action: 'read', resource_type: 'workspace', resource_id: hidden.id }, auditor),
    ).rejects.toMatchObject({ status: 404 })
  })

  it.each([
    [{ action: 'fly', resource_type: 'workspace' }, 'action'],
    [{ action: 'read', resource_type: 'spaceship' }, 'resource_type'],
    // RB-139: an answer without what its row says would be misleading.
    [
      { action: 'read', resource_type: 'file', resource_id: '0b6f1c7e-7e0c-4d0b-8a51-2f0e4f3a9c11' },
      'resource_id',
    ],
  ])('RB-135: %j cannot be asked', async (question, field) => {
    await expect(why({ user: 'kim', ...question })).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field })],
    })
  })
})
