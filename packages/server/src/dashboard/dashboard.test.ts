import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace, getWorkspace, type Template } from '@slipway/contract'
import {
  accessibilityFaults,
  DESKTOP,
  openBrowser,
  PASSWORD,
  PHONE,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
  type WatchedPage,
} from '@slipway/testkit'

let server: TestServer
let browser: TestBrowser
let owner: Client
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  browser = await openBrowser()
  owner = await server.owner()
  template = await server.builtInTemplate()
  await make('dev')
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function make(name: string): Promise<void> {
  const workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id },
  })
  await until('the workspace', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    return current.latest_build.resources[0]?.agents?.[0]?.lifecycle_state === 'ready'
  })
}

async function signedIn(options = {}): Promise<WatchedPage> {
  const opened = await browser.open(options)
  await opened.page.goto(`${server.url}/login`)
  await opened.page.getByLabel('Email').fill('owner@example.com')
  await opened.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await opened.page.keyboard.press('Enter')
  await opened.page.getByRole('heading', { name: 'Workspaces' }).waitFor()
  return opened
}

describe('the session', () => {
  it('UI-201: a failure of the server signs nobody out, and the page goes on when it is over', async () => {
    const { page } = await signedIn()
    await page.route('**/api/v2/users/me', (route) =>
      route.fulfill({
        status: 500,
        contentType: 'application/json',
        body: '{"message":"An internal error occurred."}',
      }),
    )
    await page.reload()
    await page.getByRole('heading', { name: 'The server cannot be reached' }).waitFor()
    expect(page.url()).not.toContain('/login')
    await page.unroute('**/api/v2/users/me')
    await page.getByRole('heading', { name: 'Workspaces' }).waitFor()
  })

  it('UI-201: a lost network signs nobody out', async () => {
    const { page } = await signedIn()
    await page.route('**/api/v2/**', (route) => route.abort('internetdisconnected'))
    await page.reload()
    await page.getByText('cannot be reached').first().waitFor()
    expect(page.url()).not.toContain('/login')
    await page.unroute('**/api/v2/**')
    await page.getByRole('heading', { name: 'Workspaces' }).waitFor()
  })

  it('UI-201: a real 401 leads to the sign-in page and back to where one was', async () => {
    const { page } = await signedIn()
    await page.context().clearCookies()
    await page.goto(`${server.url}/templates`)
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(page.url()).toContain('/login')
    await page.getByLabel('Email').fill('owner@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Templates' }).waitFor()
  })

  it('a wrong password is said and keeps what was typed', async () => {
    const { page } = await browser.open()
    await page.goto(`${server.url}/login`)
    await page.getByLabel('Email').fill('owner@example.com')
    await page.getByLabel('Password', { exact: true }).fill('wrong-password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Incorrect email or password').waitFor()
    expect(await page.getByLabel('Email').inputValue()).toBe('owner@example.com')
  })
})

const PAGES = {
  workspaces: '/workspaces',
  workspace: '/@owner/dev',
  build: '/@owner/dev/builds/1',
  settings: '/@owner/dev/settings',
  schedule: '/@owner/dev/schedule',
  terminal: '/@owner/dev/terminal',
  tasks: '/tasks',
  templates: '/templates',
  template: '/templates/local-workspace',
  create: '/templates/local-workspace/workspace',
  users: '/deployment/users',
  appearance: '/deployment/appearance',
  account: '/settings/account',
  tokens: '/settings/tokens/new',
  nowhere: '/nowhere',
}

/** Runs in the page: sums up how much of it moves while nobody touches it, and says what that was. */
const WATCH_SHIFTS = `
  self.shifts = { sum: 0, of: [] }
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) {
      self.shifts.sum += value
      self.shifts.of.push(value.toFixed(4) + ' ' + JSON.stringify(sources))
    }
  }).observe({ type: 'layout-shift', buffered: true })`

describe('every page', () => {
  for (const [theme, viewport] of [
    ['light', DESKTOP],
    ['dark', PHONE],
  ] as const)
    it(`has no accessibility fault, no error, no sideways scrolling, and does not move while it loads (${theme}, ${viewport.width} px)`, async () => {
      const { page, faults } = await signedIn({ colorScheme: theme, viewport })
      await page.addInitScript(WATCH_SHIFTS)
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(server.url + path)
        await page.getByRole('main').waitFor()
        await page.waitForLoadState('networkidle')
        expect(await page.evaluate('self.shifts.sum > 0.02 ? self.shifts.of : []'), name).toEqual([])
        expect(await accessibilityFaults(page, ['wcag2a', 'wcag2aa']), name).toEqual([])
        const width = await page.locator('html').evaluate((html) => html.scrollWidth)
        expect(width, name).toBeLessThanOrEqual(viewport.width)
      }
      expect(faults).toEqual([])
    }, 90_000)
})
