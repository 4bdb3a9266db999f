import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type Chat,
  createAIProvider,
  createChat,
  createChatModelConfig,
  getUser,
  listChatMessages,
  listOrganizations,
  updatePreferences,
} from '@slipway/contract'
import {
  FakeModelProvider,
  Gate,
  openBrowser,
  PHONE,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'
import { emptyChat, everything, longConversation, MODELS, Script } from './chat-scenes.fixture.ts'
import { ChatStage, type StagedChat, uuid } from './chat-stage.fixture.ts'
import { flawsOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let provider: FakeModelProvider
let stage: ChatStage
let owner: Client
let me = ''
let organization = ''
/** The same session at the address of the stage. */
let staged: Client

beforeAll(async () => {
  provider = owned.use(await FakeModelProvider.start())
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  me = (await owner.call(getUser, { params: { user: 'me' } })).id
  organization = (await owner.call(listOrganizations)).find((one) => one.is_default)?.id ?? ''
  await owner.call(updatePreferences, {
    params: { user: 'me' },
    body: { agent_chat_send_shortcut: 'enter' },
  })
  const { id } = await owner.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'fake',
      base_url: `${provider.url}/v1`,
      api_keys: ['sk-test-key-0123456789'],
      enabled: true,
    },
  })
  await owner.call(createChatModelConfig, {
    body: { ai_provider_id: id, model: 'scripted-model', display_name: 'Scripted', context_limit: 128_000 },
  })
  stage = owned.use(await ChatStage.start(server.url))
  stage.models.push(...MODELS)
  staged = new Client({ url: stage.url, token: owner.headers['Coder-Session-Token'] ?? '' })
}, 60_000)
afterAll(() => owned.disposeAsync())

let chats = 8000
function put(messages: (id: string) => StagedChat['messages'], more: Partial<Chat> = {}): StagedChat {
  const one = emptyChat(++chats, me, organization, more)
  one.messages = messages(one.chat.id)
  stage.chats.set(one.chat.id, one)
  return one
}

const asked = (id: string) => new Script(id).user('Please run the tests').messages
const composer = (page: Page) => page.getByLabel('Message', { exact: true })
const transcript = (page: Page) => page.getByRole('feed', { name: 'Conversation' })

function piece(seq: number, text: string) {
  return {
    type: 'message_part' as const,
    message_part: {
      role: 'assistant' as const,
      part: { type: 'text' as const, text },
      history_version: 1,
      generation_attempt: 1,
      seq,
    },
  }
}

describe('UI-2102, UI-2106: a network that comes and goes', () => {
  it('a message whose answer is lost goes out once, and what is written meanwhile is kept', async () => {
    provider.answer = () => ({ steps: ['Fine.'] })
    const chat = await owner.call(createChat, {
      body: { organization_id: organization, content: [{ type: 'text', text: 'Begin' }], client_type: 'ui' },
    })
    const { page } = await browser.openAs(owner, `/agents/${chat.id}`)
    await page.getByRole('button', { name: 'Copy the answer' }).waitFor()
    await expect.poll(() => composer(page).getAttribute('enterkeyhint')).toBe('send')
    const keys: (string | null)[] = []
    await page.route(`**/chats/${chat.id}/messages`, async (route) => {
      if (route.request().method() !== 'POST') return route.fallback()
      keys.push(await route.request().headerValue('Idempotency-Key'))
      if (keys.length > 1) return route.fallback()
      await route.fetch()
      await route.abort('connectionreset')
    })
    await composer(page).fill('Only once')
    await composer(page).press('Enter')
    await expect.poll(() => keys.length).toBe(2)
    expect(new Set(keys).size).toBe(1)
    await expect.poll(() => page.getByRole('button', { name: 'Copy the answer' }).count()).toBe(2)
    const { messages } = await owner.call(listChatMessages, { params: { chat: chat.id } })
    expect(messages.filter(({ content }) => content.some(({ text }) => text === 'Only once'))).toHaveLength(1)
    expect(await transcript(page).getByText('Only once').count()).toBe(1)
    expect(await composer(page).inputValue()).toBe('')

    await page.context().setOffline(true)
    await page.getByText('You are offline.').waitFor()
    await composer(page).fill('Written while away')
    await composer(page).press('Enter')
    expect(await composer(page).inputValue()).toBe('Written while away')
    await page.context().setOffline(false)
    await page.getByText('Back online').waitFor()
    await composer(page).press('Enter')
    await expect.poll(() => page.getByRole('button', { name: 'Copy the answer' }).count()).toBe(3)
    expect(await transcript(page).getByText('Written while away').count()).toBe(1)
    await page.context().close()
  })
})

describe('with the server and a model', () => {
  it('CH-908, UI-1126: an answer streams, a message waits in the queue and is answered next', async () => {
    const gate = new Gate()
    provider.answer = () => ({ steps: ['Hello ', '**there**', { wait: gate.opened }, ', all done.'] })
    const chat = await owner.call(createChat, {
      body: {
        organization_id: organization,
        content: [{ type: 'text', text: 'Say hello' }],
        client_type: 'ui',
      },
    })
    const { page, faults } = await browser.openAs(owner, `/agents/${chat.id}`)
    await page.getByText('Say hello', { exact: true }).last().waitFor()
    await page.locator('strong', { hasText: 'there' }).waitFor()
    await composer(page).fill('And now the second')
    await composer(page).press('Enter')
    const queue = page.getByRole('region', { name: 'Queued messages' })
    await queue.getByText('And now the second').waitFor()
    expect(await composer(page).inputValue()).toBe('')
    gate.open()
    await transcript(page).getByText('And now the second').waitFor()
    await expect.poll(() => page.getByText('all done.').count()).toBe(2)
    await page.getByRole('button', { name: 'Copy the answer' }).last().waitFor()
    expect(await queue.count()).toBe(0)
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('UI-1136: Esc stops the answer and keeps what there is; UI-1134: an earlier message is changed', async () => {
    const gate = new Gate()
    provider.answer = () => ({ steps: ['Half of it', { wait: gate.opened }, ' and the rest'] })
    const chat = await owner.call(createChat, {
      body: {
        organization_id: organization,
        content: [{ type: 'text', text: 'Write much' }],
        client_type: 'ui',
      },
    })
    const { page, faults } = await browser.openAs(owner, `/agents/${chat.id}`)
    await page.getByText('Half of it').waitFor()
    await composer(page).press('Escape')
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor()
    expect(await page.getByText('Half of it').isVisible()).toBe(true)
    gate.open()
    provider.answer = () => ({ steps: ['Something shorter.'] })
    await page.getByText('Write much').last().hover()
    await page.getByRole('button', { name: 'Edit the message' }).click()
    await page.getByText('everything after it is deleted').waitFor()
    const changed = page.getByRole('textbox', { name: 'Changed message' })
    expect(await changed.inputValue()).toBe('Write much')
    await changed.fill('Write little')
    await changed.press('Enter')
    await page.getByText('Something shorter.').waitFor()
    await expect.poll(() => page.getByText('Half of it').count()).toBe(0)
    const { messages } = await owner.call(listChatMessages, { params: { chat: chat.id }, query: {} })
    expect(messages.filter(({ role }) => role === 'user').map(({ content }) => content[0]?.text)).toEqual([
      'Write little',
    ])
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('UI-1132: a refused key says so, with the next step', async () => {
    provider.answer = () => ({ status: 401, message: 'invalid x-api-key' })
    const chat = await owner.call(createChat, {
      body: { organization_id: organization, content: [{ type: 'text', text: 'Hello' }], client_type: 'ui' },
    })
    const { page } = await browser.openAs(owner, `/agents/${chat.id}`)
    await page.getByText('The provider refused the key').waitFor()
    await page.getByRole('link', { name: 'Providers' }).waitFor()
    await page.getByRole('button', { name: 'Change message' }).waitFor()
    await page.context().close()
  })
})

describe('in every state', () => {
  it('UI-1807: nothing for axe to find, and no sideways scrolling', async () => {
    stage.files.set(uuid(9002), { type: 'text/markdown', body: Buffer.from('# Plan\n\n1. Read\n2. Fix\n') })
    const full = put(everything)
    const running = put(asked, { status: 'running' })
    running.opening = [piece(1, 'I run them now:\n\n```sh\nnpm test\n```\n')]
    running.queue = [
      {
        id: 501,
        chat_id: running.chat.id,
        content: [{ type: 'text', text: 'Then update the changelog' }],
        created_at: new Date().toISOString(),
      },
    ]
    const failed = put(asked, {
      status: 'error',
      last_error: { message: 'Too long', detail: 'prompt is too long', kind: 'config', retryable: false },
    })
    const planned = put(
      (id) =>
        new Script(id)
          .user('Plan it')
          .tool(
            'propose_plan',
            { path: '/home/dev/PLAN.md' },
            { ok: true, path: '/home/dev/PLAN.md', kind: 'plan', file_id: uuid(9002) },
          )
          .tool(
            'ask_user_question',
            {
              questions: [
                {
                  header: 'Database',
                  question: 'Which one?',
                  options: [
                    { label: 'PostgreSQL', description: 'As everywhere' },
                    { label: 'SQLite', description: 'One file' },
                  ],
                },
              ],
            },
            {},
          ).messages,
      { plan_mode: 'plan' },
    )
    const opened = await browser.openAs(staged, '/agents')
    const at = ({ chat }: StagedChat) => `/agents/${chat.id}`
    const flaws = await flawsOf(opened, stage.url, {
      everything: {
        path: at(full),
        open: async (page) => {
          const box = page.locator('[data-pane=transcript]')
          await box.evaluate((element) => {
            element.scrollTop = 0
          })
          await page.getByRole('button', { name: /Ran npm test/ }).click()
          await box.evaluate((element) => {
            element.scrollTop = element.scrollHeight
          })
          for (const name of [/^github/, /^Looked for templates/])
            await page.getByRole('button', { name }).click()
        },
      },
      running: { path: at(running), open: (page) => page.getByText('I run them now').waitFor() },
      failed: { path: at(failed), open: (page) => page.getByRole('button', { name: 'Details' }).click() },
      planned: { path: at(planned), open: (page) => page.getByText('Other').click() },
    })
    expect(flaws).toEqual([])
    await opened.page.context().close()
  }, 90_000)

  it('UI-1117, UI-1115: a draft outlives the page, and what is refused comes back with the reason', async () => {
    const { chat } = put(asked)
    const { page } = await browser.openAs(staged, `/agents/${chat.id}`)
    await composer(page).fill('Do not lose this')
    await until('the draft is kept', async () =>
      (await page.evaluate(() => Object.values(localStorage).join())).includes('Do not lose')
        ? true
        : undefined,
    )
    await page.reload()
    await expect.poll(() => composer(page).inputValue()).toBe('Do not lose this')
    // Until the habits of the viewer are known Enter begins a line (UI-1116).
    await expect.poll(() => composer(page).getAttribute('enterkeyhint')).toBe('send')
    stage.answers.set(`POST /${chat.id}/messages`, {
      status: 429,
      body: { message: 'Message queue is full.' },
    })
    await composer(page).press('Enter')
    await page.getByText('Message queue is full.').waitFor()
    expect(await composer(page).inputValue()).toBe('Do not lose this')
    await composer(page).press('Enter')
    await transcript(page).getByText('Do not lose this').waitFor()
    expect(await composer(page).inputValue()).toBe('')
    await page.context().close()
  })

  it('CH-905: a stream that is cut goes on where it was, nothing twice', async () => {
    const one = put(asked, { status: 'running' })
    const { page } = await browser.openAs(staged, `/agents/${one.chat.id}`)
    await expect.poll(() => stage.followers(one.chat.id)).toBe(1)
    stage.emit(one.chat.id, [piece(1, 'one '), piece(2, 'two ')])
    await page.getByText('one two').waitFor()
    one.opening = [piece(1, 'one '), piece(2, 'two '), piece(3, 'three')]
    stage.cut(one.chat.id)
    await page.getByText('one two three', { exact: true }).waitFor()
    const [message] = new Script(one.chat.id, 900).say('one two three four').messages
    if (message === undefined) throw new Error('no message')
    stage.emit(one.chat.id, [
      { type: 'message', message },
      { type: 'status', status: { status: 'waiting' } },
    ])
    await page.getByText('one two three four', { exact: true }).waitFor()
    expect(await page.getByText('one two three').count()).toBe(1)
    await page.context().close()
  })

  it('UI-1127, UI-1905: older pages keep the place, the page stays small, and settled rows rest', async () => {
    const long = put((id) => longConversation(id, 1000), { status: 'running' })
    const { page } = await browser.open({ viewport: PHONE })
    const value = owner.headers['Coder-Session-Token'] ?? ''
    await page.context().addCookies([{ name: 'coder_session_token', value, url: stage.url }])
    await page.addInitScript(() => {
      window.slipwayRowRenders = new Map()
    })
    await page.goto(`${stage.url}/agents/${long.chat.id}`)
    await transcript(page).locator('article').last().waitFor()
    const box = page.locator('[data-pane=transcript]')
    const fromEnd = () =>
      box.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight)
    await expect.poll(fromEnd).toBeLessThan(2)
    await expect.poll(() => stage.followers(long.chat.id)).toBe(1)
    // What is read stays where it is when the page before comes in above it.
    const command = (wanted: string | undefined) =>
      box.evaluate((element, text) => {
        const top = element.getBoundingClientRect().top
        const row = [...element.querySelectorAll('article')].find((one) => {
          const content = one.textContent ?? ''
          return text === ''
            ? content.includes('npm test -- part-') && one.getBoundingClientRect().top > top
            : content === text
        })
        return { text: row?.textContent ?? 'none', y: Math.round(row?.getBoundingClientRect().top ?? -1) }
      }, wanted ?? '')
    await box.evaluate((element) => {
      element.scrollTop = 700
    })
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    const before = await command(undefined)
    await box.evaluate((element) => {
      element.scrollTop -= 150
    })
    await expect.poll(() => box.evaluate((element) => element.scrollTop)).toBeGreaterThan(1000)
    expect(Math.abs((await command(before.text)).y - before.y - 150)).toBeLessThan(4)
    await page.getByRole('button', { name: /Jump to latest|New below/ }).click()
    await expect.poll(fromEnd).toBeLessThan(2)
    stage.emit(long.chat.id, [piece(1, 'It begins. ')])
    await page.getByText('It begins.').waitFor()
    await page.evaluate(() => window.slipwayRowRenders?.clear())
    for (let seq = 2; seq < 40; seq++) stage.emit(long.chat.id, [piece(seq, `word${seq} `)])
    await composer(page).pressSequentially('typing meanwhile')
    await page.getByText('word39').waitFor()
    const rendered = await page.evaluate(() => [...(window.slipwayRowRenders ?? [])].map(([key]) => key))
    expect(rendered).toEqual([expect.stringMatching(/^p\d+:0$/)])
    await expect.poll(fromEnd).toBeLessThan(2)
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(4000)
    await page.context().close()
  }, 60_000)

  it('UI-1123, UI-1118: earlier prompts with the arrow keys, and long pasted text as a file', async () => {
    const { chat } = put(
      (id) => new Script(id).user('first prompt').say('a').user('second prompt').say('b').messages,
    )
    const { page } = await browser.openAs(staged, `/agents/${chat.id}`)
    await composer(page).press('ArrowUp')
    await expect.poll(() => composer(page).inputValue()).toBe('second prompt')
    await composer(page).press('ArrowUp')
    await expect.poll(() => composer(page).inputValue()).toBe('first prompt')
    await composer(page).press('Escape')
    expect(await composer(page).inputValue()).toBe('')
    await composer(page).evaluate((field) => {
      const data = new DataTransfer()
      data.setData('text/plain', 'line\n'.repeat(30))
      field.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      )
    })
    const files = page.getByRole('list', { name: 'Attachments' })
    await files.getByText(/pasted-text-.*\.txt/).waitFor()
    await composer(page).fill('see the text')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await transcript(page).getByText('notes.txt').waitFor()
    const sent = stage.requests.findLast(({ path }) => path === `/${chat.id}/messages`)
    expect(sent?.body).toMatchObject({
      content: [{ type: 'text', text: 'see the text' }, { type: 'file' }],
      busy_behavior: 'queue',
    })
    await page.context().close()
  })

  it('UI-1137: a question is answered in place, a plan is let go', async () => {
    const { chat } = put(
      (id) =>
        new Script(id).user('Plan it').tool(
          'ask_user_question',
          {
            questions: [{ question: 'Which one?', options: [{ label: 'Blue' }, { label: 'Red' }] }],
          },
          {},
        ).messages,
      { plan_mode: 'plan' },
    )
    const { page } = await browser.openAs(staged, `/agents/${chat.id}`)
    await page.getByRole('radio', { name: 'Red' }).check()
    await page.getByRole('button', { name: 'Answer' }).click()
    await expect
      .poll(() => stage.requests.at(-1)?.body)
      .toMatchObject({ content: [{ type: 'text', text: 'Red' }] })
    await transcript(page).getByText('Red', { exact: true }).last().waitFor()
    stage.files.set(uuid(9003), { type: 'text/markdown', body: Buffer.from('# The plan\n') })
    const planned = put(
      (id) =>
        new Script(id)
          .user('Plan it')
          .tool('propose_plan', { path: '/PLAN.md' }, { ok: true, path: '/PLAN.md', file_id: uuid(9003) })
          .messages,
      { plan_mode: 'plan' },
    )
    await page.goto(`${stage.url}/agents/${planned.chat.id}`)
    await page.getByRole('heading', { name: 'The plan', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Implement' }).click()
    await expect
      .poll(() => stage.requests.findLast(({ path }) => path === `/${planned.chat.id}/messages`)?.body)
      .toMatchObject({ content: [{ type: 'text', text: 'Implement the plan.' }], plan_mode: '' })
    await page.context().close()
  })

  it('UI-1139, UI-1131: a tool of another client is waited for, and how long is said', async () => {
    const waiting = put(
      (id) => asked(id).map((message) => ({ ...message, created_at: new Date().toISOString() })),
      { status: 'requires_action', client_type: 'api' },
    )
    const { page, faults } = await browser.openAs(staged, `/agents/${waiting.chat.id}`)
    await page
      .getByText(/Waiting for the program that started this chat to carry out a tool · \d+ min .* left/)
      .waitFor()
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('UI-1151: whoever reads along cannot write', async () => {
    const { chat } = put(everything, { owner_id: uuid(4), owner_username: 'grace' })
    const { page } = await browser.openAs(staged, `/agents/${chat.id}`)
    await page.getByText('The test compared the address').waitFor()
    expect(await composer(page).count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Edit the message' }).count()).toBe(0)
    await page.context().close()
  })
})
