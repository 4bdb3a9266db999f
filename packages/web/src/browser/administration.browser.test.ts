import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createIdentityProvider,
  createOrganization,
  createUser,
  getUser,
  login,
  suspendUser,
  updateProfile,
} from '@slipway/contract'
import {
  fixtures,
  IDP_CLIENT,
  IdentityProvider,
  openBrowser,
  openDatabase,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'
import { goneAfterDialog } from './gone.fixture.ts'
import { flawsOf, type Sight } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let idp: IdentityProvider
let server: TestServer
let browser: TestBrowser
let owner: Client

beforeAll(async () => {
  idp = owned.use(await IdentityProvider.start())
  server = owned.use(
    await startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_OIDC_CLIENT_SECRET: 'a-secret-of-the-settings',
      },
    }),
  )
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  const { id: ownerId } = await owner.call(getUser, { params: { user: 'me' } })
  await owner.call(createOrganization, { body: { name: 'second', display_name: 'Second one' } })
  idp.allowRedirect(`${server.url}/api/v2/users/oidc/partner/callback`)
  await owner.call(createIdentityProvider, {
    body: {
      id: 'partner',
      kind: 'oidc',
      display_name: 'Partner',
      client_secret: IDP_CLIENT.secret,
      oidc: { issuer_url: idp.issuer, client_id: IDP_CLIENT.id },
    },
  })
  const template = await server.builtInTemplate()
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const workspace = await fixtures.workspace(database.db, {
    name: 'engine',
    owner_id: ownerId,
    template_id: template.id,
  })
  await fixtures.connectionLog(database.db, { workspace, type: 'ssh', connection_id: randomUUID() })
})
afterAll(() => owned.disposeAsync())

describe('users', () => {
  it('UI-1401: an account is renamed, given roles, unlocked, suspended and deleted on its page', async () => {
    const { organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    await owner.call(createUser, {
      body: {
        username: 'grace',
        email: 'grace@example.com',
        password: 'A-Long-Pass-4242',
        organization_ids,
      },
    })
    for (let guess = 0; guess < 3; guess++)
      await server.anonymous
        .call(login, { body: { email: 'grace@example.com', password: 'wrong' } })
        .catch(() => undefined)
    const { page, faults } = await browser.openAs(owner, '/deployment/users')
    await page.getByRole('link', { name: 'grace', exact: true }).click()
    await page.getByRole('heading', { name: 'grace', level: 1 }).waitFor()

    await page.getByText('3 in a row').waitFor()
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('3 in a row').waitFor({ state: 'detached' })

    await page.getByLabel('Username').fill('hopper')
    await page.getByRole('button', { name: 'Save profile' }).click()
    await page.waitForURL('**/deployment/users/hopper')

    await page.getByLabel('Auditor').click()
    await page.getByRole('button', { name: 'Save roles' }).click()
    await expect
      .poll(async () =>
        (await owner.call(getUser, { params: { user: 'hopper' } })).roles.map(({ name }) => name),
      )
      .toEqual(['auditor'])

    await page.getByRole('button', { name: 'Actions for hopper' }).click()
    await page.getByRole('menuitem', { name: 'Suspend' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click()
    await page.getByText('The account is suspended').waitFor()
    await page.getByRole('button', { name: 'Activate' }).click()
    await page.getByText('The account is suspended').waitFor({ state: 'detached' })

    await page.getByRole('button', { name: 'Actions for hopper' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    const remove = page.getByRole('button', { name: 'Delete user' })
    expect(await remove.isDisabled()).toBe(true)
    await page.getByLabel('Type "hopper" to confirm').fill('hopper')
    await remove.click()
    await page.waitForURL('**/deployment/users')
    await goneAfterDialog(page.getByRole('link', { name: 'hopper', exact: true }))
    expect(faults).toEqual([])
  })

  it('UI-1401: a service account has neither an email nor a password', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/users/create')
    await page.getByRole('radio', { name: 'Service account' }).click()
    expect(await page.getByLabel('Email').count()).toBe(0)
    await page.getByLabel('Username').fill('ci-deploy')
    await page.getByRole('combobox', { name: 'Another organization' }).fill('second')
    await page.getByRole('option', { name: /Second one/ }).click()
    await page.getByRole('button', { name: 'Not in Second one' }).waitFor()
    await page.getByRole('button', { name: 'Create user' }).click()
    await page.getByText('ci-deploy was created').waitFor()
    const made = await owner.call(getUser, { params: { user: 'ci-deploy' } })
    expect(made).toMatchObject({ is_service_account: true, login_type: 'none' })
    expect(made.organization_ids).toHaveLength(2)
    expect(faults).toEqual([])
  })

  it('UI-1401, UI-3: a name that somebody has is refused at its field', async () => {
    const { page } = await browser.openAs(owner, '/deployment/users/owner')
    // There is something to save once something differs, and no more when it is as it was.
    const save = page.getByRole('button', { name: 'Save profile' })
    expect(await save.isDisabled()).toBe(true)
    await page.getByLabel('Username').fill('ci-deploy')
    expect(await save.isEnabled()).toBe(true)
    await page.getByLabel('Username').fill('owner')
    expect(await save.isDisabled()).toBe(true)
    await page.getByLabel('Username').fill('ci-deploy')
    await save.click()
    await page.getByRole('alert').filter({ hasText: 'The profile was not saved' }).waitFor()
    expect(await page.getByLabel('Username').getAttribute('aria-invalid')).toBe('true')
    // Nobody suspends or deletes themselves.
    expect(await page.getByRole('button', { name: 'Actions for owner' }).count()).toBe(0)
  })

  it('UI-504: a refusal that is about no field comes into sight, and the page says in its title what it is', async () => {
    const { page } = await browser.openAs(owner, '/deployment/users/create', {
      viewport: { width: 1024, height: 480 },
    })
    await page.getByLabel('Email').fill('owner@example.com')
    await page.getByLabel('Username').fill('another-owner')
    await page.getByRole('button', { name: 'Create user' }).click()
    const refusal = page.getByRole('alert').filter({ hasText: 'The user was not created' })
    await refusal.waitFor()
    await expect.poll(async () => (await refusal.boundingBox())?.y).toBeGreaterThanOrEqual(0)
    // UI-406
    for (const [path, title] of [
      ['/settings/tokens/new', 'New token - Tokens - Settings - Slipway'],
      ['/deployment/security', 'Security - Deployment - Slipway'],
      ['/deployment/users/nothing', 'There is no user nothing - Slipway'],
      ['/deployment/users/create', 'New user - Users - Slipway'],
      ['/templates/new', 'New template - Templates - Slipway'],
      ['/templates/local-workspace', 'Local workspace - Templates - Slipway'],
      ['/templates/local-workspace/versions', 'Versions - Local workspace - Templates - Slipway'],
      ['/templates/local-workspace/workspace', 'New workspace - Local workspace - Workspaces - Slipway'],
    ] as const) {
      await page.goto(server.url + path)
      await expect.poll(() => page.title()).toBe(title)
    }
  })
})

describe('the audit log', () => {
  it('UI-1405: shows what was changed, hides secrets, and is filtered by its menus', async () => {
    await owner.call(updateProfile, {
      params: { user: 'ci-deploy' },
      body: { username: 'ci-deploy', name: 'Deploys' },
    })
    const { page, faults } = await browser.openAs(owner, '/audit')
    const entry = page.getByRole('button', { name: /updated user ci-deploy/ }).first()
    await entry.click()
    const changes = page.getByRole('region', { name: 'Changed fields' })
    await changes.getByRole('row', { name: /name.*Deploys/ }).waitFor()

    await page.getByRole('button', { name: 'Resource', exact: true }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Identity provider' }).click()
    await page.waitForURL((url) => url.searchParams.get('filter') === 'resource_type:identity_provider')
    await page.getByRole('button', { name: /created identity provider partner/ }).click()
    await page.getByRole('row', { name: /client_secret Secret/ }).waitFor()
    expect(await page.textContent('main')).not.toContain(IDP_CLIENT.secret)

    await page.getByRole('button', { name: 'Date', exact: true }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Today' }).click()
    await page.waitForURL((url) => /date_from:\d{4}-\d\d-\d\d/.test(url.searchParams.get('filter') ?? ''))
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page
        .getByRole('button', { name: 'Export' })
        .click()
        .then(() => page.getByRole('menuitem', { name: 'JSON lines' }).click()),
    ])
    expect(download.suggestedFilename()).toContain('jsonl')
    expect(faults).toEqual([])
  })

  it('UI-501: a filter that the server does not know is told under it', async () => {
    const { page } = await browser.openAs(owner, '/audit?filter=date_from:never')
    await page.getByRole('alert').filter({ hasText: 'date_from' }).waitFor()
    await page.getByRole('button', { name: 'Clear the filter' }).last().click()
    await page
      .getByRole('button', { name: /^Details of/ })
      .first()
      .waitFor()
  })
})

it('UI-1406: a session that goes on ticks, and its workspace is a link', async () => {
  const { page, faults } = await browser.openAs(owner, '/connectionlog?filter=status:ongoing')
  const row = page.getByRole('row', { name: /owner\/engine/ })
  await row.getByText('Ongoing').waitFor()
  // Each column says what its cells hold, in their order; the last one is that of the button for more.
  expect((await page.getByRole('columnheader').allTextContents()).filter(Boolean)).toEqual([
    'Workspace',
    'Type',
    'From',
    'Started',
    'Duration',
    'End',
  ])
  expect((await row.getByRole('cell').allTextContents()).slice(0, 3).join(' ')).toMatch(/owner\/engine.* SSH/)
  const before = await row.textContent()
  await expect.poll(() => row.textContent(), { timeout: 5000 }).not.toBe(before)
  expect(await row.getByRole('link', { name: 'owner/engine' }).getAttribute('href')).toBe('/@owner/engine')
  // UI-501: as the hint shows it, without the quotes of the grammar.
  await page
    .getByRole('combobox', { name: 'Filter the connection log' })
    .fill('status:ongoing connected_before:2001-01-31T00:00:00Z')
  await page.getByText('No connections match the filter').waitFor()
  expect(faults).toEqual([])
})

describe('the deployment', () => {
  it('UI-1403: options are searched over all pages, with their source, and secrets stay hidden', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/network')
    await page.getByRole('heading', { name: 'Access URL', exact: true }).waitFor()
    await page.getByLabel('Search all options').fill('oidc client secret')
    const option = page
      .getByRole('listitem')
      .filter({ has: page.getByRole('heading', { name: 'OIDC Client Secret' }) })
    await option.getByText('Secret, not shown').waitFor()
    await option.getByText('from the environment').waitFor()
    expect(await page.textContent('main')).not.toContain('a-secret-of-the-settings')
    await page.getByLabel('Search all options').fill('no such option anywhere')
    await page.getByRole('button', { name: 'Clear the search' }).click()
    await page.getByRole('heading', { name: 'Access URL', exact: true }).waitFor()
    expect(faults).toEqual([])
  })

  it('L-28, L-29: a provider is made, tried by a test sign-in, enabled and deleted', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/userauth')
    await page.getByRole('link', { name: 'New provider' }).click()
    await page.getByLabel('Name on the sign-in page').fill('Draft One')
    expect(await page.getByLabel('Id', { exact: true }).inputValue()).toBe('draft-one')
    await page.getByRole('button', { name: 'Create provider' }).click()
    // The server says what is missing, at the fields.
    await page.getByRole('alert').filter({ hasText: 'The provider was not created' }).waitFor()
    expect(await page.getByLabel('Issuer URL').getAttribute('aria-invalid')).toBe('true')
    await page.getByLabel('Issuer URL').fill(idp.issuer)
    await page.getByLabel('Client id').fill(IDP_CLIENT.id)
    await page.getByLabel('Client secret').fill(IDP_CLIENT.secret)
    await page.getByRole('button', { name: 'Create provider' }).click()
    await page.waitForURL('**/userauth/providers/draft-one')
    idp.allowRedirect(`${server.url}/api/v2/users/oidc/draft-one/callback`)

    idp.person('trial', {
      email: 'trial@example.com',
      email_verified: true,
      preferred_username: 'trial',
      name: 'Trial',
    })
    await page.getByRole('button', { name: 'Test sign-in' }).click()
    await page.getByText('Waiting for an answer').waitFor()
    const [tab] = await Promise.all([
      page.waitForEvent('popup'),
      page.getByRole('link', { name: 'Open Draft One' }).click(),
    ])
    await tab.getByText('This person would be signed in').waitFor()
    await tab.close()
    await page.getByText('This person would be signed in').waitFor()
    await page.getByText('gets a new account').waitFor()
    await page.getByRole('radio', { name: /Userinfo/ }).click()
    await page.getByText('trial@example.com').last().waitFor()

    await page.getByRole('link', { name: 'Sign-in' }).click()
    await page.getByRole('button', { name: 'Actions for Draft One' }).click()
    await page.getByRole('menuitem', { name: 'Enable' }).click()
    const row = page.getByRole('row', { name: /Draft One/ })
    await row.getByText('Enabled').waitFor()
    await page.getByRole('button', { name: 'Actions for Draft One' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByLabel('Type "draft-one" to confirm').fill('draft-one')
    await page.getByRole('button', { name: 'Delete provider' }).click()
    await goneAfterDialog(row)
    expect(faults).toEqual([])
  })

  it('RB-135: says by which role somebody may do something', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/access')
    await page.getByLabel('User', { exact: true }).fill('owner')
    await page.getByRole('option', { name: /owner/ }).click()
    await page.getByLabel('Resource').selectOption('user')
    await page.getByLabel('Action').selectOption('delete')
    await page.getByRole('heading', { name: 'owner may do this: delete users' }).waitFor()
    await page.goto(`${server.url}/deployment/access?user=ci-deploy&type=user&action=delete`)
    await page.getByRole('heading', { name: 'ci-deploy may not do this: delete users' }).waitFor()
    expect(faults).toEqual([])
  })
})

it('UI-313, T-56: a member is told what is missing, and finds no way there', async () => {
  const { page, faults } = await browser.openAs(await server.user('plain'), '/audit')
  await page.getByText(/may not read the audit log/).waitFor()
  await page.getByText('the permission audit_log:read, which the roles Auditor and Owner include').waitFor()
  for (const [path, what] of [
    ['/connectionlog', /may not read the connection log/],
    ['/deployment/overview', /may not see how the deployment is set up/],
    ['/deployment/access', /may not see how the deployment is set up/],
    ['/deployment/users/owner', /may not see all users/],
    ['/deployment/userauth/providers/partner', /may not see identity providers/],
    ['/deployment/userauth/providers/new', /may not add identity providers/],
  ] as const) {
    await page.goto(server.url + path)
    await page.getByRole('heading', { name: what, level: 1 }).waitFor()
  }
  for (const name of ['Audit log', 'Connection log', 'Deployment'])
    expect(await page.getByRole('link', { name, exact: true }).count()).toBe(0)
  expect(faults).toEqual([])
})

/** Pages and what stands open on them. */
const SIGHTS: Readonly<Record<string, Sight>> = {
  users: { path: '/deployment/users' },
  'refused filter of users': { path: '/deployment/users?filter=status:bogus' },
  user: { path: '/deployment/users/owner' },
  'suspended user': { path: '/deployment/users/second-user' },
  'missing user': { path: '/deployment/users/nothing' },
  'new user': { path: '/deployment/users/create' },
  'audit log': {
    path: '/audit',
    open: async (page) => {
      await page
        .getByRole('button', { name: /^Details of/ })
        .first()
        .click()
      await page
        .getByRole('button', { name: /created user/ })
        .first()
        .click()
    },
  },
  'audit log of two days': { path: '/audit?filter=date_from:2026-01-01+date_to:2026-01-02&zone=utc' },
  'connection log': { path: '/connectionlog' },
  // Few options: every row is made alike, and each takes its time to check.
  options: { path: '/deployment/security?filter=session' },
  'sign-in': { path: '/deployment/userauth?show=set' },
  'external auth': { path: '/deployment/external-auth' },
  'nothing set': { path: '/deployment/observability?show=set' },
  provider: { path: '/deployment/userauth/providers/partner' },
  'new provider': { path: '/deployment/userauth/providers/new' },
  'missing provider': { path: '/deployment/userauth/providers/nothing' },
  access: { path: '/deployment/access?user=owner&type=workspace&action=ssh&owner=me' },
}

describe('every page', () => {
  beforeAll(async () => {
    const second = await server.user('second-user')
    const { id } = await second.call(getUser, { params: { user: 'me' } })
    await owner.call(suspendUser, { params: { user: id } })
  })
  it('UI-1807, UI-1707: has no accessibility fault and no sideways scrolling', async () => {
    expect(await flawsOf(await browser.openAs(owner, '/'), server.url, SIGHTS)).toEqual([])
  }, 120_000)
})
