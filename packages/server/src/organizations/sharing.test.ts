import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  checkAuthorization,
  getUser,
  getWorkspaceSharing,
  listAuditLogs,
  listMemberRoles,
  listMembersPaged,
  updateWorkspaceSharing,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let member: Client
let memberId: string
let organizationId: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
  const me = await member.call(getUser, { params: { user: 'me' } })
  memberId = me.id
  organizationId = me.organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => set({ shareable_workspace_owners: 'everyone' }))

const at = { params: { organization: 'default' } }
const get = (client = owner) => client.call(getWorkspaceSharing, at)
const set = (body: object, client = owner) => client.call(updateWorkspaceSharing, { ...at, body })
const stored = async (name: string) => {
  const row = await database.db
    .selectFrom('custom_roles')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  const words = (list: unknown) =>
    Array.isArray(list) ? list.map((p) => `${p.negate ? '-' : ''}${p.resource_type}.${p.action}`) : []
  return { org: words(row.org_permissions), member: words(row.member_permissions) }
}

describe('…/settings/workspace-sharing', () => {
  it('WS-50, RB-33: the newer field goes before the older switch, and either way is answered', async () => {
    const settings = (mode: string) => ({
      shareable_workspace_owners: mode,
      sharing_disabled: mode === 'none',
      sharing_globally_disabled: false,
    })
    expect(await get()).toEqual(settings('everyone'))
    expect(await set({ sharing_disabled: true })).toEqual(settings('none'))
    expect(await set({ sharing_disabled: false })).toEqual(settings('everyone'))
    expect(await set({ sharing_disabled: true, shareable_workspace_owners: 'service_accounts' })).toEqual(
      settings('service_accounts'),
    )
    expect(await get(member)).toEqual(settings('service_accounts'))
  })

  it.each([{ shareable_workspace_owners: 'some' }, {}])('RB-33: %j is refused', async (body) => {
    await expect(set(body)).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field: 'shareable_workspace_owners' })],
    })
  })

  it('RB-33: is changed by who may change the organization', async () => {
    await expect(set({ sharing_disabled: true }, member)).rejects.toMatchObject({ status: 403 })
    const { audit_logs: entries } = await owner.call(listAuditLogs, {
      query: { q: `resource_id:${organizationId} action:write username:member` },
    })
    expect(entries[0]).toMatchObject({ status_code: 403, diff: {} })
  })

  it('RB-32: keeps the stored roles to what the mode means, and out of every list', async () => {
    await set({ shareable_workspace_owners: 'none' })
    expect((await stored('organization-member')).org).toEqual(
      expect.not.arrayContaining(['organization_member.read', 'group.read']),
    )
    expect((await stored('organization-member')).org).toContain('-workspace.share')
    await set({ shareable_workspace_owners: 'service_accounts' })
    expect((await stored('organization-member')).member).toContain('-workspace.share')
    expect((await stored('organization-service-account')).org).toContain('group.read')
    expect((await stored('organization-service-account')).member).not.toContain('-workspace.share')
    await set({ shareable_workspace_owners: 'everyone' })
    expect((await stored('organization-member')).org).toContain('group.read')
    const names = (await owner.call(listMemberRoles, at)).map(({ name }) => name)
    expect(names).not.toContain('organization-member')
    expect(names).not.toContain('organization-service-account')
  })

  it('RB-32: what another hand or release has left is put right at the start, and nothing else is written', async () => {
    const { db } = database
    const others = await fixtures.organization(db)
    await db
      .updateTable('custom_roles')
      .set({ org_permissions: JSON.stringify([{ negate: false, resource_type: 'user', action: 'create' }]) })
      .where('name', '=', 'organization-member')
      .where('organization_id', '=', organizationId)
      .execute()
    const untouched = () =>
      db
        .selectFrom('custom_roles')
        .select('updated_at')
        .where('name', '=', 'organization-service-account')
        .where('organization_id', '=', organizationId)
        .executeTakeFirstOrThrow()
    const before = await untouched()
    await using second = await startTestServer({ databaseUrl: server.databaseUrl })
    expect(second.url).not.toBe(server.url)
    expect((await stored('organization-member')).org).not.toContain('user.create')
    expect(await untouched()).toEqual(before)
    const made = await db
      .selectFrom('custom_roles')
      .select('name')
      .where('organization_id', '=', others.id)
      .execute()
    expect(made).toHaveLength(2)
  })

  it('RB-32: members may do on their next request what the mode lets them', async () => {
    const page = () =>
      member.call(listMembersPaged, { ...at, query: { limit: 1 } }).then(
        () => 200,
        ({ status }) => status,
      )
    const share = async () =>
      (
        await member.call(checkAuthorization, {
          body: {
            checks: {
              share: {
                action: 'share',
                object: { resource_type: 'workspace', owner_id: 'me', organization_id: organizationId },
              },
            },
          },
        })
      ).share
    expect([await page(), await share()]).toEqual([200, true])
    for (let round = 0; round < 3; round += 1) {
      await set({ shareable_workspace_owners: 'none' })
      expect([await page(), await share()]).toEqual([404, false])
      await set({ shareable_workspace_owners: 'service_accounts' })
      expect([await page(), await share()]).toEqual([200, false])
      await set({ shareable_workspace_owners: 'everyone' })
      expect([await page(), await share()]).toEqual([200, true])
    }
  })

  it('WS-50, RB-33: takes back what has been shared of those who may not share any more', async () => {
    const { db } = database
    const robot = await fixtures.user(db, { is_service_account: true, email: '', login_type: 'none' })
    const user_acl = JSON.stringify({ [memberId]: ['read'] })
    const group_acl = JSON.stringify({ [organizationId]: ['read'] })
    const shared = { organization_id: organizationId, user_acl, group_acl }
    const human = await fixtures.workspace(db, { ...shared, owner_id: memberId })
    const machine = await fixtures.workspace(db, { ...shared, owner_id: robot.id })
    const elsewhere = await fixtures.workspace(db, { user_acl, group_acl })
    const lists = async (id: string) => {
      const row = await db
        .selectFrom('workspaces')
        .select(['user_acl', 'group_acl'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      return Object.keys({ ...Object(row.user_acl), ...Object(row.group_acl) }).length
    }
    await set({ shareable_workspace_owners: 'service_accounts' })
    expect([await lists(human.id), await lists(machine.id), await lists(elsewhere.id)]).toEqual([0, 2, 2])
    await set({ shareable_workspace_owners: 'none' })
    expect([await lists(human.id), await lists(machine.id), await lists(elsewhere.id)]).toEqual([0, 0, 2])
  })

  it('WS-50: the switch of the deployment goes before it', async () => {
    await using off = await startTestServer({ env: { CODER_DISABLE_WORKSPACE_SHARING: 'true' } })
    expect(await (await off.owner()).call(getWorkspaceSharing, at)).toEqual({
      shareable_workspace_owners: 'none',
      sharing_disabled: true,
      sharing_globally_disabled: true,
    })
  })
})
