import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { beginTotp, confirmTotp, createFirstUser, login } from '@slipway/contract'
import {
  FakeGithub,
  freePort,
  IdentityProvider,
  openBrowser,
  PASSWORD,
  startTestServer,
  type TestBrowser,
  type TestServer,
  totpCode,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let idp: IdentityProvider
let github: FakeGithub
let server: TestServer
let browser: TestBrowser
/** Passkeys need a name, and pages the host that providers send people back to. */
let base: string

beforeAll(async () => {
  idp = owned.use(await IdentityProvider.start())
  github = owned.use(await FakeGithub.start())
  github.deviceInterval = 1
  const port = await freePort()
  base = `http://localhost:${port}`
  idp.allowRedirect(`${base}/api/v2/users/oidc/callback`)
  server = owned.use(
    await startTestServer({
      env: {
        CODER_HTTP_ADDRESS: `127.0.0.1:${port}`,
        CODER_ACCESS_URL: base,
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        ...idp.env({ CODER_OIDC_SIGN_IN_TEXT: 'Sign in with Acme' }),
        ...github.env({
          CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: 'true',
          CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: 'true',
          CODER_OAUTH2_GITHUB_DEVICE_FLOW: 'true',
        }),
      },
    }),
  )
  browser = owned.use(await openBrowser())
  await server.owner()
})
afterAll(() => owned.disposeAsync())

/** A page with the session of a user, at the host of the access URL. */
const openAs = (client: Client, path: string) =>
  browser.openAs(new Client({ url: base, token: client.headers['Coder-Session-Token'] }), path)

const signIn = async (page: Page, name: string, password = PASSWORD) => {
  await page.getByLabel('Email').fill(`${name}@example.com`)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** What an authenticator app shows now for a secret as the page shows it. */
const codeOf = (secret: string) => totpCode(secret.replaceAll(' ', ''), Date.now())

describe('signing in', () => {
  it('L-34, UI-601: every way in keeps where the visitor was going', async () => {
    const { page, faults } = await browser.open()
    await page.goto(`${base}/settings/tokens?filter=a`)
    const github = page.getByRole('link', { name: 'Continue with GitHub' })
    const href = new URL((await github.getAttribute('href')) ?? '', base)
    expect(href.searchParams.get('redirect')).toBe('/settings/tokens?filter=a')
    await server.user('returning')
    await signIn(page, 'returning')
    await page.getByText('No tokens yet').waitFor()
    expect(new URL(page.url()).search).toBe('?filter=a')
    await page.goto(`${base}/login?message=${encodeURIComponent('<b>No</b> member')}`)
    expect(faults).toEqual([])
  })

  it('UI-601: a message of a refused sign-in shows as the text that it is', async () => {
    const { page } = await browser.open()
    await page.goto(`${base}/login?message=${encodeURIComponent('<b>No</b> member')}`)
    await page.getByText('<b>No</b> member').waitFor()
  })

  it('UI-601, UI-504: what is missing is said at its field, and a refusal leads back to the password', async () => {
    const { page, faults } = await browser.open()
    await page.goto(`${base}/login`)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('Enter your email.').waitFor()
    await page.getByText('Enter your password.').waitFor()
    await page.getByLabel('Email').fill('nobody@example.com')
    await page.getByLabel('Password', { exact: true }).fill('wrong')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('Incorrect email or password.').waitFor()
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('autocomplete')))
      .toBe('current-password')
    expect(faults).toEqual([])
  })

  it('UI-1806: nothing has to be remembered or typed: fields say what they take, and take what is pasted', async () => {
    const { page, faults } = await browser.open()
    await page.goto(`${base}/login`)
    const email = page.getByLabel('Email')
    const password = page.getByLabel('Password', { exact: true })
    await email.waitFor()
    const takes = (fields: readonly Locator[]) =>
      Promise.all(fields.map((field) => field.getAttribute('autocomplete')))
    expect(await takes([email, password])).toEqual(['username email', 'current-password'])
    for (const field of [email, password])
      expect(
        await field.evaluate((element) =>
          element.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true })),
        ),
      ).toBe(true)
    // What was given once is not asked for again.
    await email.fill('grace@example.com')
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    expect(await email.inputValue()).toBe('grace@example.com')
    await page.goto(`${base}/reset-password/change?otp=1&email=grace%40example.com`)
    const next = page.getByLabel('New password', { exact: true })
    await next.waitFor()
    expect(await takes([next])).toEqual(['new-password'])
    expect(faults).toEqual([])
  })

  it('UI-605: a reset says the same for every address, and the passcode leaves the address bar', async () => {
    const { page, faults } = await browser.open()
    await page.goto(`${base}/login`)
    await page.getByLabel('Email').fill('nobody@example.com')
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    expect(await page.getByLabel('Email').inputValue()).toBe('nobody@example.com')
    await page.getByRole('button', { name: 'Send the email' }).click()
    await page.getByText('If the address').waitFor()
    await page.goto(`${base}/reset-password/change?otp=wrong&email=nobody%40example.com`)
    await page.waitForURL((url) => !url.search.includes('otp'))
    await page.getByLabel('New password', { exact: true }).fill(PASSWORD)
    await page.getByLabel('Repeat the new password').fill('Another')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('The passwords do not match.').waitFor()
    await page.getByLabel('Repeat the new password').fill(PASSWORD)
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

/** An account with an authenticator app, and a session that was begun before there was one. */
async function withStaleSession(name: string) {
  const client = await server.user(name)
  const { session_token: stale } = await server.anonymous.call(login, {
    body: { email: `${name}@example.com`, password: PASSWORD },
  })
  const me = { params: { user: 'me' } }
  const { challenge_id, secret } = await client.call(beginTotp, me)
  const { recovery_codes } = await client.call(confirmTotp, {
    ...me,
    body: { challenge_id, totp_code: codeOf(secret) },
  })
  return { stale: new Client({ url: base, token: stale }), recoveryCode: recovery_codes[0] ?? '' }
}

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
    await other.getByRole('heading', { name: 'Confirm it is you' }).waitFor()
    await other.getByLabel('Code', { exact: true }).fill('000000')
    await other.getByText('Incorrect second factor.').waitFor()
    await other.getByRole('button', { name: 'Use a recovery code' }).click()
    await other.getByLabel('Recovery code').fill(recovery)
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.getByRole('button', { name: 'End all others' }).waitFor()
    expect(faults).toEqual([])
  })

  it('L-32: a session without a fresh proof makes a token only after one', async () => {
    const { stale, recoveryCode } = await withStaleSession('stepper')
    const { page, faults } = await openAs(stale, '/settings/tokens/new')
    await page.getByLabel('Name', { exact: true }).fill('ci')
    await page.getByRole('button', { name: 'Create token' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm it is you' })
    await dialog.getByLabel('Code', { exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('This needs a fresh proof that it is you.').waitFor()
    await page.getByRole('button', { name: 'Create token' }).click()
    await dialog.getByRole('button', { name: 'Use a recovery code' }).click()
    await dialog.getByLabel('Recovery code').fill(recoveryCode)
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
    await page.getByText('You get ten with').waitFor()
    expect(faults).toEqual([])
  })

  it('L-32: a password changes only after a fresh proof, and ends every session', async () => {
    const { stale, recoveryCode } = await withStaleSession('changer')
    const { page, faults } = await openAs(stale, '/settings/security')
    await page.getByLabel('Current password').fill(PASSWORD)
    await page.getByLabel('New password', { exact: true }).fill('Another-Secret-4711!')
    await page.getByLabel('Repeat the new password').fill('Another-Secret-4711!')
    await page.getByRole('button', { name: 'Change password' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm it is you' })
    await dialog.getByRole('button', { name: 'Use a recovery code' }).click()
    await dialog.getByLabel('Recovery code').fill(recoveryCode)
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Your password was changed').waitFor()
    await signIn(page, 'changer')
    await page.getByRole('alert').waitFor()
    await signIn(page, 'changer', 'Another-Secret-4711!')
    await page.getByRole('heading', { name: 'Confirm it is you' }).waitFor()
    expect(faults).toEqual([])
  })

  it('L-32: an administrator removes the factors of somebody who has lost them', async () => {
    await withStaleSession('loser')
    const { page, faults } = await openAs(await server.owner(), '/deployment/users/loser')
    await page.getByText('authenticator app, 10 recovery codes left').waitFor()
    await page.getByRole('button', { name: 'Remove all' }).click()
    await page.getByRole('button', { name: 'Remove second factors' }).click()
    await page.getByText('loser has no second factors now').waitFor()
    await page.getByText('None', { exact: true }).first().waitFor()
    const { page: theirs } = await browser.open()
    await theirs.goto(`${base}/login?redirect=/settings/sessions`)
    await signIn(theirs, 'loser')
    await theirs.getByText('This session').waitFor()
    expect(faults).toEqual([])
  })

  it('L-32: where the deployment asks for one, whoever has none sets it up at the sign-in', async () => {
    await using strict = await startTestServer({
      env: { CODER_REQUIRE_SECOND_FACTOR: 'true', CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    })
    await strict.anonymous.call(createFirstUser, {
      body: { email: 'owner@example.com', username: 'owner', password: PASSWORD },
    })
    const { page, faults } = await browser.open()
    await page.goto(`${strict.url}/login?redirect=/settings/security`)
    await signIn(page, 'owner')
    await page.getByRole('heading', { name: 'Set up a second factor' }).waitFor()
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    const secret = (await page.locator('code').first().textContent()) ?? ''
    await page.getByLabel('Code', { exact: true }).fill('000000')
    await page.getByRole('button', { name: 'Set up and sign in' }).click()
    await page.getByText('The code is not right').waitFor()
    await page.getByLabel('Code', { exact: true }).fill(codeOf(secret))
    await page.getByRole('button', { name: 'Set up and sign in' }).click()
    await page.getByRole('list', { name: 'Recovery codes' }).waitFor()
    expect(await page.getByRole('button', { name: 'Go to the dashboard' }).isDisabled()).toBe(true)
    await page.getByRole('checkbox', { name: 'I have saved them' }).click()
    await page.getByRole('button', { name: 'Go to the dashboard' }).click()
    await page.getByText('10 of 10 left').waitFor()
    expect(faults).toEqual([])
  })
})

describe('providers', () => {
  it('UI-604, ID-174: a code is typed at GitHub, and leads where the visitor was going', async () => {
    github.deviceAnswer = 'authorization_pending'
    github.visitor = {
      id: 4711,
      login: 'gopher',
      emails: [{ email: 'gopher@example.com', primary: true, verified: true }],
    }
    const { page, faults } = await browser.open()
    await page.goto(`${base}/settings/sessions`)
    await page.getByRole('link', { name: 'Continue with GitHub' }).click()
    await page.getByText('ABCD-1234').waitFor()
    expect(await page.getByRole('link', { name: /^Enter it at/ }).getAttribute('href')).toBe(
      `${github.url}/login/device`,
    )
    github.deviceAnswer = 'access_denied'
    await page
      .getByText(/refused/)
      .first()
      .waitFor()
    github.deviceAnswer = 'allowed'
    await page.getByRole('button', { name: 'Get a new code' }).click()
    await page.getByText('This session').waitFor()
    expect(new URL(page.url()).pathname).toBe('/settings/sessions')
    expect(faults).toEqual([])
  })

  it('UI-1501, ID-176: an account moves to a provider and loses its password', async () => {
    const { page, faults } = await openAs(await server.user('mover'), '/settings/security')
    await page.getByRole('button', { name: 'Acme' }).click()
    const dialog = page.getByRole('dialog', { name: /Move this account to/ })
    await dialog.getByLabel('Password').fill('wrong')
    await dialog.getByRole('button', { name: /^Go to/ }).click()
    await dialog.getByRole('alert').waitFor()
    idp.person('mover', {
      email: 'mover@example.com',
      email_verified: true,
      preferred_username: 'mover',
    })
    await dialog.getByLabel('Password').fill(PASSWORD)
    await dialog.getByRole('button', { name: /^Go to/ }).click()
    await page.waitForURL('**/login?*')
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await page.waitForURL('**/settings/account')
    await page.getByRole('link', { name: 'Security' }).click()
    await page.getByText('This account has no password here').waitFor()
    expect(faults).toEqual([])
  })
})

describe('every page outside', () => {
  it('UI-1807, UI-1707: has no accessibility fault and no sideways scrolling', async () => {
    const outside = {
      'sign-in': { path: '/login' },
      'sign-in by code': { path: '/login/device' },
      'forgotten password': { path: '/reset-password' },
      'new password': { path: '/reset-password/change' },
    }
    expect(await flawsOf(await browser.open(), base, outside)).toEqual([])
    const opened = await openAs(await server.user('looker'), '/settings/account')
    const inside = { security: { path: '/settings/security' } }
    expect(await flawsOf(opened, base, inside)).toEqual([])
  }, 120_000)
})
