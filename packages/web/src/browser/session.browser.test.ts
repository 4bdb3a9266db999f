import type { Page, Response } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createOrganization, deleteOrganization, getUser, type Template, type User } from '@slipway/contract'
import {
  fixtures,
  openBrowser,
  openDatabase,
  PASSWORD,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let template: Template
let user: User

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  template = await server.builtInTemplate()
  user = await owner.call(getUser, { params: { user: 'me' } })
})
afterAll(() => owned.disposeAsync())

/** Workspaces that were started once, without anything that runs. */
async function addWorkspaces(count: number): Promise<void> {
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  for (let index = 0; index < count; index++) {
    const workspace = await fixtures.workspace(database.db, { owner_id: user.id, template_id: template.id })
    await fixtures.workspaceBuild(database.db, { workspace })
  }
}

const refuse = (page: Page, status: number, pattern = '**/api/v2/**') =>
  page.route(pattern, (route) =>
    route.fulfill({
      status,
      contentType: 'application/json',
      body: JSON.stringify({ message: `Answered ${status} by the test.` }),
    }),
  )

describe('a running page', () => {
  it('UI-201, UI-2102: outlives 500 everywhere, then a lost network, and recovers by itself', async () => {
    const { page } = await browser.openAs(owner, '/workspaces')
    await page.getByText('No workspaces yet').waitFor()
    await refuse(page, 500)
    await page.getByRole('link', { name: 'Users', exact: true }).click()
    await page.getByText(/could not be read: Answered 500 by the test/).waitFor()
    expect(new URL(page.url()).pathname).toBe('/deployment/users')
    await page.unrouteAll()
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('link', { name: 'owner', exact: true }).waitFor()

    await page.route('**/api/v2/**', (route) => route.abort('internetdisconnected'))
    await page.getByRole('link', { name: 'Audit log', exact: true }).click()
    const banner = page.getByRole('status').filter({ hasText: 'The server cannot be reached.' })
    await banner.waitFor()
    await page.getByText('Reconnecting').waitFor()
    expect(new URL(page.url()).pathname).toBe('/audit')
    await page.unrouteAll()
    await banner.getByRole('button', { name: 'Retry now' }).click()
    await page.getByText('Back online').waitFor()
    await page.getByText(/\d+ entr(y|ies)/).waitFor()
  })

  it('UI-202: a 401 of one route stays the error of that route', async () => {
    const { page } = await browser.openAs(owner, '/templates')
    await page.getByRole('link', { name: 'Local workspace', exact: true }).waitFor()
    await refuse(page, 401, '**/api/v2/users?**')
    const probe = page.waitForResponse((response) => response.url().endsWith('/api/v2/users/me'))
    await page.getByRole('link', { name: 'Users', exact: true }).click()
    await page.getByText('Answered 401 by the test.').waitFor()
    expect((await probe).status()).toBe(200)
    expect(new URL(page.url()).pathname).toBe('/deployment/users')
  })

  it('UI-204: a session that was ended elsewhere leads to the sign-in page, and back', async () => {
    const guest = await server.user('guest')
    const { page, faults } = await browser.openAs(guest, '/settings/tokens')
    await page.getByText('No tokens yet').waitFor()
    await page.context().clearCookies({ name: 'coder_session_token' })
    await page.getByRole('link', { name: 'Templates', exact: true }).click()
    await page.getByText('Your session has ended').waitFor()
    expect(new URL(page.url()).searchParams.get('redirect')).toBe('/templates')
    await page.getByLabel('Email').fill('guest@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Templates' }).waitFor()
    expect(faults).toEqual([])
  })

  it('UI-204, UI-508: what was typed into a form is offered back to the same user, without secrets', async () => {
    const fill = async (page: Page) => {
      await page.getByLabel('Name', { exact: true }).fill('half-typed')
      await page.getByLabel('Value').fill('nobody-may-keep-this')
      await page.getByLabel('Description').fill('For the registry of packages')
      await toggle(page).click()
      await page.context().clearCookies({ name: 'coder_session_token' })
      await page.getByLabel('Variable').fill('HALF')
      await page.getByRole('button', { name: 'Create secret' }).click()
      await page.getByText('Your session has ended').waitFor()
      expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('nobody-may-keep-this')
    }
    const toggle = (page: Page) => page.getByRole('switch')
    const signIn = async (page: Page, name: string) => {
      await page.getByLabel('Email').fill(`${name}@example.com`)
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('heading', { name: 'New secret' }).waitFor()
    }
    const { page, faults } = await browser.openAs(await server.user('typist'), '/settings/secrets/new')
    await fill(page)
    await signIn(page, 'typist')
    await page.getByRole('button', { name: 'Restore' }).click()
    await expect.poll(() => page.getByLabel('Variable').inputValue()).toBe('HALF')
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('half-typed')
    expect(await page.getByLabel('Description').inputValue()).toBe('For the registry of packages')
    expect(await page.getByLabel('Value').inputValue()).toBe('')
    expect(await toggle(page).getAttribute('aria-checked')).toBe('false')
    await server.user('stranger')
    await fill(page)
    await signIn(page, 'stranger')
    expect(await page.getByRole('button', { name: 'Restore' }).count()).toBe(0)
    expect(faults).toEqual([])
  })
})

it('UI-204: switches, choices and what was picked from lists are offered back, in their order', async () => {
  const clerk = await server.user('clerk', ['user-admin'])
  for (const name of ['harbour', 'quay']) await owner.call(createOrganization, { body: { name } })
  const { page, faults } = await browser.openAs(clerk, '/deployment/users/create')
  const fill = async () => {
    await page.getByRole('radio', { name: 'Service account' }).click()
    await page.getByLabel('Username').fill('robot')
    for (const name of ['harbour', 'quay']) {
      await page.getByLabel('Another organization').fill(name.slice(0, 4))
      await page.getByRole('option', { name }).click()
      await page.getByRole('button', { name: `Not in ${name}` }).waitFor()
    }
  }
  await fill()
  await page.context().clearCookies({ name: 'coder_session_token' })
  await page.getByRole('button', { name: 'Create user' }).click()
  await page.getByText('Your session has ended').waitFor()
  await owner.call(deleteOrganization, { params: { organization: 'quay' } })
  await page.getByLabel('Email').fill('clerk@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: 'Restore' }).click()
  await page.getByRole('button', { name: 'Not in harbour' }).waitFor()
  expect(await page.getByRole('radio', { name: 'Service account' }).getAttribute('aria-checked')).toBe('true')
  expect(await page.getByLabel('Username').inputValue()).toBe('robot')
  await page.getByText('could not be put back').waitFor()
  await page.getByRole('button', { name: 'Discard' }).click()
  expect(await page.getByRole('button', { name: 'Restore' }).count()).toBe(0)
  expect(faults).toEqual([])
})

describe('signing in', () => {
  it('UI-207: leads to no other origin, whatever the address asks for', async () => {
    for (const target of [
      '//evil.test',
      '/\\evil.test',
      'https://evil.test/x',
      '/%2f%2fevil.test',
      'javascript:1',
    ]) {
      const { page } = await browser.openAs(owner, `/login?redirect=${encodeURIComponent(target)}`)
      // Signed in already, so the page goes on at once.
      await page.waitForURL((url) => url.pathname !== '/login')
      expect(new URL(page.url()).origin, target).toBe(server.url)
      await page.context().close()
    }
  })

  it('UI-205: signing out ends the session and shows the sign-in page', async () => {
    const { page, faults } = await browser.openAs(await server.user('leaver'), '/workspaces')
    await page.getByRole('button', { name: 'Account of leaver' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    await page.goto(`${server.url}/workspaces`)
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(faults).toEqual([])
  })
})

describe('the download', () => {
  it('UI-1901, L-8: is compressed, kept for a year, and small', async () => {
    const { page } = await browser.open()
    const session = await page.context().newCDPSession(page)
    await session.send('Network.clearBrowserCache')
    let bytes = 0
    const answers: Promise<Response | null>[] = []
    const sizes: Promise<void>[] = []
    page.on('requestfinished', (request) => {
      if (request.resourceType() !== 'script' || !request.url().includes('/assets/')) return
      answers.push(request.response())
      sizes.push(
        request.sizes().then(({ responseBodySize }) => {
          bytes += responseBodySize
        }),
      )
    })
    await page.goto(`${server.url}/login`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.waitForLoadState('networkidle')
    await Promise.all(sizes)
    for (const answer of await Promise.all(answers))
      expect(answer?.headers()['cache-control']).toContain('immutable')
    expect(bytes).toBeGreaterThan(50 * 1024)
    expect(bytes).toBeLessThanOrEqual(120 * 1024)
  })

  it('UI-106: has the icons that templates name, drawn or as initials, and no other', async () => {
    const icon = (name: string) => fetch(`${server.url}/icon/${name}.svg`)
    for (const name of [
      'database',
      'jetbrains',
      'fly.io',
      'aws-dark',
      'k8s',
      'code-insiders',
      'cpp',
      'zed',
    ]) {
      const answer = await icon(name)
      expect([answer.status, answer.headers.get('content-type')], name).toEqual([200, 'image/svg+xml'])
      expect(await answer.text(), name).toContain('viewBox="0 0 24 24"')
    }
    expect((await icon('no-such-thing')).status).toBe(404)
  })

  it('UI-105: has the files whose addresses templates, bookmarks and older browsers know', async () => {
    const states = ['', '-running', '-success', '-warning', '-error']
    const icons = states.flatMap((state) =>
      ['light', 'dark'].flatMap((look) => [
        [`/favicons/favicon${state}-${look}.svg`, 'image/svg+xml'],
        [`/favicons/favicon${state}-${look}.png`, 'image/png'],
      ]),
    )
    for (const [path = '', type] of [
      ...icons,
      ['/open-in-coder.svg', 'image/svg+xml'],
      ['/favicon.ico', 'image/x-icon'],
      ['/manifest.json', 'application/manifest+json; charset=utf-8'],
      ['/serviceWorker.js', 'text/javascript; charset=utf-8'],
      ['/apple-touch-icon.png', 'image/png'],
    ]) {
      const answer = await fetch(server.url + path)
      expect([answer.status, answer.headers.get('content-type')], path).toEqual([200, type])
    }
  })
})

describe('the workspaces page', () => {
  it('UI-701, UI-1903: makes the same few requests for one workspace and for twenty', async () => {
    const count = async () => {
      const { page, faults } = await browser.openAs(owner, '/templates')
      await page.getByRole('link', { name: 'Local workspace', exact: true }).waitFor()
      const asked: string[] = []
      page.on('request', (request) => {
        const { pathname } = new URL(request.url())
        if (pathname.startsWith('/api/')) asked.push(`${request.method()} ${pathname}`)
      })
      await page.reload()
      await page.getByRole('heading', { name: 'Templates' }).waitFor()
      asked.length = 0
      await page.getByRole('link', { name: 'Workspaces', exact: true }).click()
      await page.getByRole('row').nth(1).waitFor()
      await page.waitForLoadState('networkidle')
      expect(faults).toEqual([])
      await page.context().close()
      return asked.sort()
    }
    await addWorkspaces(1)
    const one = await count()
    await addWorkspaces(19)
    expect(await count()).toEqual(one)
    expect(one.length).toBeLessThanOrEqual(4)
  })
})
