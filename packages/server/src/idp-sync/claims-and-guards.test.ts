import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  assignMemberRoles,
  explainGroupSync,
  explainOrganizationSync,
  explainRoleSync,
  getUser,
  listClaimFields,
  listClaimFieldValues,
  listOrganizationClaimFields,
  listOrganizationClaimFieldValues,
  removeMember,
  updateOrganizationSyncConfig,
  updateRoleSyncConfig,
  updateUserRoles,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let userAdmin: Client
let organizationId: string
const inDefault = { params: { organization: 'default' } }

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  member = await server.user('member')
  userAdmin = await server.user('org-user-admin')
  await owner.call(assignMemberRoles, {
    params: { organization: 'default', user: 'org-user-admin' },
    body: { roles: ['organization-user-admin'] },
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  const { db } = database
  await db.deleteFrom('idp_sync_organization_settings').execute()
  await db.deleteFrom('idp_sync_group_settings').execute()
  await db.deleteFrom('idp_sync_role_settings').execute()
  await db.deleteFrom('user_links').execute()
})

describe('UI-1402: claims to choose from', () => {
  async function signedIn(claims: object, member = true) {
    const user = await fixtures.user(database.db, { login_type: 'oidc' })
    if (member) await fixtures.organizationMember(database.db, { organization_id: organizationId, user })
    await fixtures.userLink(database.db, { user, claims: JSON.stringify({ merged_claims: claims }) })
    return user
  }

  it('are the names and values that people came with, in order and each once', async () => {
    await signedIn({ groups: ['b', 'a'], plan: 'gold', empty: null, level: 7 })
    await signedIn({ groups: ['a', 'c', 'x'.repeat(1025)] })
    await signedIn({ team: 'other' }, false)
    await fixtures.userLink(database.db, {
      login_type: 'github',
      claims: JSON.stringify({ merged_claims: { no: 1 } }),
    })
    await fixtures.userLink(database.db, { claims: JSON.stringify({ merged_claims: null }) })
    const values = (claimField: string) => owner.call(listClaimFieldValues, { query: { claimField } })
    const here = (claimField: string) =>
      owner.call(listOrganizationClaimFieldValues, { ...inDefault, query: { claimField } })
    expect(await owner.call(listClaimFields)).toEqual(['empty', 'groups', 'level', 'plan', 'team'])
    expect(await owner.call(listOrganizationClaimFields, inDefault)).toEqual([
      'empty',
      'groups',
      'level',
      'plan',
    ])
    expect(await values('groups')).toEqual(['a', 'b', 'c'])
    expect([await values('plan'), await values('level'), await values('empty')]).toEqual([
      ['gold'],
      ['7'],
      [],
    ])
    expect([await values('team'), await here('team')]).toEqual([['other'], []])
    expect(await values("' or true --")).toEqual([])
    await expect(values('')).rejects.toMatchObject({ status: 400 })
  })

  it('a dry run says what each value comes to and what would change, and changes nothing', async () => {
    const group = await fixtures.group(database.db, { organization_id: organizationId, name: 'devs' })
    const left = await fixtures.group(database.db, { organization_id: organizationId, name: 'left' })
    const user = await signedIn({ groups: ['devs', 'new', 'no'] })
    await fixtures.groupMember(database.db, { group_id: left.id, user_id: user.id })
    const settings = { field: 'groups', regex_filter: '^(devs|new)$', auto_create_missing_groups: true }
    const explanation = await owner.call(explainGroupSync, {
      ...inDefault,
      body: { user: user.username, settings },
    })
    expect(explanation).toEqual({
      enabled: true,
      error: '',
      values: [
        { value: 'devs', outcome: 'named', targets: [{ id: group.id, name: 'devs' }] },
        { value: 'new', outcome: 'created', targets: [{ name: 'new' }] },
        { value: 'no', outcome: 'filtered', targets: [] },
      ],
      result: [{ id: group.id, name: 'devs' }, { name: 'new' }],
      added: [{ id: group.id, name: 'devs' }, { name: 'new' }],
      removed: [{ id: left.id, name: 'left' }],
    })
    expect((await owner.call(explainGroupSync, { ...inDefault, body: { user: user.id } })).enabled).toBe(
      false,
    )
    const names = await database.db.selectFrom('groups').select('name').where('name', '=', 'new').execute()
    expect(names).toEqual([])
    const roles = await owner.call(explainRoleSync, {
      ...inDefault,
      body: { claims: { roles: ['agents-access', 'unheard'] }, settings: { field: 'roles' } },
    })
    expect(roles.added).toEqual([{ name: 'agents-access' }])
    const organizations = await owner.call(explainOrganizationSync, {
      body: {
        claims: { orgs: 'here' },
        user: user.id,
        settings: { field: 'orgs', mapping: { here: [organizationId] } },
      },
    })
    expect(organizations).toMatchObject({ added: [], removed: [], values: [{ outcome: 'mapped' }] })
    for (const body of [{}, { claims: {}, settings: { regex_filter: '(' } }])
      await expect(owner.call(explainGroupSync, { ...inDefault, body })).rejects.toMatchObject({
        status: 400,
      })
    await expect(
      owner.call(explainGroupSync, { ...inDefault, body: { user: 'nobody' } }),
    ).rejects.toMatchObject({ status: 404 })
  })

  it('ID-205: claims of a user are not read for who may not read what is personal', async () => {
    const user = await signedIn({ groups: ['secret'] })
    const body = { user: user.id, settings: { field: 'groups' } }
    await expect(userAdmin.call(explainGroupSync, { ...inDefault, body })).rejects.toMatchObject({
      status: 403,
    })
    const given = await userAdmin.call(explainGroupSync, {
      ...inDefault,
      body: { ...body, claims: { groups: ['secret'] } },
    })
    expect(given.values).toHaveLength(1)
  })
})

describe('what claims decide nobody sets by hand', () => {
  const oidcUser = async () => {
    const user = await fixtures.user(database.db, { login_type: 'oidc' })
    await fixtures.organizationMember(database.db, { organization_id: organizationId, user })
    return { organization: 'default', user: user.username }
  }

  it('WS-47: memberships, while organizations are synced', async () => {
    const params = await oidcUser()
    await owner.call(removeMember, { params })
    await owner.call(updateOrganizationSyncConfig, { body: { field: 'orgs' } })
    await expect(owner.call(addMember, { params })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('Organization sync'),
    })
    // Who may add nobody is told no more than before.
    await expect(member.call(addMember, { params: { ...params, user: 'member' } })).rejects.toMatchObject({
      status: 404,
    })
    await owner.call(updateOrganizationSyncConfig, { body: { field: '' } })
    await owner.call(addMember, { params })
    await owner.call(updateOrganizationSyncConfig, { body: { field: 'orgs' } })
    // WS-48: ending a membership stays possible.
    await owner.call(removeMember, { params })
  })

  it('WS-49: roles in an organization, while it syncs roles, and only those of people of the provider', async () => {
    const params = await oidcUser()
    const body = { roles: ['agents-access'] }
    await owner.call(assignMemberRoles, { params, body })
    await owner.call(updateRoleSyncConfig, { ...inDefault, body: { field: 'roles' } })
    await expect(owner.call(assignMemberRoles, { params, body: { roles: [] } })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('role sync'),
    })
    await owner.call(assignMemberRoles, { params: { ...params, user: 'member' }, body: { roles: [] } })
    // Site roles are another sync.
    await owner.call(updateUserRoles, { params: { user: params.user }, body: { roles: ['auditor'] } })
  })
})
