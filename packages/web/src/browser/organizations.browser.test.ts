import { randomUUID } from 'node:crypto'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  createCustomRole,
  createGroup,
  createOrganization,
  getGroupByName,
  getMember,
  getUser,
  listMemberRoles,
  listOrganizations,
  updateGroup,
} from '@slipway/contract'
import {
  fixtures,
  openBrowser,
  openDatabase,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'
import { goneAfterDialog } from './gone.fixture.ts'
import { flawsOf, type Sight } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
/** A member with no role of their own. */
let ada: Client
let home: string
const HOME = '/organizations/coder'

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  ada = await server.user('ada')
  await server.user('bob')
  await server.user('a-colleague-with-a-long-name')
  home = (await owner.call(listOrganizations))[0]?.id ?? ''
  await owner.call(createOrganization, { body: { name: 'research', display_name: 'Research' } })
  await owner.call(createGroup, {
    params: { organization: home },
    body: { name: 'platform', display_name: 'Platform', quota_allowance: 5 },
  })
  await owner.call(createCustomRole, {
    params: { organization: home },
    body: {
      name: 'on-call',
      display_name: 'On call',
      organization_permissions: [{ resource_type: 'workspace', action: 'read' }],
    },
  })
  const template = await server.builtInTemplate()
  const { id } = await owner.call(getUser, { params: { user: 'me' } })
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const workspace = await fixtures.workspace(database.db, {
    name: 'flight',
    owner_id: id,
    template_id: template.id,
  })
  await fixtures.workspaceBuild(database.db, { workspace })
}, 60_000)
afterAll(() => owned.disposeAsync())

const choose = async (page: Page, field: string, text: string) => {
  await page.getByRole('combobox', { name: field }).fill(text)
  await page.getByRole('option', { name: new RegExp(text) }).click()
}
const rolesOf = async (user: string) =>
  (await owner.call(getMember, { params: { organization: home, user } })).roles.map(({ name }) => name)

describe('members', () => {
  it('UI-1402: are added, get built-in and custom roles, and are removed', async () => {
    const { page, faults } = await browser.openAs(owner, '/organizations/research')
    await page.getByRole('button', { name: 'Add members' }).click()
    await choose(page, 'User', 'bob')
    await choose(page, 'User', 'ada')
    await page.getByRole('button', { name: 'Add 2 members' }).click()
    await page.getByRole('row', { name: /ada@/ }).waitFor()

    await page.goto(server.url + HOME)
    await page.getByRole('button', { name: 'Actions for bob' }).click()
    await page.getByRole('menuitem', { name: 'Roles' }).click()
    await page.getByRole('checkbox', { name: 'On call' }).click()
    await page.getByRole('checkbox', { name: 'Organization auditor' }).click()
    // What everybody has cannot be taken from one.
    expect(await page.getByRole('checkbox', { name: 'Organization workspace access' }).isDisabled()).toBe(
      true,
    )
    await page.getByRole('button', { name: 'Save roles' }).click()
    await page.getByRole('row', { name: /bob/ }).getByText('On call').waitFor()
    expect((await rolesOf('bob')).sort()).toEqual(['on-call', 'organization-auditor'])

    await page.goto(`${server.url}/organizations/research`)
    await page.getByRole('button', { name: 'Actions for ada' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByRole('button', { name: 'Remove member' }).click()
    await goneAfterDialog(page.getByRole('row', { name: /ada@/ }))
    expect(faults).toEqual([])
  })

  it('UI-1402: who has workspaces here is not removed without saying so', async () => {
    const admin = await server.user('chief')
    const { page } = await browser.openAs(owner, HOME)
    await page.getByRole('button', { name: 'Actions for chief' }).click()
    await page.getByRole('menuitem', { name: 'Roles' }).click()
    await page.getByRole('checkbox', { name: 'Organization admin' }).click()
    await page.getByRole('button', { name: 'Save roles' }).click()
    await page.getByRole('row', { name: /chief/ }).getByText('Organization admin').waitFor()
    const { page: theirs } = await browser.openAs(admin, HOME)
    await theirs.getByRole('button', { name: 'Actions for owner' }).click()
    await theirs.getByRole('menuitem', { name: 'Remove' }).click()
    await theirs.getByText('1 workspace of theirs stays behind').waitFor()
    await theirs.getByText(/flight/).waitFor()
    await theirs.keyboard.press('Escape')
    await theirs.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('UI-2, UI-313: what fails is said in place, and what is not allowed is not offered', async () => {
    const { page } = await browser.openAs(ada, HOME)
    await page.getByRole('row', { name: /bob/ }).waitFor()
    expect(await page.getByRole('button', { name: 'Add members' }).count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Settings', exact: true }).count()).toBe(0)
    await page.goto(`${server.url}${HOME}/settings`)
    await page.getByText('You may not change the settings').waitFor()
    await page.goto(`${server.url}/organizations/new`)
    await page.getByText('You may not create organizations').waitFor()
    await page.goto(`${server.url}/deployment/idp-org-sync`)
    await page.getByText('You may not see the organization sync').waitFor()
    await page.goto(`${server.url}/organizations/nowhere`)
    await page.getByText('There is no organization nowhere').waitFor()

    await page.route('**/paginated-members*', (route) =>
      route.fulfill({ status: 500, contentType: 'application/json', body: '{"message":"Out of order."}' }),
    )
    await page.goto(server.url + HOME)
    await page.getByText('The members could not be read: Out of order.').waitFor()
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('row', { name: /bob/ }).waitFor()
  })
})

describe('groups', () => {
  it('UI-1402: are made, filled, changed and deleted', async () => {
    const { page, faults } = await browser.openAs(owner, `${HOME}/groups/create`)
    await page.getByLabel('Name', { exact: true }).fill('Everyone')
    await page.getByRole('button', { name: 'Create group' }).click()
    await page.getByText('"Everyone" is a reserved group name').first().waitFor()
    await page.getByLabel('Name', { exact: true }).fill('firmware')
    await page.getByLabel('Display name').fill('Firmware')
    await page.getByLabel('Credits per day').fill('40')
    await page.getByRole('button', { name: 'Create group' }).click()
    await page.getByText('Nobody is in this group yet').waitFor()
    await page.getByRole('button', { name: 'Add members' }).first().click()
    await choose(page, 'Member', 'ada')
    await page.getByRole('button', { name: 'Add member', exact: true }).click()
    await page.getByRole('row', { name: /ada/ }).waitFor()
    await page.getByRole('button', { name: 'Remove ada' }).click()
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByText('Nobody is in this group yet').waitFor()

    await page.goto(`${server.url}${HOME}/groups/firmware/settings`)
    await page.getByLabel('Credits per day').fill('60')
    await page.getByLabel('Name', { exact: true }).fill('robots')
    await page.getByRole('button', { name: 'Save group' }).click()
    await page.waitForURL('**/groups/robots')
    const params = { organization: home, groupName: 'robots' }
    expect(await owner.call(getGroupByName, { params })).toMatchObject({ quota_allowance: 60 })

    await page.goto(`${server.url}${HOME}/groups`)
    await page.getByRole('button', { name: 'Actions for Firmware' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    const confirm = page.getByRole('button', { name: 'Delete group' })
    expect(await confirm.isDisabled()).toBe(true)
    await page.getByLabel('Type "robots" to confirm').fill('robots')
    await confirm.click()
    await goneAfterDialog(page.getByRole('link', { name: 'Firmware' }))
    expect(faults).toEqual([])
  })

  it('WS-61, WS-62: everyone is neither filled nor deleted, and has a budget', async () => {
    const { page } = await browser.openAs(owner, `${HOME}/groups/Everyone`)
    await page.getByText('Members cannot be added or removed here').waitFor()
    expect(await page.getByRole('button', { name: 'Add members' }).count()).toBe(0)
    await page.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).click()
    expect(await page.getByLabel('Name', { exact: true }).count()).toBe(0)
    await page.getByLabel('Credits per day').fill('7')
    await page.getByRole('button', { name: 'Save group' }).click()
    await page.getByText('credits each: 7 per day').waitFor()
  })

  it('UI-401, UI-403: older addresses and links of mails lead here', async () => {
    const ada = await owner.call(getUser, { params: { user: 'ada' } })
    const { id } = await owner.call(getGroupByName, {
      params: { organization: home, groupName: 'platform' },
    })
    await owner.call(updateGroup, { params: { group: id }, body: { add_users: [ada.id] } })
    const { page } = await browser.openAs(owner, '/groups')
    await page.waitForURL(`**${HOME}/groups`)
    await page.goto(`${server.url}${HOME}/groups/platform?filter=ada`)
    await page.getByRole('row', { name: /ada/ }).waitFor()
    // Users are listed with their groups (UI-1401).
    await page.goto(`${server.url}/deployment/users?filter=ada`)
    await page.getByRole('row', { name: /ada/ }).getByRole('link', { name: 'Platform' }).waitFor()
    await page.goto(`${server.url}/organizations`)
    await page.waitForURL(`**${HOME}`)
  })
})

describe('roles', () => {
  it('UI-1402: are made in a matrix that the keyboard walks, changed, and deleted', async () => {
    const { page, faults } = await browser.openAs(owner, `${HOME}/roles/create`)
    await page.getByLabel('Name', { exact: true }).fill('release-bot')
    await page.getByRole('checkbox', { name: 'Read: Templates' }).focus()
    await page.keyboard.press('Space')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Space')
    await page.keyboard.press('ArrowDown')
    // Files have no update: the next row that has one is walked to.
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')))
      .toBe('Update: Provisioners')
    await page.getByRole('radio', { name: 'Only on what they own' }).click()
    await page.getByRole('checkbox', { name: 'Start: Workspaces' }).click()
    await page.getByText('3 permissions chosen').waitFor()
    await page.getByRole('button', { name: 'Create role' }).click()
    await page.getByRole('link', { name: 'release-bot' }).click()
    await page.getByRole('checkbox', { name: 'Update: Templates' }).click()
    await page.getByRole('button', { name: 'Save role' }).click()
    await page.getByText('2 permissions on 2 kinds of resources.').waitFor()
    const roles = await owner.call(listMemberRoles, { params: { organization: home } })
    expect(roles.find(({ name }) => name === 'release-bot')).toMatchObject({
      organization_permissions: [{ resource_type: 'template', action: 'read' }],
      organization_member_permissions: [{ resource_type: 'workspace', action: 'start' }],
    })
    await page.getByRole('button', { name: 'Delete release-bot' }).click()
    await page.getByLabel('Type "release-bot" to confirm').fill('release-bot')
    await page.keyboard.press('Enter')
    await goneAfterDialog(page.getByRole('link', { name: 'release-bot' }))
    expect(faults).toEqual([])
  })

  it('RB-37: only what the viewer holds can be given, and built-in roles are read', async () => {
    const { page } = await browser.openAs(await server.user('dean'), '/workspaces')
    const organization = { organization: 'research' }
    await owner.call(addMember, { params: { ...organization, user: 'dean' } })
    const { page: owners } = await browser.openAs(owner, '/organizations/research')
    await owners.getByRole('button', { name: 'Actions for dean' }).click()
    await owners.getByRole('menuitem', { name: 'Roles' }).click()
    await owners.getByRole('checkbox', { name: 'Organization admin' }).click()
    await owners.getByRole('button', { name: 'Save roles' }).click()
    await owners.getByRole('row', { name: /dean/ }).getByText('Organization admin').waitFor()
    await page.goto(`${server.url}/organizations/research/roles/create`)
    const box = (name: string) => page.getByRole('checkbox', { name, exact: true })
    await box('Start: Workspaces').waitFor()
    expect(await box('Start: Workspaces').isDisabled()).toBe(false)
    expect(await box('SSH: Workspaces').isDisabled()).toBe(true)
    await page.goto(`${server.url}/organizations/research/roles/organization-admin`)
    await page.getByText('In the whole organization', { exact: true }).waitFor()
    expect(await page.getByRole('checkbox').count()).toBe(0)
  })
})

describe('provisioners', () => {
  it('UI-1402, PR-20: show what they work on, and their jobs lead to logs and are canceled', async () => {
    const version = randomUUID()
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const waiting = await fixtures.provisionerJob(database.db, {
      organization_id: home,
      type: 'template_version_import',
      input: JSON.stringify({ template_version_id: version }),
      tags: JSON.stringify({ scope: 'organization', owner: '', arch: 'sparc' }),
      started_at: null,
      completed_at: null,
    })
    await fixtures.templateVersion(database.db, { id: version, job: waiting, name: 'rare' })
    const { page, faults } = await browser.openAs(owner, `${HOME}/provisioners`)
    await page.getByText('Idle').waitFor()
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    const row = page.getByRole('row', { name: /Import rare/ })
    await row.getByText('None has its tags').waitFor()
    await row.getByRole('button', { name: 'arch=sparc' }).click()
    await page.getByRole('row', { name: /Import local-workspace/ }).waitFor({ state: 'detached' })
    await row.getByRole('button', { name: 'Actions for Import rare' }).click()
    await page.getByRole('menuitem', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Cancel the job' }).click()
    await row.getByText('Canceled').waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'State' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Running' }).click()
    await page.getByRole('button', { name: 'Show all' }).click()

    const imported = page.getByRole('row', { name: /Import local-workspace/ })
    await imported.getByRole('button', { name: /^Actions for/ }).click()
    await page.getByRole('menuitem', { name: 'Open the log' }).click()
    await page.getByRole('region', { name: /log/i }).waitFor()
    expect(faults).toEqual([])
  })

  it('UI-313: are not for members to see', async () => {
    const { page } = await browser.openAs(ada, `${HOME}/provisioners`)
    await page.getByText('You may not see the provisioners').waitFor()
    await page.goto(`${server.url}${HOME}/provisioner-jobs`)
    await page.getByText('You may not see the jobs').waitFor()
    expect(await page.getByRole('link', { name: 'Provisioners' }).count()).toBe(0)
  })
})

describe('an organization', () => {
  it('UI-1402: is made, renamed, and deleted when it is empty; the switcher keeps the kind of page', async () => {
    const { page, faults } = await browser.openAs(owner, '/organizations/new')
    await page.getByLabel('Name', { exact: true }).fill('robots')
    await page.getByRole('button', { name: 'Create organization' }).click()
    await page.waitForURL('**/organizations/robots')
    await page.getByRole('link', { name: 'Settings', exact: true }).click()
    await page.getByLabel('Name', { exact: true }).fill('machines')
    await page.getByLabel('Display name').fill('Machines')
    await page.getByRole('button', { name: 'Save organization' }).click()
    await page.waitForURL('**/organizations/machines/settings')
    await page.getByRole('button', { name: 'Organization Machines' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Research' }).click()
    await page.waitForURL('**/organizations/research/settings')
    // It has members, who are counted.
    await page.getByRole('link', { name: /members$/ }).waitFor()
    expect(await page.getByRole('button', { name: 'Delete organization' }).isDisabled()).toBe(true)
    await page.goto(`${server.url}/organizations/machines/settings`)
    await page.getByRole('button', { name: 'Delete organization' }).click()
    await page.getByLabel('Type "machines" to confirm').fill('machines')
    await page.getByRole('button', { name: 'Delete organization' }).last().click()
    await page.waitForURL(`**${HOME}`)
    expect((await owner.call(listOrganizations)).map(({ name }) => name)).not.toContain('machines')
    expect(faults).toEqual([])
  })
})

/** Pages and what stands open on them. */
const SIGHTS: Readonly<Record<string, Sight>> = {
  members: { path: HOME },
  'add members': {
    path: HOME,
    open: async (page) => {
      await page.getByRole('button', { name: 'Add members' }).click()
      await page.getByRole('combobox', { name: 'User' }).fill('a')
      await page.getByRole('option').first().waitFor()
    },
  },
  'roles of a member': {
    path: HOME,
    open: async (page) => {
      await page.getByRole('button', { name: 'Actions for ada' }).click()
      await page.getByRole('menuitem', { name: 'Roles' }).click()
      await page.getByRole('checkbox').first().waitFor()
    },
  },
  'new organization': { path: '/organizations/new' },
  groups: { path: `${HOME}/groups` },
  'new group': { path: `${HOME}/groups/create` },
  group: { path: `${HOME}/groups/platform` },
  everyone: { path: `${HOME}/groups/Everyone` },
  'missing group': { path: `${HOME}/groups/nothing` },
  'settings of a group': { path: `${HOME}/groups/platform/settings` },
  roles: { path: `${HOME}/roles` },
  'new role': { path: `${HOME}/roles/create` },
  role: { path: `${HOME}/roles/on-call` },
  'built-in role': { path: `${HOME}/roles/organization-admin` },
  provisioners: { path: `${HOME}/provisioners` },
  jobs: { path: `${HOME}/provisioner-jobs` },
  'no such jobs': { path: `${HOME}/provisioner-jobs?ids=nothing` },
  'sync of groups': {
    path: `${HOME}/idp-sync`,
    open: async (page) => {
      await page.getByRole('button', { name: 'Try', exact: true }).click()
      await page.getByText('has after it').or(page.getByText('The sync is off')).waitFor()
    },
  },
  'sync of roles': { path: `${HOME}/idp-sync?tab=roles` },
  'sync of organizations': { path: '/deployment/idp-org-sync' },
  settings: { path: `${HOME}/settings` },
  'permissions of a template': { path: '/templates/local-workspace/permissions' },
  'sharing of a workspace': { path: '/@owner/flight/sharing' },
}

describe('every page', () => {
  it('UI-1807, UI-1707: has no accessibility fault and no sideways scrolling', async () => {
    expect(await flawsOf(await browser.openAs(owner, '/'), server.url, SIGHTS)).toEqual([])
  }, 120_000)
})
