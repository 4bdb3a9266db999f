import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { getUser, listOrganizations } from '@slipway/contract'
import { openBrowser, startTestServer, type TestBrowser, type WatchedPage } from '@slipway/testkit'
import { emptyChat, MODELS, Script } from './chat-scenes.fixture.ts'
import { ChatStage } from './chat-stage.fixture.ts'

const owned = new AsyncDisposableStack()
let browser: TestBrowser
let stage: ChatStage
let viewer: Client
let me = ''
let organization = ''

beforeAll(async () => {
  const server = owned.use(await startTestServer())
  browser = owned.use(await openBrowser())
  const owner = await server.owner()
  me = (await owner.call(getUser, { params: { user: 'me' } })).id
  organization = (await owner.call(listOrganizations))[0]?.id ?? ''
  stage = owned.use(await ChatStage.start(server.url))
  stage.models.push(...MODELS)
  viewer = new Client({ url: stage.url, token: owner.headers['Coder-Session-Token'] ?? '' })
}, 60_000)
afterAll(() => owned.disposeAsync())

let chats = 8500
function put(write: (script: Script) => Script): string {
  const staged = emptyChat(++chats, me, organization)
  staged.messages = write(new Script(staged.chat.id)).messages
  stage.chats.set(staged.chat.id, staged)
  return staged.chat.id
}

/** The page of a chat, and every address that it asked for. */
async function open(chat: string, before?: (page: Page) => Promise<void>) {
  const opened: WatchedPage = await browser.open()
  const { page } = opened
  const value = viewer.headers['Coder-Session-Token'] ?? ''
  await page.context().addCookies([{ name: 'coder_session_token', value, url: stage.url }])
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await before?.(page)
  await page.goto(`${stage.url}/agents/${chat}`)
  return { ...opened, asked }
}

it('UI-2003, UI-2004, UI-2005, UI-2006, UI-2009: what models and tools say does not bite', async () => {
  const chat = put((script) =>
    script
      .user('Look at it')
      .tool(
        'execute',
        { command: 'cat invoice\u202efdp.sh' },
        {
          success: false,
          exit_code: 1,
          error: 'no such\u202e file',
          output: '\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007\u001b[2J\u001b[31mred\u001b[0m',
        },
      )
      .tool(
        'read_file',
        { path: '/app/photo\u202egpj.exe' },
        { content: '1\ta', total_lines: 1, lines_read: 1 },
      )
      .say(
        [
          '<img src="https://tracker.example/a" onerror="document.title=1"><script>document.title=1</script>',
          '![a](https://tracker.example/b.png) ![b](</\t/tracker.example/c.png>) ![c](/\\tracker.example/d.png)',
          '![d](/@mallory/box/apps/log?said=secret) ![e](/icon/../@mallory/box/apps/log?said=secret)',
          '[script](javascript:alert(1)) [**https://github.com/login**](https://tracker.example/login)',
        ].join('\n\n'),
      )
      // Without a bound the parser would end here, and the page with it.
      .say(`${'> '.repeat(5000)}`),
  )
  const { page, asked, faults } = await open(chat)
  await page.getByText('onerror').waitFor()
  await page.getByText('photo\\u202egpj.exe').waitFor()
  await page.getByRole('button', { name: /Ran cat/ }).click()
  const output = page.getByRole('region', { name: 'Output' })
  await output.getByText('click').waitFor()
  expect(await output.textContent()).toBe('clickred')
  expect(await output.locator('a').count()).toBe(0)
  const feed = page.getByRole('feed')
  expect(await feed.locator('img, script, iframe, a[href^="javascript"]').count()).toBe(0)
  await feed.getByRole('link', { name: 'https://github.com/login' }).click()
  await page.getByRole('dialog', { name: 'Open tracker.example?' }).waitFor()
  expect(asked.filter((url) => /tracker|mallory/.test(url))).toEqual([])
  expect(page.context().pages()).toHaveLength(1)
  expect(faults).toEqual([])
  await page.context().close()
})

it('UI-1103: without the AI gateway a chat is read, and neither written to nor followed', async () => {
  const chat = put((script) => script.user('Is it there?').say('It is.'))
  const { page, faults } = await open(chat, async (fresh) => {
    // As the server would have written it, before the dashboard reads it.
    await fresh.addInitScript(() => {
      new MutationObserver(() =>
        document.querySelector('meta[property="ai-gateway-enabled"]')?.setAttribute('content', 'false'),
      ).observe(document, { childList: true, subtree: true })
    })
  })
  await page.getByText('It is.').waitFor()
  await page.getByText('Agents are switched off').waitFor()
  expect(await page.getByLabel('Message', { exact: true }).count()).toBe(0)
  expect(await page.getByRole('button', { name: 'Edit the message' }).count()).toBe(0)
  expect(stage.followers(chat)).toBe(0)
  expect(faults).toEqual([])
  await page.context().close()
})

it('UI-2001, UI-2002: the page refuses markup and foreign scripts that are made of texts, and runs its own workers', async () => {
  const chat = put((script) => script.user('Show it').say('```ts\nconst answer: number = 42\n```'))
  const { page, faults } = await open(chat)
  await page.getByText('answer').first().waitFor()
  const refusals = await page.evaluate(() => {
    const attempt = (run: () => unknown): string => {
      try {
        run()
        return 'done'
      } catch (error) {
        return error instanceof TypeError ? 'refused' : String(error)
      }
    }
    return [
      attempt(() => {
        document.createElement('div').innerHTML = '<img src=x>'
      }),
      attempt(() => document.body.insertAdjacentHTML('beforeend', '<b>no</b>')),
      attempt(() => {
        document.createElement('script').src = 'https://elsewhere.example/x.js'
      }),
      attempt(() => {
        document.createElement('script').text = 'alert(1)'
      }),
      attempt(() => new Worker('https://elsewhere.example/x.js')),
    ]
  })
  expect(refusals).toEqual(['refused', 'refused', 'refused', 'refused', 'refused'])
  // The worker that colours code came to be, and code has colours.
  await expect.poll(() => page.locator('pre span[class]').count()).toBeGreaterThan(0)
  expect(faults.filter((fault) => !fault.includes('trusted') && !fault.includes('Trusted'))).toEqual([])
})
