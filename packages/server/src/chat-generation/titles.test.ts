import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  createChat,
  createTask,
  getChat,
  getUser,
  interruptChat,
  proposeChatTitle,
  regenerateChatTitle,
  updateChat,
} from '@slipway/contract'
import {
  freePort,
  Gate,
  importTemplate,
  openDatabase,
  says,
  type Turn,
  taskTemplate,
  until,
} from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'
import { tidyTitle } from './titles.ts'

let at: ChatsAtWork
let titles: Turn = says('"Fix the Login Tests."')

beforeAll(async () => {
  at = await ChatsAtWork.start({ chatExtension: { timings: { asides: true } } })
  // What is asked beside the turns is not streamed.
  at.provider.answer = ({ streaming, text }) => {
    if (streaming) return undefined
    return text.includes('2 to 5 words') ? says('Fixed the flaky test') : titles
  }
})
afterAll(() => at[Symbol.asyncDispose]())

it('CH-1010: a new chat gets a title of its own beside its first turn', async () => {
  titles = says('"Fix the Login Tests."')
  at.provider.play(says('Sure'))
  const chat = await at.create('Please look at why the tests of the login page fail')
  expect(chat.title).toBe('Please look at why the tests…')
  await until('the title', async () => (await at.get(chat.id)).title === 'Fix the Login Tests')
})

it('WS-254: a task without a name is named by the model that names chats, and else by its first words', async () => {
  const template = await importTemplate(at.owner, 'tasks', { 'template.ts': taskTemplate(await freePort()) })
  const make = (input: string, more: object = {}) =>
    at.owner.call(createTask, {
      params: { user: 'me' },
      body: { template_version_id: template.active_version_id, input, ...more },
    })
  titles = says('"Sort the Mail."')
  const named = await make('There is a lot of mail in the box, please see to it')
  expect(named.display_name).toBe('Sort the Mail')
  expect(named.name).toMatch(/^sort-the-mail-[0-9a-f]{4}$/)
  const half = await make('Some more mail', { name: 'more' })
  expect([half.name, half.display_name]).toEqual(['more', 'Sort the Mail'])
  const asked = at.provider.requests.length
  const chosen = await make('Even more', { name: 'even-more', display_name: 'Even more' })
  expect([chosen.name, chosen.display_name]).toEqual(['even-more', 'Even more'])
  expect(at.provider.requests).toHaveLength(asked)
  titles = { status: 400, message: 'not today' }
  const plain = await make('Water the plants')
  expect(plain.display_name).toBe('Water the plants')
  expect(plain.name).toMatch(/^water-the-plants-[0-9a-f]{4}$/)
})

it('T-39: what the user has chosen while the title was made stays', async () => {
  const gate = new Gate()
  titles = { ...says('A late title'), after: gate.opened }
  at.provider.play(says('Sure'))
  const chat = await at.create('Another question that is quite long indeed')
  await at.provider.nextRequest((one) => !one.streaming && one.text.includes('quite long indeed'))
  await at.owner.call(updateChat, { params: { chat: chat.id }, body: { title: 'Mine' } })
  gate.open()
  await at.reaches(chat.id, 'waiting')
  titles = says('Third')
  await until('all requests to be answered', () => at.provider.requests.every((one) => one.end !== undefined))
  expect((await at.get(chat.id)).title).toBe('Mine')
})

it('CH-1012: a finished turn has a short label; an interrupted one has none', async () => {
  at.provider.play(says('Done'))
  const chat = await at.create('Do it')
  await until('the label', async () => (await at.get(chat.id)).last_turn_summary === 'Fixed the flaky test')
  const gate = new Gate()
  at.provider.play({ steps: ['Half', { wait: gate.opened }] })
  await at.send(chat.id, 'Again')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('Again') && one.sentEvents >= 2),
  )
  await at.owner.call(interruptChat, { params: { chat: chat.id } })
  expect((await at.reaches(chat.id, 'waiting')).last_turn_summary).toBeNull()
})

it('CH-1011: the owner asks for a title; proposing stores nothing', async () => {
  titles = says('First')
  at.provider.play(says('Done'))
  const chat = await at.create('Hello')
  await at.reaches(chat.id, 'waiting')
  await until('the first title', async () => (await at.get(chat.id)).title === 'First')
  titles = says('Proposed')
  const proposed = await at.owner.call(proposeChatTitle, { params: { chat: chat.id } })
  expect(proposed.title).toBe('Proposed')
  expect((await at.get(chat.id)).title).toBe('First')
  const changed = await at.owner.call(regenerateChatTitle, { params: { chat: chat.id } })
  expect(changed.title).toBe('Proposed')
  titles = { status: 429, type: 'insufficient_quota', message: 'You exceeded your current quota' }
  await expect(at.owner.call(proposeChatTitle, { params: { chat: chat.id } })).rejects.toMatchObject({
    status: 409,
  })
})

it('CH-805: who has spent their budget is told so by the chat and refused titles, without a call', async () => {
  const spender = await at.server.user('spender', ['owner'])
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
  const { id: user_id } = await spender.call(getUser, { params: { user: 'me' } })
  await database.db
    .insertInto('user_ai_budget_overrides')
    .values({ user_id, group_id: at.organizationId, spend_limit_micros: 0 })
    .execute()
  const asked = at.provider.requests.length
  const chat = await spender.call(createChat, {
    body: {
      organization_id: at.organizationId,
      model_config_id: at.model.id,
      content: [{ type: 'text', text: 'Spend' }],
    },
  })
  const failed = await until('the error', async () => {
    const now = await spender.call(getChat, { params: { chat: chat.id } })
    return now.status === 'error' ? now : undefined
  })
  expect(failed.last_error).toMatchObject({ kind: 'usage_limit', retryable: false })
  for (const endpoint of [proposeChatTitle, regenerateChatTitle])
    await expect(spender.call(endpoint, { params: { chat: chat.id } })).rejects.toMatchObject({ status: 409 })
  expect(at.provider.requests).toHaveLength(asked)
})

it('CH-303: nobody but the owner has titles made', async () => {
  at.provider.play(says('Done'))
  const chat = await at.create('Hello you')
  const admin = await at.server.user('admin', ['owner'])
  await expect(admin.call(proposeChatTitle, { params: { chat: chat.id } })).rejects.toMatchObject({
    status: 403,
  })
  const stranger = await at.server.user('stranger')
  await expect(stranger.call(regenerateChatTitle, { params: { chat: chat.id } })).rejects.toMatchObject({
    status: 404,
  })
})

it('CH-1010: what models say becomes a title of at most 8 words and 80 characters', () => {
  expect(tidyTitle('\n  "Fix it."\nMore')).toBe('Fix it')
  expect(tidyTitle('Title: **Bold words**')).toBe('Bold words')
  expect(tidyTitle('one two three four five six seven eight nine')).toBe(
    'one two three four five six seven eight',
  )
  expect(tidyTitle('x'.repeat(200))).toHaveLength(80)
  expect(tidyTitle('  \n ')).toBe('')
})
