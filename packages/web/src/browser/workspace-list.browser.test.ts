import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createTemplateVersion,
  createWorkspace,
  getTemplateVersion,
  getUser,
  getWorkspace,
  type Template,
} from '@slipway/contract'
import {
  fixtures,
  importTemplate,
  openBrowser,
  openDatabase,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'

const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'

export default defineTemplate({
  parameters: {
    branch: { type: 'string', displayName: 'Branch', default: 'main', mutable: true },
  },
  presets: [{ name: 'Trunk', parameters: { branch: 'trunk' } }],
  workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }),
})
`

/** A file without a page: nothing there asks for anything or goes anywhere. */
const STILL = '/icon/code.svg'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let template: Template

beforeAll(async () => {
  server = owned.use(
    await startTestServer({
      env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_ALLOW_WORKSPACE_RENAMES: 'true' },
    }),
  )
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  template = await importTemplate(owner, 'service', { 'template.ts': TEMPLATE })
})
afterAll(() => owned.disposeAsync())

/** Nobody has it yet, not even from an attempt before. */
const fresh = (word: string) => `${word}-${randomUUID().slice(0, 8)}`

/** What a page asks of the API, from now on. */
function calls(page: Page): { readonly all: () => string[]; readonly to: (path: RegExp) => string[] } {
  const seen: string[] = []
  page.on('request', (request) => {
    const { pathname, origin } = new URL(request.url())
    if (pathname.startsWith('/api/') && origin === server.url) seen.push(`${request.method()} ${pathname}`)
  })
  return { all: () => seen, to: (path) => seen.filter((call) => path.test(call)) }
}

it('UI-701, UI-702, UI-B10: a page of outdated rows asks for none of them; a menu asks once, for all', async () => {
  const member = await server.user(fresh('crowd'))
  const { id: owner_id, username } = await member.call(getUser, { params: { user: 'me' } })
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const version = await fixtures.templateVersion(database.db, {
    template_id: template.id,
    organization_id: template.organization_id,
    created_by: owner_id,
  })
  for (let row = 10; row < 35; row++) {
    const workspace = await fixtures.workspace(database.db, {
      name: `row-${row}`,
      owner_id,
      template_id: template.id,
    })
    await fixtures.workspaceBuild(database.db, { workspace, version })
  }
  const { page, faults } = await browser.openAs(member, STILL)
  const seen = calls(page)
  await page.goto(`${server.url}/workspaces`)
  const menu = (row: number) => page.getByRole('button', { name: `Actions for row-${row}` })
  await menu(34).waitFor()
  expect(
    await page.getByRole('img', { name: 'Update available' }).or(page.getByText('Update available')).count(),
  ).toBeGreaterThanOrEqual(25)
  // The frame asks for what it shows, once; rows ask for nothing.
  expect(seen.all().length, seen.all().join('\n')).toBeLessThan(15)
  expect(seen.to(/authcheck/).length).toBeLessThanOrEqual(1)
  expect(seen.to(/parameters|templateversions|templates/)).toEqual([])

  // What cannot be found out disables what depends on it, and nothing else.
  await page.route('**/api/v2/authcheck', (route) =>
    route.fulfill({ status: 500, contentType: 'application/json', body: '{"message":"Broken."}' }),
  )
  const entry = (name: string) => page.getByRole('menuitem', { name })
  await menu(10).click()
  await page.getByText('Not known: Broken.').first().waitFor()
  expect(await entry('Settings').getAttribute('aria-disabled')).toBe('true')
  expect(await entry('Duplicate').getAttribute('aria-disabled')).toBeNull()
  await page.keyboard.press('Escape')
  await page.unroute('**/api/v2/authcheck')

  const before = seen.to(/authcheck/).length
  await menu(10).click()
  await expect.poll(() => entry('Settings').getAttribute('aria-disabled')).toBeNull()
  await page.getByText('For those who maintain the template').waitFor()
  await page.keyboard.press('Escape')
  await menu(34).click()
  await page.getByText('For those who maintain the template').waitFor()
  expect(await entry('Settings').getAttribute('aria-disabled')).toBeNull()
  expect(seen.to(/authcheck/)).toHaveLength(before + 1)
  expect(seen.to(/parameters|templateversions/)).toEqual([])

  await entry('Duplicate').click()
  await page.getByRole('heading', { name: 'New workspace' }).waitFor()
  await page.getByLabel('Branch', { exact: true }).waitFor()
  // Values do not stand in the address.
  expect([...new URL(page.url()).searchParams.keys()]).toEqual(['mode', 'from'])
  expect(seen.to(/workspacebuilds\/[^/]+\/parameters/)).toHaveLength(1)
  expect(faults).toEqual([])
  // Others see them by their own rights.
  await page.goto(`${server.url}/workspaces?filter=owner:${username}&page=2`)
  await page.getByText('There is nothing on this page').waitFor()
}, 60_000)

it('UI-705: without a workspace the templates are offered, or who can make one is said', async () => {
  const { page, faults } = await browser.openAs(await server.user(fresh('newcomer')), '/workspaces')
  await page.getByRole('link', { name: 'Create workspace from service' }).waitFor()
  await page.route('**/api/v2/templates*', (route) => route.fulfill({ json: [] }))
  await page.reload()
  await page.getByText('Ask an administrator of this deployment to add one.').waitFor()
  expect(await page.getByRole('link', { name: 'Create a template' }).count()).toBe(0)
  await page.goto(`${server.url}/workspaces?filter=name:nothing-like-this`)
  await page.getByRole('button', { name: 'Clear the filter' }).last().click()
  await page.getByText('No workspaces yet').waitFor()
  expect(faults).toEqual([])

  const admin = (await browser.openAs(owner, STILL)).page
  await admin.route('**/api/v2/templates*', (route) => route.fulfill({ json: [] }))
  await admin.goto(`${server.url}/workspaces`)
  await admin.getByRole('link', { name: 'Create a template' }).waitFor()
})

it('UI-738: a link that asks for a workspace creates none without consent, and none later by itself', async () => {
  const name = fresh('linked')
  const link = `/templates/service/workspace?mode=auto&name=${name}&preset=Trunk&param.branch=rel%E2%80%AEease`
  const { page, faults } = await browser.openAs(owner, link)
  const seen = calls(page)
  const dialog = page.getByRole('dialog', { name: 'Create a workspace from service?' })
  await dialog.getByText('Trunk').waitFor()
  // Nothing hides in what the link says.
  await dialog.getByText('rel⟨U+202E⟩ease').waitFor()
  await page.keyboard.press('Escape')
  await page.mouse.click(5, 5)
  await dialog.getByRole('button', { name: 'Review the form' }).click()
  await dialog.waitFor({ state: 'detached' })
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe(name)
  expect(seen.to(/POST .*\/workspaces/)).toEqual([])

  // What stands in the way leads to the form, with the reason.
  await page.goto(`${server.url}/templates/service/workspace?mode=auto&preset=trunk`)
  await page.getByText('The link could not create the workspace by itself').waitFor()
  expect(await dialog.count()).toBe(0)

  await page.goto(server.url + link)
  await dialog.getByRole('button', { name: 'Create workspace' }).click()
  await page.waitForURL(`**/@owner/${name}`)
  // The next one finds it.
  await page.goto(`${server.url}/templates/service/workspace?mode=auto&match=owner:me+name:${name}`)
  await page.waitForURL(`**/@owner/${name}`)
  expect(seen.to(/POST .*\/workspaces$/)).toHaveLength(1)
  expect(faults).toEqual([])
}, 60_000)

it('UI-715: the menu changes the version, saves the logs, and closes when what it offers is gone', async () => {
  const workspace = fresh('versioned')
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: workspace, template_id: template.id },
  })
  const reached = (status: string) =>
    until(status, async () => {
      const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
      return latest_build.status === status
    })
  await reached('running')
  const { job } = await owner.call(getTemplateVersion, {
    params: { templateversion: template.active_version_id },
  })
  const next = await owner.call(createTemplateVersion, {
    params: { organization: template.organization_id },
    body: {
      name: fresh('next'),
      message: 'Faster disks',
      file_id: job.file_id,
      provisioner: 'typescript',
      storage_method: 'file',
      template_id: template.id,
    },
  })
  await until('the import', async () => {
    const version = await owner.call(getTemplateVersion, { params: { templateversion: next.id } })
    return version.job.completed_at !== undefined
  })

  const { page, faults } = await browser.openAs(owner, `/@owner/${workspace}`)
  const more = page.getByRole('button', { name: 'More actions' })
  await more.click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'Download logs' }).click()
  const saved = await download
  expect(saved.suggestedFilename()).toBe(`${workspace}-logs.zip`)
  const archive = (await readFile(await saved.path())).toString('latin1')
  expect(archive).toContain(`${workspace}/build-1.log`)
  expect(archive).toContain(`${workspace}/agent-main.log`)
  expect(archive).toContain(`Workspace ${workspace} is started`)

  await more.click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  const name = page.getByLabel('Name', { exact: true })
  await expect.poll(() => name.evaluate((element) => element === document.activeElement)).toBe(true)

  // Somebody else stops it: what the open menu offers is gone.
  await more.click()
  await page.getByRole('menuitem', { name: 'Restart' }).waitFor()
  await owner.call(createBuild, { params: { workspace: id }, body: { transition: 'stop' } })
  await page.getByRole('menu').waitFor({ state: 'detached' })
  await page.getByText('Stopped', { exact: true }).first().waitFor()

  await more.click()
  await page.getByRole('menuitem', { name: 'Change version' }).click()
  const dialog = page.getByRole('dialog', { name: `Change the version of ${workspace}` })
  const choose = dialog.getByRole('button', { name: 'Change and start' })
  // The focus begins at the version in use, not at another one.
  await expect
    .poll(() => dialog.locator('input:checked').evaluate((element) => element === document.activeElement))
    .toBe(true)
  await dialog.getByText('Faster disks').click()
  await choose.click()
  await dialog.waitFor({ state: 'detached' })
  await reached('running')
  const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
  expect(latest_build.template_version_id).toBe(next.id)
  expect(faults).toEqual([])
}, 60_000)

it('UI-2104: a page that is refused for want of room says so and goes on by itself', async () => {
  const kept = fresh('kept')
  await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: kept, template_id: template.id },
  })
  const { page, faults } = await browser.openAs(owner, STILL)
  let refused = 0
  await page.route('**/api/v2/workspaces?*', (route) =>
    refused++ < 1
      ? route.fulfill({
          status: 429,
          headers: { 'Retry-After': '3' },
          contentType: 'application/json',
          body: '{"message":"Slowly."}',
        })
      : route.fallback(),
  )
  await page.goto(`${server.url}/workspaces`)
  await page.getByText('Too many requests.').waitFor()
  await page.getByRole('link', { name: kept, exact: true }).waitFor()
  await page.getByText('Too many requests.').waitFor({ state: 'detached' })
  // A poll that is refused is nobody's concern.
  refused = 0
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
  await page.getByLabel('Filter workspaces').fill(`name:${kept}`)
  await page.keyboard.press('Enter')
  await expect.poll(() => refused).toBeGreaterThan(0)
  expect(await page.getByText('could not be read').count()).toBe(0)
  expect(faults).toEqual([])
}, 60_000)

it('UI-1704: who wants no motion sees none, while something loads and while it is under way', async () => {
  const { page } = await browser.openAs(owner, STILL)
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await page.route('**/api/v2/workspaces?*', async (route) => {
    await held
    await route.fallback()
  })
  const moving = () => page.evaluate(() => document.getAnimations().length)
  await page.emulateMedia({ reducedMotion: 'no-preference' })
  await page.goto(`${server.url}/workspaces`)
  await page.locator('.skeleton').first().waitFor()
  expect(await moving()).toBeGreaterThan(0)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await expect.poll(moving).toBe(0)
  // A ring that would turn stands still, and a jump in the page is one.
  expect(
    await page.evaluate(() => {
      const ring = document.body.appendChild(document.createElement('span'))
      ring.className = 'animate-spin-slow'
      const { animationName, transitionDuration } = getComputedStyle(ring)
      ring.remove()
      return [animationName, transitionDuration, getComputedStyle(document.documentElement).scrollBehavior]
    }),
  ).toEqual(['none', '0s', 'auto'])
  release()
  await page.unrouteAll({ behavior: 'ignoreErrors' })
})
