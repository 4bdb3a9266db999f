import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  addMember,
  assignMemberRoles,
  type Chat,
  createAIProvider,
  createChat,
  createChatModelConfig,
  createOrganization,
  getChat,
  getChatAcl,
  listChats,
  listOrganizations,
  updateChat,
} from '@slipway/contract'
import {
  FakeModelProvider,
  openBrowser,
  says,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let ada: Client
let model: FakeModelProvider
let organization: string

beforeAll(async () => {
  model = owned.use(await FakeModelProvider.start())
  model.answer = () => says('Done, and tested.')
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  ada = await server.user('ada')
  organization = (await owner.call(listOrganizations)).find((one) => one.is_default)?.id ?? ''
  const { id } = await owner.call(createAIProvider, {
    body: { type: 'openai', name: 'house', base_url: `${model.url}/v1`, api_keys: ['sk-a'], enabled: true },
  })
  await owner.call(createChatModelConfig, {
    body: { ai_provider_id: id, model: 'scripted-model', context_limit: 100_000 },
  })
  await owner.call(assignMemberRoles, {
    params: { organization, user: 'ada' },
    body: { roles: ['agents-access'] },
  })
}, 60_000)
afterAll(() => owned.disposeAsync())

/** A chat of the owner whose turn is over. */
async function finishedChat(title: string): Promise<Chat> {
  const { id } = await owner.call(createChat, {
    body: { organization_id: organization, client_type: 'ui', content: [{ type: 'text', text: title }] },
  })
  await until(
    'the end of the turn',
    async () => (await owner.call(getChat, { params: { chat: id } })).status === 'waiting',
  )
  await owner.call(updateChat, { params: { chat: id }, body: { title } })
  return owner.call(getChat, { params: { chat: id } })
}

const read = ({ id }: Chat) => owner.call(getChat, { params: { chat: id } })

describe('chats', () => {
  it('UI-1111: a chat is started, appears in the list, and shows its answer', async () => {
    const { page, faults } = await browser.openAs(owner, '/agents')
    await page.getByRole('textbox', { name: 'First message' }).fill('Why is the build red?')
    await page.keyboard.press('Control+Enter')
    await page.waitForURL(/\/agents\/[0-9a-f-]{36}$/)
    await page.getByText('Done, and tested.').first().waitFor()
    await page.getByRole('treeitem', { name: /Why is the build red\?|Done/ }).waitFor()
    expect(await owner.call(listChats)).toMatchObject([{ client_type: 'ui' }])
    expect(faults).toEqual([])
    // The first page of all: nothing is warm yet.
  }, 60_000)

  it('UI-1107, UI-1108: the list follows other clients; pin, rename, archive and undo', async () => {
    const chat = await finishedChat('Tidy the logs')
    const { page, faults } = await browser.openAs(owner, '/agents')
    const row = (name: string) => page.getByRole('treeitem', { name: new RegExp(name) })
    await row('Tidy the logs').waitFor()
    await owner.call(updateChat, { params: { chat: chat.id }, body: { title: 'Tidy all logs' } })
    await row('Tidy all logs').click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Pin' }).click()
    await page.getByText('Pinned', { exact: true }).waitFor()
    await until('the pin', async () => (await read(chat)).pin_order === 1)
    await row('Tidy all logs').focus()
    await page.keyboard.press('F2')
    await page.getByLabel('Title').fill('Tidy the logs of the relay')
    await page.keyboard.press('Enter')
    await row('Tidy the logs of the relay').waitFor()
    expect((await read(chat)).title).toBe('Tidy the logs of the relay')
    await row('relay').focus()
    await page.keyboard.press('Delete')
    await page.getByText('was archived').waitFor()
    await row('relay').waitFor({ state: 'detached' })
    expect((await read(chat)).archived).toBe(true)
    await page.getByRole('button', { name: 'Undo' }).click()
    await row('relay').waitFor()
    expect((await read(chat)).archived).toBe(false)
    expect(faults).toEqual([])
  })

  it('UI-1101, UI-1105: filters are in the address and go along; the archive is one of them', async () => {
    const chat = await finishedChat('An old thing')
    await owner.call(updateChat, { params: { chat: chat.id }, body: { archived: true } })
    const { page, faults } = await browser.openAs(owner, '/agents?archived=archived')
    await page.getByRole('treeitem', { name: /An old thing/ }).click()
    await page.waitForURL(`**/agents/${chat.id}?archived=archived`)
    await page.getByText('take it out of the archive to go on').waitFor()
    await page.getByRole('button', { name: 'Remove the filter Archive' }).click()
    await page.waitForURL(`**/agents/${chat.id}`)
    await page.getByRole('button', { name: 'Filter and group chats' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Group by status' }).click()
    await page.waitForURL('**?group_by=chat_status')
    await page.getByText('Idle', { exact: true }).first().waitFor()
    expect(faults).toEqual([])
  })

  it('UI-1804: the keys of a tree walk through the list and open a chat', async () => {
    const chat = await finishedChat('The newest of all')
    const { page, faults } = await browser.openAs(owner, '/agents?source=created_by_me')
    await page.getByRole('treeitem', { name: /The newest of all/ }).waitFor()
    await page.getByRole('treeitem', { name: /The newest of all/ }).focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowDown')
    const second = await page.evaluate(() => document.activeElement?.getAttribute('data-chat'))
    expect(second).not.toBe(chat.id)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/agents/${second}`)
    await page.keyboard.press('Alt+n')
    await page.waitForURL('**/agents?pane=new')
    expect(faults).toEqual([])
  })

  it('UI-1109: the search finds words, and says why it finds nothing', async () => {
    const chat = await finishedChat('Measure the zeppelin cache')
    const { page, faults } = await browser.openAs(owner, '/agents')
    await page.getByRole('treeitem', { name: /zeppelin/ }).waitFor()
    await page.getByRole('button', { name: 'Search chats' }).click()
    await page.keyboard.type('?!')
    await page.getByText('there is no word in this').waitFor()
    await page.getByRole('combobox', { name: 'Search chats' }).fill('zeppelin')
    await page.getByRole('option', { name: /zeppelin cache/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/agents/${chat.id}`)
    expect(faults).toEqual([])
  })

  it('UI-1151: a chat is shared; its reader reads, and has no say', async () => {
    const chat = await finishedChat('Shared work')
    const denied = await browser.openAs(ada, `/agents/${chat.id}`)
    await denied.page.getByRole('heading', { name: 'There is no such chat' }).waitFor()
    const { page, faults } = await browser.openAs(owner, `/agents/${chat.id}`)
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Only you', { exact: true }).waitFor()
    await page.getByRole('combobox', { name: 'Add a user or group' }).fill('ada')
    await page.getByRole('option', { name: /ada/ }).click()
    await page.getByRole('row', { name: /ada/ }).waitFor()
    const { users } = await owner.call(getChatAcl, { params: { chat: chat.id } })
    expect(users).toMatchObject([{ username: 'ada', role: 'read' }])

    await denied.page.reload()
    await denied.page.getByText('only its owner writes').waitFor()
    await denied.page.getByText('Done, and tested.').first().waitFor()
    expect(await denied.page.getByRole('textbox').count()).toBe(0)
    await denied.page.getByRole('button', { name: 'Actions for Shared work' }).first().click()
    expect(await denied.page.getByRole('menuitem', { name: /Rename|Archive/ }).count()).toBe(0)
    expect([...faults, ...denied.faults]).toEqual([])
    // Two people with pages of their own take their time on a busy machine.
  }, 60_000)

  it('shows what a chat works with, its context, files and cost', async () => {
    const chat = await finishedChat('Look beside')
    const { page, faults } = await browser.openAs(owner, `/agents/${chat.id}`)
    await page.getByRole('button', { name: 'Open the side panel' }).click()
    await page.getByRole('tab', { name: 'Cost' }).click()
    await page.getByText('Model calls').waitFor()
    await page.waitForURL('**?panel=cost')
    await page.getByRole('tab', { name: 'Files' }).click()
    await page.getByText('No files').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page
        .getByRole('button', { name: 'Actions for Look beside' })
        .last()
        .click()
        .then(() => page.getByRole('menuitem', { name: 'Export as Markdown' }).click()),
    ])
    expect(download.suggestedFilename()).toBe('Look-beside.md')
    expect(faults).toEqual([])
  })
})

it('UI-1107: a reading that began before an event does not undo it', async () => {
  const chat = await finishedChat('Before')
  const { page } = await browser.openAs(owner, '/workspaces')
  const read = Promise.withResolvers<void>()
  await page.route(
    ({ pathname }) => pathname === '/api/experimental/chats',
    async (route) => {
      const response = await route.fetch()
      await read.promise
      await route.fulfill({ response })
    },
    { times: 1 },
  )
  let told = false
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      told ||= String(payload).includes('title_change')
    }),
  )
  await page.goto(`${server.url}/agents`)
  let renamed = 0
  let title = ''
  await until('the event', async () => {
    renamed += 1
    title = `After ${renamed}.`
    await owner.call(updateChat, { params: { chat: chat.id }, body: { title } })
    return told
  })
  read.resolve()
  await page.getByRole('treeitem', { name: title }).waitFor()
})

it('UI-1112, CH-1705: who may start chats in several organizations picks one; a lost one is not taken back', async () => {
  const { id: lab } = await owner.call(createOrganization, { body: { name: 'lab', display_name: 'Lab' } })
  await owner.call(addMember, { params: { organization: lab, user: 'ada' } })
  const may = (roles: string[]) =>
    owner.call(assignMemberRoles, { params: { organization: lab, user: 'ada' }, body: { roles } })
  const { page, faults } = await browser.openAs(ada, '/agents')
  const picker = page.getByRole('combobox', { name: 'Organization' })
  const message = page.getByRole('textbox', { name: 'First message' })
  await message.waitFor()
  expect(await picker.count()).toBe(0)

  await may(['agents-access'])
  await page.reload()
  await picker.click()
  await page.getByRole('option', { name: /^Lab/ }).click()
  await message.fill('What is in the lab?')
  await page.keyboard.press('Control+Enter')
  await page.waitForURL(/\/agents\/[0-9a-f-]{36}$/)
  expect(await ada.call(listChats)).toMatchObject([{ organization_id: lab }])

  // Away from the chat first: its page would ask for what it may not read any more.
  await page.goto(`${server.url}/agents`)
  await message.waitFor()
  await may([])
  await page.reload()
  await message.waitFor()
  expect(await picker.count()).toBe(0)
  await may(['agents-access'])
  await page.reload()
  await picker.waitFor()
  expect(await picker.inputValue()).not.toBe('Lab')
  expect(faults).toEqual([])
})

it('UI-1103: without the AI gateway chats are read, and none is begun', async () => {
  await using closed = await startTestServer({ env: { CODER_AI_GATEWAY_ENABLED: 'false' } })
  const { page, faults } = await browser.openAs(await closed.owner(), '/agents')
  await page.getByRole('heading', { name: 'Agents are switched off' }).waitFor()
  expect(await page.getByRole('textbox').count()).toBe(0)
  expect(faults).toEqual([])
})

it('UI-1807, UI-1707: chats have no faults of access, and do not scroll sideways', async () => {
  const chat = await finishedChat('A chat with a rather long title that has to be cut somewhere')
  const watched = await browser.openAs(owner, '/agents')
  const flaws = await flawsOf(watched, server.url, {
    'new chat': { path: '/agents?pane=new' },
    list: { path: '/agents' },
    chat: { path: `/agents/${chat.id}` },
    'no chat': { path: '/agents/00000000-0000-4000-8000-000000000000' },
    search: {
      path: '/agents',
      open: async (page) => {
        await page.getByRole('button', { name: 'Search chats' }).click()
        await page.keyboard.type('long')
        await page.getByRole('option').first().waitFor()
      },
    },
    share: {
      path: `/agents/${chat.id}`,
      open: async (page) => {
        await page.getByRole('button', { name: 'Share', exact: true }).click()
        await page.getByText('Only you', { exact: true }).waitFor()
      },
    },
    'side panel': {
      path: `/agents/${chat.id}?panel=context`,
      open: async (page) => {
        const opener = page.getByRole('button', { name: 'Open the side panel' })
        if (await opener.isVisible()) await opener.click()
        await page.getByText('From the workspace').waitFor()
      },
    },
    archive: { path: '/agents?archived=archived&chat_status=unread' },
  })
  expect(flaws).toEqual([])
}, 120_000)
