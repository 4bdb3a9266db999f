import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createSiteRole,
  deleteSiteRole,
  explainGroupSync,
  getGroupSync,
  getMember,
  getOrganizationSync,
  getProviderTest,
  getUser,
  getUserRoles,
  listClaimFields,
  startProviderTest,
  updateGroupSync,
  updateOrganizationSync,
  updateRoleSync,
  updateUserRoles,
} from '@slipway/contract'
import { CookieBrowser, fixtures } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { Site } from './sign-in-site.fixture.ts'
import { ensureGroups } from './store/apply.ts'

describe('ID-165: with the settings of the dashboard', () => {
  let site: Site
  let names = 0
  const fresh = () => {
    names += 1
    return `person${names}`
  }
  const inDefault = { params: { organization: 'default' } }
  beforeAll(async () => {
    site = await Site.start()
  })
  afterAll(() => site[Symbol.asyncDispose]())
  beforeEach(async () => {
    const { db } = site.database
    for (const table of [
      'idp_sync_organization_settings',
      'idp_sync_group_settings',
      'idp_sync_role_settings',
    ] as const)
      await db.deleteFrom(table).execute()
  })

  it('nothing happens while no sync is on', async () => {
    const group = await fixtures.group(site.database.db, { organization_id: site.organizationId })
    const name = fresh()
    const { user } = await site.signIn(name, { groups: ['x'] })
    await fixtures.groupMember(site.database.db, { group_id: group.id, user_id: user.id })
    expect(await site.signIn(name, { groups: ['y'], roles: ['owner'] })).toMatchObject({
      organizations: [site.organizationId],
      roles: [],
      groups: [group.name],
    })
  })

  it('memberships follow the claim, and groups go along', async () => {
    const other = await fixtures.organization(site.database.db)
    const group = await fixtures.group(site.database.db, { organization: other })
    const body = { field: 'organizations', mapping: { here: [site.organizationId], there: [other.id] } }
    await site.owner.call(updateOrganizationSync, { body })
    const name = fresh()
    const first = await site.signIn(name, { organizations: ['there', 'nowhere'] })
    expect(first.organizations).toEqual([other.id])
    await fixtures.groupMember(site.database.db, { group_id: group.id, user_id: first.user.id })
    const second = await site.signIn(name, { organizations: ['here'] })
    expect(second).toMatchObject({ organizations: [site.organizationId], groups: [] })
    expect((await site.signIn(name, {})).organizations).toEqual([])
    await site.owner.call(updateOrganizationSync, { body: { ...body, organization_assign_default: true } })
    const third = await site.signIn(name, { organizations: 'there' })
    expect(third.organizations.toSorted()).toEqual([other.id, site.organizationId].toSorted())
  })

  it('an organization that is gone is passed over', async () => {
    const gone = await fixtures.organization(site.database.db, { deleted: true })
    await site.owner.call(updateOrganizationSync, {
      body: { field: 'organizations', mapping: { there: [gone.id] }, organization_assign_default: true },
    })
    expect((await site.signIn(fresh(), { organizations: ['there'] })).organizations).toEqual([
      site.organizationId,
    ])
  })

  it('a claim about organizations that cannot be read lets nobody in, and leaves everything', async () => {
    const name = fresh()
    const { user } = await site.signIn(name, {})
    await site.owner.call(updateOrganizationSync, { body: { field: 'organizations' } })
    const refused = await site.visit(name, { organizations: 'a,b' })
    expect(refused.status).toBe(500)
    expect(refused.text).toContain('organizations')
    expect((await site.owner.call(getUser, { params: { user: user.id } })).organization_ids).toEqual([
      site.organizationId,
    ])
    expect((await site.visit(fresh(), { organizations: 7 })).status).toBe(500)
  })

  it('groups follow the claim of each organization, and missing ones are made as those of the provider', async () => {
    const { db } = site.database
    const devs = await fixtures.group(db, { organization_id: site.organizationId, name: 'devs' })
    const own = await fixtures.group(db, { organization_id: site.organizationId, name: 'own' })
    const elsewhere = await fixtures.group(db)
    await site.owner.call(updateGroupSync, {
      ...inDefault,
      body: {
        field: 'groups',
        mapping: { mapped: [devs.id, elsewhere.id] },
        regex_filter: '^(mapped|new-.*|Everyone)$',
        auto_create_missing_groups: true,
      },
    })
    const name = fresh()
    const claims = { groups: ['mapped', 'new-team', 'own', 'Everyone'] }
    const first = await site.signIn(name, claims)
    expect(first.groups).toEqual(['devs', 'new-team'])
    const made = await db
      .selectFrom('groups')
      .selectAll()
      .where('name', '=', 'new-team')
      .executeTakeFirstOrThrow()
    expect(made).toMatchObject({ source: 'oidc', organization_id: site.organizationId })
    await fixtures.groupMember(db, { group_id: own.id, user_id: first.user.id })
    expect((await site.signIn(name, { groups: ['new-team'] })).groups).toEqual(['new-team'])
    expect((await site.signIn(name, { groups: 7 })).groups).toEqual(['new-team'])
    expect((await site.signIn(name, {})).groups).toEqual([])
  })

  it('a group that somebody else has just made is taken and not made again', async () => {
    const { database, organizationId } = site
    const actor = systemActor('system_restricted', 'a test makes groups as a sign-in does')
    let second: Promise<string[]> | undefined
    const first = await database.transaction(async (tx) => {
      const made = await ensureGroups(actor, tx, organizationId, ['crowd'])
      // It waits for the first one, whose group nobody else can see yet.
      second = ensureGroups(actor, database.db, organizationId, ['crowd', 'crowd-2'])
      return made
    })
    expect(first).toHaveLength(1)
    expect(await second).toEqual(expect.arrayContaining(first))
    expect(await second).toHaveLength(2)
  })

  it('roles follow the claim, also those that the organization has made, and unknown ones are passed over', async () => {
    const { db } = site.database
    await fixtures.customRole(db, { organization_id: site.organizationId, name: 'reviewer' })
    await site.owner.call(updateRoleSync, {
      ...inDefault,
      body: { field: 'roles', mapping: { boss: ['organization-admin', 'reviewer'], gone: ['former'] } },
    })
    const name = fresh()
    const rolesOf = async (claims: object) =>
      (await site.signIn(name, { ...claims })).organizationRoles[site.organizationId]?.toSorted()
    expect(
      await rolesOf({ roles: ['boss', 'gone', 'organization-auditor', 'organization-member', 'owner'] }),
    ).toEqual(['organization-admin', 'organization-auditor', 'reviewer'])
    await db.deleteFrom('custom_roles').where('name', '=', 'reviewer').execute()
    expect(await rolesOf({ roles: ['organization-auditor'] })).toEqual(['organization-auditor'])
    expect(await rolesOf({ roles: 'a,b' })).toEqual(['organization-auditor'])
    expect(await rolesOf({})).toEqual([])
  })

  it('RB-5: what a claim does not give any more is gone on the next request of older sessions', async () => {
    await site.owner.call(updateRoleSync, { ...inDefault, body: { field: 'roles' } })
    const [name, browser] = [fresh(), new CookieBrowser()]
    await site.visit(name, { roles: ['organization-admin'] }, browser)
    const token = browser.cookie(site.server.url, 'coder_session_token') ?? ''
    const client = new Client({ url: site.server.url, token })
    const settings = () =>
      client.call(getGroupSync, inDefault).then(
        () => 200,
        ({ status }) => status,
      )
    expect(await settings()).toBe(200)
    await site.signIn(name, {})
    await expect.poll(settings).toBe(403)
  })

  it('what they came with can be chosen from and tried again', async () => {
    const name = fresh()
    await site.signIn(name, { groups: ['tried'], nickname: 'x' })
    const fields = await site.owner.call(listClaimFields)
    expect(fields).toEqual(expect.arrayContaining(['email', 'groups', 'nickname', 'sub']))
    const explanation = await site.owner.call(explainGroupSync, {
      ...inDefault,
      body: { user: name, settings: { field: 'groups', auto_create_missing_groups: true } },
    })
    expect(explanation.added).toEqual([{ name: 'tried' }])
  })
})

describe('OP-14: with the options of the deployment', () => {
  let site: Site
  const ORGANIZATION = '11111111-1111-4111-8111-111111111111'
  beforeAll(async () => {
    site = await Site.start({
      CODER_OIDC_GROUP_FIELD: 'groups',
      CODER_OIDC_GROUP_MAPPING: '{"raw": "devs"}',
      CODER_OIDC_GROUP_AUTO_CREATE: 'true',
      CODER_OIDC_GROUP_REGEX_FILTER: '(?i)^DEV',
      CODER_OIDC_ALLOWED_GROUPS: 'raw,devops',
      CODER_OIDC_USER_ROLE_FIELD: 'roles',
      CODER_OIDC_USER_ROLE_MAPPING: '{"boss": ["owner"], "nothing": [], "clerk": ["log-reader", "unmade"]}',
      CODER_OIDC_USER_ROLE_DEFAULT: 'auditor',
      CODER_OIDC_ORGANIZATION_FIELD: 'organizations',
      CODER_OIDC_ORGANIZATION_MAPPING: `{"there": ["${ORGANIZATION.toUpperCase()}"]}`,
    })
    await fixtures.organization(site.database.db, { id: ORGANIZATION })
  })
  afterAll(() => site[Symbol.asyncDispose]())

  it('they hold for the default organization until settings are stored', async () => {
    expect(await site.owner.call(getOrganizationSync)).toEqual({
      field: 'organizations',
      mapping: { there: [ORGANIZATION] },
      organization_assign_default: true,
    })
    expect(await site.owner.call(getGroupSync, { params: { organization: 'default' } })).toEqual({
      field: 'groups',
      mapping: {},
      regex_filter: '(?i)^DEV',
      auto_create_missing_groups: true,
      legacy_group_name_mapping: { raw: 'devs' },
    })
    expect((await site.owner.call(getGroupSync, { params: { organization: ORGANIZATION } })).field).toBe('')
    const person = await site.signIn('by-options', { groups: ['raw', 'ops'], organizations: ['there'] })
    expect(person).toMatchObject({ groups: ['devs'], roles: ['auditor'] })
    expect(person.organizations.toSorted()).toEqual([ORGANIZATION, site.organizationId].toSorted())
  })

  it.each([
    ['no groups', {}, 403],
    ['other groups', { groups: ['ops'] }, 403],
    ['groups that cannot be read', { groups: 'raw,devops' }, 400],
  ])('only members of allowed groups sign in: %s', async (_what, claims, status) => {
    const refused = await site.visit('not-allowed', claims)
    expect(refused.status).toBe(status)
    expect(refused.headers.get('content-type')).toContain('text/html')
    await expect(site.owner.call(getUser, { params: { user: 'not-allowed' } })).rejects.toMatchObject({
      status: 404,
    })
    expect((await site.signIn('allowed', { groups: ['devops'] })).groups).toEqual(['devops'])
  })

  it('RB §5: site roles come from the claim, and nobody else sets them', async () => {
    const groups = ['devops']
    const { user, roles } = await site.signIn('boss', {
      groups,
      roles: ['boss', 'template-admin', 'unheard', 'member'],
    })
    expect(roles.toSorted()).toEqual(['auditor', 'owner', 'template-admin'])
    await expect(
      site.owner.call(updateUserRoles, { params: { user: user.id }, body: { roles: [] } }),
    ).rejects.toMatchObject({ status: 400, message: expect.stringContaining('role sync') })
    expect((await site.signIn('boss', { groups, roles: ['nothing'] })).roles).toEqual(['auditor'])
    expect((await site.visit('boss', { groups, roles: 7 })).status).toBe(500)
    expect((await site.owner.call(getUserRoles, { params: { user: user.id } })).roles).toEqual(['auditor'])
  })

  it('RB-136: roles that the deployment has made for itself come from the claim as well, and go with it', async () => {
    const groups = ['devops']
    const site_permissions = [{ resource_type: 'audit_log', action: 'read' as const }]
    expect((await site.signIn('clerk', { groups, roles: ['clerk'] })).roles).toEqual(['auditor'])
    for (const name of ['log-reader', 'file-reader'])
      await site.owner.call(createSiteRole, { body: { name, site_permissions } })
    const rolesOf = async (...roles: string[]) =>
      (await site.signIn('clerk', { groups, roles })).roles.toSorted()
    expect(await rolesOf('clerk')).toEqual(['auditor', 'log-reader'])
    expect(await rolesOf('file-reader', 'unheard')).toEqual(['auditor', 'file-reader'])
    expect(await rolesOf('clerk', 'file-reader')).toEqual(['auditor', 'file-reader', 'log-reader'])
    await site.owner.call(deleteSiteRole, { params: { roleName: 'log-reader' } })
    expect(await rolesOf('clerk', 'file-reader')).toEqual(['auditor', 'file-reader'])
    expect(await rolesOf()).toEqual(['auditor'])
  })

  it('RB-125: the last active owner stays one, whatever the provider says', async () => {
    const groups = ['devops']
    const { user } = await site.signIn('last-owner', { groups, roles: ['boss'] })
    const { db } = site.database
    const others = db.updateTable('users').where('id', '!=', user.id).where('is_system', '=', false)
    await others.set({ status: 'suspended' }).execute()
    await site.visit('last-owner', { groups, roles: [] })
    const stored = await db
      .selectFrom('users')
      .select('rbac_roles')
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow()
    await others.set({ status: 'active' }).execute()
    expect(stored.rbac_roles.toSorted()).toEqual(['auditor', 'owner'])
    expect((await site.signIn('last-owner', { groups })).roles).toEqual(['auditor'])
  })

  it('L-29: a test sign-in tells what all syncs would do, and does nothing', async () => {
    const params = { identityprovider: 'oidc' }
    const tried = async (name: string, claims: Readonly<Record<string, unknown>>) => {
      const test = await site.owner.call(startProviderTest, { params })
      const browser = new CookieBrowser()
      browser.setCookie(
        site.server.url,
        'coder_session_token',
        site.owner.headers['Coder-Session-Token'] ?? '',
      )
      await site.visit(name, claims, browser, test.url)
      const done = await site.owner.call(getProviderTest, { params: { ...params, providertest: test.id } })
      return done.sync
    }
    const claims = { groups: ['devops', 'dev-tried'], roles: ['boss'], organizations: ['there', 'nowhere'] }
    const fresh = await tried('tried', claims)
    expect(fresh).toMatchObject({
      refusal: '',
      organizations: { enabled: true, removed: [] },
      site_roles: { added: [{ name: 'auditor' }, { name: 'owner' }], removed: [] },
    })
    expect(fresh?.organizations.values.map(({ outcome }) => outcome)).toEqual(['mapped', 'unknown'])
    const inDefault = fresh?.by_organization.find(
      ({ organization }) => organization.id === site.organizationId,
    )
    expect(inDefault?.groups.added).toContainEqual({ name: 'dev-tried' })
    expect(inDefault?.roles.enabled).toBe(false)
    await expect(site.owner.call(getUser, { params: { user: 'tried' } })).rejects.toMatchObject({
      status: 404,
    })
    const [{ user }, again] = [
      await site.signIn('tried', claims),
      await tried('tried', { groups: ['ops'], roles: 7 }),
    ]
    expect(again?.refusal).toContain('None of your groups')
    expect(again?.site_roles.error).not.toBe('')
    expect(again?.organizations.removed).toEqual([expect.objectContaining({ id: ORGANIZATION })])
    expect(again?.by_organization[0]?.groups.removed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['dev-tried', 'devops']),
    )
    expect(await site.groupsOf(user.id)).toEqual(['dev-tried', 'devops'])
  })

  it('WS-49: the member is shown as what the claims made of them', async () => {
    await site.signIn('shown', { groups: ['devops'] })
    const params = { organization: site.organizationId, user: 'shown' }
    expect(await site.owner.call(getMember, { params })).toMatchObject({
      login_type: 'oidc',
      global_roles: [{ name: 'auditor' }],
    })
  })
})
