import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  compactChat,
  deleteChatQueuedMessage,
  editChatMessage,
  getChat,
  getChatCost,
  interruptChat,
  listChatMessages,
  listChatPrompts,
  promoteChatQueuedMessage,
  reconcileInvalidChat,
  retryChatNow,
  sendChatMessage,
  submitChatToolResults,
  updateChatAcl,
  updateChatModelConfig,
} from '@slipway/contract'
import { fixtures, until } from '@slipway/testkit'
import { type ChatsWorld, openChatsWorld } from './chats-world.fixture.ts'

let world: ChatsWorld
let ada: Client
let adaId: string
let chatId: string

beforeAll(async () => {
  world = await openChatsWorld()
  const member = await world.member()
  ada = member.client
  adaId = member.id
})
afterAll(() => world[Symbol.asyncDispose]())
beforeEach(async () => {
  chatId = await idle()
})

const say = (text: string) => [{ type: 'text', text }]
const at = (id: string = chatId) => ({ chat: id })
const send = (text: string, more: object = {}, client = ada) =>
  client.call(sendChatMessage, { params: at(), body: { content: say(text), ...more } })
const listed = (query: Record<string, string> = {}) => ada.call(listChatMessages, { params: at(), query })
const sent = ['user', 'assistant'] as const

/** A chat of Ada's with this many turns, in which nothing runs. */
async function idle(turns = 1, columns: object = {}): Promise<string> {
  const { db } = world.database
  const chat = await fixtures.chat(db, {
    owner_id: adaId,
    organization_id: world.organizationId,
    last_model_config_id: world.modelConfigId,
    ...columns,
  })
  for (let turn = 1; turn <= turns; turn += 1)
    for (const role of sent)
      await fixtures.chatMessage(db, {
        chat,
        role,
        content: JSON.stringify(say(`${role} ${turn}`)),
        ...(role === 'user' ? { created_by: adaId, model_config_id: world.modelConfigId } : {}),
      })
  return chat.id
}

describe('CH-430: a conversation', () => {
  it('is read from its end, and polled from a message on', async () => {
    chatId = await idle(3)
    const newest = await listed({ limit: '4' })
    expect(newest.messages.map(({ role }) => role)).toEqual(['assistant', 'user', 'assistant', 'user'])
    expect(newest.has_more).toBe(true)
    const oldest = await listed({ before_id: String(newest.messages.at(-1)?.id) })
    expect(oldest.messages.map(({ content }) => content[0]?.text)).toEqual(['assistant 1', 'user 1'])
    expect(oldest.has_more).toBe(false)
    const [first] = oldest.messages.slice(-1)
    const later = await listed({ after_id: String(first?.id) })
    expect(later.messages.map(({ content }) => content[0]?.text)).toEqual([
      'assistant 1',
      'user 2',
      'assistant 2',
      'user 3',
      'assistant 3',
    ])
    const between = await listed({
      after_id: String(first?.id),
      before_id: String(newest.messages[0]?.id),
    })
    expect(between.messages.map(({ content }) => content[0]?.text)).toEqual([
      'user 3',
      'assistant 2',
      'user 2',
      'assistant 1',
    ])
  })

  it('T-28: polling with a limit loses nothing, and does not tell the queue', async () => {
    chatId = await idle(60)
    await fixtures.chatQueuedMessage(world.database.db, { chat_id: chatId })
    const all: number[] = []
    const sizes: number[] = []
    for (let after = 1; ; ) {
      const page = await listed({ after_id: String(after), limit: '50' })
      expect(page.queued_messages).toEqual([])
      sizes.push(page.messages.length)
      all.push(...page.messages.map(({ id }) => id))
      after = all.at(-1) ?? 0
      if (!page.has_more) break
    }
    expect(sizes).toEqual([50, 50, 20])
    expect(all).toEqual([...new Set(all)].sort((a, b) => a - b))
    expect((await listed()).queued_messages).toHaveLength(1)
  })

  it('refuses cursors and limits that are none', async () => {
    for (const query of [
      { limit: '0' },
      { limit: '201' },
      { limit: 'x' },
      { before_id: '0' },
      { after_id: '-1' },
      { after_id: '5', before_id: '5' },
    ])
      await expect(listed(query)).rejects.toMatchObject({ status: 400 })
    expect((await listed({ limit: '200' })).messages).toHaveLength(2)
  })

  it('CH-120: each part has all members of its kind, also empty ones and zeros', async () => {
    const parts = [
      { type: 'text', text: '' },
      { type: 'reasoning', text: '' },
      { type: 'hook-notice', text: '' },
      { type: 'source', url: '' },
      { type: 'file', media_type: '' },
      { type: 'file-reference', file_name: '', start_line: 0, end_line: 0, content: '' },
      { type: 'context-file', context_file_path: '' },
      { type: 'skill', skill_name: '' },
    ]
    const content = JSON.stringify(parts)
    await fixtures.chatMessage(world.database.db, { chat_id: chatId, role: 'assistant', content })
    const [newest] = (await listed({ limit: '1' })).messages
    expect(newest?.content).toEqual(parts)
  })

  it('CH-122, CH-123: has nothing that is for models, or was taken out', async () => {
    const { db } = world.database
    const time = new Date().toISOString()
    await fixtures.chatMessage(db, {
      chat_id: chatId,
      visibility: 'model',
      content: JSON.stringify(say('hidden')),
    })
    await fixtures.chatMessage(db, { chat_id: chatId, deleted: true, content: JSON.stringify(say('gone')) })
    await fixtures.chatMessage(db, {
      chat_id: chatId,
      visibility: 'user',
      role: 'assistant',
      input_tokens: 12,
      output_tokens: 0,
      content: JSON.stringify([
        { type: 'reasoning', text: '', provider_metadata: { signature: 'x' } },
        {
          type: 'tool-call',
          tool_call_id: 'c',
          tool_name: 't',
          args: {},
          created_at: time,
          provider_metadata: {},
        },
        { type: 'hook-context', text: 'secret' },
        { type: 'file', media_type: 'text/plain', file_id: world.modelConfigId, data: 'aGk=' },
        {
          type: 'context-file',
          context_file_path: '/a',
          context_file_content: 'body',
          context_file_os: 'linux',
        },
        { type: 'skill', skill_name: 's', skill_dir: '/s', context_file_skill_meta_file: 'x' },
      ]),
    })
    await fixtures.chatMessage(db, { chat_id: chatId, content: '"of old"', content_version: 0 })
    const { messages } = await listed()
    expect(messages.map(({ content }) => content)).toEqual([
      [{ type: 'text', text: 'of old' }],
      [
        { type: 'reasoning', text: '' },
        { type: 'tool-call', tool_call_id: 'c', tool_name: 't', args: {}, created_at: time },
        { type: 'file', media_type: 'text/plain', file_id: world.modelConfigId },
        { type: 'context-file', context_file_path: '/a' },
        { type: 'skill', skill_name: 's' },
      ],
      say('assistant 1'),
      say('user 1'),
    ])
    expect(messages[1]?.usage).toEqual({ input_tokens: 12 })
  })
})

describe('CH-431: sending', () => {
  it('to an idle chat begins a turn', async () => {
    const answer = await send('and now?')
    expect(answer).toMatchObject({
      queued: false,
      message: {
        role: 'user',
        created_by: adaId,
        content: say('and now?'),
        model_config_id: world.modelConfigId,
      },
    })
    expect(answer.messages).toEqual([answer.message])
    expect((await ada.call(getChat, { params: at() })).status).toBe('running')
  })

  it('T-12: to a busy one waits, twenty messages at most', async () => {
    await send('first')
    for (let n = 1; n <= 20; n += 1)
      expect(await send(`waits ${n}`)).toEqual({
        queued: true,
        queued_message: expect.objectContaining({ content: say(`waits ${n}`) }),
      })
    await expect(send('one more')).rejects.toMatchObject({
      status: 429,
      message: 'Message queue is full.',
      detail: expect.stringContaining('20'),
    })
    expect((await listed()).queued_messages).toHaveLength(20)
  })

  it('T-12, CH-202: of many at once one begins a turn, twenty wait and the others are refused', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        send(`at once ${n}`).then(
          ({ queued }) => (queued ? 'waits' : 'begins'),
          (error: { readonly status: number }) => error.status,
        ),
      ),
    )
    expect(
      Object.fromEntries(Object.entries(Object.groupBy(outcomes, String)).map(([k, v]) => [k, v?.length])),
    ).toEqual({
      begins: 1,
      waits: 20,
      429: 3,
    })
    const { messages, queued_messages } = await listed()
    expect(messages).toHaveLength(3)
    expect(queued_messages).toHaveLength(20)
  })

  it('CH-130: what waits keeps the model that it was sent for', async () => {
    await send('go')
    const { queued_message: waiting } = await send('waits')
    expect(waiting?.model_config_id).toBe(world.modelConfigId)
    const other = await fixtures.chatModelConfig(world.database.db, { ai_provider_id: world.providerId })
    const { queued_message: chosen } = await send('with another', { model_config_id: other.id })
    await world.admin.call(updateChatModelConfig, {
      params: { modelConfig: other.id },
      body: { is_default: true },
    })
    const models = (await listed()).queued_messages.map(({ model_config_id }) => model_config_id)
    expect([models, chosen?.model_config_id]).toEqual([[world.modelConfigId, other.id], other.id])
    await world.admin.call(updateChatModelConfig, {
      params: { modelConfig: world.modelConfigId },
      body: { is_default: true },
    })
    expect((await ada.call(getChat, { params: at() })).last_model_config_id).toBe(world.modelConfigId)
  })

  it('CH-431: what a refused message would have set or linked stays as it was', async () => {
    const { db } = world.database
    const of = { owner_id: adaId, organization_id: world.organizationId }
    const [file, server] = [
      await fixtures.chatFile(db, of),
      await fixtures.mcpServerConfig(db, { organization_id: world.organizationId, enabled: true }),
    ]
    await send('go')
    for (let n = 0; n < 20; n += 1) await fixtures.chatQueuedMessage(db, { chat_id: chatId })
    const refused = send('x', {
      content: [{ type: 'file', file_id: file.id }],
      plan_mode: 'plan',
      mcp_server_ids: [server.id],
      reasoning_effort: 'high',
    })
    await expect(refused).rejects.toMatchObject({ status: 429 })
    const chat = await ada.call(getChat, { params: at() })
    expect([chat.plan_mode, chat.mcp_server_ids, chat.files, chat.last_reasoning_effort]).toEqual([
      undefined,
      [],
      undefined,
      undefined,
    ])
  })

  it('CH-431: an explorer keeps the servers that it was started with', async () => {
    chatId = await idle(1, { mode: 'explore' })
    await send('look', { mcp_server_ids: ['9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'] })
    expect((await ada.call(getChat, { params: at() })).mcp_server_ids).toEqual([])
  })

  it('CH-431: with open calls tells their cancellation first', async () => {
    const { db } = world.database
    await fixtures.chatMessage(db, {
      chat_id: chatId,
      role: 'assistant',
      content: JSON.stringify([
        {
          type: 'tool-call',
          tool_call_id: 'c',
          tool_name: 't',
          args: {},
          created_at: new Date().toISOString(),
        },
      ]),
    })
    const { messages } = await send('go on')
    expect(messages?.map(({ role }) => role)).toEqual(['tool', 'user'])
    expect(messages?.[0]?.content[0]).toMatchObject({ is_error: true, tool_call_id: 'c' })
  })

  it('keeps model and rest for later, all of it or nothing', async () => {
    const server = await fixtures.mcpServerConfig(world.database.db, {
      organization_id: world.organizationId,
      enabled: true,
    })
    await send('plan', { plan_mode: 'plan', mcp_server_ids: [server.id], reasoning_effort: 'high' })
    expect(await ada.call(getChat, { params: at() })).toMatchObject({
      plan_mode: 'plan',
      mcp_server_ids: [server.id],
      last_reasoning_effort: 'high',
    })
    await world.database.db
      .updateTable('mcp_server_configs')
      .set({ enabled: false })
      .where('id', '=', server.id)
      .execute()
    // What the chat has already stays acceptable.
    await send('go', { plan_mode: '', mcp_server_ids: [server.id] })
    expect((await ada.call(getChat, { params: at() })).plan_mode).toBeUndefined()
    await expect(send('x', { mcp_server_ids: [chatId] })).rejects.toMatchObject({ status: 400 })
  })

  it('T-37: the 51st file of a chat is refused with its message', async () => {
    const { db } = world.database
    const of = { owner_id: adaId, organization_id: world.organizationId }
    for (let n = 0; n < 50; n += 1)
      await fixtures.chatFileLink(db, { chat_id: chatId, file: await fixtures.chatFile(db, of) })
    const file = await fixtures.chatFile(db, of)
    const before = await listed()
    const attach = (id: string) =>
      send('look', { content: [{ type: 'file', file_id: id }], plan_mode: 'plan' })
    await expect(attach(file.id)).rejects.toMatchObject({
      status: 400,
      message: 'Chat attachment limit reached.',
    })
    expect(await listed()).toEqual(before)
    expect(await ada.call(getChat, { params: at() })).toMatchObject({ status: 'waiting' })
    const known = await db
      .selectFrom('chat_file_links')
      .select('file_id')
      .where('chat_id', '=', chatId)
      .execute()
    expect((await attach(known[0]?.file_id ?? '')).queued).toBe(false)
  })

  it('refuses archived chats, and what is no message', async () => {
    chatId = await idle(1, { archived: true, archived_at: new Date() })
    await expect(send('x')).rejects.toMatchObject({ status: 400, message: 'Chat is archived.' })
    await expect(send('x', { content: [], plan_mode: 'x' })).rejects.toMatchObject({
      message: 'Chat is archived.',
    })
    chatId = await idle()
    for (const body of [
      { content: [] },
      { reasoning_effort: 'much' },
      { plan_mode: 'x' },
      { busy_behavior: 'x' },
    ])
      await expect(send('x', body)).rejects.toMatchObject({ status: 400 })
  })

  it('CH-220: a chat in an invalid state takes nothing until it is reconciled', async () => {
    await fixtures.chatQueuedMessage(world.database.db, { chat_id: chatId })
    await expect(send('x')).rejects.toMatchObject({ status: 409, message: 'Chat is in an invalid state.' })
    const chat = await ada.call(reconcileInvalidChat, { params: at() })
    expect(chat).toMatchObject({ status: 'error', last_error: { kind: 'generic' } })
    await expect(ada.call(reconcileInvalidChat, { params: at() })).rejects.toMatchObject({
      status: 409,
      message: 'Chat is not in an invalid state.',
    })
    const { queued, message, queued_message } = await send('after')
    expect([queued, message?.content, queued_message?.content]).toEqual([true, say('next'), say('after')])
  })

  it('B-13: with a key it is sent once', async () => {
    const post = (text: string) =>
      fetch(`${world.server.url}/api/experimental/chats/${chatId}/messages`, {
        method: 'POST',
        headers: { ...ada.headers, 'Content-Type': 'application/json', 'Idempotency-Key': 'once' },
        body: JSON.stringify({ content: say(text) }),
      })
    const answers = await Promise.all([post('hi'), post('hi')])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await answers[0]?.json()).toEqual(await answers[1]?.json())
    expect((await listed()).queued_messages).toEqual([])
    expect((await post('other')).status).toBe(422)
  })
})

describe('CH-433: editing', () => {
  it('T-15: takes away what came after it, and the queue', async () => {
    chatId = await idle(3)
    const { messages: before } = await listed()
    const first = before.at(-1)
    await fixtures.chatQueuedMessage(world.database.db, { chat_id: chatId })
    await world.database.db
      .updateTable('chats')
      .set({ status: 'error', last_error: '{"message":"x","kind":"generic","retryable":false}' })
      .where('id', '=', chatId)
      .execute()
    const answer = await ada.call(editChatMessage, {
      params: { ...at(), message: String(first?.id) },
      body: { content: say('better') },
    })
    expect(answer.deleted_message_ids).toEqual(before.map(({ id }) => id).reverse())
    expect(answer.message).toMatchObject({
      role: 'user',
      content: say('better'),
      model_config_id: world.modelConfigId,
    })
    expect(answer.message.id).toBeGreaterThan(before[0]?.id ?? 0)
    expect(await listed()).toMatchObject({ messages: [answer.message], queued_messages: [] })
    const chat = await ada.call(getChat, { params: at() })
    expect(chat.status).toBe('running')
    expect(chat.last_error).toBeUndefined()
  })

  it('T-16: is for live messages of users alone', async () => {
    const [reply, question] = (await listed()).messages
    const edit = (message: string | number | undefined) =>
      ada.call(editChatMessage, {
        params: { ...at(), message: String(message) },
        body: { content: say('x') },
      })
    await expect(edit(reply?.id)).rejects.toMatchObject({ status: 400 })
    await expect(edit(999_999_999)).rejects.toMatchObject({ status: 404 })
    await expect(edit(0)).rejects.toMatchObject({ status: 400 })
    await expect(edit('x')).rejects.toMatchObject({ status: 400 })
    const other = await idle()
    const [theirs] = (await ada.call(listChatMessages, { params: at(other) })).messages.slice(-1)
    await expect(edit(theirs?.id)).rejects.toMatchObject({ status: 404 })
    await edit(question?.id)
    await expect(edit(question?.id)).rejects.toMatchObject({ status: 404 })
  })
})

describe('CH-433: what replaces a message', () => {
  const edit = async (body: object) => {
    const [question] = (await listed()).messages.slice(-1)
    return ada.call(editChatMessage, {
      params: { ...at(), message: String(question?.id) },
      body: { content: say('better'), ...body },
    })
  }
  const row = (id: number) =>
    world.database.db
      .selectFrom('chat_messages')
      .select(['model_config_id', 'reasoning_effort'])
      .where('id', '=', id)
      .executeTakeFirst()

  it('keeps model and effort of what it replaces, unless it names others', async () => {
    const { db } = world.database
    const other = await fixtures.chatModelConfig(db, { ai_provider_id: world.providerId })
    await db
      .updateTable('chat_messages')
      .set({ model_config_id: other.id, reasoning_effort: 'high' })
      .where('chat_id', '=', chatId)
      .where('role', '=', 'user')
      .execute()
    // Known to the server, too.
    await world.admin.call(updateChatModelConfig, {
      params: { modelConfig: other.id },
      body: { display_name: 'Other' },
    })
    const kept = await edit({})
    expect(await row(kept.message.id)).toEqual({ model_config_id: other.id, reasoning_effort: 'high' })
    const named = await edit({ model_config_id: world.modelConfigId, reasoning_effort: 'low' })
    expect(await row(named.message.id)).toEqual({
      model_config_id: world.modelConfigId,
      reasoning_effort: 'low',
    })
    expect((await ada.call(getChat, { params: at() })).last_reasoning_effort).toBe('low')
    await db
      .updateTable('chat_messages')
      .set({ model_config_id: other.id })
      .where('id', '=', named.message.id)
      .execute()
    await world.admin.call(updateChatModelConfig, {
      params: { modelConfig: other.id },
      body: { enabled: false },
    })
    const usable = await edit({})
    expect((await row(usable.message.id))?.model_config_id).toBe(world.modelConfigId)
  })

  it('T-37: with a 51st file changes nothing', async () => {
    const { db } = world.database
    const of = { owner_id: adaId, organization_id: world.organizationId }
    for (let n = 0; n < 50; n += 1)
      await fixtures.chatFileLink(db, { chat_id: chatId, file: await fixtures.chatFile(db, of) })
    const before = await listed()
    const file = await fixtures.chatFile(db, of)
    await expect(edit({ content: [{ type: 'file', file_id: file.id }] })).rejects.toMatchObject({
      status: 400,
      message: 'Chat attachment limit reached.',
    })
    expect(await listed()).toEqual(before)
  })

  it('is no message of an archived chat, whatever is wrong beside that', async () => {
    chatId = await idle(1, { archived: true, archived_at: new Date() })
    for (const message of ['0', '999999999'])
      await expect(
        ada.call(editChatMessage, { params: { ...at(), message }, body: { content: [] } }),
      ).rejects.toMatchObject({ status: 400, message: 'Chat is archived.' })
  })
})

describe('steering', () => {
  it('CH-207: what runs is interrupted, and nothing else can be', async () => {
    await expect(ada.call(interruptChat, { params: at() })).rejects.toMatchObject({
      status: 409,
      message: 'Chat is not in an interruptible state.',
    })
    await send('go')
    await send('waits')
    const { status } = await ada.call(interruptChat, { params: at() })
    expect(['interrupting', 'running']).toContain(status)
    chatId = await idle(1, { archived: true, archived_at: new Date() })
    await expect(ada.call(interruptChat, { params: at() })).rejects.toMatchObject({ status: 400 })
  })

  it('CH-211: a waiting message is taken out once', async () => {
    await send('go')
    const { queued_message: waiting } = await send('waits')
    const params = { ...at(), queuedMessage: String(waiting?.id) }
    await ada.call(deleteChatQueuedMessage, { params })
    expect((await listed()).queued_messages).toEqual([])
    await expect(ada.call(deleteChatQueuedMessage, { params })).rejects.toMatchObject({ status: 409 })
    await send('waits again')
    await expect(ada.call(deleteChatQueuedMessage, { params })).rejects.toMatchObject({ status: 404 })
    await expect(
      ada.call(deleteChatQueuedMessage, { params: { ...at(), queuedMessage: '0' } }),
    ).rejects.toMatchObject({ status: 400 })
  })

  it('CH-435: a waiting message is promoted, at once where nothing runs', async () => {
    chatId = await idle(1, {
      status: 'error',
      last_error: '{"message":"x","kind":"generic","retryable":false}',
    })
    const { db } = world.database
    for (const text of ['one', 'two'])
      await fixtures.chatQueuedMessage(db, { chat_id: chatId, content: JSON.stringify(say(text)) })
    const [, two] = (await listed()).queued_messages
    const answer = await ada.call(promoteChatQueuedMessage, {
      params: { ...at(), queuedMessage: String(two?.id) },
    })
    expect(answer.message?.content).toEqual(say('two'))
    expect((await listed()).queued_messages.map(({ content }) => content)).toEqual([say('one')])
  })

  it('CH-215: a conversation is compacted when there is something to compact', async () => {
    const chat = await ada.call(compactChat, { params: at() })
    expect(chat.status).toBe('running')
    await expect(ada.call(compactChat, { params: at() })).rejects.toMatchObject({ status: 409 })
    chatId = await idle(0)
    await expect(ada.call(compactChat, { params: at() })).rejects.toMatchObject({
      status: 409,
      message: 'Nothing to compact.',
    })
    await fixtures.chatMessage(world.database.db, { chat_id: chatId })
    await fixtures.chatMessage(world.database.db, { chat_id: chatId, compressed: true, visibility: 'model' })
    await expect(ada.call(compactChat, { params: at() })).rejects.toMatchObject({
      message: 'Nothing to compact.',
    })
    expect((await ada.call(getChat, { params: at() })).status).toBe('waiting')
  })

  it('B-6: a wait for the next try is ended, where there is one', async () => {
    await expect(ada.call(retryChatNow, { params: at() })).rejects.toMatchObject({ status: 409 })
  })

  it('T-32, CH-1501: the results of the client cover exactly the open calls', async () => {
    const { db } = world.database
    const wait = async () => {
      const id = await idle(1, {
        status: 'requires_action',
        requires_action_deadline_at: new Date(Date.now() + 300_000),
        dynamic_tools: JSON.stringify([{ name: 'ask' }]),
      })
      await fixtures.chatMessage(db, {
        chat_id: id,
        role: 'assistant',
        content: JSON.stringify(
          ['a', 'b'].map((tool_call_id) => ({
            type: 'tool-call',
            tool_call_id,
            tool_name: 'ask',
            args: {},
            created_at: new Date().toISOString(),
          })),
        ),
      })
      return id
    }
    chatId = await wait()
    const submit = (ids: readonly string[]) =>
      ada.call(submitChatToolResults, {
        params: at(),
        body: {
          results: ids.map((tool_call_id) => ({ tool_call_id, output: { of: [tool_call_id, null, 1] } })),
        },
      })
    const refusals = await Promise.all(
      [['a'], ['a', 'b', 'c'], ['a', 'b', 'b']].map((ids) => submit(ids).catch((error: unknown) => error)),
    )
    expect(refusals).toEqual([
      expect.objectContaining({ status: 400, message: 'Missing tool result.' }),
      expect.objectContaining({ status: 400, message: 'Unexpected tool result.' }),
      expect.objectContaining({ status: 400, message: 'Duplicate tool result.' }),
    ])
    const outcomes = await Promise.all(
      [1, 2, 3].map(() =>
        submit(['b', 'a']).then(
          () => 204,
          (error: unknown) => Reflect.get(Object(error), 'status'),
        ),
      ),
    )
    expect(outcomes.sort()).toEqual([204, 409, 409])
    const { messages } = await listed()
    expect(
      messages.slice(0, 2).map(({ role, content }) => [role, content[0]?.tool_call_id, content[0]?.result]),
    ).toEqual([
      ['tool', 'b', { of: ['b', null, 1] }],
      ['tool', 'a', { of: ['a', null, 1] }],
    ])
    await until(
      'the turn to go on',
      async () => (await ada.call(getChat, { params: at() })).status === 'running',
    )
  })
})

describe('CH-302, CH-303: who may do what', () => {
  it('T-11: an administrator does not write in the name of the owner, and a reader sees no way to', async () => {
    const { client: reader, id } = await world.member()
    await ada.call(updateChatAcl, { params: at(), body: { user_roles: { [id]: 'read' } } })
    expect((await reader.call(getChat, { params: at() })).shared).toBe(true)
    const params = { ...at(), message: '1', queuedMessage: '1' }
    const owned = [
      (client: Client) => send('x', {}, client),
      (client: Client) => client.call(editChatMessage, { params, body: { content: say('x') } }),
      (client: Client) => client.call(promoteChatQueuedMessage, { params }),
      (client: Client) => client.call(submitChatToolResults, { params, body: { results: [] } }),
      (client: Client) => client.call(compactChat, { params }),
      (client: Client) => client.call(retryChatNow, { params }),
    ]
    for (const call of owned) {
      await expect(call(world.admin)).rejects.toMatchObject({ status: 403 })
      await expect(call(reader)).rejects.toMatchObject({ status: 404 })
    }
    for (const call of [
      (client: Client) => client.call(interruptChat, { params }),
      (client: Client) => client.call(deleteChatQueuedMessage, { params }),
      (client: Client) => client.call(reconcileInvalidChat, { params }),
    ]) {
      await expect(call(world.admin)).rejects.toMatchObject({ status: 409 })
      await expect(call(reader)).rejects.toMatchObject({ status: 404 })
    }
    const { client: stranger } = await world.member()
    await expect(stranger.call(getChat, { params })).rejects.toMatchObject({ status: 404 })
    await expect(stranger.call(listChatMessages, { params })).rejects.toMatchObject({ status: 404 })
  })

  it('CH-307: a reader opens the chat with its children, messages, prompts and cost', async () => {
    const { client: reader, id } = await world.member()
    const child = await fixtures.chat(world.database.db, {
      owner_id: adaId,
      organization_id: world.organizationId,
      last_model_config_id: world.modelConfigId,
      parent_chat_id: chatId,
      root_chat_id: chatId,
    })
    await ada.call(updateChatAcl, { params: at(), body: { user_roles: { [id]: 'read' } } })
    expect((await reader.call(getChat, { params: at() })).children.map((one) => one.id)).toEqual([child.id])
    expect(await reader.call(getChat, { params: at(child.id) })).toMatchObject({
      shared: true,
      root_chat_id: chatId,
      parent_chat_id: chatId,
      children: [],
    })
    expect((await reader.call(listChatMessages, { params: at() })).messages).toHaveLength(2)
    expect(await reader.call(getChatCost, { params: at() })).toEqual({
      chat_id: chatId,
      total_cost_micros: 0,
      request_count: 0,
      unpriced_request_count: 0,
    })
  })
})

it('lists what users have written, newest first and without blanks', async () => {
  const { db } = world.database
  await fixtures.chatMessage(db, { chat_id: chatId, content: JSON.stringify([...say('a'), ...say('b')]) })
  await fixtures.chatMessage(db, { chat_id: chatId, content: '[]' })
  await fixtures.chatMessage(db, { chat_id: chatId, content: '"of old"', content_version: 0 })
  const prompts = async (query = {}) => (await ada.call(listChatPrompts, { params: at(), query })).prompts
  expect((await prompts()).map(({ text }) => text)).toEqual(['of old', 'ab', 'user 1'])
  expect(await prompts({ limit: 1 })).toHaveLength(1)
  await expect(prompts({ limit: 2001 })).rejects.toMatchObject({ status: 400 })
  // However many there are, an answer stays of some megabytes.
  for (let n = 0; n < 6; n += 1)
    await fixtures.chatMessage(db, { chat_id: chatId, content: JSON.stringify(say('x'.repeat(1_000_000))) })
  expect(await prompts()).toHaveLength(4)
})
