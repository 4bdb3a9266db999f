import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createTemplateVersion,
  createWorkspace,
  getTemplateVersion,
  getWorkspace,
  setActiveTemplateVersion,
  type Template,
  type WorkspaceStatus,
} from '@slipway/contract'
import {
  importTemplate,
  openBrowser,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'

/** Asks for a branch; its startup script takes long enough to be watched; fails when told so. */
const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'

export default defineTemplate({
  parameters: {
    branch: {
      type: 'string',
      displayName: 'Branch',
      order: 1,
      validation: { regex: '^[a-z]+$', error: 'lower case letters only' },
    },
    cores: { type: 'number', displayName: 'Cores', default: 2, formType: 'slider', order: 2,
      validation: { min: 1, max: 8 } },
    broken: { type: 'bool', displayName: 'Broken', default: false, formType: 'switch', order: 3 },
  },
  workspace: ({ parameters }) => {
    if (parameters.broken) throw new Error('no machine is left')
    return {
      runtime: local(),
      metadata: [{ key: 'Branch', value: parameters.branch }, { key: 'Cores', value: String(parameters.cores) }],
      agents: [{ name: 'main', startupScript: 'echo fetching; sleep 2; echo fetched' }],
    }
  },
})
`

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let template: Template

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  template = await importTemplate(owner, 'service', { 'template.ts': TEMPLATE })
})
afterAll(() => owned.disposeAsync())

/** A template whose parameters are these, and that makes an agent. */
const templateWith = (parameters: string) => ({
  'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: { ${parameters} },
  workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }),
})
`,
})

const reached = (workspace: string, status: WorkspaceStatus) =>
  until(status, async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace } })
    return latest_build.status === status
  })

/** Gives `template` the files of another one as its active version; answers its id. */
async function addVersion({ id: template, organization_id }: Template, from: Template): Promise<string> {
  const { job } = await owner.call(getTemplateVersion, {
    params: { templateversion: from.active_version_id },
  })
  const { id } = await owner.call(createTemplateVersion, {
    params: { organization: organization_id },
    body: {
      file_id: job.file_id,
      provisioner: 'typescript',
      storage_method: 'file',
      template_id: template,
    },
  })
  await until('the import', async () => {
    const version = await owner.call(getTemplateVersion, { params: { templateversion: id } })
    return version.job.completed_at !== undefined
  })
  await owner.call(setActiveTemplateVersion, { params: { template }, body: { id } })
  return id
}

/** Focus moves after the frame that a dialog closes in. */
const expectFocus = (control: Locator) =>
  expect.poll(() => control.evaluate((element) => element === document.activeElement)).toBe(true)

it('UI-504, UI-739: the creation form names what is missing, goes there, and sends what is on screen', async () => {
  const { page, faults } = await browser.openAs(owner, '/templates/service/workspace')
  await page.getByLabel('Name', { exact: true }).fill('payments')
  const branch = page.getByLabel('Branch', { exact: true })
  await branch.waitFor()
  await page.getByRole('button', { name: 'Create workspace' }).click()
  await page.getByText('One value is missing or wrong').waitFor()
  await expectFocus(branch)

  await branch.fill('MAIN')
  await page.getByText('Lower case letters only', { exact: false }).first().waitFor()
  await branch.fill('main')
  await page.getByLabel('Value of cores').fill('6')
  // At once, without waiting for the server's word on the newest value (UI-734).
  await page.getByRole('button', { name: 'Create workspace' }).click()

  await page.getByRole('heading', { name: 'payments' }).waitFor()
  // UI-729, UI-802: the log of the startup script opens by itself and grows on its own.
  await page.getByText('Running startup scripts').waitFor({ timeout: 20_000 })
  await page.getByText('fetching', { exact: true }).waitFor()
  await page.getByText('fetched', { exact: true }).waitFor()
  await page.getByText('Running startup scripts').waitFor({ state: 'detached' })
  const resource = page.getByRole('region', { name: 'Resource workspace' })
  expect(await resource.textContent()).toMatch(/Branch\s*main\s*Cores\s*6/)
  expect(faults).toEqual([])
}, 60_000)

it('UI-801: the build log has its stages, finds words, and links to a line', async () => {
  const { page, faults } = await browser.openAs(owner, '/@owner/payments/builds/1')
  const log = page.getByRole('region', { name: 'Build log' })
  await log.getByText('Planning Infrastructure').first().waitFor()
  await page.getByRole('searchbox', { name: 'Search Build log' }).fill('agent')
  await page.getByText(/1 of \d/).waitFor()
  await log.getByRole('link', { name: '1', exact: true }).click()
  expect(page.url()).toContain('#L1')
  expect(faults).toEqual([])
})

it('UI-721: a build that fails says why, and can be tried again', async () => {
  const { page, faults } = await browser.openAs(owner, '/templates/service/workspace')
  await page.getByLabel('Name', { exact: true }).fill('doomed')
  await page.getByLabel('Branch', { exact: true }).fill('main')
  await page.getByRole('switch', { name: 'Broken' }).click()
  await page.getByRole('button', { name: 'Create workspace' }).click()
  await page.getByText(/Build failed: .*no machine is left/).waitFor()
  await page.getByText('Failed', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'Retry' }).waitFor()
  expect(faults).toEqual([])
})

it('UI-320: the list follows what happens elsewhere', async () => {
  const { page, faults } = await browser.openAs(owner, '/workspaces')
  await page.getByRole('link', { name: 'payments', exact: true }).waitFor()
  await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: {
      name: 'elsewhere',
      template_id: template.id,
      rich_parameter_values: [
        { name: 'branch', value: 'main' },
        { name: 'broken', value: 'true' },
      ],
    },
  })
  await page.getByRole('link', { name: 'elsewhere', exact: true }).waitFor({ timeout: 35_000 })
  await page
    .getByRole('row', { name: /elsewhere/ })
    .getByText('Failed')
    .waitFor()
  expect(faults).toEqual([])
}, 60_000)

it('UI-713: an update that needs a value asks for it first, and the form gets it done', async () => {
  const growing = await importTemplate(owner, 'growing', templateWith(''))
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'grower', template_id: growing.id },
  })
  await reached(id, 'running')
  await owner.call(createBuild, { params: { workspace: id }, body: { transition: 'stop' } })
  await reached(id, 'stopped')
  const branch = "branch: { type: 'string', displayName: 'Branch', mutable: true }"
  const version = await addVersion(growing, await importTemplate(owner, 'grown', templateWith(branch)))

  const { page, faults } = await browser.openAs(owner, '/@owner/grower')
  await page.getByRole('button', { name: 'Update and start' }).first().click()
  const dialog = page.getByRole('dialog', { name: 'grower needs one value first' })
  await dialog.getByText('Branch').waitFor()
  await dialog.getByRole('button', { name: 'Set the value' }).click()
  await page.getByLabel('Branch', { exact: true }).fill('main')
  await dialog.waitFor({ state: 'detached' })
  expect(new URL(page.url()).searchParams.get('templateVersionId')).toBe(version)
  await page.getByRole('button', { name: 'Save and start' }).click()
  await page.getByRole('region', { name: 'Agent main' }).getByText('Connected').waitFor({ timeout: 30_000 })
  expect(faults).toEqual([])
}, 60_000)

it('UI-401: the addresses that mails and editors use lead to the pages of a workspace', async () => {
  const { page, faults } = await browser.openAs(
    owner,
    `/@owner/grower/settings/parameters?templateVersionId=${template.active_version_id}`,
  )
  await page.waitForURL('**/@owner/grower/parameters?templateVersionId=*')
  await expect.poll(() => page.title()).toBe('Parameters - grower - Workspaces - Slipway')
  await page.goto(`${server.url}/@owner/grower/settings/schedule`)
  await page.getByRole('heading', { name: 'Autostart' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/@owner/grower/schedule')
  expect(faults).toEqual([])
})

it('UI-703, UI-704: several workspaces are selected by key, and what failed can be tried again', async () => {
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: {
      name: 'grown-up',
      template_id: template.id,
      rich_parameter_values: [{ name: 'branch', value: 'main' }],
    },
  })
  await reached(id, 'running')
  const { page, faults } = await browser.openAs(owner, '/workspaces?filter=name:grow')
  const rows = page.getByRole('row').filter({ has: page.getByRole('link') })
  await rows.nth(1).waitFor()
  await rows.first().focus()
  await page.keyboard.press('Space')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Space')
  await page.getByRole('status').filter({ hasText: '2 selected' }).waitFor()

  // One of the two builds is refused once.
  let refused = false
  await page.route('**/api/v2/workspaces/*/builds', (route) => {
    if (refused) return route.fallback()
    refused = true
    return route.fulfill({ status: 409, contentType: 'application/json', body: '{"message":"Busy."}' })
  })
  await page.getByRole('button', { name: 'Stop 2 of 2 selected workspaces' }).click()
  const dialog = page.getByRole('dialog', { name: 'Stop 2 workspaces?' })
  await dialog.getByRole('button', { name: 'Stop 2 workspaces' }).click()
  await dialog.getByText('Busy.').waitFor()
  await dialog.getByRole('button', { name: 'Try the rest again' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Clear the selection' }).waitFor({ state: 'detached' })
  await rows.nth(0).getByText('Stopped').waitFor({ timeout: 20_000 })
  await rows.nth(1).getByText('Stopped').waitFor({ timeout: 20_000 })
  expect(faults).toEqual([])
}, 60_000)

it('UI-506: deleting wants the name, and leads away from what is gone', async () => {
  const { page, faults } = await browser.openAs(owner, '/@owner/payments/settings')
  const opener = page.getByRole('button', { name: 'Delete workspace' })
  await opener.click()
  const dialog = page.getByRole('dialog', { name: 'Delete payments?' })
  const confirm = dialog.getByRole('button', { name: 'Delete workspace' })
  expect(await confirm.isDisabled()).toBe(true)
  // Esc does nothing but close, and focus is back where it was.
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await expectFocus(opener)
  await opener.click()
  await page.keyboard.type('payments')
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.goto(`${server.url}/@owner/payments`)
  await page.getByRole('heading', { name: /payments/ }).waitFor()
  await page
    .getByText(/deleted/i)
    .first()
    .waitFor()
  expect(faults).toEqual([])
})
