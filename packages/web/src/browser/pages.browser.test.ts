import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getUser, updateDeploymentAppearance } from '@slipway/contract'
import {
  fixtures,
  openBrowser,
  openDatabase,
  PHONE,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'
import { flawsOf, type Sight, shiftOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  const template = await server.builtInTemplate()
  // A table that is full: long names, of somebody else.
  const colleague = await server.user('a-colleague-with-a-long-name')
  const { id } = await colleague.call(getUser, { params: { user: 'me' } })
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  for (const name of ['a-workspace-with-a-really-long-n', 'another-one-with-a-rather-long-n']) {
    const workspace = await fixtures.workspace(database.db, {
      name,
      owner_id: id,
      template_id: template.id,
    })
    await fixtures.workspaceBuild(database.db, { workspace })
  }
})
afterAll(() => owned.disposeAsync())

const focused = (page: Page) => page.evaluate(() => document.activeElement?.id ?? '')

/** Focus moves after the frame that a dialog closes in. */
const expectFocus = (control: Locator) =>
  expect.poll(() => control.evaluate((element) => element === document.activeElement)).toBe(true)

describe('users', () => {
  it('UI-1401: are made with a password that shows once, are suspended, and are let in again', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/users/create')
    const email = page.getByLabel('Email')
    const create = page.getByRole('button', { name: 'Create user' })
    // UI-504: what is missing is said at its field, and the topmost has the focus.
    await create.click()
    await expect.poll(() => page.getByText('Fill this in.').count()).toBe(2)
    await expectFocus(email)
    expect(await email.getAttribute('aria-invalid')).toBe('true')
    await email.fill('grace.hopper')
    await create.click()
    await page.getByText('Enter an email address.').waitFor()
    await email.fill('grace.hopper@example.com')
    await expect.poll(() => page.locator('[aria-invalid=true]').count()).toBe(0)
    expect(await page.getByLabel('Username').inputValue()).toBe('grace-hopper')
    await create.click()
    await page.getByText('grace-hopper can sign in now').waitFor()
    await page.getByRole('link', { name: 'Done' }).click()

    const row = page.getByRole('row', { name: /grace-hopper/ })
    await row.getByRole('button', { name: 'Actions for grace-hopper' }).click()
    await page.getByRole('menuitem', { name: 'Suspend' }).click()
    await page.getByRole('button', { name: 'Suspend', exact: true }).last().click()
    await row.getByText('Suspended').waitFor()
    await row.getByRole('button', { name: 'Actions for grace-hopper' }).click()
    await page.getByRole('menuitem', { name: 'Activate' }).click()
    await row.getByText('Suspended').waitFor({ state: 'detached' })
    // Nobody suspends themselves.
    await page.getByRole('button', { name: 'Actions for owner' }).click()
    await page.getByRole('menuitem', { name: 'Roles' }).waitFor()
    expect(await page.getByRole('menuitem', { name: 'Suspend' }).count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('UI-313: a member who opens the page by its address is told what is missing', async () => {
    const { page } = await browser.openAs(await server.user('plain'), '/deployment/users')
    await page.getByText(/see all users/i).waitFor()
    expect(await page.getByRole('link', { name: 'Users', exact: true }).count()).toBe(0)
  })
})

describe('tokens', () => {
  it('UI-1503: a token of ready sets shows what it may do', async () => {
    const { page, faults } = await browser.openAs(owner, '/settings/tokens/new')
    await page.getByLabel('Name', { exact: true }).fill('ci')
    expect(await page.title()).toBe('New token - Tokens - Settings - Slipway')
    await page.getByText('Presets', { exact: true }).click()
    await page.getByRole('checkbox').first().click()
    await page.getByRole('button', { name: 'Create token' }).click()
    await page.getByText('Copy it now').waitFor()
    await page.goto(`${server.url}/settings/tokens`)
    const row = page.getByRole('row', { name: /ci/ }).filter({ hasText: 'ci' }).first()
    expect(await row.textContent()).not.toContain('Full access')
    expect(faults).toEqual([])
  })
})

describe('the keyboard', () => {
  it('UI-1801: skips to the content, and a change of the page moves focus to its heading', async () => {
    const { page } = await browser.openAs(owner, '/templates')
    await page.getByRole('link', { name: 'Local workspace', exact: true }).waitFor()
    await page.evaluate(() => document.body.focus())
    await page.getByRole('link', { name: 'Skip to the content' }).focus()
    await page.keyboard.press('Enter')
    expect(await focused(page)).toBe('main-content')
    await page.keyboard.press('g')
    await page.keyboard.press('s')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    expect(await page.title()).toContain('Slipway')
  })

  it('UI-B17, UI-506: palette, list of keys and dialogs open by key, close by Esc, and give focus back', async () => {
    const { page, faults } = await browser.openAs(owner, '/workspaces')
    const opener = page.getByRole('button', { name: 'New workspace' }).first()
    await opener.click()
    const dialog = page.getByRole('dialog', { name: 'New workspace' })
    await dialog.getByRole('link', { name: /Local workspace/ }).waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await expectFocus(opener)

    await page.keyboard.press('?')
    const keys = page.getByRole('dialog', { name: 'Keys' })
    await keys.waitFor()
    // Not at what closes it: the list scrolls by key.
    await expectFocus(keys.locator('dl'))
    await page.keyboard.press('Escape')
    await keys.waitFor({ state: 'detached' })
    await expectFocus(opener)
    await page.keyboard.press('/')
    await expectFocus(page.getByLabel('Filter workspaces'))
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'Search' }).waitFor()
    await page.keyboard.type('dark theme')
    // What the account has wins at the next load, so that it has to be there by then.
    const saved = page.waitForResponse(
      (answer) => answer.url().endsWith('/appearance') && answer.request().method() === 'PUT',
    )
    await page.keyboard.press('Enter')
    expect((await saved).status()).toBe(200)
    expect(await page.evaluate(() => getComputedStyle(document.body).colorScheme)).toBe('dark')
    // Before the first paint of the next page too.
    await page.reload()
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark')
    expect(faults).toEqual([])
  })

  it('UI-506: every kind of dialog begins at what it is about, holds the keyboard, and gives it back', async () => {
    const { page, faults } = await browser.openAs(owner, '/workspaces')
    const dialog = page.getByRole('dialog')
    const button = (name: string) => page.getByRole('button', { name, exact: true }).first()
    const menu = 'Actions for a-colleague-with-a-long-name'
    const dialogs: readonly [path: string, opener: string, item: string | undefined, first: Locator][] = [
      // What is loaded when it opens.
      ['/workspaces', 'New workspace', undefined, dialog.getByRole('link').first()],
      ['/deployment/users', menu, 'Roles', dialog.getByRole('checkbox').first()],
      // What harms least, or the name that has to be typed.
      ['/deployment/users', menu, 'Suspend', dialog.getByRole('button', { name: 'Cancel' })],
      ['/deployment/users', menu, 'Delete', dialog.getByRole('textbox')],
      ['/settings/security', 'Add a passkey', undefined, dialog.getByRole('textbox')],
    ]
    for (const [path, opener, item, first] of dialogs) {
      if (!page.url().endsWith(path)) await page.goto(server.url + path)
      for (const close of ['Escape', 'click']) {
        await button(opener).press('Enter')
        if (item !== undefined) await page.getByRole('menuitem', { name: item }).press('Enter')
        await expectFocus(first)
        for (let presses = 0; presses < 12; presses += 1) await page.keyboard.press('Tab')
        expect(await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)).toBe(
          true,
        )
        if (close === 'Escape') await page.keyboard.press('Escape')
        else
          await dialog
            .getByRole('button', { name: /^(Cancel|Close)$/ })
            .first()
            .click()
        await dialog.waitFor({ state: 'detached' })
        await expectFocus(button(opener))
      }
    }
    expect(faults).toEqual([])
  })

  it('UI-1801: when a row is removed, the keyboard goes on at the one that comes into its place', async () => {
    await server.user('x-leaves')
    await server.user('y-stays')
    const { page, faults } = await browser.openAs(owner, '/deployment/users')
    const menu = page.getByRole('button', { name: 'Actions for x-leaves' })
    await menu.press('Enter')
    await page.getByRole('menuitem', { name: 'Delete' }).press('Enter')
    await page.getByRole('dialog').getByRole('textbox').fill('x-leaves')
    // The list is read again when the dialog has long given the keyboard back.
    const read = Promise.withResolvers<void>()
    await page.route('**/api/v2/users?*', async (route) => {
      await read.promise
      await route.continue()
    })
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expectFocus(menu)
    read.resolve()
    await menu.waitFor({ state: 'detached' })
    await expectFocus(page.getByRole('row', { name: /y-stays/ }))
    expect(faults).toEqual([])
  })

  it('UI-1803: rows of a list are walked with the arrows and opened with Enter', async () => {
    const { page } = await browser.openAs(owner, '/templates')
    const row = page.getByRole('row', { name: /Local workspace/ })
    await row.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL('**/templates/local-workspace')
  })
})

describe('the filter of a list', () => {
  it('UI-501: completes keys and values by key, and applies them', async () => {
    const { page, faults } = await browser.openAs(owner, '/workspaces')
    const filter = page.getByRole('combobox', { name: 'Filter workspaces' })
    await filter.fill('sta')
    await page.getByRole('option', { name: /status:/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type('sto')
    await page.getByRole('option', { name: 'status:stopped' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('filter') === 'status:stopped')
    // Templates are read when somebody begins to type, not before (UI-701).
    await filter.fill('template:')
    await page.getByRole('option', { name: 'template:local-workspace' }).click()
    await page.waitForURL((url) => url.searchParams.get('filter') === 'template:local-workspace')
    expect(faults).toEqual([])
  })

  it('UI-501: what is typed right after a choice comes after it, however late the next frame is', async () => {
    const { page } = await browser.openAs(owner, '/workspaces')
    await page.evaluate(() => {
      window.requestAnimationFrame = (run) => window.setTimeout(() => run(performance.now()), 500)
    })
    const filter = page.getByRole('combobox', { name: 'Filter workspaces' })
    await filter.fill('sta')
    await page.getByRole('option', { name: /status:/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.keyboard.type('stopped owner', { delay: 60 })
    expect(await filter.inputValue()).toBe('status:stopped owner')
    // Applied in between, and still the text of whoever goes on typing.
    await page.waitForURL((url) => (url.searchParams.get('filter') ?? '').startsWith('status:stopped'))
    expect(await filter.inputValue()).toBe('status:stopped owner')
  })

  it('UI-2101, UI-2105: a page that breaks says what to report, one whose files are lost what to do; the frame goes on', async () => {
    const { page } = await browser.openAs(owner, '/workspaces')
    const templates = page.getByRole('link', { name: 'Templates', exact: true })
    await page.route('**/api/v2/templates*', (route) => route.fulfill({ json: { not: 'a list' } }))
    await templates.click()
    await page.getByRole('heading', { name: 'This page stopped working' }).waitFor()
    await page.getByText('If it happens again, report these words').waitFor()
    await page.unroute('**/api/v2/templates*')
    await page.route('**/assets/tasks-page-*', (route) => route.abort())
    await page.getByRole('link', { name: 'Tasks', exact: true }).click()
    await page.getByRole('heading', { name: 'This page could not be loaded' }).waitFor()
    await page.unroute('**/assets/tasks-page-*')
    // A new document, because the browser does not ask for the same file again.
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Tasks', exact: true }).waitFor()
  })

  it('UI-405: an address that leads nowhere offers lists of what its last part may be', async () => {
    const { page, faults } = await browser.openAs(owner, '/nowhere/local')
    await page.getByRole('link', { name: 'Templates named “local”' }).click()
    await page.getByRole('link', { name: 'Local workspace', exact: true }).waitFor()
    expect(faults).toEqual([])
  })
})

describe('the appearance', () => {
  it('UI-1404, UI-307, OP-154: a name and an announcement are set on a page, and stand on every other', async () => {
    const { page, faults } = await browser.openAs(owner, '/deployment/appearance')
    await page.locator('a[aria-current=page]', { hasText: /^Deployment$/ }).waitFor()
    await page.getByLabel('Application name').fill('Harbour')
    await page.getByRole('button', { name: 'Add announcement' }).click()
    await page.getByRole('textbox', { name: 'Message' }).fill('Down at **noon**')
    await page.getByLabel('Color').fill('#ffd54a')
    await page.getByRole('button', { name: 'Save appearance' }).click()
    const strip = page.getByRole('complementary', { name: 'Announcements' })
    await strip.getByText('noon').waitFor()
    expect(await page.title()).toBe('Appearance - Deployment - Harbour')
    expect(await page.getByRole('link', { name: 'Harbour', exact: true }).count()).toBe(1)
    // Ink that can be read on what the operator has chosen.
    expect(
      await strip
        .locator('div')
        .first()
        .evaluate((line) => getComputedStyle(line).color),
    ).toBe('rgb(0, 0, 0)')
    // What sticks to the top of the window stands below it.
    const { y, height } = (await page.getByRole('navigation', { name: 'Main' }).boundingBox()) ?? {}
    const { height: above } = (await strip.boundingBox()) ?? {}
    expect([y, (y ?? 0) + (height ?? 0)]).toEqual([above, 900])

    const stranger = await browser.open()
    await stranger.page.goto(`${server.url}/login`)
    await stranger.page.getByText('Harbour', { exact: true }).waitFor()
    expect(await stranger.page.getByText('noon').count()).toBe(0)
    await owner.call(updateDeploymentAppearance, { body: {} })
    expect(faults).toEqual([])
  })
})

/** Pages and what stands open on them, beside those that the newcomer sees. */
const SIGHTS: Readonly<Record<string, Sight>> = {
  'empty workspaces': { path: '/workspaces' },
  'all workspaces': { path: '/workspaces?filter=*' },
  'no match': { path: '/workspaces?filter=name:nothing' },
  'refused filter': { path: '/workspaces?filter=status:bogus' },
  'new workspace': {
    path: '/workspaces',
    open: async (page) => {
      await page.getByRole('button', { name: 'New workspace' }).first().click()
      await page.getByRole('dialog').getByRole('link').first().waitFor()
    },
  },
  palette: {
    path: '/workspaces',
    open: async (page) => {
      await page.getByRole('heading', { name: 'Workspaces', exact: true }).waitFor()
      await page.keyboard.press('Control+k')
      await page.getByRole('dialog').waitFor()
    },
  },
  keys: {
    path: '/workspaces',
    open: async (page) => {
      await page.getByRole('heading', { name: 'Workspaces', exact: true }).waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
    },
  },
  'row menu': {
    path: '/deployment/users',
    open: async (page) => {
      await page.getByRole('button', { name: 'Actions for owner' }).click()
      await page.getByRole('menu').waitFor()
    },
  },
  'missing workspace': { path: '/@owner/nothing' },
  'template parameters': { path: '/templates/local-workspace/parameters' },
  'template versions': { path: '/templates/local-workspace/versions' },
  'template settings': { path: '/templates/local-workspace/settings' },
  'missing template': { path: '/templates/nothing' },
  'new template': { path: '/templates/new' },
  'new user': { path: '/deployment/users/create' },
  security: { path: '/settings/security' },
  'SSH key': { path: '/settings/ssh-keys' },
  tokens: { path: '/settings/tokens' },
  'command line': { path: '/cli-auth' },
  appearance: {
    path: '/deployment/appearance',
    open: async (page) => {
      await page.getByRole('button', { name: 'Add announcement' }).click()
      await page.getByText('Preview').waitFor()
    },
  },
}

describe('every page', () => {
  it('UI-1807, UI-1707: has no accessibility fault and no sideways scrolling', async () => {
    expect(await flawsOf(await browser.openAs(owner, '/'), server.url, SIGHTS)).toEqual([])
  }, 120_000)

  it.each([
    ['/ai/settings/governance', '**/ai/gateway-settings', '**/deployment/config'],
    ['/organizations/coder/ai-limits', '**/ai/governance', '**/ai/privacy'],
    ['/organizations/coder/groups/Everyone/ai', '**/ai/limits', '**/groups/Everyone/members*'],
    ['/templates/local-workspace/permissions', '**/templates/*/acl', '**/acl/available*'],
    ['/settings/mcp', '**/oauth-authorization-server', '**/organizations/*/mcp-servers*'],
    ['/settings/notifications', '**/api/v2/buildinfo', '**/notifications/preferences'],
  ])('UI-1902: %s stands still, though what is above comes last', async (path, above, below) => {
    const { page, faults } = await browser.openAs(owner, '/nowhere', { viewport: PHONE })
    expect(await shiftOf(page, server.url + path, above, below)).toBeLessThan(0.02)
    expect(faults).toEqual([])
  })
})
