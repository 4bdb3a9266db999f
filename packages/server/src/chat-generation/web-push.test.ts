import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'

import { createWebpushSubscription, interruptChat } from '@slipway/contract'
import { Gate, openDatabase, says, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { PushService } from '../web-push/push-service.fixture.ts'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

const stack = new AsyncDisposableStack()
let service: PushService
let at: ChatsAtWork
let database: Database
let path = ''
let count = 0

beforeAll(async () => {
  service = stack.use(await PushService.start())
  at = stack.use(
    await ChatsAtWork.start({
      env: { CODER_WEBPUSH_ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8' },
      chatExtension: { timings: { asides: true } },
    }),
  )
  database = stack.use(await openDatabase(at.server.databaseUrl, { maxConnections: 1 }))
  // What is asked beside the turns is not streamed; no title is better than the one that is there.
  at.provider.answer = ({ streaming, text }) => {
    if (streaming) return undefined
    return says(text.includes('2 to 5 words') ? 'Fixed the flaky test' : '')
  }
})
afterAll(() => stack.disposeAsync())
beforeEach(async () => {
  count += 1
  path = `/send/${count}`
  const body = service.browser(path)
  await at.owner.call(createWebpushSubscription, { params: { user: 'me' }, body })
})

/** The messages that have come to the browser of this test, as soon as there are so many. */
const messages = (most: number) =>
  until(`${most} messages`, () => {
    const received = service.of(path).map(({ message }) => message)
    return received.length >= most ? received : undefined
  })
const about = (chat: { readonly id: string; readonly title: string }, body: string) => ({
  title: chat.title,
  body,
  icon: '/favicon.ico',
  tag: chat.id.replaceAll('-', ''),
  actions: [],
  data: { url: `/agents/${chat.id}` },
})
/** A turn that ends well, after which its message has come, and so have all of before. */
async function endTurn(text: string) {
  at.provider.play(says('Done'))
  const chat = await at.create(text)
  await until('its message', () =>
    service.of(path).some(({ message }) => JSON.stringify(message).includes(chat.id)),
  )
  return chat
}

it('CH-1003: the browsers of the owner are told that a turn has ended, and of what it was about', async () => {
  at.provider.play(says('Done'))
  const chat = await at.create('Repair the test')
  expect(await messages(1)).toEqual([about(chat, 'Fixed the flaky test')])
  expect(service.of(path)[0]?.headers.topic).toBe(chat.id.replaceAll('-', ''))
})

it('CH-1003: they are told that a turn has failed, and why', async () => {
  at.provider.play({ status: 400, type: 'invalid_request_error', message: 'No such thing' })
  const chat = await at.create('Ask for too much')
  const { last_error: error } = await at.reaches(chat.id, 'error')
  expect(await messages(1)).toEqual([about(chat, error?.message ?? '')])
})

it('T-14, CH-1003: a turn that the user has stopped is not told of', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['Half', { wait: gate.opened }] })
  const stopped = await at.create('Something that goes on for ever')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('for ever') && one.sentEvents >= 2),
  )
  await at.owner.call(interruptChat, { params: { chat: stopped.id } })
  await at.reaches(stopped.id, 'waiting')
  gate.open()
  const other = await endTurn('Another one')
  expect(await messages(1)).toEqual([about(other, 'Fixed the flaky test')])
})

it('CH-1003: a turn after which a message that waits is answered is not told of; the last one is', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['First', { wait: gate.opened }] }, says('Second'))
  const chat = await at.create('The first of two')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('first of two') && one.sentEvents >= 2),
  )
  await at.send(chat.id, 'And the second of two')
  gate.open()
  await messages(1)
  expect(await at.transcript(chat.id)).toHaveLength(4)
  await endTurn('Yet another')
  expect(await messages(2)).toHaveLength(2)
})

it('CH-1003: subagents are told of by their own chat only', async () => {
  const root = await endTurn('A chat with a subagent')
  const child = await endTurn('Its subagent')
  await database.db
    .updateTable('chats')
    .set({ parent_chat_id: root.id, root_chat_id: root.id })
    .where('id', '=', child.id)
    .execute()
  at.provider.play(says('Done'), { status: 400, type: 'invalid_request_error', message: 'No such thing' })
  for (const [text, status] of [
    ['Go on', 'waiting'],
    ['Fail', 'error'],
  ] as const) {
    await at.send(child.id, text)
    await at.reaches(child.id, status)
  }
  await endTurn('One more')
  expect(await messages(3)).toHaveLength(3)
})

it('CH-1003: push services that do not answer, or fail, hold no turn up', async () => {
  service.silent.add(path)
  for (let turn = 0; turn < 12; turn += 1) {
    at.provider.play(says('Done'))
    const chat = await at.create(`Turn ${turn}`)
    await at.reaches(chat.id, 'waiting')
  }
  service.silent.delete(path)
  service.answers.set(path, 500)
  at.provider.play(says('Done'))
  const chat = await at.create('After all of them')
  expect((await at.reaches(chat.id, 'waiting')).last_error).toBeUndefined()
})
