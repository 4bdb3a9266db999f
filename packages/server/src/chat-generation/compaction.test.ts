import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import {
  compactChat,
  createAIProvider,
  createChatModelConfig,
  deleteChatModelConfig,
  updateChatCompactionThreshold,
  updateChatModelOverride,
} from '@slipway/contract'
import { openDatabase, says } from '@slipway/testkit'
import { ChatsAtWork } from './chats-at-work.fixture.ts'

let at: ChatsAtWork

beforeAll(async () => {
  at = await ChatsAtWork.start({}, { model: { context_limit: 1000, compression_threshold: 70 } })
})
afterAll(() => at[Symbol.asyncDispose]())
beforeEach(() => at.renew())

async function compressedRows(chat: string) {
  await using database = await openDatabase(at.server.databaseUrl, { maxConnections: 1 })
  return database.db
    .selectFrom('chat_messages')
    .select(['role', 'visibility', 'content', 'runtime_ms'])
    .where('chat_id', '=', chat)
    .where('compressed', '=', true)
    .orderBy('id')
    .execute()
}

it('T-31, CH-801: at the threshold the conversation is summarized before the next question is answered', async () => {
  at.provider.play({ ...says('Long answer'), usage: { input: 710 } })
  const chat = await at.create('An early question')
  await at.reaches(chat.id, 'waiting')
  expect(await compressedRows(chat.id)).toEqual([])
  at.provider.play(says('The summary'), { ...says('Next answer'), usage: { input: 100 } })
  await at.send(chat.id, 'A later question')
  await at.reaches(chat.id, 'waiting')
  const rows = await compressedRows(chat.id)
  expect(rows.map(({ role, visibility }) => [role, visibility])).toEqual([
    ['user', 'model'],
    ['assistant', 'user'],
    ['tool', 'user'],
  ])
  const shown = (await at.messages(chat.id)).flatMap((message) => message.content)
  expect(shown.find((part) => part.type === 'tool-call')).toMatchObject({
    tool_name: 'chat_summarized',
    args: { source: 'automatic', threshold_percent: 70 },
  })
  expect(shown.find((part) => part.type === 'tool-result')?.result).toEqual({
    summary: 'The summary',
    source: 'automatic',
    threshold_percent: 70,
    usage_percent: 71,
    context_tokens: 710,
    context_limit_tokens: 1000,
  })
  const [summary, answer] = at.provider.requests.slice(-2)
  expect(summary?.streaming).toBe(false)
  expect(summary?.text).toContain('An early question')
  expect(answer?.text).toContain('The summary')
  expect(answer?.text).not.toContain('An early question')
  expect(await at.transcript(chat.id)).toContain('user: An early question')
})

it('CH-801: a threshold of 100 that the user has set turns it off', async () => {
  await at.owner.call(updateChatCompactionThreshold, {
    params: { modelConfig: at.model.id },
    body: { threshold_percent: 100 },
  })
  at.provider.play({ ...says('Long answer'), usage: { input: 990 } }, says('Next'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  await at.send(chat.id, 'More')
  await at.reaches(chat.id, 'waiting')
  expect(await compressedRows(chat.id)).toEqual([])
})

it('T-31, CH-803: compaction on demand ends without an answer, and has nothing left to do a second time', async () => {
  at.provider.play(says('Answer'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  at.provider.play(says('All of it'))
  const running = await at.owner.call(compactChat, { params: { chat: chat.id } })
  expect(running.status).toBe('running')
  await at.reaches(chat.id, 'waiting')
  expect(at.provider.left).toBe(0)
  const last = (await at.messages(chat.id)).at(-1)
  expect(last?.content[0]?.result).toMatchObject({ source: 'manual', summary: 'All of it' })
  await expect(at.owner.call(compactChat, { params: { chat: chat.id } })).rejects.toMatchObject({
    status: 409,
  })
})

it('CH-802: an empty summary fails the turn and leaves the conversation as it was', async () => {
  at.provider.play(says('Answer'))
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  at.provider.play({ steps: [] })
  await at.owner.call(compactChat, { params: { chat: chat.id } })
  await at.reaches(chat.id, 'error')
  expect(await compressedRows(chat.id)).toEqual([])
})

it('CH-700: a conversation that is over the threshold right after its summary fails instead of being summarized for ever', async () => {
  at.provider.play({ ...says('Long'), usage: { input: 800 } })
  const chat = await at.create('Hi')
  await at.reaches(chat.id, 'waiting')
  at.provider.play(says('Summary'), { ...says('Still long'), usage: { input: 900 } })
  await at.send(chat.id, 'More')
  await at.reaches(chat.id, 'waiting')
  await at.send(chat.id, 'And more')
  const { last_error } = await at.reaches(chat.id, 'error')
  expect(last_error).toMatchObject({ kind: 'config', retryable: false })
})

describe('CH-803: a model that is chosen for summaries', () => {
  const choose = (model_config_id: string) =>
    at.owner.call(updateChatModelOverride, { params: { context: 'compaction' }, body: { model_config_id } })
  const model = (ai_provider_id: string, name: string, context_limit: number) =>
    at.owner.call(createChatModelConfig, { body: { ai_provider_id, model: name, context_limit } })
  const conversation = async () => {
    at.provider.play(says('Answer'))
    const chat = await at.create('Hi')
    await at.reaches(chat.id, 'waiting')
    return chat.id
  }
  afterEach(() => choose(''))

  it('makes them, and CH-801: the smaller of both contexts is the limit', async () => {
    const small = await model(at.aiProvider.id, 'small-model', 500)
    await choose(small.id)
    at.provider.play({ ...says('Half full'), usage: { input: 400 } })
    const { id } = await at.create('Hi')
    await at.reaches(id, 'waiting')
    at.provider.play(says('Short'), says('Next'))
    await at.send(id, 'More')
    await at.reaches(id, 'waiting')
    const [summary, answer] = at.provider.requests.slice(-2)
    expect([summary?.model, answer?.model]).toEqual(['small-model', 'scripted-model'])
    const shown = (await at.messages(id)).flatMap(({ content }) => content)
    expect(shown.find(({ type }) => type === 'tool-result')?.result).toMatchObject({
      usage_percent: 80,
      context_limit_tokens: 500,
    })
    // The chat itself stays with its model.
    expect((await at.get(id)).last_model_config_id).toBe(at.model.id)
  })

  it('is passed over when it is gone', async () => {
    const gone = await model(at.aiProvider.id, 'gone-model', 1000)
    await choose(gone.id)
    const id = await conversation()
    await at.owner.call(deleteChatModelConfig, { params: { modelConfig: gone.id } })
    at.provider.play(says('All of it'))
    await at.owner.call(compactChat, { params: { chat: id } })
    await at.reaches(id, 'waiting')
    expect(at.provider.requests.at(-1)?.model).toBe('scripted-model')
    expect(await compressedRows(id)).toHaveLength(3)
  })

  it('fails the turn where the owner cannot use it, and nothing takes its place', async () => {
    const own = await at.owner.call(createAIProvider, {
      body: { type: 'openai', name: 'own', base_url: `${at.provider.url}/v1`, api_keys: [], enabled: true },
    })
    await choose((await model(own.id, 'own-model', 1000)).id)
    const id = await conversation()
    const asked = at.provider.requests.length
    await at.owner.call(compactChat, { params: { chat: id } })
    expect((await at.reaches(id, 'error')).last_error).toMatchObject({ kind: 'config', retryable: false })
    expect(at.provider.requests).toHaveLength(asked)
    expect(await compressedRows(id)).toEqual([])
  })
})
