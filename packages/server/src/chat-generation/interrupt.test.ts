import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  deleteChatQueuedMessage,
  interruptChat,
  promoteChatQueuedMessage,
  retryChatNow,
} from '@slipway/contract'
import { callsTools, Gate, openDatabase, says, until } from '@slipway/testkit'
import type { ChatTool } from '../chat-tools/index.ts'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork
const began: string[] = []
const aborted: string[] = []

const hang: ChatTool = {
  name: 'hang',
  description: 'Never answers.',
  inputSchema: { type: 'object' },
  run: (_args, call) => {
    began.push(call.toolCallId)
    call.signal.addEventListener('abort', () => aborted.push(call.toolCallId))
    return new Promise(() => undefined)
  },
}
const quick: ChatTool = {
  name: 'quick',
  description: 'Answers at once.',
  inputSchema: { type: 'object' },
  run: async () => ({ result: { done: true } }),
}

beforeAll(async () => {
  at = await ChatsAtWork.start({
    chatExtension: { tools: () => [hang, quick], timings: { syncMs: 200 } },
  })
})
afterAll(() => at[Symbol.asyncDispose]())

async function halfWay(id: string): Promise<void> {
  await at.provider.nextRequest((request) => request.streaming && request.text.includes(id))
}

it('CH-710, L-43: an interrupt ends the answer that the model has not ended, and keeps what had come', async () => {
  const gate = new Gate()
  at.provider.play({
    steps: [{ reasoning: 'Let me see' }, 'The answer ', 'is', { wait: gate.opened }, ' 42'],
  })
  const chat = await at.create('first question')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('first question') && one.sentEvents >= 3),
  )
  const answered = await at.owner.call(interruptChat, { params: { chat: chat.id } })
  expect(answered.status).toBe('interrupting')
  // The model is still waited for by its gate.
  await at.reaches(chat.id, 'waiting')
  expect((await at.transcript(chat.id)).at(-1)).toContain('The answer is')
  expect((await at.transcript(chat.id)).at(-1)).not.toContain('42')
  const request = at.provider.requests.find((one) => one.text.includes('first question'))
  expect(await request?.ended()).toBe('aborted')
  // Its episode is closed, so that its parts do not stay in memory.
  const metrics = await fetch(`${at.server.url}/metrics`, { headers: at.owner.headers })
  expect(await metrics.text()).toContain('\ncoderd_chatd_stream_buffer_open_episodes 0\n')
})

it('T-13: a message that interrupts comes after the partial answer and is answered itself', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['Partial', { wait: gate.opened }] }, says('Second answer'))
  const chat = await at.create('second question')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('second question') && one.sentEvents >= 2),
  )
  const sent = await at.send(chat.id, 'No, do this', 'interrupt')
  expect(sent.queued).toBe(true)
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual([
    'user: second question',
    'assistant: Partial',
    'user: No, do this',
    'assistant: Second answer',
  ])
  const ids = (await at.messages(chat.id)).map((message) => message.id)
  expect(ids).toEqual(ids.toSorted((a, b) => a - b))
})

it('T-14: an interrupt during a call answers it with an error, keeps results that were there, and aborts the tool', async () => {
  at.provider.play(callsTools({ id: 'call_q', name: 'quick' }, { id: 'call_h', name: 'hang' }))
  const chat = await at.create('third question')
  await until('the tool that has begun', () => began.includes('call_h'))
  await until('the stored result', async () => (await at.get(chat.id)).status === 'running')
  await at.owner.call(interruptChat, { params: { chat: chat.id } })
  // The tool itself never ends.
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual([
    'user: third question',
    'assistant: [quick({})] [hang({})]',
    'tool: [quick → {"done":true}]',
    'tool: [hang → {"error":"tool call was interrupted before it produced a result"} !]',
  ])
  expect(aborted).toContain('call_h')
  at.provider.play(says('Fine'))
  await at.send(chat.id, 'Go on')
  await at.reaches(chat.id, 'waiting')
  expect((await at.transcript(chat.id)).at(-1)).toBe('assistant: Fine')
})

it('CH-203: messages that wait are answered one after the other when the turn ends', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['One', { wait: gate.opened }] }, says('Two'), says('Three'))
  const chat = await at.create('fourth question')
  await halfWay('fourth question')
  await at.send(chat.id, 'b')
  await at.send(chat.id, 'c')
  gate.open()
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual([
    'user: fourth question',
    'assistant: One',
    'user: b',
    'assistant: Two',
    'user: c',
    'assistant: Three',
  ])
})

it('CH-212: a promoted message interrupts the run and is next', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['One', { wait: gate.opened }] }, says('To c'))
  const chat = await at.create('fifth question')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('fifth question') && one.sentEvents >= 2),
  )
  const first = await at.send(chat.id, 'b')
  const second = await at.send(chat.id, 'c')
  await at.owner.call(deleteChatQueuedMessage, {
    params: { chat: chat.id, queuedMessage: String(first.queued_message?.id) },
  })
  await at.owner.call(promoteChatQueuedMessage, {
    params: { chat: chat.id, queuedMessage: String(second.queued_message?.id) },
  })
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual([
    'user: fifth question',
    'assistant: One',
    'user: c',
    'assistant: To c',
  ])
})

it('CH-605: a change of which no event has come is found by comparison, and ends what is under way', async () => {
  const gate = new Gate()
  at.provider.play({ steps: ['Unheard', { wait: gate.opened }] })
  const chat = await at.create('silent question')
  await until('the model that has begun', () =>
    at.provider.requests.some((one) => one.text.includes('silent question') && one.sentEvents >= 2),
  )
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
  await database.db.transaction().execute(async (tx) => {
    // No trigger tells of it.
    await sql`set local session_replication_role = replica`.execute(tx)
    await tx
      .updateTable('chats')
      .set(({ eb }) => ({ status: 'interrupting', snapshot_version: eb('snapshot_version', '+', 1) }))
      .where('id', '=', chat.id)
      .execute()
  })
  await at.reaches(chat.id, 'waiting')
  expect((await at.transcript(chat.id)).at(-1)).toBe('assistant: Unheard')
})

it('B-6: the wait for the next try ends when the user asks for it, and an interrupt ends it for good', async () => {
  const now = (chat: string) =>
    until('a wait to end', () =>
      at.owner.call(retryChatNow, { params: { chat } }).then(
        () => true,
        () => undefined,
      ),
    )
  const later = { status: 503, headers: { 'Retry-After': '300' } }
  at.provider.play(later, says('At once'))
  const chat = await at.create('sixth question')
  await now(chat.id)
  await at.reaches(chat.id, 'waiting')
  expect((await at.transcript(chat.id)).at(-1)).toBe('assistant: At once')
  // Its key rests after that, which no wish of a user has to wait for; once it was answered it rests no more.
  at.provider.play({ ...later, status: 429 }, callsTools({ name: 'quick' }), says('With the same key'))
  const limited = await at.create('limited question')
  await now(limited.id)
  await at.reaches(limited.id, 'waiting')
  expect((await at.transcript(limited.id)).at(-1)).toBe('assistant: With the same key')
  at.provider.play(later)
  const other = await at.create('seventh question')
  await halfWay('seventh question')
  await at.owner.call(interruptChat, { params: { chat: other.id } })
  await at.reaches(other.id, 'waiting')
  expect(at.provider.left).toBe(0)
  expect(await at.transcript(other.id)).toEqual(['user: seventh question'])
})
