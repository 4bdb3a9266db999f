import { createHash, randomBytes } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createMcpServerConfig,
  createOAuth2App,
  createOAuth2AppSecret,
  createOrganization,
  getMcpServerConfig,
  getMcpServerConfigAcl,
  getOAuth2Settings,
  listMcpServerConfigs,
  listOAuth2AppSecrets,
  listOAuth2Apps,
  listOAuth2Grants,
  listOrganizations,
  type MCPServerConfig,
} from '@slipway/contract'
import {
  FakeAuthorizationServer,
  FakeMcpServer,
  openBrowser,
  PHONE,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const APPS = '/deployment/oauth2-provider/apps'
const SERVERS = '/ai/settings/mcp-servers'
const CALLBACK = 'https://portal.example/cb'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let ada: Client
let organization: string
let provider: FakeAuthorizationServer
let outside: FakeMcpServer

beforeAll(async () => {
  provider = owned.use(await FakeAuthorizationServer.start())
  outside = owned.use(await FakeMcpServer.start())
  server = owned.use(
    await startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32',
      },
    }),
  )
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  ada = await server.user('ada')
  organization = (await owner.call(listOrganizations)).find((one) => one.is_default)?.id ?? ''
}, 60_000)
afterAll(() => owned.disposeAsync())

function cookiesOf({ headers, url }: Client) {
  return [{ name: 'coder_session_token', value: headers['Coder-Session-Token'] ?? '', url }]
}

/** An app of an administrator, with a secret. */
async function appWithSecret(name: string) {
  const { id } = await owner.call(createOAuth2App, { body: { name, callback_url: CALLBACK } })
  const { client_secret_full } = await owner.call(createOAuth2AppSecret, { params: { app: id }, body: {} })
  return { id, secret: client_secret_full }
}

/** Lets an app act for a client's user, as the user's browser and the app would do it. */
async function authorize(
  client: Client,
  app: { readonly id: string; readonly secret: string },
  scope: string,
) {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: app.id,
    redirect_uri: CALLBACK,
    scope,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  })
  const agreed = await fetch(`${client.url}/oauth2/authorize?${query}`, {
    method: 'POST',
    redirect: 'manual',
    headers: client.headers,
  })
  const code = new URL(agreed.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const issued = await fetch(`${client.url}/oauth2/tokens`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      client_id: app.id,
      client_secret: app.secret,
      code_verifier: verifier,
    }),
  })
  expect(issued.status).toBe(200)
}

function configured(more: Partial<Parameters<typeof bodyOf>[0]> & { readonly slug: string }) {
  return owner.call(createMcpServerConfig, { params: { organization }, body: bodyOf(more) })
}

function bodyOf(more: {
  readonly slug: string
  readonly auth_type?: 'none' | 'oauth2'
  readonly url?: string
}) {
  return {
    display_name: `The ${more.slug}`,
    url: outside.url,
    transport: 'streamable_http',
    auth_type: 'none',
    availability: 'default_on',
    enabled: true,
    ...more,
  } as const
}

const read = ({ id }: MCPServerConfig) =>
  owner.call(getMcpServerConfig, { params: { organization, mcpserverconfig: id } })

describe('apps that people sign in with', () => {
  it('OA-B9, UI-1404: are made with several redirect URIs, changed, and given secrets that are shown once', async () => {
    const { page, faults } = await browser.openAs(owner, APPS)
    await page.getByText('No apps yet').waitFor()
    await page.getByRole('link', { name: 'New app' }).click()
    await page.getByRole('button', { name: 'Create app' }).click()
    await page.getByText('2 fields need a value.').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('portal')
    await page.getByLabel('Callback URL', { exact: true }).fill(CALLBACK)
    await page.getByRole('button', { name: 'Add another' }).click()
    await page.getByLabel('Redirect URI 2', { exact: true }).fill('javascript:alert(1)')
    await page.getByRole('button', { name: 'Create app' }).click()
    // The field at fault says so and has the focus.
    await expect
      .poll(() =>
        page.getByLabel('Redirect URI 2', { exact: true }).evaluate((one) => one === document.activeElement),
      )
      .toBe(true)
    await page.getByLabel('Redirect URI 2', { exact: true }).fill('myapp://callback')
    await page.getByRole('button', { name: 'Create app' }).click()
    await page.getByRole('heading', { name: 'portal' }).waitFor()
    const [app] = await owner.call(listOAuth2Apps, { query: {} })
    expect(app?.redirect_uris).toEqual([CALLBACK, 'myapp://callback'])

    await page.getByRole('button', { name: 'New secret' }).click()
    await page.getByLabel('Expires').selectOption('90')
    await page.getByRole('button', { name: 'Create secret' }).click()
    const shown = page.getByLabel('Client secret', { exact: true })
    expect(await shown.getAttribute('type')).toBe('password')
    const secret = await shown.inputValue()
    expect(secret).toMatch(/^coder_\w{10}_\w{40}$/)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('row', { name: new RegExp(`${secret.slice(-6)}.*never.*in`) }).waitFor()
    expect(await page.content()).not.toContain(secret)

    await page.getByLabel('Name', { exact: true }).fill('portal-2')
    await page.getByRole('link', { name: 'OAuth2 apps' }).click()
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByText('Cancel').click()
    await page.getByRole('button', { name: 'Save app' }).click()
    await page.getByRole('heading', { name: 'portal-2' }).waitFor()
    await page.getByRole('button', { name: /^Delete the secret/ }).click()
    await page.getByRole('button', { name: 'Delete secret' }).click()
    await page.getByText('No secrets yet').waitFor()
    expect(await owner.call(listOAuth2AppSecrets, { params: { app: app?.id ?? '' } })).toEqual([])
    expect(faults).toEqual([])
  })

  it('UI-206: are deleted by name, without asking for the deleted one again or signing out', async () => {
    const { id } = await appWithSecret('doomed')
    const { page, faults } = await browser.openAs(owner, `${APPS}/${id}`)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('All sessions and tokens issued through it end at once').waitFor()
    expect(await dialog.getByRole('button', { name: 'Delete app' }).isDisabled()).toBe(true)
    const after: string[] = []
    page.on('request', (request) => {
      if (request.url().includes(id) && request.method() === 'GET') after.push(request.url())
    })
    await dialog.getByRole('textbox').fill('doomed')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.pathname === APPS)
    await page.getByText('The app doomed was deleted').waitFor()
    await page.getByRole('table', { name: 'OAuth2 apps' }).waitFor()
    expect(after).toEqual([])
    await page.goto(`${owner.url}${APPS}/${id}`)
    await page.getByRole('heading', { name: 'There is no such app' }).waitFor()
    expect(faults).toEqual([])
  })

  it('OA-22, OA-25: register themselves once the settings allow it, and are marked', async () => {
    const { page } = await browser.openAs(owner, `${APPS}?tab=settings`)
    await page.getByRole('switch', { name: 'Clients may register themselves' }).click()
    await expect
      .poll(async () => (await owner.call(getOAuth2Settings)).dynamic_client_registration_enabled)
      .toBe(true)
    await fetch(`${owner.url}/oauth2/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Some editor',
        redirect_uris: ['http://127.0.0.1:9/cb'],
        token_endpoint_auth_method: 'none',
      }),
    })
    await page.getByRole('radio', { name: 'Apps' }).click()
    await page
      .getByRole('row', { name: /Some editor.*Self-registered.*Public/ })
      .getByRole('link')
      .click()
    await page.getByText('Nobody has verified who this is').waitFor()
    expect(await page.getByRole('button', { name: 'Save app' }).count()).toBe(0)
    expect(await page.getByText('Client secrets').count()).toBe(0)
  })

  it('UI-2: tell why they could not be read, and are read again', async () => {
    const { page } = await browser.open()
    await page.context().addCookies(cookiesOf(owner))
    const list = (url: URL) => url.pathname === '/api/v2/oauth2-provider/apps'
    await page.route(list, (route) => route.fulfill({ status: 500, json: { message: 'The disk is full.' } }))
    await page.goto(owner.url + APPS)
    await page.getByText('The apps could not be read: The disk is full.').waitFor()
    await page.unroute(list)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('table', { name: 'OAuth2 apps' }).waitFor()
  })

  it('UI-313: are not for members', async () => {
    const { page } = await browser.openAs(ada, APPS)
    await page.getByRole('heading', { name: /^You may not/ }).waitFor()
    await page.goto(`${ada.url}${APPS}/add`)
    await page.getByRole('heading', { name: 'You may not create OAuth2 apps' }).waitFor()
  })
})

describe('what somebody has authorized', () => {
  it('OA-B10: is shown in words, and revoked one by one or all at once', async () => {
    const app = await appWithSecret('helper')
    await authorize(ada, app, 'workspace:read')
    await authorize(ada, app, 'template:read workspace:ssh')
    const { page, faults } = await browser.openAs(ada, '/settings/oauth2-provider')
    await page.getByRole('heading', { name: 'helper' }).waitFor()
    await page.getByText('Connect to workspaces by SSH').waitFor()
    const grants = () => ada.call(listOAuth2Grants, { params: { user: 'me' } })
    await page.getByRole('button', { name: 'Revoke this authorization of helper' }).first().click()
    await page.getByRole('dialog').getByText('Its other authorizations stay.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Revoke helper' }).waitFor()
    expect(await grants()).toHaveLength(1)
    await page.getByRole('button', { name: 'Revoke helper' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No app acts for you').waitFor()
    expect(await grants()).toEqual([])
    expect(faults).toEqual([])
  })
})

describe('MCP', () => {
  it('OA-95: clients are told the address of this deployment', async () => {
    const { page, faults } = await browser.openAs(ada, '/settings/mcp')
    const url = `${server.url}/api/experimental/mcp/http`
    await page.getByText(`claude mcp add --transport http slipway ${url}`).waitFor()
    await page.getByRole('radio', { name: 'VS Code' }).click()
    await page.getByText(`"url": "${url}"`).waitFor()
    await page.getByRole('switch', { name: 'Read-only tools' }).click()
    await page.getByText(`"url": "${url}?toolset=readonly"`).waitFor()
    expect(faults).toEqual([])
  })

  it('UI-1303: a server is added, tested, has tools taken out, is shared and deleted', async () => {
    const { page, faults } = await browser.openAs(owner, SERVERS)
    await page.getByText('No MCP servers yet').waitFor()
    await page.getByRole('link', { name: 'New server' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Team wiki')
    expect(await page.getByLabel('Slug').inputValue()).toBe('team-wiki')
    await page.getByLabel('URL').fill('ftp://wiki')
    await page.getByLabel('Kind').selectOption('api_key')
    await page.getByRole('button', { name: 'Create server' }).click()
    await page.getByText('The server was not created').waitFor()
    await page.getByLabel('URL').fill(outside.url)
    await page.getByLabel('Value', { exact: true }).fill('Bearer key')
    await page.getByRole('button', { name: 'Create server' }).click()
    await page.getByRole('heading', { name: 'Team wiki' }).waitFor()
    const [made] = await owner.call(listMcpServerConfigs, { params: { organization } })
    if (made === undefined) throw new Error('no server was made')
    expect(made).toMatchObject({ slug: 'team-wiki', auth_type: 'api_key', has_api_key: true })

    await page.getByRole('button', { name: 'Test now' }).click()
    await page.getByText('Team wiki works').waitFor()
    await page.getByRole('switch', { name: 'Offer flood to chats' }).click()
    await page.getByText('Chats get 4 of 5 tools.').waitFor()
    await page.getByRole('button', { name: 'Save server' }).click()
    await page.getByText('The MCP server Team wiki was saved').waitFor()
    expect(await read(made)).toMatchObject({ tool_deny_list: ['flood'], has_api_key: true })

    await page.getByRole('combobox', { name: 'Add a user or group' }).fill('ada')
    await page.getByRole('option', { name: /ada/ }).click()
    await page.getByRole('row', { name: /ada/ }).waitFor()
    await page.getByRole('button', { name: /^Remove Everyone/ }).click()
    await page.getByRole('button', { name: 'Close it' }).click()
    await page.getByText('Open only to those listed').waitFor()
    const acl = await owner.call(getMcpServerConfigAcl, {
      params: { organization, mcpserverconfig: made.id },
    })
    expect([acl.users.map(({ username }) => username), acl.groups]).toEqual([['ada'], []])

    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('Team wiki')
    await page.keyboard.press('Enter')
    await page.getByText('No MCP servers yet').waitFor()
    expect(faults).toEqual([])
  })

  it('tells why a server cannot be used, and turns it off', async () => {
    const broken = await configured({ slug: 'broken', url: `${outside.origin}/nothing` })
    const { page } = await browser.openAs(owner, `${SERVERS}/${broken.id}`)
    await page.getByRole('button', { name: 'Test now' }).click()
    await page.getByText('The broken cannot be used').waitFor()
    await page.goto(owner.url + SERVERS)
    await page.getByRole('row', { name: /The broken.*Failing/ }).waitFor()
    await page.getByRole('button', { name: 'Actions for The broken' }).click()
    await page.getByRole('menuitem', { name: 'Turn off' }).click()
    await page.getByRole('row', { name: /The broken.*Off/ }).waitFor()
    expect(await read(broken)).toMatchObject({ enabled: false })
  })

  it('UI-1120, OA-110: somebody connects in a window of its own, and disconnects', async () => {
    outside.protectedBy(provider.issuer)
    outside.wantTokens(provider.accessTokens)
    await configured({ slug: 'tracker', auth_type: 'oauth2' })
    const { page, faults } = await browser.openAs(ada, '/settings/mcp')
    const row = page.getByRole('row', { name: /The tracker/ })
    await row.getByText('Not connected').waitFor()
    // Others cannot say that it is done.
    await page.evaluate(() => window.postMessage({ type: 'mcp-oauth2-complete', serverID: 'x' }, '*'))
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      row.getByRole('button', { name: 'Connect The tracker' }).click(),
    ])
    await row.getByText('Connected', { exact: true }).waitFor()
    expect(popup.isClosed()).toBe(true)
    await row.getByRole('button', { name: 'Disconnect The tracker' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
    await row.getByText('Not connected').waitFor()
    expect(faults).toEqual([])
  })

  it('UI-313: members do not manage servers', async () => {
    const { page } = await browser.openAs(ada, SERVERS)
    await page.getByRole('heading', { name: 'You may not manage MCP servers' }).waitFor()
    expect(await page.getByRole('link', { name: 'MCP servers' }).count()).toBe(0)
  })

  it('UI-401: each organization has its own', async () => {
    await owner.call(createOrganization, { body: { name: 'research', display_name: 'Research' } })
    const { page } = await browser.openAs(owner, `${SERVERS}?org=research`)
    await page.getByText('into the chats of Research').waitFor()
    await page.getByRole('link', { name: 'New server' }).click()
    await page.getByText('For chats in Research').waitFor()
  })
})

it('UI-1807, UI-1707: the pages have no faults for assistive software, and fit narrow screens', async () => {
  const app = await appWithSecret('looked-at')
  await authorize(owner, app, 'workspace:read')
  const shown = await configured({ slug: 'shown' })
  const sights = {
    apps: { path: APPS },
    settings: { path: `${APPS}?tab=settings` },
    'new app': { path: `${APPS}/add` },
    app: { path: `${APPS}/${app.id}` },
    authorized: { path: '/settings/oauth2-provider' },
    mcp: { path: '/settings/mcp' },
    servers: { path: SERVERS },
    'new server': { path: `${SERVERS}/add` },
    server: { path: `${SERVERS}/${shown.id}` },
  }
  const watched = await browser.openAs(owner, '/workspaces', { viewport: PHONE })
  expect(await flawsOf(watched, owner.url, sights)).toEqual([])
}, 120_000)
