import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  explainGroupSync,
  explainOrganizationSync,
  explainRoleSync,
  getGroupSync,
  getOrganizationSync,
  getRoleSync,
  getUser,
  listAuditLogs,
  listClaimFields,
  listClaimFieldValues,
  listOrganizationClaimFields,
  listOrganizationClaimFieldValues,
  updateGroupSync,
  updateGroupSyncConfig,
  updateGroupSyncMapping,
  updateOrganizationSync,
  updateOrganizationSyncConfig,
  updateOrganizationSyncMapping,
  updateRoleSync,
  updateRoleSyncConfig,
  updateRoleSyncMapping,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const SYNC_SETTINGS = '51a51c00-0000-0000-0000-000000000000'

let server: TestServer
let database: Database
let owner: Client
let organizationId: string
/** Of the organization; those without a role in their names have site roles. */
const askers = new Map<string, Client>()
const asker = (name: string): Client => askers.get(name) ?? server.anonymous
const inDefault = { params: { organization: 'default' } }

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  askers.set('owner', owner)
  for (const role of ['user-admin', 'auditor', 'template-admin'])
    askers.set(role, await server.user(role, [role]))
  for (const role of [
    'organization-admin',
    'organization-user-admin',
    'organization-auditor',
    'organization-template-admin',
  ]) {
    const name = role.replace('organization-', 'org-')
    askers.set(name, await server.user(name))
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: name },
      body: { roles: [role] },
    })
  }
  askers.set('member', await server.user('member'))
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
})

async function latestEntry(type: string) {
  const q = `resource_type:${type} action:write`
  const [entry] = (await owner.call(listAuditLogs, { query: { q } })).audit_logs
  if (entry === undefined) throw new Error(`nothing is recorded of ${type}`)
  return entry
}

describe('OP-14: settings', () => {
  it('are empty without options', async () => {
    expect(await owner.call(getOrganizationSync)).toEqual({
      field: '',
      mapping: {},
      organization_assign_default: true,
    })
    expect(await owner.call(getGroupSync, inDefault)).toEqual({
      field: '',
      mapping: {},
      regex_filter: null,
      auto_create_missing_groups: false,
    })
    expect(await owner.call(getRoleSync, inDefault)).toEqual({ field: '', mapping: {} })
  })

  it('are replaced as a whole, and what is left out is empty', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    const settings = { field: 'orgs', mapping: { a: [one, other] }, organization_assign_default: true }
    expect(await owner.call(updateOrganizationSync, { body: settings })).toEqual(settings)
    expect(await owner.call(getOrganizationSync)).toEqual(settings)
    expect(await owner.call(updateOrganizationSync, { body: { field: 'orgs' } })).toEqual({
      field: 'orgs',
      mapping: {},
      organization_assign_default: false,
    })
    const groups = {
      field: 'https://corp.example/groups',
      mapping: { a: [one] },
      regex_filter: '(?i)^dev-',
      auto_create_missing_groups: true,
    }
    expect(await owner.call(updateGroupSync, { ...inDefault, body: groups })).toEqual(groups)
    expect(await owner.call(getGroupSync, inDefault)).toEqual(groups)
    const roles = { field: 'roles', mapping: { a: ['organization-admin', 'agents-access'], none: [] } }
    expect(await owner.call(updateRoleSync, { ...inDefault, body: roles })).toEqual(roles)
    expect(await owner.call(getRoleSync, inDefault)).toEqual(roles)
  })

  it('are changed in part, and the rest stays', async () => {
    const id = randomUUID()
    await owner.call(updateOrganizationSync, { body: { field: 'orgs', mapping: { a: [id] } } })
    expect(await owner.call(updateOrganizationSyncConfig, { body: { assign_default: true } })).toEqual({
      field: 'orgs',
      mapping: { a: [id] },
      organization_assign_default: true,
    })
    const body = { field: 'groups', regex_filter: '^x', auto_create_missing_groups: true }
    await owner.call(updateGroupSyncMapping, { ...inDefault, body: { add: [{ given: 'a', gets: id }] } })
    expect(await owner.call(updateGroupSyncConfig, { ...inDefault, body })).toEqual({
      ...body,
      mapping: { a: [id] },
    })
    expect(await owner.call(updateGroupSyncConfig, { ...inDefault, body: { regex_filter: null } })).toEqual({
      ...body,
      regex_filter: null,
      mapping: { a: [id] },
    })
    await owner.call(updateRoleSyncMapping, {
      ...inDefault,
      body: { add: [{ given: 'a', gets: 'agents-access' }] },
    })
    expect(await owner.call(updateRoleSyncConfig, { ...inDefault, body: { field: 'roles' } })).toEqual({
      field: 'roles',
      mapping: { a: ['agents-access'] },
    })
  })

  it('their mappings take pairs and let go of pairs, also many at once', async () => {
    const given = ['a', 'b', 'c', 'd'].map((value) => ({ given: value, gets: randomUUID() }))
    await Promise.all(
      given.map((pair) => owner.call(updateOrganizationSyncMapping, { body: { add: [pair] } })),
    )
    const all = await owner.call(updateOrganizationSyncMapping, {
      body: {
        remove: given
          .slice(0, 1)
          .map(({ given: value, gets }) => ({ given: value, gets: gets.toUpperCase() })),
      },
    })
    expect(all.mapping).toEqual(Object.fromEntries(given.slice(1).map((pair) => [pair.given, [pair.gets]])))
  })

  it.each([
    ['a mapping to what is no id', { mapping: { a: ['x'] } }],
    ['a filter that is none', { regex_filter: '(' }],
    ['a filter that could take long', { regex_filter: '(a+)\\1' }],
    ['former names', { legacy_group_name_mapping: { a: 'b' } }],
    ['a long field', { field: 'x'.repeat(257) }],
    ['NUL', { field: 'a\0b' }],
    [
      'too many values',
      { mapping: Object.fromEntries(Array.from({ length: 2049 }, (_, n) => [`${n}`, []])) },
    ],
  ])('refuse %s', async (_what, body) => {
    await expect(owner.call(updateGroupSync, { ...inDefault, body })).rejects.toMatchObject({ status: 400 })
    expect((await owner.call(getGroupSync, inDefault)).field).toBe('')
  })

  it('a mapping does not grow without end, one pair after the other', async () => {
    await fixtures.idpSyncGroupSettings(database.db, {
      organization_id: organizationId,
      mapping: JSON.stringify(Object.fromEntries(Array.from({ length: 2048 }, (_, n) => [`${n}`, []]))),
    })
    const body = { add: [{ given: 'one more', gets: randomUUID() }] }
    await expect(owner.call(updateGroupSyncMapping, { ...inDefault, body })).rejects.toMatchObject({
      status: 400,
    })
  })

  it('RB-95, RB-98: their changes are recorded', async () => {
    const id = randomUUID()
    await owner.call(updateOrganizationSync, { body: { field: 'orgs', organization_assign_default: true } })
    expect(await latestEntry('idp_sync_settings_organization')).toMatchObject({
      resource_id: SYNC_SETTINGS,
      resource_target: '',
      status_code: 200,
      diff: { field: { old: '', new: 'orgs', secret: false } },
    })
    await owner.call(updateGroupSync, { ...inDefault, body: { field: 'groups', mapping: { a: [id] } } })
    expect(await latestEntry('idp_sync_settings_group')).toMatchObject({
      resource_id: SYNC_SETTINGS,
      organization: { id: organizationId },
      diff: { field: { old: '', new: 'groups' }, mapping: { old: {}, new: { a: [id] } } },
    })
    await owner.call(updateRoleSyncConfig, { ...inDefault, body: { field: 'roles' } })
    expect(await latestEntry('idp_sync_settings_role')).toMatchObject({
      resource_id: SYNC_SETTINGS,
      organization: { id: organizationId },
      diff: { field: { old: '', new: 'roles' } },
    })
    await expect(
      owner.call(updateGroupSyncConfig, { ...inDefault, body: { regex_filter: '(' } }),
    ).rejects.toMatchObject({ status: 400 })
    expect(await latestEntry('idp_sync_settings_group')).toMatchObject({ status_code: 400, diff: {} })
  })
})

describe('idpsync_settings: who may', () => {
  const READERS = ['owner', 'user-admin', 'org-admin', 'org-user-admin']
  const inBody = { ...inDefault, body: {} }
  const claims = { claims: {} }
  const ofOrganization: readonly [string, (client: Client) => Promise<unknown>][] = [
    ['read groups', (client) => client.call(getGroupSync, inDefault)],
    ['read roles', (client) => client.call(getRoleSync, inDefault)],
    ['list fields', (client) => client.call(listOrganizationClaimFields, inDefault)],
    [
      'list values',
      (client) => client.call(listOrganizationClaimFieldValues, { ...inDefault, query: { claimField: 'x' } }),
    ],
    ['try groups', (client) => client.call(explainGroupSync, { ...inDefault, body: claims })],
    ['try roles', (client) => client.call(explainRoleSync, { ...inDefault, body: claims })],
    ['set groups', (client) => client.call(updateGroupSync, inBody)],
    ['set config of groups', (client) => client.call(updateGroupSyncConfig, inBody)],
    ['set mapping of groups', (client) => client.call(updateGroupSyncMapping, inBody)],
    ['set roles', (client) => client.call(updateRoleSync, inBody)],
    ['set config of roles', (client) => client.call(updateRoleSyncConfig, inBody)],
    ['set mapping of roles', (client) => client.call(updateRoleSyncMapping, inBody)],
  ]
  const ofDeployment: readonly [string, (client: Client) => Promise<unknown>][] = [
    ['read organizations', (client) => client.call(getOrganizationSync)],
    ['list all fields', (client) => client.call(listClaimFields)],
    ['list all values', (client) => client.call(listClaimFieldValues, { query: { claimField: 'x' } })],
    ['try organizations', (client) => client.call(explainOrganizationSync, { body: claims })],
    ['set organizations', (client) => client.call(updateOrganizationSync, { body: {} })],
    ['set config', (client) => client.call(updateOrganizationSyncConfig, { body: {} })],
    ['set mapping', (client) => client.call(updateOrganizationSyncMapping, { body: {} })],
  ]

  it.each([
    ...ofOrganization.map(([what, call]) => [what, call, READERS] as const),
    ...ofDeployment.map(([what, call]) => [what, call, READERS.slice(0, 2)] as const),
  ])('RB-68: %s', async (_what, call, allowed) => {
    for (const [name, client] of askers) {
      const status = await call(client).then(
        () => 200,
        (error: { status: number }) => error.status,
      )
      expect([name, status]).toEqual([name, allowed.includes(name) ? 200 : 403])
    }
    await expect(call(server.anonymous)).rejects.toMatchObject({ status: 401 })
  })
})

describe('RB-41: nobody gives themselves by a claim what they may not hand out', () => {
  const setRoles = (name: string, body: object) => asker(name).call(updateRoleSync, { ...inDefault, body })

  it('a user admin of the organization maps claims to small roles only', async () => {
    await owner.call(updateRoleSync, {
      ...inDefault,
      body: { field: 'roles', mapping: { boss: ['organization-admin'], blocked: ['organization-auditor'] } },
    })
    const change = (body: object) =>
      asker('org-user-admin').call(updateRoleSyncMapping, { ...inDefault, body })
    await change({ add: [{ given: 'agents', gets: 'agents-access' }] })
    for (const body of [
      { add: [{ given: 'agents', gets: 'organization-admin' }] },
      { add: [{ given: 'agents', gets: 'a-role-to-come' }] },
      { remove: [{ given: 'boss', gets: 'organization-admin' }] },
    ])
      await expect(change(body)).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining('not authorized to assign role'),
      })
    expect((await owner.call(getRoleSync, inDefault)).mapping).toEqual({
      boss: ['organization-admin'],
      blocked: ['organization-auditor'],
      agents: ['agents-access'],
    })
  })

  it('nor does such an admin choose a claim that might say anything, but may switch the sync off', async () => {
    for (const field of ['nickname', 'roles'])
      await expect(setRoles('org-user-admin', { field })).rejects.toMatchObject({ status: 400 })
    await owner.call(updateRoleSyncConfig, { ...inDefault, body: { field: 'roles' } })
    await expect(setRoles('user-admin', { field: 'nickname' })).rejects.toMatchObject({ status: 400 })
    expect(await setRoles('org-user-admin', { field: '' })).toEqual({ field: '', mapping: {} })
    await setRoles('org-admin', {
      field: 'nickname',
      mapping: { boss: ['organization-admin', 'a-role-to-come'] },
    })
  })

  it('nor frees the name of a role that was mapped to nothing', async () => {
    await owner.call(updateRoleSync, {
      ...inDefault,
      body: { field: 'roles', mapping: { 'organization-admin': [] } },
    })
    await expect(setRoles('org-user-admin', { field: 'roles', mapping: {} })).rejects.toMatchObject({
      status: 400,
    })
  })

  it('RB-43: nor maps claims to organizations whose members get more than may be handed out', async () => {
    const { id } = await fixtures.organization(database.db, {
      default_org_member_roles: ['organization-auditor'],
    })
    const body = { field: 'orgs', mapping: { a: [id] } }
    await expect(asker('user-admin').call(updateOrganizationSync, { body })).rejects.toMatchObject({
      status: 400,
    })
    await owner.call(updateOrganizationSync, { body })
    await expect(
      asker('user-admin').call(updateOrganizationSyncConfig, { body: { field: 'nickname' } }),
    ).rejects.toMatchObject({ status: 400 })
    await asker('user-admin').call(updateOrganizationSyncMapping, {
      body: { add: [{ given: 'b', gets: organizationId }] },
    })
  })
})
