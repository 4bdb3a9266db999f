import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type Chat,
  createAIProvider,
  createChat,
  createChatModelConfig,
  createWorkspace,
  findWorkspaceFiles,
  getChat,
  getWorkspace,
  listOrganizations,
  updatePreferences,
  updateTemplate,
} from '@slipway/contract'
import {
  FakeModelProvider,
  freePort,
  importTemplate,
  openBrowser,
  PHONE,
  startTestServer,
  type TestBrowser,
  until,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

/** A program of the workspace: says which page it was asked for, and counts clicks. */
const program = (port: number): string => `
require('node:http').createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' })
  response.end('<!doctype html><html lang=en><title>Site</title><h1>Page ' + request.url + '</h1>' +
    '<button onclick="this.textContent = Number(this.textContent) + 1">0</button>')
}).listen(${port}, '127.0.0.1')
`

/** Workspaces whose directory is a repository with something that is not committed, and with a program that listens. */
const template = (
  port: number,
  other: number,
): string => `import { defineTemplate, local } from '@slipway/template'

const prepare = [
  'git init -q -b trunk',
  'git config user.email a@b && git config user.name a',
  'mkdir -p src docs',
  "printf 'export const one = 1\\\\n' > src/one.ts && printf '# Guide\\\\n' > docs/guide.md && touch 'src/two words.ts'",
  "printf '.*\\\\n!.gitignore\\\\n' > .gitignore",
  'git add . && git commit -qm one',
  "printf 'export const one = 2 // more\\\\n' > src/one.ts",
  ${JSON.stringify(`cat > "$HOME/.site.cjs" <<'END'\n${program(port)}${program(other)}END\nnohup ${process.execPath} "$HOME/.site.cjs" > /dev/null 2>&1 &`)},
].join('\\n')

export default defineTemplate({
  workspace: () => ({ runtime: local(), agents: [{
      name: 'main',
      startupScript: prepare,
      apps: [
        { slug: 'greeter', displayName: 'Greeter', command: 'echo greetings; exec sh' },
        { slug: 'site', displayName: 'Site', url: 'http://localhost:${port}', subdomain: true },
        { slug: 'inside', displayName: 'Inside', url: 'http://localhost:${port}' },
        {
          slug: 'agent-browser', displayName: 'Agent browser', url: 'http://localhost:${port}', subdomain: true,
          healthcheck: { url: 'http://localhost:${port}', interval: 1, threshold: 1 },
        },
      ],
    }] }),
})
`

const owned = new AsyncDisposableStack()
let browser: TestBrowser
let owner: Client
let chat: Chat
/** The dashboard under a name that has names below it, as apps need it to be shown beside a chat. */
let home: string
/** What listens in the workspace and is no app. */
let port: number

beforeAll(async () => {
  const provider = owned.use(await FakeModelProvider.start())
  provider.answer = () => ({ steps: ['Done:\n\n```ts\nconst answer = 42 // so it is\n```\n'] })
  const server = owned.use(
    await startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_WILDCARD_ACCESS_URL: '*.apps.slipway.localhost',
      },
    }),
  )
  home = server.url.replace('127.0.0.1', 'slipway.localhost')
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  await owner.call(updatePreferences, {
    params: { user: 'me' },
    body: { agent_chat_send_shortcut: 'enter' },
  })
  const { id: ai } = await owner.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'fake',
      base_url: `${provider.url}/v1`,
      api_keys: ['sk-test-key-0123456789'],
      enabled: true,
    },
  })
  await owner.call(createChatModelConfig, {
    body: { ai_provider_id: ai, model: 'scripted-model', display_name: 'Scripted', context_limit: 128_000 },
  })
  port = await freePort()
  const { id: templateId } = await importTemplate(owner, 'repository', {
    'template.ts': template(await freePort(), port),
  })
  await owner.call(updateTemplate, {
    params: { template: templateId },
    body: { max_port_share_level: 'organization' },
  })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'files', template_id: templateId },
  })
  await until('the agent is ready', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: id } })
    const [agent] = latest_build.resources.flatMap(({ agents = [] }) => agents)
    return agent?.status === 'connected' && agent.lifecycle_state === 'ready'
  })
  const organization = (await owner.call(listOrganizations)).find((one) => one.is_default)?.id ?? ''
  const created = await owner.call(createChat, {
    body: {
      organization_id: organization,
      workspace_id: id,
      content: [{ type: 'text', text: 'Say something' }],
      client_type: 'ui',
    },
  })
  chat = await until('the answer', async () => {
    const now = await owner.call(getChat, { params: { chat: created.id } })
    return now.status === 'waiting' ? now : undefined
  })
}, 120_000)
afterAll(() => owned.disposeAsync())

const composer = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true })
const open = (query = '', options = {}) => browser.openAs(owner, `/agents/${chat.id}${query}`, options)
const openPanel = async (page: Page) => {
  const closed = page.getByRole('button', { name: 'Open the side panel' })
  await closed
    .or(page.getByRole('button', { name: 'Close the side panel' }).first())
    .first()
    .waitFor()
  if ((await closed.count()) > 0) await closed.click()
}
const appUrl = (label: string) => `${home.replace('//', `//${label}--files--owner.apps.`)}/`

/** At the name with others below it, signed in there and at its apps. */
const openAtHome = async (query: string) => {
  const opened = await browser.open()
  const value = owner.headers['Coder-Session-Token'] ?? ''
  await opened.page.context().addCookies([{ name: 'coder_session_token', value, url: home }])
  const toSite = new URLSearchParams({ redirect_uri: appUrl('site') })
  const answer = await fetch(`${owner.url}/api/v2/applications/auth-redirect?${toSite}`, {
    headers: { 'Coder-Session-Token': value },
    redirect: 'manual',
  })
  await opened.page.goto(answer.headers.get('location') ?? '')
  await opened.page.goto(`${home}/agents/${chat.id}${query}`)
  await openPanel(opened.page)
  return opened
}

describe('UI-1122: files of the workspace', () => {
  it('are offered behind @, keep their place in the text, and are sent as references', async () => {
    const { page, faults } = await open()
    await composer(page).pressSequentially('compare @')
    const files = page.getByRole('listbox', { name: 'Files' })
    await files.getByRole('option', { name: /guide\.md/ }).waitFor()
    await composer(page).pressSequentially('one')
    await expect.poll(() => files.getByRole('option').count()).toBe(1)
    await composer(page).press('Enter')
    expect(await composer(page).inputValue()).toBe('compare @src/one.ts ')
    expect(await files.count()).toBe(0)
    await composer(page).pressSequentially('with @two:2-3')
    await files.getByRole('option', { name: /two words\.ts/ }).waitFor()
    await composer(page).press('Tab')
    await composer(page).pressSequentially('please')
    expect(await page.locator('mark').allTextContents()).toEqual(['@src/one.ts', '@src/two words.ts:2-3'])
    // A draft knows its files (UI-1117).
    await page.waitForFunction(() =>
      Object.values(localStorage).some((kept) => kept.includes('please') && kept.includes('mentions')),
    )
    await page.reload()
    await expect.poll(() => page.locator('mark').count()).toBe(2)
    // Until the habits of the viewer are known Enter begins a line (UI-1116).
    await expect.poll(() => composer(page).getAttribute('enterkeyhint')).toBe('send')
    const sent = page.waitForRequest(
      (request) => request.url().endsWith(`/${chat.id}/messages`) && request.method() === 'POST',
    )
    await composer(page).press('Enter')
    const [, one, , two] = (await sent).postDataJSON().content
    expect(one).toMatchObject({
      type: 'file-reference',
      file_name: expect.stringMatching(/^\/.*\/src\/one\.ts$/),
    })
    expect((await sent).postDataJSON().content).toEqual([
      { type: 'text', text: 'compare' },
      { ...one, start_line: 0, end_line: 0, content: '' },
      { type: 'text', text: 'with' },
      { ...two, start_line: 2, end_line: 3, content: '' },
      { type: 'text', text: 'please' },
    ])
    const bubble = page.getByRole('feed').getByRole('article').filter({ hasText: 'compare' })
    await expect
      .poll(() => bubble.first().textContent())
      .toMatch(/^compare …\/src\/one\.ts with …\/src\/two words\.ts:2-3 please/)
    // Changing it shows the files where they were.
    await page.getByRole('button', { name: 'Copy the answer' }).last().waitFor()
    await bubble.first().getByRole('button', { name: 'Edit the message' }).click()
    const changed = page.getByRole('textbox', { name: 'Changed message' })
    expect(await changed.inputValue()).toMatch(/^compare @\/.*one\.ts with @\/.*two words\.ts:2-3 please$/)
    await expect.poll(() => page.locator('mark').count()).toBe(2)
    await page.keyboard.press('Escape')
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('Escape closes the list and nothing else, and a workspace that is away says so', async () => {
    const { page, faults } = await open()
    await page.route('**/chats/workspace-files?*', (route) =>
      route.fulfill({
        status: 400,
        json: { message: 'Agent state is "disconnected", it must be "connected".' },
      }),
    )
    await composer(page).pressSequentially('see @')
    await page.getByText(/Files of the workspace are not offered: Agent state is/).waitFor()
    await composer(page).press('Escape')
    expect(await page.getByText(/not offered/).count()).toBe(0)
    expect(await composer(page).inputValue()).toBe('see @')
    expect(faults).toEqual([])
    await page.context().close()
  })
})

describe('UI-1142: changes in the workspace', () => {
  it('a commit is asked for in the composer, and not sent', async () => {
    const { page, faults } = await open('?panel=git', { viewport: PHONE })
    await composer(page).fill('Before that, run the tests.')
    await page.getByRole('button', { name: 'Open the side panel' }).click()
    const lines = page.getByRole('region', { name: 'Changes of src/one.ts' })
    await lines.waitFor()
    await page.getByRole('button', { name: 'Commit' }).click()
    // On a phone the panel lies over the composer, and goes.
    expect(await lines.count()).toBe(0)
    expect(await composer(page).inputValue()).toBe(
      'Before that, run the tests.\nCommit the changes on the branch trunk, with a message that says why they were made.',
    )
    expect(await composer(page).evaluate((field) => field === document.activeElement)).toBe(true)
    await composer(page).fill('')
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('a workspace that does not answer is asked again when one wants it', async () => {
    const { page, faults } = await browser.openAs(owner, '/agents')
    let away = true
    await page.routeWebSocket(/\/stream\/git/, (socket) => {
      if (away) void socket.close({ code: 1011 })
      else socket.connectToServer()
    })
    await page.goto(`${new URL(page.url()).origin}/agents/${chat.id}?panel=git`)
    await page.getByRole('button', { name: 'Open the side panel' }).click()
    const again = page.getByRole('button', { name: 'Try again' })
    await again.waitFor()
    away = false
    await again.click()
    await page.getByRole('region', { name: 'Changes of src/one.ts' }).waitFor()
    expect(faults).toEqual([])
    await page.context().close()
  })
})

describe('UI-1145: the terminal beside a chat', () => {
  it('comes back to its shell, leaves the focus where somebody writes, and keeps its keys', async () => {
    const { page, faults } = await open()
    await page.getByRole('button', { name: 'Open the side panel' }).click()
    await page.getByRole('tab', { name: 'Terminal' }).click()
    const screen = page.locator('.xterm')
    await page
      .getByRole('region', { name: 'Terminal' })
      .getByTitle(/^Connected/)
      .waitFor()
    await screen.click()
    await page.keyboard.type('export KEPT=42\n')
    // Keys of the page are keys of the shell here.
    await page.keyboard.press('Control+k')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.getByRole('tab', { name: 'Summary' }).click()
    expect(await screen.count()).toBe(0)
    await composer(page).click()
    await page.getByRole('tab', { name: 'Terminal' }).click()
    await composer(page).focus()
    await page
      .getByRole('region', { name: 'Terminal' })
      .getByTitle(/^Connected/)
      .waitFor()
    expect(await composer(page).evaluate((field) => field === document.activeElement)).toBe(true)
    await screen.click()
    await page.keyboard.type('mkdir -p "$HOME/kept-$KEPT" && echo > "$HOME/kept-$KEPT/.gitignore"\n')
    const { workspace_id: workspace = '' } = chat
    await until('the shell still knows its variable', async () => {
      const found = await owner.call(findWorkspaceFiles, { query: { workspace, q: 'kept-42' } })
      return found.files.length > 0
    })
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('runs a program of the template once', async () => {
    const { page, faults } = await open()
    await openPanel(page)
    await page.getByRole('tab', { name: 'Apps' }).click()
    const sessions: (string | null)[] = []
    page.on('websocket', (socket) => {
      const { pathname, searchParams } = new URL(socket.url())
      if (pathname.endsWith('/pty')) sessions.push(searchParams.get('reconnect'))
    })
    for (const _ of [1, 2]) {
      await page.getByRole('button', { name: 'Greeter' }).click()
      await page
        .getByRole('region', { name: 'Terminal' })
        .getByTitle(/^Connected/)
        .waitFor()
      await page.getByRole('tab', { name: 'Apps' }).click()
    }
    expect(await page.getByRole('tab', { name: 'Greeter' }).count()).toBe(1)
    expect(sessions).toHaveLength(2)
    expect(new Set(sessions).size).toBe(1)
    expect(faults).toEqual([])
    await page.context().close()
  })
})

describe('UI-1145, UI-2007: apps and ports beside a chat', () => {
  it('an app with a host of its own is shown in a sandbox, stays as it was left, and comes back', async () => {
    const { page, faults } = await openAtHome('?panel=apps')
    await page.getByRole('button', { name: 'Site', exact: true }).click()
    const frame = page.locator('iframe[title="Site in files"]')
    const site = frame.contentFrame()
    await site.getByRole('heading', { name: 'Page /', exact: true }).waitFor()
    expect(await frame.getAttribute('sandbox')).toBe(
      'allow-scripts allow-same-origin allow-forms allow-popups allow-downloads',
    )
    expect(await frame.getAttribute('allow')).toBe('clipboard-read; clipboard-write; fullscreen')
    expect(await site.locator('html').evaluate(() => location.origin)).toBe(new URL(appUrl('site')).origin)
    expect(new URL(page.url()).searchParams.get('panel')).toBe('app.site')
    await site.getByRole('button').click()
    await page.getByRole('tab', { name: 'Git' }).click()
    expect(await frame.isVisible()).toBe(false)
    await page.getByRole('tab', { name: 'Site' }).click()
    expect(await site.getByRole('button').textContent()).toBe('1')
    const path = page.getByRole('textbox', { name: 'Path within Site' })
    await path.fill('https://evil.test/')
    await path.press('Enter')
    await page.getByText('Only addresses of Site can be opened here.').waitFor()
    await path.fill('docs?x=1')
    await path.press('Enter')
    await site.getByRole('heading', { name: 'Page /docs?x=1' }).waitFor()
    await page.getByRole('button', { name: 'Load Site again' }).click()
    await site.getByRole('heading', { name: 'Page /docs?x=1' }).waitFor()
    // Without a tab in the address it is as it was left.
    await page.goto(`${home}/agents/${chat.id}`)
    await site.getByRole('heading', { name: 'Page /', exact: true }).waitFor()
    const tab = page.getByRole('tab', { name: 'Site' })
    await tab.focus()
    await page.keyboard.press('Delete')
    expect(await frame.count()).toBe(0)
    expect(await tab.count()).toBe(0)
    // The focus stays among the tabs.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('tab')
    await page.reload()
    await page.getByRole('tab', { name: 'Git' }).waitFor()
    expect(await tab.count()).toBe(0)
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('a port is found, shown, shared and remembered, and tabs change their order', async () => {
    const { page, faults } = await openAtHome('?panel=apps')
    const row = page.getByRole('button', { name: `Open port ${port} beside the chat` })
    await row.waitFor()
    const share = page.getByRole('button', { name: new RegExp(`^Who may open port ${port}: `) })
    await share.click()
    await page
      .getByRole('menuitemcheckbox', { name: 'Everybody with the link Not allowed by the template' })
      .and(page.locator('[aria-disabled=true]'))
      .waitFor()
    await page.getByRole('menuitemcheckbox', { name: 'Your organization' }).click()
    await page.getByRole('button', { name: `Who may open port ${port}: organization` }).waitFor()
    await share.click()
    await page.getByRole('menuitemcheckbox', { name: 'Only you' }).click()
    await page.getByRole('button', { name: `Who may open port ${port}: only you` }).waitFor()
    await row.click()
    const frame = page.locator(`iframe[title="Port ${port} in files"]`)
    await frame.contentFrame().getByRole('heading', { name: 'Page /', exact: true }).waitFor()
    // The browser of an agent has a tab of its own while it is healthy (11.7).
    await page.getByRole('tab', { name: 'Browser' }).click()
    await page.locator('iframe[title="Agent browser in files"]').waitFor()
    await page.getByRole('button', { name: 'Open beside the chat' }).click()
    await page.getByRole('menuitem', { name: 'Site' }).click()
    const names = () => page.getByRole('tab').allTextContents()
    expect((await names()).slice(-2)).toEqual([`Port ${port}`, 'Site'])
    await page.getByRole('tab', { name: 'Site' }).press('Control+Shift+ArrowLeft')
    expect((await names()).slice(-2)).toEqual(['Site', `Port ${port}`])
    await page.reload()
    await expect.poll(async () => (await names()).slice(-2)).toEqual(['Site', `Port ${port}`])
    await page.getByRole('tab', { name: 'Apps' }).click()
    const other = page.getByRole('textbox', { name: 'Port number' })
    await other.fill('70000')
    await other.press('Enter')
    await page.getByText('A port is a number from 1 to 65535.').waitFor()
    expect(faults).toEqual([])
    const unanswered = page.waitForResponse((response) => response.url().includes('//0081--'))
    await other.fill('81')
    await other.press('Enter')
    expect(await page.getByRole('link', { name: 'Open Port 81 in a new tab' }).getAttribute('href')).toBe(
      `${home.replace('//', '//0081--main--files--owner.apps.')}/`,
    )
    // The dashboard, and nobody else, may show why nothing answers.
    expect((await unanswered).status()).toBe(502)
    expect((await unanswered).headers()['content-security-policy']).toContain(
      `frame-ancestors ${new URL(owner.url).origin}`,
    )
    await page.context().close()
  })

  it('what would run as the dashboard, or would find no sign-in, opens in a tab of its own', async () => {
    const { page, faults } = await openAtHome('?panel=app.inside')
    await page.getByText('could act there as you').waitFor()
    expect(await page.getByRole('link', { name: 'Open in a new tab' }).getAttribute('href')).toBe(
      `${home}/@owner/files.main/apps/inside/`,
    )
    expect(await page.locator('iframe').count()).toBe(0)
    await page.getByRole('tab', { name: 'Apps' }).click()
    expect(await page.getByRole('link', { name: 'Inside' }).getAttribute('target')).toBe('_blank')
    // Of a machine that is only known by its number the names of apps are another site.
    const value = owner.headers['Coder-Session-Token'] ?? ''
    await page.context().addCookies([{ name: 'coder_session_token', value, url: owner.url }])
    await page.goto(`${owner.url}/agents/${chat.id}?panel=app.site`)
    await openPanel(page)
    await page.getByText('It is on another site').waitFor()
    expect(await page.locator('iframe').count()).toBe(0)
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('an app that has not answered its health check waits, and a stopped workspace says so', async () => {
    const { page, faults } = await openAtHome('')
    let change = (workspace: string) => workspace.replace('"health":"healthy"', '"health":"initializing"')
    await page.route(`**/api/v2/workspaces/${chat.workspace_id}`, async (route) => {
      const answer = await route.fetch({ url: route.request().url().replace(home, owner.url) })
      await route.fulfill({ response: answer, body: change(await answer.text()) })
    })
    await page.goto(`${home}/agents/${chat.id}?panel=app.agent-browser`)
    await page.getByText('Agent browser is starting').waitFor()
    expect(await page.locator('iframe').count()).toBe(0)
    change = (workspace) => workspace
    await page.locator('iframe[title="Agent browser in files"]').waitFor()
    change = (workspace) => workspace.replaceAll('"status":"running"', '"status":"stopped"')
    await page.reload()
    await page.getByText('files is not running').waitFor()
    expect(faults).toEqual([])
    await page.context().close()
  })
})

it('UI-1143, UI-1129: code gets its colours from a worker, in answers and in changes', async () => {
  const { page, faults } = await open('?panel=git')
  await page.getByRole('button', { name: 'Open the side panel' }).click()
  const coloured = (text: string) => page.locator('span[class*="text-(--ansi"]', { hasText: text }).first()
  await coloured('const').waitFor()
  await page
    .getByRole('region', { name: 'Changes of src/one.ts' })
    .locator('span[class*="text-(--ansi"]')
    .first()
    .waitFor()
  expect(page.workers().map((worker) => new URL(worker.url()).origin)).toEqual([new URL(page.url()).origin])
  expect(faults).toEqual([])
  await page.context().close()
})

it('UI-1807, UI-1707: nothing that axe finds, and nothing that scrolls sideways', async () => {
  const opened = await browser.openAs(owner, '/agents')
  const flaws = await flawsOf(opened, new URL(opened.page.url()).origin, {
    'files behind @': {
      path: `/agents/${chat.id}`,
      open: async (page) => {
        await composer(page).fill('see @guide')
        await page.getByRole('option', { name: /guide\.md/ }).click()
        await page.locator('mark').waitFor()
        await composer(page).press('End')
        await page.keyboard.type('and @')
        await page.getByRole('option', { name: /one\.ts/ }).waitFor()
      },
    },
    terminal: {
      path: `/agents/${chat.id}?panel=terminal`,
      open: async (page) => {
        await openPanel(page)
        await page
          .getByRole('region', { name: 'Terminal' })
          .getByTitle(/^Connected/)
          .waitFor()
      },
    },
    apps: {
      path: `/agents/${chat.id}?panel=apps`,
      open: async (page) => {
        await openPanel(page)
        await page.getByRole('button', { name: `Open port ${port} beside the chat` }).waitFor()
      },
    },
    'an app that cannot be here': {
      path: `/agents/${chat.id}?panel=app.inside`,
      open: async (page) => {
        await openPanel(page)
        await page.getByText('could act there as you').waitFor()
      },
    },
    changes: {
      path: `/agents/${chat.id}?panel=git`,
      open: async (page) => {
        await openPanel(page)
        await page.getByRole('region', { name: 'Changes of src/one.ts' }).waitFor()
      },
    },
  })
  expect(flaws).toEqual([])
}, 90_000)
