import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { type ChatStreamEvent, getUser } from '@slipway/contract'
import { Gate, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import { ChatsAtWork } from '../chat-generation/chats-at-work.fixture.ts'
import { Followed } from './stream-world.fixture.ts'

const steps = new AsyncDisposableStack()
let work: ChatsAtWork
let other: TestServer

beforeAll(async () => {
  work = steps.use(await ChatsAtWork.start())
  other = steps.use(await startTestServer({ databaseUrl: work.server.databaseUrl }))
})
afterAll(() => steps.disposeAsync())

const streamOn = (server: TestServer, chat: string): Followed =>
  new Followed(`${server.url.replace('http', 'ws')}/api/experimental/chats/${chat}/stream`, work.owner)
const pieces = (events: readonly ChatStreamEvent[]): string[] =>
  events.flatMap(({ message_part: part }) => (part?.part.text === undefined ? [] : [part.part.text]))
const seqs = (events: readonly ChatStreamEvent[]): number[] =>
  events.flatMap(({ message_part: part }) => (part === undefined ? [] : [part.seq]))

it('CH-912, T-23: the parts of an answer come on every replica, from the first and without a gap, then the answer', async () => {
  const gate = new Gate()
  work.provider.answer = (request) =>
    request.streaming
      ? { steps: ['one ', 'two ', { wait: gate.opened }, 'three ', 'four'] }
      : { steps: ['A title'] }
  const chat = await work.create('Count to four')
  await using here = streamOn(work.server, chat.id)
  await until('the first pieces', async () => pieces(here.events).length >= 2 || undefined)
  // In the middle of the answer: what was said is said again, on whichever replica.
  await using there = streamOn(other, chat.id)
  await using late = streamOn(work.server, chat.id)
  await until('the same elsewhere', async () =>
    pieces(there.events).length >= 2 && pieces(late.events).length >= 2 ? true : undefined,
  )
  gate.open()
  for (const followed of [here, there, late]) {
    await followed.until('the answer', (event) => event.message?.role === 'assistant')
    expect(pieces(followed.events).join('')).toBe('one two three four')
    expect(seqs(followed.events)).toEqual(seqs(followed.events).map((_, i) => i + 1))
    const answers = followed.events.filter((event) => event.message?.role === 'assistant')
    expect(answers).toHaveLength(1)
  }
})

it('CH-911: a client that names an episode gets its parts, and silence for one that is unknown', async () => {
  const gate = new Gate()
  work.provider.answer = (request) =>
    request.streaming ? { steps: ['a', { wait: gate.opened }, 'b'] } : { steps: ['A title'] }
  const chat = await work.create('Say a and b')
  await using followed = streamOn(work.server, chat.id)
  const [part] = (await followed.until('a part', (event) => event.message_part !== undefined)).slice(-1)
  const frames: ChatStreamEvent[][] = []
  // Whichever replica runs the chat has them.
  const sockets = [work.server, other].map((server) => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/api/experimental/chats/${chat.id}/stream/parts`,
      { headers: work.owner.headers },
    )
    socket.on('message', (data) => frames.push(JSON.parse(String(data))))
    socket.on('open', () => {
      socket.send(JSON.stringify({ history_version: 999, generation_attempt: 1 }))
      socket.send(
        JSON.stringify({
          history_version: part?.message_part?.history_version,
          generation_attempt: part?.message_part?.generation_attempt,
        }),
      )
    })
    return socket
  })
  await until('the part', async () => frames.length > 0 || undefined)
  gate.open()
  await until('the other', async () => pieces(frames.flat()).join('') === 'ab' || undefined)
  expect(seqs(frames.flat())).toEqual([1, 2])
  const [first] = sockets
  const closed = new Promise<number>((resolve) => first?.on('close', resolve))
  first?.send('nonsense')
  expect(await closed).toBe(1007)
  for (const socket of sockets) socket.terminate()
})

it('CH-906: what else happens to a chat in the middle of an answer does not send its parts again', async () => {
  const gate = new Gate()
  work.provider.answer = ({ streaming, text }) => {
    if (!streaming || text.includes('Wait for me')) return { steps: ['Something'] }
    return { steps: ['one ', 'two ', { wait: gate.opened }, 'three'] }
  }
  const chat = await work.create('Count to three')
  await using here = streamOn(work.server, chat.id)
  await using there = streamOn(other, chat.id)
  const both = [here, there]
  await until('the first pieces', () => both.every(({ events }) => pieces(events).length >= 2))
  await work.send(chat.id, 'Wait for me')
  for (const followed of both)
    await followed.until('the queue', (event) => event.queued_messages !== undefined)
  gate.open()
  for (const followed of both) {
    await followed.until('the answer', (event) => event.message?.role === 'assistant')
    const until = followed.events.findIndex((event) => event.message?.role === 'assistant')
    expect(seqs(followed.events.slice(0, until))).toEqual([1, 2, 3])
  }
  await work.reaches(chat.id, 'waiting')
})

it('CH-911: who may not read a chat any more gets no parts of it either', async () => {
  const gate = new Gate()
  work.provider.answer = (request) =>
    request.streaming ? { steps: ['secret', { wait: gate.opened }, ' end'] } : { steps: ['A title'] }
  const chat = await work.create('Tell nobody')
  const reader = await work.server.user('parts-reader')
  const { id } = await reader.call(getUser, { params: { user: 'me' } })
  await using database = await openDatabase(work.server.databaseUrl, { maxConnections: 1 })
  const share = (list: Readonly<Record<string, readonly string[]>>): Promise<unknown> =>
    database.db
      .updateTable('chats')
      .set({ user_acl: JSON.stringify(list) })
      .where('id', '=', chat.id)
      .execute()
  await share({ [id]: ['read'] })
  const socket = new WebSocket(
    `${work.server.url.replace('http', 'ws')}/api/experimental/chats/${chat.id}/stream/parts`,
    { headers: reader.headers },
  )
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => socket.once('open', resolve))
  await share({})
  expect(await closed).toBe(1008)
  gate.open()
  await work.reaches(chat.id, 'waiting')
})
