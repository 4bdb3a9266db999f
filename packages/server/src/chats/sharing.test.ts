import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  exportChat,
  getChat,
  getChatAcl,
  listAuditLogs,
  type UpdateChatACL,
  updateChatAcl,
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
  chatId = await make()
})

const make = async (columns: object = {}) =>
  (
    await fixtures.chat(world.database.db, {
      owner_id: adaId,
      organization_id: world.organizationId,
      last_model_config_id: world.modelConfigId,
      ...columns,
    })
  ).id
const at = (chat = chatId) => ({ params: { chat } })
const share = (body: UpdateChatACL, client = ada, chat = chatId) =>
  client.call(updateChatAcl, { ...at(chat), body })
const opens = (client: Client, chat = chatId) =>
  client.call(getChat, at(chat)).then(
    () => true,
    () => false,
  )

const exported = async (client: Client, query: { readonly format?: 'json' | 'markdown' } = {}) =>
  fetch(client.address(exportChat, { ...at(), query }), { headers: client.headers })

describe('B-18: a chat as a file', () => {
  it('holds the chats of its subagents and all messages, however many', async () => {
    const { db } = world.database
    const say = (text: string) => JSON.stringify([{ type: 'text', text }])
    for (let n = 1; n <= 401; n += 1)
      await fixtures.chatMessage(db, { chat_id: chatId, role: 'user', content: say(`message ${n}`) })
    await fixtures.chatMessage(db, { chat_id: chatId, content: say('for the model'), visibility: 'model' })
    const child = await make({ parent_chat_id: chatId, root_chat_id: chatId, title: 'Look it "up"' })
    await make({ parent_chat_id: chatId, root_chat_id: chatId, title: 'Silent' })
    await fixtures.chatMessage(db, { chat_id: child, role: 'assistant', content: say('found') })
    const answer = await exported(ada)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename=".+\.json"$/)
    expect(await answer.json()).toMatchObject({
      chat: { id: chatId },
      messages: Array.from({ length: 401 }, (_, n) => ({ content: [{ text: `message ${n + 1}` }] })),
      children: [
        { chat: { id: child, title: 'Look it "up"' }, messages: [{ content: [{ text: 'found' }] }] },
        { chat: { title: 'Silent' }, messages: [] },
      ],
    })
    const text = await (await exported(ada, { format: 'markdown' })).text()
    expect(text).toContain('## You\n\nmessage 1\n\n')
    expect(text).toContain('message 401\n\n# Subagent: Look it "up"')
    expect(text).not.toContain('for the model')
  })

  it('is only for those who may read it', async () => {
    const friend = await world.member([])
    expect((await exported(friend.client)).status).toBe(404)
    await share({ user_roles: { [friend.id]: 'read' } })
    expect((await exported(friend.client)).status).toBe(200)
  })
})

describe('CH-304, CH-305: the access list of a chat', () => {
  it('opens it and what belongs to it to a user, and closes it again', async () => {
    const friend = await world.member([])
    const child = await make({ parent_chat_id: chatId, root_chat_id: chatId })
    expect(await opens(friend.client)).toBe(false)
    await share({ user_roles: { [friend.id.toUpperCase()]: 'read' } })
    expect([await opens(friend.client), await opens(friend.client, child)]).toEqual([true, true])
    expect((await ada.call(getChat, at())).shared).toBe(true)
    expect((await ada.call(getChat, at(child))).shared).toBe(true)
    const { users, groups } = await friend.client.call(getChatAcl, at())
    expect(users).toEqual([expect.objectContaining({ id: friend.id, role: 'read' })])
    expect(JSON.stringify(users)).not.toContain('@')
    expect(groups).toEqual([])
    await share({ user_roles: { [friend.id]: '' } })
    expect(await opens(friend.client)).toBe(false)
    expect((await ada.call(getChat, at())).shared).toBe(false)
  })

  it('opens it to groups, and to everyone of the organization', async () => {
    const group = await fixtures.group(world.database.db, { organization_id: world.organizationId })
    const member = await world.member([])
    await fixtures.groupMember(world.database.db, { group, user_id: member.id })
    const other = await world.member([])
    await share({ group_roles: { [group.id]: 'read' } })
    expect([await opens(member.client), await opens(other.client)]).toEqual([true, false])
    expect((await ada.call(getChatAcl, at())).groups).toEqual([
      expect.objectContaining({ id: group.id, role: 'read', members: [] }),
    ])
    await share({ group_roles: { [world.organizationId]: 'read' } })
    expect(await opens(other.client)).toBe(true)
  })

  it('takes the role read, for users and groups of the organization, but not for oneself', async () => {
    const stranger = await fixtures.user(world.database.db)
    const friend = await world.member([])
    for (const [body, field] of [
      [{ user_roles: { x: 'read' } }, 'user_roles'],
      [{ user_roles: { [friend.id]: 'write' } }, 'user_roles'],
      [{ user_roles: { [stranger.id]: 'read' } }, 'user_roles'],
      [{ group_roles: { [stranger.id]: 'read' } }, 'group_roles'],
      [{ user_roles: { [friend.id]: 'read', [friend.id.toUpperCase()]: '' } }, 'user_roles'],
    ] as const)
      await expect(share(body)).rejects.toMatchObject({
        status: 400,
        body: { validations: [expect.objectContaining({ field })] },
      })
    await expect(share({ user_roles: { [adaId]: 'read' } })).rejects.toMatchObject({ status: 400 })
    expect(await opens(friend.client)).toBe(false)
  })

  it('belongs to the root', async () => {
    const child = await make({ parent_chat_id: chatId, root_chat_id: chatId })
    const detail = expect.stringContaining(chatId)
    await expect(ada.call(getChatAcl, at(child))).rejects.toMatchObject({ status: 400, detail })
    await expect(share({}, ada, child)).rejects.toMatchObject({ status: 400, detail })
  })

  it('is read by whoever reads the chat, and changed by who may share it; both leave a trace', async () => {
    const friend = await world.member([])
    const stranger = await world.member([])
    await share({ user_roles: { [friend.id]: 'read' } })
    await expect(share({ user_roles: { [stranger.id]: 'read' } }, friend.client)).rejects.toMatchObject({
      status: 403,
    })
    await expect(share({}, stranger.client)).rejects.toMatchObject({ status: 404 })
    await share({ user_roles: { [stranger.id]: 'read' } }, world.admin)
    const { audit_logs } = await world.admin.call(listAuditLogs, {
      query: { q: `resource_id:${chatId}`, limit: 10 },
    })
    expect(audit_logs.map(({ action, status_code, user }) => [action, status_code, user?.id])).toEqual([
      ['write', 204, world.adminId],
      ['write', 404, stranger.id],
      ['write', 403, friend.id],
      ['write', 204, adaId],
    ])
    expect(audit_logs[3]?.diff).toEqual({
      user_acl: { old: '', new: JSON.stringify({ [friend.id]: ['read'] }), secret: false },
    })
  })
})

it('CH-306: a deployment that does not share chats keeps lists and looks at none', async () => {
  await using closed = await openChatsWorld({ CODER_DISABLE_CHAT_SHARING: 'true' })
  const owner = await closed.member()
  const friend = await closed.member([])
  const chat = await fixtures.chat(closed.database.db, {
    owner_id: owner.id,
    organization_id: closed.organizationId,
    last_model_config_id: closed.modelConfigId,
    user_acl: JSON.stringify({ [friend.id]: ['read'] }),
  })
  expect(await opens(friend.client, chat.id)).toBe(false)
  expect((await owner.client.call(getChat, at(chat.id))).shared).toBe(false)
  for (const client of [owner.client, closed.admin]) {
    const refusal = { status: 403, message: 'Chat sharing is disabled for this deployment.' }
    await expect(client.call(getChatAcl, at(chat.id))).rejects.toMatchObject(refusal)
    await expect(share({}, client, chat.id)).rejects.toMatchObject(refusal)
  }
  const stored = await closed.database.db
    .selectFrom('chats')
    .select('user_acl')
    .where('id', '=', chat.id)
    .executeTakeFirst()
  expect(stored?.user_acl).toEqual({ [friend.id]: ['read'] })
})

it('CH-1704: counts chats that do something', async () => {
  await make({ status: 'requires_action', requires_action_deadline_at: new Date(Date.now() + 300_000) })
  await until('the count', async () => {
    const text = await (await fetch(`${world.server.url}/metrics`, { headers: world.admin.headers })).text()
    return /coderd_chatd_chats\{state="requires_action"\} 1\b/.test(text)
  })
})
