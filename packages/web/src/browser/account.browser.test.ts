import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  createUserSecret,
  getAppearance,
  getPreferences,
  getUser,
  listTokens,
  login,
} from '@slipway/contract'
import {
  FakeGitProvider,
  freePort,
  importTemplate,
  openBrowser,
  PASSWORD,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'
import { flawsOf, type Sight } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let fake: FakeGitProvider
/** Where providers send people back to. */
let base: string

beforeAll(async () => {
  fake = owned.use(await FakeGitProvider.start())
  fake.deviceInterval = 1
  const port = await freePort()
  base = `http://localhost:${port}`
  server = owned.use(
    await startTestServer({
      env: {
        CODER_HTTP_ADDRESS: `127.0.0.1:${port}`,
        CODER_ACCESS_URL: base,
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        ...fake.settings(0, { DISPLAY_NAME: 'Code host' }),
        ...fake.settings(1, {
          ID: 'device',
          DISPLAY_NAME: 'Device host',
          DEVICE_FLOW: 'true',
          DEVICE_CODE_URL: `${fake.url}/device`,
        }),
      },
    }),
  )
  browser = owned.use(await openBrowser())
  await server.owner()
})
afterAll(() => owned.disposeAsync())

const me = { params: { user: 'me' } }

/** A page with the session of a user, at the host of the access URL. */
const openAs = (client: Client, path: string, options = {}) =>
  browser.openAs(new Client({ url: base, token: client.headers['Coder-Session-Token'] }), path, options)

it('UI-B23: other sessions are ended, and this one stays', async () => {
  const client = await server.user('sessions')
  for (let count = 0; count < 2; count++)
    await server.anonymous.call(login, { body: { email: 'sessions@example.com', password: PASSWORD } })
  const { page, faults } = await openAs(client, '/settings/sessions')
  const rows = page.getByRole('row').filter({ has: page.getByRole('cell') })
  await expect.poll(() => rows.count()).toBe(3)
  await page
    .getByRole('button', { name: /^End the session of/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'End the session', exact: true }).click()
  await expect.poll(() => rows.count()).toBe(2)
  await page.getByRole('button', { name: 'End all others' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End all others' }).click()
  await expect.poll(() => rows.count()).toBe(1)
  await page.getByText('This session').waitFor()
  expect(faults).toEqual([])
})

it('UI-1504: a token for one kind of resource says what it may do', async () => {
  const { page, faults } = await openAs(await server.user('scoped'), '/settings/tokens/new')
  await page.getByLabel('Name', { exact: true }).fill('reader')
  await page.getByRole('radio', { name: 'Presets' }).click()
  await page.getByText('Make workspaces and change them').click()
  await page.getByText('Included in another preset').waitFor()
  await page.getByRole('radio', { name: 'Only these' }).click()
  await page.getByText('choose a resource').waitFor()
  await page.getByRole('combobox', { name: 'Find a workspace' }).click()
  await page.getByRole('option', { name: /All of this kind/ }).click()
  await page.getByText('It may create, read, start, stop and update all workspaces; nothing else.').waitFor()
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByText('Copy it now').waitFor()
  expect(faults).toEqual([])
})

it('UI-B7: a token is called, reaches and may do something else, and keeps its end', async () => {
  const client = await server.user('editor')
  const { id } = await client.call(getUser, me)
  await client.call(createToken, {
    ...me,
    body: {
      token_name: 'narrow',
      scopes: ['coder:workspaces.operate'],
      allow_list: [`user:${id}`, 'workspace:*'],
    },
  })
  const stored = async () => (await client.call(listTokens, me)).find(({ user_id }) => user_id === id)
  const before = await stored()
  const { page, faults } = await openAs(client, '/settings/tokens')
  await page.getByRole('link', { name: 'narrow' }).click()
  await page.getByText('It has never been used').waitFor()
  expect(await page.getByRole('radio', { name: 'Presets' }).getAttribute('aria-checked')).toBe('true')
  // Ids are shown by what they name.
  await page.getByText('editor', { exact: true }).first().waitFor()
  await page.getByLabel('Name', { exact: true }).fill('narrower')
  await page.getByText('Delete workspaces').click()
  await page.getByRole('button', { name: 'Save token' }).click()
  await page.getByText('The token narrower was saved').waitFor()
  expect(await stored()).toMatchObject({
    token_name: 'narrower',
    scopes: ['coder:workspaces.delete', 'coder:workspaces.operate'],
    allow_list: before?.allow_list,
    expires_at: before?.expires_at,
  })
  await page.getByRole('button', { name: 'Actions for narrower' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete token' }).click()
  await page.getByText('No tokens yet').waitFor()
  await page.goto(`${base}/settings/tokens/nothing`)
  await page.getByText('There is no such token').waitFor()
  expect(faults).toEqual([])
})

describe('the look', () => {
  it('UI-1702, ID-200: is that of the account in every browser, and comes back when it is not saved', async () => {
    const client = await server.user('painter')
    const { page, faults } = await openAs(client, '/settings/appearance')
    const html = page.locator('html')
    await page.getByRole('radio', { name: /^Dark/ }).check({ force: true })
    await page.getByRole('radio', { name: 'Blue-yellow blindness' }).click()
    await page.getByLabel('Font', { exact: true }).selectOption('Fira Code')
    await page.getByRole('radio', { name: 'More' }).click()
    expect(await html.getAttribute('data-contrast')).toBe('more')
    await expect
      .poll(() => client.call(getAppearance, me))
      .toMatchObject({
        theme_preference: 'dark-tritan',
        theme_mode: 'single',
        terminal_font: 'fira-code',
      })

    // UI-607: pages of the server know it too.
    const told = async () =>
      (await page.context().cookies()).find(({ name }) => name === 'slipway_theme')?.value
    expect(await told()).toBe('dark')

    const { page: elsewhere } = await openAs(client, '/workspaces')
    await elsewhere.locator('html[data-theme=dark][data-vision=tritan]').waitFor()
    // Contrast is a matter of the screen.
    expect(await elsewhere.locator('html').getAttribute('data-contrast')).toBeNull()

    await page.route('**/appearance', (route) =>
      route.request().method() === 'PUT'
        ? route.fulfill({ status: 500, contentType: 'application/json', body: '{"message":"Full."}' })
        : route.continue(),
    )
    await page.getByRole('radio', { name: /^Light/ }).check({ force: true })
    await page.getByText('The look was not saved').waitFor()
    expect(await html.getAttribute('data-theme')).toBe('dark')
    expect(faults).toEqual([])
  })

  it('ID-201: habits of chats are saved at once', async () => {
    const client = await server.user('habitual')
    const { page, faults } = await openAs(client, '/settings/appearance')
    await page.getByLabel('Send a message with').selectOption('modifier_enter')
    await page.getByLabel('Command output').selectOption('Always open')
    await expect
      .poll(() => client.call(getPreferences, me))
      .toMatchObject({
        agent_chat_send_shortcut: 'modifier_enter',
        shell_tool_display_mode: 'always_expanded',
        thinking_display_mode: 'auto',
      })
    expect(faults).toEqual([])
  })
})

describe('secrets', () => {
  it('UI-1507: are created under the rules that show, switched off, changed and deleted', async () => {
    const { page, faults } = await openAs(await server.user('keeper'), '/settings/secrets')
    await page.getByRole('link', { name: 'New secret' }).click()
    await page.getByLabel('Name', { exact: true }).fill('npm')
    await page.getByLabel('Variable').fill('PATH')
    await page.getByText('PATH is reserved').waitFor()
    await page.getByRole('button', { name: 'Create secret' }).click()
    await page.getByText('2 fields need another value.').waitFor()
    await page.getByLabel('Variable').fill('NPM_TOKEN')
    await page.getByLabel('Value').fill('s3cret')
    await page.getByRole('button', { name: 'Create secret' }).click()
    const row = page.getByRole('row', { name: /npm/ })
    await row.getByRole('switch').click()
    await expect.poll(() => row.getByRole('switch').getAttribute('aria-checked')).toBe('false')
    await row.getByRole('link', { name: 'npm' }).click()
    await page.getByLabel('File').fill('~/.npmrc')
    await page.getByRole('button', { name: 'Save secret' }).click()
    await row.getByText('~/.npmrc').waitFor()
    expect(await page.content()).not.toContain('s3cret')
    await row.getByRole('button', { name: 'Actions for npm' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete secret' }).click()
    await page.getByText('No secrets yet').waitFor()
    expect(faults).toEqual([])
  })

  it('UI-1507: are imported from a file once no row stands in the way', async () => {
    const client = await server.user('importer')
    await client.call(createUserSecret, {
      params: { user: 'me' },
      body: { name: 'TAKEN', value: 'x', env_name: 'TAKEN' },
    })
    const { page, faults } = await openAs(client, '/settings/secrets/import')
    const choose = (content: string) =>
      page
        .getByLabel('File of secrets')
        .setInputFiles({ name: '.env', mimeType: 'text/plain', buffer: Buffer.from(content) })
    await choose('NEW=1\nTAKEN=2\nHOME=3\n')
    await page.getByText('You already have a secret with this name.').waitFor()
    expect(await page.getByRole('button', { name: 'Import 3 secrets' }).isDisabled()).toBe(true)
    await choose('NEW=1\nHOME=3\n')
    await page.getByRole('button', { name: 'Import 2 secrets' }).click()
    await page.getByRole('row', { name: /NEW/ }).waitFor()
    expect(await page.getByRole('row', { name: /HOME/ }).getByRole('switch').isDisabled()).toBe(true)
    expect(faults).toEqual([])
  })
})

describe('external authentication', () => {
  it('UI-606, UI-1506: a provider is connected by way of its pages, checked, and disconnected', async () => {
    const { page, faults } = await openAs(await server.user('linker'), '/settings/external-auth')
    await page.getByRole('link', { name: 'Connect Code host' }).click()
    await page.getByRole('heading', { name: 'Code host is connected' }).waitFor()
    await page.getByText('The token works').waitFor()
    await page.getByRole('link', { name: 'All providers' }).click()
    const row = page.getByRole('row', { name: /Code host/ })
    await row.getByText('Connected', { exact: true }).waitFor()
    for (const token of fake.accessTokens) fake.forget(token)
    await row.getByRole('button', { name: 'Actions for Code host' }).click()
    await page.getByRole('menuitem', { name: 'Check again' }).click()
    await row.getByRole('link', { name: 'Connect again Code host' }).waitFor()
    await row.getByRole('button', { name: 'Actions for Code host' }).click()
    await page.getByRole('menuitem', { name: 'Disconnect' }).click()
    await page.getByRole('button', { name: 'Disconnect' }).click()
    await row.getByText('Not connected').waitFor()
    expect(faults).toEqual([])
  })

  it('UI-606: what a template needs is connected from the form, in another tab', async () => {
    await importTemplate(await server.owner(), 'needs', {
      'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  externalAuth: [{ id: 'fake' }, { id: 'device', optional: true }],
  workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }),
})`,
    })
    const { page, faults } = await openAs(await server.user('maker'), '/templates/needs/workspace')
    const create = page.getByRole('button', { name: 'Create workspace' })
    await page.getByText('Connect Code host first.').waitFor()
    expect(await create.isDisabled()).toBe(true)
    const opened = page.waitForEvent('popup')
    await page.getByRole('link', { name: 'Connect Code host in a new tab' }).click()
    await (await opened).getByRole('heading', { name: 'Code host is connected' }).waitFor()
    await page.locator('#main-content').getByText('Connected', { exact: true }).waitFor()
    await expect.poll(() => create.isEnabled()).toBe(true)
    expect(faults).toEqual([])
  }, 60_000)

  it('UI-606: whoever comes back without a connection is not sent away again', async () => {
    const { page } = await openAs(await server.user('looper'), '/external-auth/fake?redirected=true')
    await page.getByRole('heading', { name: 'Code host is not connected' }).waitFor()
    expect(new URL(page.url()).origin).toBe(base)
    await page.goto(`${base}/external-auth/nothing`)
    await page.getByRole('heading', { name: 'There is no provider nothing' }).waitFor()
  })

  it('UI-604, UI-606: a code is shown until it was entered at the provider', async () => {
    const { page, faults } = await openAs(await server.user('typist'), '/external-auth/device')
    await page.getByText('ABCD-1234').waitFor()
    fake.deviceAnswer = 'allowed'
    await page.getByRole('heading', { name: 'Device host is connected' }).waitFor()
    fake.deviceAnswer = 'authorization_pending'
    expect(faults).toEqual([])
  })
})

const SIGHTS: Readonly<Record<string, Sight>> = {
  appearance: { path: '/settings/appearance' },
  sessions: { path: '/settings/sessions' },
  'new token': { path: '/settings/tokens/new' },
  'missing token': { path: '/settings/tokens/missing' },
  secrets: { path: '/settings/secrets' },
  'new secret': { path: '/settings/secrets/new' },
  'import of secrets': { path: '/settings/secrets/import' },
  'missing secret': { path: '/settings/secrets/missing' },
  schedule: { path: '/settings/schedule' },
  'external auth': { path: '/settings/external-auth' },
  'device code': { path: '/external-auth/device' },
  'not connected': { path: '/external-auth/fake?redirected=true' },
}

it('UI-1807, UI-1707: the pages have no accessibility fault and no sideways scrolling', async () => {
  const opened = await openAs(await server.user('looker'), '/settings/account')
  expect(await flawsOf(opened, base, SIGHTS)).toEqual([])
}, 120_000)
