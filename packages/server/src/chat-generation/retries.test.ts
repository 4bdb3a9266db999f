import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { type ChatStreamEvent, compactChat, streamChat } from '@slipway/contract'
import { Gate, openDatabase, rateLimited, says, type Turn, until } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork
const waited: number[] = []
let now = Date.now()

beforeAll(async () => {
  at = await ChatsAtWork.start({
    clock: { now: () => new Date(now) },
    chatExtension: {
      timings: {
        silenceMs: 3_000,
        pause: async (ms) => {
          waited.push(ms)
          now += ms
        },
      },
    },
  })
})
afterAll(() => at[Symbol.asyncDispose]())
beforeEach(async () => {
  waited.length = 0
  await at.renew()
})

/** What a stream of a new chat tells, from before the model answers to the end of the turn. */
async function watched(turns: readonly Turn[]): Promise<readonly ChatStreamEvent[]> {
  const gate = new Gate()
  const [first, ...more] = turns
  if (first === undefined) throw new Error('nothing to play')
  let begun = false
  at.provider.answer = () => {
    if (begun) return undefined
    begun = true
    return { steps: [{ wait: gate.opened }, { error: { type: 'overloaded_error', message: 'Overloaded' } }] }
  }
  at.provider.play(first, ...more)
  const chat = await at.create('Hi')
  const events: ChatStreamEvent[] = []
  const url = at.owner.address(streamChat, { params: { chat: chat.id } }).replace('http', 'ws')
  const socket = new WebSocket(url, { headers: at.owner.headers })
  socket.on('message', (frame) => events.push(...JSON.parse(String(frame))))
  await until('the stream', () => events.some((event) => event.type === 'status'))
  gate.open()
  await until('the end of the turn', () =>
    events.some(({ status }) => status?.status === 'waiting' || status?.status === 'error'),
  )
  socket.terminate()
  at.provider.answer = () => undefined
  return events
}

it('T-17, CH-705: an overloaded provider is asked again after 1, 2, … seconds; the answer comes once', async () => {
  const events = await watched([{ status: 529 }, says('At last')])
  const retries = events.flatMap(({ retry }) => retry ?? [])
  expect(retries.map((retry) => retry.kind)).toEqual(['overloaded', 'overloaded'])
  expect(retries.map((retry) => retry.delay_ms)).toEqual([1000, 2000])
  expect(retries.map((retry) => retry.attempt)).toEqual([1, 2])
  // Each try has an episode of its own.
  const parts = events.flatMap(({ message_part: part }) => part ?? [])
  expect(parts.map((part) => part.generation_attempt)).toEqual(parts.map(() => 3))
  expect(parts.map((part) => part.seq)).toEqual(parts.map((_, at) => at + 1))
  expect(parts.map(({ part }) => part.text).join('')).toBe('At last')
  expect(events.filter((event) => event.type === 'preview_reset').length).toBeGreaterThanOrEqual(2)
  const answers = events.filter(({ message }) => message?.role === 'assistant')
  expect(answers.map(({ message }) => message?.content[0]?.text)).toEqual(['At last'])
  expect(waited.map((ms) => Math.round(ms / 1000))).toEqual([1, 2])
})

it.each<[string, Turn, { kind: string; status_code?: number }]>([
  ['401', { status: 401 }, { kind: 'auth', status_code: 401 }],
  ['403', { status: 403 }, { kind: 'auth', status_code: 403 }],
  [
    '429 with insufficient_quota',
    { status: 429, type: 'insufficient_quota', message: 'You exceeded your current quota' },
    { kind: 'usage_limit', status_code: 429 },
  ],
  [
    '503 "invalid model"',
    { status: 503, message: 'invalid model: foo' },
    { kind: 'config', status_code: 503 },
  ],
  ['400', { status: 400, message: 'Your prompt is too long for the context window' }, { kind: 'config' }],
  [
    'garbage in a stream',
    { steps: ['part of', { raw: '\0}{ garbage\n\ndata: {"choices": 7\n\n' }, { end: true }] },
    { kind: 'generic' },
  ],
  ['garbage', { status: 418, message: 'I am a teapot' }, { kind: 'generic', status_code: 418 }],
])('T-18: %s ends the turn without another try', async (_name, turn, error) => {
  at.provider.play(turn)
  const before = at.provider.requests.length
  const chat = await at.create('Hi')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error).toMatchObject({ ...error, retryable: false, provider: at.aiProvider.name })
  expect(at.provider.requests.length - before).toBe(1)
})

it('T-19: a longer Retry-After wins, and one of more than five minutes does not (B-6)', async () => {
  at.provider.play(rateLimited(7), rateLimited(400), says('ok'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  expect(waited.slice(0, 2).map((ms) => Math.round(ms / 1000))).toEqual([7, 300])
})

it.each<[string, Turn]>([
  ['a cut connection', { steps: ['part of', { cut: true }] }],
  ['a reset connection', { steps: ['part of', { cut: 'reset' }] }],
  ['a stream without its last event', { steps: ['part of', { end: true }] }],
  ['a connection that is reset at once', { connection: 'reset' }],
  ['500', { status: 500 }],
  ['502', { status: 502 }],
])('CH-720: %s is asked again, and nothing of it stays', async (_name, turn) => {
  at.provider.play(turn, says('whole'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual(['user: Hi', 'assistant: whole'])
  expect(waited).toHaveLength(1)
})

it.each<[string, Turn, string]>([
  ['a stream that goes silent', { steps: ['part of', { stall: true }] }, 'stream_silence_timeout'],
  ['a provider that gives up by itself', { steps: ['part of', { cut: 'reset' }] }, 'timeout'],
])('CH-722: %s is told as what it is and asked again', async (_name, turn, kind) => {
  const events = await watched([turn, says('whole')])
  const retries = events.flatMap(({ retry }) => retry ?? [])
  expect(retries.map((retry) => retry.kind)).toEqual(['overloaded', kind])
  const answers = events.filter(({ message }) => message?.role === 'assistant')
  expect(answers.map(({ message }) => message?.content[0]?.text)).toEqual(['whole'])
})

it('CH-7.4, CH-803: a summary that does not come in time fails the turn, and is not waited for again', async () => {
  at.provider.play(says('Answer'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  const asked = at.provider.requests.length
  at.provider.play({ connection: 'silent' })
  await at.owner.call(compactChat, { params: { chat: chat.id } })
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error).toMatchObject({ kind: 'timeout', retryable: false })
  expect(at.provider.requests).toHaveLength(asked + 1)
  expect(waited).toEqual([])
})

it('CH-720: after 25 tries for the same history the turn fails', async () => {
  at.provider.play(...Array.from({ length: 25 }, (): Turn => ({ status: 529 })))
  const chat = await at.create('Hi')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error).toMatchObject({ kind: 'overloaded', retryable: true })
  expect(waited).toHaveLength(24)
  expect(Math.round(Math.max(...waited) / 1000)).toBe(60)
  expect(at.provider.left).toBe(0)
})

it('CH-720: a turn that was begun 25 times and whose server never lived to see its end fails', async () => {
  at.provider.play({ status: 400 })
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'error')
  const asked = at.provider.requests.length
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
  await database.db
    .updateTable('chats')
    .set({ status: 'running', last_error: null, generation_attempt: 25 })
    .where('id', '=', chat.id)
    .execute()
  await until('the end', async () => (await at.get(chat.id)).last_error?.detail?.includes('25 times'))
  expect(at.provider.requests).toHaveLength(asked)
})

it('CH-723: the user goes on after an error by sending again', async () => {
  at.provider.play({ status: 400 }, says('Now it works'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'error')
  await at.send(chat.id, 'Again')
  const { last_error } = await at.reaches(chat.id, 'waiting')
  expect(last_error).toBeUndefined()
  expect((await at.transcript(chat.id)).at(-1)).toBe('assistant: Now it works')
})

it('CH-706: an answer that the provider withholds is an error of its own kind', async () => {
  at.provider.play({ steps: [], finish: 'content_filter' })
  const chat = await at.create('Hi')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error).toMatchObject({ kind: 'content_filter', retryable: false })
})

it('CH-706: an empty answer ends the turn', async () => {
  at.provider.play({ steps: [] })
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  expect(await at.transcript(chat.id)).toEqual(['user: Hi'])
})

it('CH-7.4: no credential is in the detail of an error', async () => {
  at.provider.play({ status: 401, message: 'Incorrect API key provided: sk-test-key-0123456789' })
  const chat = await at.create('Hi')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(JSON.stringify(last_error)).not.toContain('sk-test-key-0123456789')
})
