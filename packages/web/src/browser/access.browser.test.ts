import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createGroup,
  createOrganization,
  getGroupByName,
  getGroupSync,
  getTemplateAcl,
  getUser,
  getWorkspaceAcl,
  getWorkspaceByName,
  listOrganizations,
  updateWorkspaceSharing,
} from '@slipway/contract'
import {
  fixtures,
  openBrowser,
  openDatabase,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let home: string
const HOME = '/organizations/coder'

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  await server.user('ada')
  home = (await owner.call(listOrganizations))[0]?.id ?? ''
  await owner.call(createGroup, {
    params: { organization: home },
    body: { name: 'platform', display_name: 'Platform' },
  })
  await owner.call(createOrganization, { body: { name: 'research', display_name: 'Research' } })
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

describe('claims of an identity provider', () => {
  it('UI-1402: are mapped, tried without a sign-in, and saved', async () => {
    const { page, faults } = await browser.openAs(owner, `${HOME}/idp-sync`)
    await page.getByLabel('Name of the claim').fill('teams')
    await page.getByLabel('Only values that match').fill('^eng-')
    await page.getByLabel('Value of the claim').fill('eng-platform')
    await page.keyboard.press('Enter')
    await choose(page, 'Add a group for eng-platform', 'Platform')
    const claims = { teams: ['eng-platform', 'eng-none', 'sales'] }
    await page.getByLabel('Claims', { exact: true }).fill(JSON.stringify(claims))
    await page.getByRole('button', { name: 'Try', exact: true }).click()
    await page.getByRole('cell', { name: /platform mapped/ }).waitFor()
    await page.getByRole('cell', { name: 'no match by name' }).waitFor()
    await page.getByRole('cell', { name: 'filtered out' }).waitFor()
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.getByText('Group sync saved').waitFor()
    const { id } = await owner.call(getGroupByName, {
      params: { organization: home, groupName: 'platform' },
    })
    expect(await owner.call(getGroupSync, { params: { organization: home } })).toMatchObject({
      field: 'teams',
      mapping: { 'eng-platform': [id] },
      regex_filter: '^eng-',
    })
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as JSON' }).click(),
    ])
    expect(file.suggestedFilename()).toBe('idp-sync-groups-coder.json')

    await page.getByLabel('Only values that match').fill('(?=a)')
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.getByText('The settings were not saved').waitFor()
    await page.getByRole('radio', { name: 'Roles' }).click()
    await page.waitForURL((url) => url.searchParams.get('tab') === 'roles')
    await page.getByText('Its values decide which roles').waitFor()
    expect(faults).toEqual([])
  })

  it('UI-1402: decide about organizations in the deployment', async () => {
    const { page } = await browser.openAs(owner, '/deployment/idp-org-sync')
    await page.getByLabel('Name of the claim').fill('companies')
    await page.getByLabel('Value of the claim').fill('labs')
    await page.getByRole('button', { name: 'Add mapping' }).click()
    await choose(page, 'Add an organization for labs', 'Research')
    await page.getByRole('button', { name: 'Try', exact: true }).click()
    await page.getByRole('cell', { name: /research mapped/i }).waitFor()
  })
})

describe('access lists', () => {
  it('UI-1007: a template is opened to groups and closed to everyone', async () => {
    const { page, faults } = await browser.openAs(owner, '/templates/local-workspace/permissions')
    await page.getByText(/^Open to everyone in/).waitFor()
    await choose(page, 'Add a user or group', 'Platform')
    await page.getByRole('combobox', { name: 'Role of Platform' }).selectOption('admin')
    const template = await server.builtInTemplate()
    const acl = () => owner.call(getTemplateAcl, { params: { template: template.id } })
    await expect
      .poll(async () => (await acl()).group.find(({ name }) => name === 'platform')?.role)
      .toBe('admin')
    await page.getByRole('button', { name: /^Remove Everyone/ }).click()
    await page.getByRole('button', { name: 'Close it' }).click()
    await page.getByText('Open only to those listed').waitFor()
    await choose(page, 'Add a user or group', 'Everyone')
    await page.getByText(/^Open to everyone in/).waitFor()
    expect(faults).toEqual([])
  })

  it('UI-743: a workspace is shared, and is not where that is switched off', async () => {
    const { page, faults } = await browser.openAs(owner, '/@owner/flight')
    await page.getByRole('link', { name: 'Sharing' }).click()
    await page.getByText('Shared with nobody').waitFor()
    await choose(page, 'Add a user or group', 'ada')
    await page.getByRole('row', { name: /ada/ }).waitFor()
    const { id } = await owner.call(getWorkspaceByName, { params: { user: 'me', workspacename: 'flight' } })
    const acl = await owner.call(getWorkspaceAcl, { params: { workspace: id } })
    expect(acl.users).toMatchObject([{ username: 'ada', role: 'use' }])
    await page.getByRole('button', { name: 'Stop sharing' }).click()
    await page.getByRole('button', { name: 'Stop sharing' }).last().click()
    await page.getByText('Shared with nobody').waitFor()

    await page.goto(`${server.url}${HOME}/settings`)
    await page.getByRole('radio', { name: /^No workspaces/ }).click()
    await page.getByText('their access lists are erased').waitFor()
    await page.getByRole('button', { name: 'Change sharing' }).click()
    await page.getByText('Workspace sharing saved').waitFor()
    await page.goto(`${server.url}/@owner/flight/sharing`)
    await page.getByText('Sharing is switched off').waitFor()
    await owner.call(updateWorkspaceSharing, {
      params: { organization: home },
      body: { shareable_workspace_owners: 'everyone' },
    })
    expect(faults).toEqual([])
  })

  it('UI-313, RB-57: who may not share or open is told so, and an error stays where it belongs', async () => {
    const ada = await server.user('eve')
    const { page } = await browser.openAs(ada, '/templates/local-workspace/permissions')
    await page.getByText('You may not see whom this template is open to').waitFor()
    const { page: owners } = await browser.openAs(owner, '/@owner/flight/sharing')
    await owners.getByText('Shared with nobody').waitFor()
    await owners.route('**/acl', (route) =>
      route.request().method() === 'PATCH'
        ? route.fulfill({ status: 403, contentType: 'application/json', body: '{"message":"Not today."}' })
        : route.continue(),
    )
    await choose(owners, 'Add a user or group', 'ada')
    await owners.getByText('The sharing was not changed: Not today.').waitFor()
    await owners.getByText('Shared with nobody').waitFor()
  })
})
