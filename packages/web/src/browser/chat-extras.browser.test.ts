import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createUserSkill, getUser, listOrganizations, listUserSkills } from '@slipway/contract'
import {
  openBrowser,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
  type WatchedPage,
} from '@slipway/testkit'
import { emptyChat, longConversation, MODELS } from './chat-scenes.fixture.ts'
import { ChatStage, type StagedChat } from './chat-stage.fixture.ts'
import { flawsOf } from './sights.fixture.ts'

const SKILLS = '/agents/settings/personal-skills'
const DIFF = `diff --git a/src/login.ts b/src/login.ts
--- a/src/login.ts
+++ b/src/login.ts
@@ -1,3 +1,4 @@
 import { page } from './page'
-page.click('Sign in', 1000)
+page.click('Sign in', 5000)
+// waits
 export {}
diff --git a/README.md b/README.md
new file mode 100644
--- /dev/null
+++ b/README.md
@@ -0,0 +1 @@
+# Login
`

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let stage: ChatStage
let chat: StagedChat

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  stage = owned.use(await ChatStage.start(server.url))
  stage.models.push(...MODELS)
  const { id } = await owner.call(getUser, { params: { user: 'me' } })
  const organization = (await owner.call(listOrganizations))[0]?.id ?? ''
  chat = emptyChat(1, id, organization)
  chat.messages = longConversation(chat.chat.id, 200)
  stage.chats.set(chat.chat.id, chat)
}, 60_000)
afterAll(() => owned.disposeAsync())

/** A page of the owner that comes by way of the stage. */
async function open(path: string): Promise<WatchedPage> {
  const opened = await browser.open()
  const value = owner.headers['Coder-Session-Token'] ?? ''
  await opened.page.context().addCookies([{ name: 'coder_session_token', value, url: stage.url }])
  await opened.page.goto(stage.url + path)
  return opened
}

describe('UI-1153: personal skills', () => {
  it('one is written, checked, changed and deleted', async () => {
    const { page, faults } = await open(SKILLS)
    await page.getByText('No skill yet').waitFor()
    await page.getByRole('link', { name: 'New skill' }).click()
    await page.getByRole('button', { name: 'Create skill' }).click()
    await page.getByText(/has no name yet/).waitFor()
    const text = page.getByLabel('Text of the skill')
    expect(await text.evaluate((element) => element === document.activeElement)).toBe(true)
    await text.fill(
      '---\nname: review\ndescription: Reviews a diff.\n---\n\n# How\n\nRead the *tests* first.\n',
    )
    await page.getByRole('radio', { name: 'Preview' }).click()
    await page.getByRole('heading', { name: 'How' }).waitFor()
    await page.getByRole('button', { name: 'Create skill' }).click()
    await page.getByText('The skill review was saved').waitFor()

    await page.getByRole('link', { name: 'review' }).click()
    await text.fill('---\nname: other\ndescription: Reviews.\n---\n')
    await page.getByText(/a skill keeps its name/i).waitFor()
    await page.getByRole('link', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Leave' }).click()

    await page.getByRole('button', { name: 'Actions for review' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete skill' }).click()
    await page.getByText('No skill yet').waitFor()
    expect(await owner.call(listUserSkills, { params: { user: 'me' } })).toEqual([])
    expect(faults).toEqual([])
  })

  it('UI-1121: they are offered behind /', async () => {
    await owner.call(createUserSkill, {
      params: { user: 'me' },
      body: { content: '---\nname: release\ndescription: Cuts a release.\n---\n\nTag it.\n' },
    })
    const { page, faults } = await open(`/agents/${chat.chat.id}`)
    const composer = page.getByRole('textbox', { name: 'Message' })
    await composer.fill('/rel')
    await page.getByRole('option', { name: /release/ }).waitFor()
    await composer.press('Enter')
    expect(await composer.inputValue()).toBe('/release ')
    await page.goto(`${stage.url}${SKILLS}/edit/nothing`)
    await page.getByText('There is no such skill').waitFor()
    expect(faults).toEqual([])
  })
})

describe('reading', () => {
  it('finds text in what is not on the page, and goes from place to place', async () => {
    const { page, faults } = await open(`/agents/${chat.chat.id}`)
    await page.getByRole('textbox', { name: 'Message' }).waitFor()
    await page.keyboard.press('Control+f')
    await page.getByLabel('Text to find').fill('npm test -- part-1')
    const place = page.getByRole('search').getByRole('status')
    await until('all places are known', async () => /^\d+ of \d+$/.test((await place.textContent()) ?? ''))
    await page.keyboard.press('Enter')
    await page.getByRole('feed').getByText('npm test -- part-1', { exact: true }).first().waitFor()
    expect(await place.textContent()).toMatch(/^1 of/)
    await page.keyboard.press('Escape')
    expect(await page.getByRole('search').count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('a link opens the chat at its message, however old it is', async () => {
    const { id } = chat.messages.find(({ role }) => role === 'user') ?? { id: 0 }
    const { page, faults } = await open(`/agents/${chat.chat.id}?message=${id}`)
    await page.locator('.linked-row').waitFor()
    expect(await page.locator('.linked-row').getAttribute('aria-label')).toBe('You')
    expect(faults).toEqual([])
  })
})

describe('UI-1143, UI-1146: changes', () => {
  it('are shown in two layouts, and comments on lines go to the composer', async () => {
    const { id } = chat.chat
    chat.chat = {
      ...chat.chat,
      diff_status: {
        chat_id: id,
        url: 'https://github.com/acme/app/pull/7',
        pull_request_title: 'Wait longer',
        pull_request_state: 'open',
        pull_request_draft: false,
        changes_requested: false,
        additions: 3,
        deletions: 1,
        changed_files: 2,
      },
    }
    stage.answers.set(`GET /${id}/diff`, { status: 200, body: { chat_id: id, branch: 'wait', diff: DIFF } })
    const { page, faults } = await open(`/agents/${id}?panel=git`)
    await page.getByRole('button', { name: 'Open the side panel' }).click()
    const tree = page.getByRole('navigation', { name: 'Changed files' })
    await tree.getByRole('button', { name: /login\.ts/ }).waitFor()
    await page.getByRole('radio', { name: 'Split' }).click()
    await page.getByRole('radio', { name: 'Unified' }).click()
    const lines = page.getByRole('region', { name: 'Changes of src/login.ts' })
    await lines.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('textbox', { name: 'Comment on line 2' }).fill('Why so long?')
    await page.keyboard.press('Enter')
    await page.getByRole('list', { name: 'Lines of files' }).getByText('Why so long?').waitFor()
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await until('the message came', async () =>
      stage.requests.some(({ method, path }) => method === 'POST' && path === `/${id}/messages`),
    )
    expect(stage.requests.find(({ path }) => path === `/${id}/messages`)?.body).toMatchObject({
      content: [
        {
          type: 'file-reference',
          file_name: 'src/login.ts',
          start_line: 2,
          end_line: 2,
          content: "-page.click('Sign in', 1000)\n+page.click('Sign in', 5000)",
        },
        { type: 'text', text: 'Why so long?' },
      ],
    })
    expect(faults).toEqual([])
  })
})

describe('UI-1154: a chat inside of an editor', () => {
  it('takes a session and a theme from around, and tells where it would go', async () => {
    const path = `/agents/${chat.chat.id}/embed`
    const around = createServer((_, response) =>
      response.setHeader('Content-Type', 'text/html').end(
        `<!doctype html><iframe src="${stage.url}${path}?theme=dark" width="500" height="700"></iframe>
          <script>window.heard = []; addEventListener('message', ({ data }) => heard.push(data))</script>`,
      ),
    )
    around.listen(0, '127.0.0.1')
    await once(around, 'listening')
    owned.defer(() => void around.close())
    const { page, faults } = await browser.open()
    const { port } = around.address() as AddressInfo
    await page.goto(`http://127.0.0.1:${port}`)
    const panel = page.frameLocator('iframe')
    const tell = (message: unknown) =>
      page.evaluate(
        (data) => document.querySelector('iframe')?.contentWindow?.postMessage(data, '*'),
        message,
      )
    const heard = (type: string) =>
      until(`the page around hears ${type}`, () =>
        page.evaluate((wanted) => JSON.stringify(Reflect.get(window, 'heard')).includes(wanted), type),
      )
    await heard('coder:vscode-ready')
    await tell({ type: 'coder:vscode-auth-bootstrap', payload: { token: 'no-such-token' } })
    await panel.getByText('The panel could not be signed in').waitFor()
    await panel.getByRole('button', { name: 'Try again' }).click()
    const token = owner.headers['Coder-Session-Token']
    await tell({ type: 'coder:vscode-auth-bootstrap', payload: { token } })
    await panel.getByRole('textbox', { name: 'Message' }).waitFor()
    await heard('coder:chat-ready')
    const theme = () => panel.locator('html').getAttribute('data-theme')
    expect(await theme()).toBe('dark')
    await tell({ type: 'coder:set-theme', payload: { theme: 'light' } })
    await until('the theme is another', async () => (await theme()) === 'light')
    expect(faults).toEqual([])
    await page.goto(stage.url + path)
    await page.getByText('This view is part of an editor').waitFor()
  })
})

describe('several tabs and this device', () => {
  it('UI-322: one tab has the stream of all, and another takes over', async () => {
    const { page, faults } = await browser.openAs(owner, '/agents')
    const streams: string[] = []
    const second = await page.context().newPage()
    second.on('websocket', (socket) => {
      if (socket.url().endsWith('/chats/watch')) streams.push(socket.url())
    })
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await second.goto(`${owner.url}/agents`)
    await second.getByRole('heading', { level: 1 }).first().waitFor()
    expect(streams).toEqual([])
    await page.close()
    await until('the other tab has a stream', () => Promise.resolve(streams.length === 1))
    expect(faults).toEqual([])
  })

  it('UI-1104: single keys can be switched off', async () => {
    const { page, faults } = await browser.openAs(owner, '/agents/settings/general')
    await page.getByRole('switch', { name: 'Single keys are shortcuts' }).click()
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('?')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.getByRole('switch', { name: 'Single keys are shortcuts' }).click()
    await page.getByRole('heading', { level: 1 }).click()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    expect(faults).toEqual([])
  })
})

it('UI-1807, UI-1707: nothing that axe finds, and nothing that scrolls sideways', async () => {
  const opened = await open('/agents')
  const panel = (path: string) => ({
    path,
    open: async (page: WatchedPage['page']) => {
      const closed = page.getByRole('button', { name: 'Open the side panel' })
      if ((await closed.count()) > 0) await closed.click()
    },
  })
  stage.answers.set(`GET /${chat.chat.id}/diff`, {
    status: 200,
    body: { chat_id: chat.chat.id, branch: 'wait', diff: DIFF },
  })
  const flaws = await flawsOf(opened, stage.url, {
    skills: { path: SKILLS },
    'new skill': { path: `${SKILLS}/add` },
    skill: {
      path: `${SKILLS}/edit/release`,
      open: (page) => page.getByRole('radio', { name: 'Preview' }).click(),
    },
    'this device': { path: '/agents/settings/general' },
    find: {
      path: `/agents/${chat.chat.id}`,
      open: async (page) => {
        await page.keyboard.press('Control+f')
        await page.getByLabel('Text to find').fill('part-4')
      },
    },
    changes: panel(`/agents/${chat.chat.id}?panel=git`),
    embed: { path: `/agents/${chat.chat.id}/embed` },
  })
  expect(flaws).toEqual([])
}, 90_000)
