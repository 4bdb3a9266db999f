import { createHmac } from 'node:crypto'

import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { beginTotp, confirmTotp, createUserSecret, login } from '@slipway/contract'
import {
  DESKTOP,
  FakeGitProvider,
  freePort,
  importTemplate,
  openBrowser,
  PASSWORD,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let fake: FakeGitProvider
/** Passkeys need a name, and pages the host that providers send people back to. */
let base: string

beforeAll(async () => {
  fake = owned.use(await FakeGitProvider.start())
  const port = await freePort()
  base = `http://localhost:${port}`
  server = owned.use(
    await startTestServer({
      env: {
        CODER_HTTP_ADDRESS: `127.0.0.1:${port}`,
        CODER_ACCESS_URL: base,
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_OAUTH2_GITHUB_CLIENT_ID: 'github-client',
        CODER_OAUTH2_GITHUB_CLIENT_SECRET: 'github-secret',
        CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: 'true',
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

/** A page with the session of a user, at the host of the access URL. */
const openAs = (client: Client, path: string, options = {}) =>
  browser.openAs(new Client({ url: base, token: client.headers['Coder-Session-Token'] }), path, options)

const signIn = async (page: Page, name: string) => {
  await page.getByLabel('Email').fill(`${name}@example.com`)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** What an authenticator app shows now (RFC 6238). */
function codeOf(secret: string): string {
  const bits = [...secret.replaceAll(' ', '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const at = (mac.at(-1) ?? 0) & 15
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

describe('signing in', () => {
  it('L-34, UI-601: every way in keeps where the visitor was going', async () => {
    const { page, faults } = await browser.open()
    await page.goto(`${base}/settings/tokens?filter=a`)
    const github = page.getByRole('link', { name: 'Continue with GitHub' })
    const href = new URL((await github.getAttribute('href')) ?? '', base)
    expect(href.searchParams.get('redirect')).toBe('/settings/tokens?filter=a')
    await server.user('returning')
    await signIn(page, 'returning')
    await page.getByText('No token yet').waitFor()
    expect(new URL(page.url()).search).toBe('?filter=a')
    await page.goto(`${base}/login?message=${encodeURIComponent('<b>No</b> member')}`)
    expect(faults).toEqual([])
  })

  it('UI-601: a message of a refused sign-in shows as the text that it is', async () => {
    const { page } = await browser.open()
    await page.goto(`${base}/login?message=${encodeURIComponent('<b>No</b> member')}`)
    await page.getByText('<b>No</b> member').waitFor()
  })

  it('UI-605: a reset says the same for every address, and the passcode leaves the address bar', async () => {
    const { page, faults } = await browser.open()
    await page.goto(`${base}/login`)
    await page.getByLabel('Email').fill('nobody@example.com')
    await page.getByRole('link', { name: 'Forgot the password?' }).click()
    expect(await page.getByLabel('Email').inputValue()).toBe('nobody@example.com')
    await page.getByRole('button', { name: 'Send the mail' }).click()
    await page.getByText('If the address').waitFor()
    await page.goto(`${base}/reset-password/change?otp=wrong&email=nobody%40example.com`)
    await page.waitForURL((url) => !url.search.includes('otp'))
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD)
    await page.getByLabel('New password again').fill('Another')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('The two are not the same.').waitFor()
    await page.getByLabel('New password again').fill(PASSWORD)
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByRole('link', { name: 'Get a new link' }).waitFor()
    expect(faults).toEqual([])
  })

  it('UI-604: the page of a code that nobody asked for explains itself', async () => {
    const { page } = await browser.open()
    await page.goto(`${base}/login/device`)
    await page.getByText('opened without a sign-in').waitFor()
    await page.getByRole('link', { name: 'Go to the sign-in page' }).click()
    await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
  })
})

describe('second factors', () => {
  it('L-32: an authenticator app is set up, its recovery codes show once, and the next sign-in asks for it', async () => {
    const { page, faults } = await openAs(await server.user('totp'), '/settings/security')
    await page.getByRole('button', { name: 'Set up' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('img', { name: /QR code/ }).waitFor()
    const secret = (await dialog.locator('code').textContent()) ?? ''
    await dialog.getByLabel('Code', { exact: true }).fill('000000')
    await dialog.getByRole('button', { name: 'Set up the app' }).click()
    await dialog.getByText('The code is not right').waitFor()
    await dialog.getByLabel('Code', { exact: true }).fill(codeOf(secret))
    await dialog.getByRole('button', { name: 'Set up the app' }).click()
    const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem')
    await codes.first().waitFor()
    expect(await codes.count()).toBe(10)
    const recovery = (await codes.first().textContent()) ?? ''
    await page.keyboard.press('Escape')
    expect(await codes.count()).toBe(10)
    await page.getByRole('checkbox', { name: 'I have saved them' }).click()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('10 of 10 left').waitFor()

    const { page: other } = await browser.open()
    await other.goto(`${base}/login?redirect=/settings/sessions`)
    await signIn(other, 'totp')
    await other.getByRole('heading', { name: 'Confirm that it is you' }).waitFor()
    await other.getByLabel('Code', { exact: true }).fill('000000')
    await other.getByText('Incorrect second factor.').waitFor()
    await other.getByRole('button', { name: 'Use a recovery code' }).click()
    await other.getByLabel('Recovery code').fill(recovery)
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.getByRole('button', { name: 'End all others' }).waitFor()
    expect(faults).toEqual([])
  })

  it('L-32: a session without a fresh proof makes a token only after one', async () => {
    const client = await server.user('stepper')
    const { session_token: stale } = await server.anonymous.call(login, {
      body: { email: 'stepper@example.com', password: PASSWORD },
    })
    const me = { params: { user: 'me' } }
    const { challenge_id, secret } = await client.call(beginTotp, me)
    const { recovery_codes } = await client.call(confirmTotp, {
      ...me,
      body: { challenge_id, totp_code: codeOf(secret) },
    })
    const { page, faults } = await openAs(new Client({ url: base, token: stale }), '/settings/tokens/new')
    await page.getByLabel('Name', { exact: true }).fill('ci')
    await page.getByRole('button', { name: 'Create token' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.getByLabel('Code', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('This needs a fresh proof that it is you.').waitFor()
    await page.getByRole('button', { name: 'Create token' }).click()
    await dialog.getByRole('button', { name: 'Use a recovery code' }).click()
    await dialog.getByLabel('Recovery code').fill(recovery_codes[0] ?? '')
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Copy it now').waitFor()
    expect(faults).toEqual([])
  })

  it('UI-601, L-32: a passkey is added, named anew, signs in alone, and is removed', async () => {
    const { page, faults } = await openAs(await server.user('passkey'), '/settings/security')
    const devtools = await page.context().newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
      },
    })
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Laptop')
    await page.getByRole('button', { name: 'Add the passkey' }).click()
    await page.getByRole('checkbox', { name: 'I have saved them' }).click()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Actions for Laptop' }).click()
    await page.getByRole('menuitem', { name: 'Rename' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Work laptop')
    await page.getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('button', { name: 'Actions for Work laptop' }).waitFor()
    await page.context().clearCookies({ name: 'coder_session_token' })
    await page.goto(`${base}/login?redirect=/settings/security`)
    await page.getByRole('button', { name: 'Continue with a passkey' }).click()
    await page.getByRole('button', { name: 'Actions for Work laptop' }).click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByText('It is your last factor').waitFor()
    await page.getByRole('button', { name: 'Remove passkey' }).click()
    await page.getByText('You get ten of them').waitFor()
    expect(faults).toEqual([])
  })
})

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
  await page.getByText('This one').waitFor()
  expect(faults).toEqual([])
})

it('UI-1504: a token for one kind of resource says what it may do', async () => {
  const { page, faults } = await openAs(await server.user('scoped'), '/settings/tokens/new')
  await page.getByLabel('Name', { exact: true }).fill('reader')
  await page.getByRole('radio', { name: 'Ready sets' }).click()
  await page.getByText('Make workspaces and change them').click()
  await page.getByText('Part of another one').waitFor()
  await page.getByRole('radio', { name: 'Only some' }).click()
  await page.getByText('choose a resource').waitFor()
  await page.getByRole('combobox', { name: 'Find a workspace' }).click()
  await page.getByRole('option', { name: /All of this kind/ }).click()
  await page.getByText('It may create, read, start, stop and update all workspaces; nothing else.').waitFor()
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByText('Copy it now').waitFor()
  expect(faults).toEqual([])
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
    await page.getByText('No secret yet').waitFor()
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
    await page.getByText('You have a secret of this name.').waitFor()
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

const SIGHTS = [
  '/settings/security',
  '/settings/sessions',
  '/settings/tokens/new',
  '/settings/secrets',
  '/settings/secrets/new',
  '/settings/secrets/import',
  '/settings/secrets/missing',
  '/settings/schedule',
  '/settings/external-auth',
  '/external-auth/device',
  '/external-auth/fake?redirected=true',
]
const OUTSIDE = ['/login', '/login/device', '/reset-password', '/reset-password/change']

for (const [colorScheme, viewport] of [
  ['dark', DESKTOP],
  ['light', { width: 320, height: 700 }],
] as const)
  it(`UI-1807, UI-1707: the pages have no accessibility fault and no sideways scrolling (${colorScheme}, ${viewport.width} px)`, async () => {
    const client = await server.user(`looker-${colorScheme}`)
    const look = { colorScheme, viewport, reducedMotion: 'reduce' as const }
    const inside = await openAs(client, '/settings/account', look)
    const outside = await browser.open(look)
    for (const [{ page }, paths] of [
      [inside, SIGHTS],
      [outside, OUTSIDE],
    ] as const)
      for (const path of paths) {
        await page.goto(base + path)
        await page.waitForFunction(
          () =>
            document.querySelector('h1') !== null &&
            document.querySelector('.skeleton, [aria-busy=true]') === null,
        )
        const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).analyze()
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
        expect(found, path).toEqual([])
        const width = await page.locator('html').evaluate((html) => html.scrollWidth)
        expect(width, path).toBeLessThanOrEqual(viewport.width)
      }
    expect([...inside.faults, ...outside.faults]).toEqual([])
  }, 120_000)
