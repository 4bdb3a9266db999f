import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  compactChat,
  createChat,
  createChatModelConfig,
  createToken,
  EXPERIMENTS,
  editChatMessage,
  getChat,
  getExperiments,
  listAuditLogs,
  listChatMessages,
  promoteChatQueuedMessage,
  proposeChatTitle,
  regenerateChatTitle,
  retryChatNow,
  sendChatMessage,
  submitChatToolResults,
  updateChat,
  updateChatModelConfig,
  updateChatSystemPrompt,
} from '@slipway/contract'
import { fixtures } from '@slipway/testkit'
import { type ChatsWorld, openChatsWorld } from './chats-world.fixture.ts'

let world: ChatsWorld
let ada: Client
let adaId: string

beforeAll(async () => {
  world = await openChatsWorld()
  const member = await world.member()
  ada = member.client
  adaId = member.id
})
afterAll(() => world[Symbol.asyncDispose]())

const text = [{ type: 'text', text: 'hello' }]
const create = (body: Record<string, unknown>) =>
  ada.call(createChat, { body: { organization_id: world.organizationId, content: text, ...body } })
it('CH-1703: chats need no experiment; what is one of theirs has a name', async () => {
  expect(Object.keys(EXPERIMENTS)).toEqual(
    expect.arrayContaining([
      'chat-advisor',
      'chat-virtual-desktop',
      'agent-lifecycle-hooks',
      'mcp-tool-search',
    ]),
  )
  const experiments = await ada.call(getExperiments)
  expect(experiments.filter((name) => /chat|agent/.test(name))).toEqual([])
  expect((await create({})).status).toBe('running')
})

const refusal = (detail: object) => expect.objectContaining({ status: 400, ...detail })

describe('AG-B8: a token with limits for AI, which hold at the gateway alone', () => {
  it('runs no chats of its owner, and reads them', async () => {
    const chat = await create({})
    const { key } = await ada.call(createToken, {
      params: { user: 'me' },
      body: { token_name: 'limited', ai_limits: { models: ['gpt-*'] } },
    })
    const limited = new Client({ url: world.server.url, token: key })
    const of = { params: { chat: chat.id } }
    const body = { organization_id: world.organizationId, content: text }
    const refused = [
      limited.call(createChat, { body }),
      limited.call(sendChatMessage, { ...of, body: { content: text } }),
      limited.call(editChatMessage, { params: { chat: chat.id, message: '1' }, body: { content: text } }),
      limited.call(promoteChatQueuedMessage, { params: { chat: chat.id, queuedMessage: '1' } }),
      limited.call(compactChat, of),
      limited.call(retryChatNow, of),
      limited.call(submitChatToolResults, { ...of, body: { results: [] } }),
      limited.call(proposeChatTitle, of),
      limited.call(regenerateChatTitle, of),
    ]
    for (const outcome of await Promise.allSettled(refused))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { status: 403 } })
    expect(await limited.call(getChat, of)).toMatchObject({ id: chat.id })
  })
})

describe('CH-401: making a chat', () => {
  it('CH-102, CH-408: it is runnable, has a title of its first words, and all that clients decode', async () => {
    const chat = await create({
      content: [{ type: 'text', text: ' one two three  four five six seven ' }],
      labels: { 'ci/run': '812' },
    })
    expect(chat).toMatchObject({
      organization_id: world.organizationId,
      owner_id: adaId,
      root_chat_id: chat.id,
      status: 'running',
      title: 'one two three four five six…',
      client_type: 'api',
      archived: false,
      shared: false,
      pin_order: 0,
      mcp_server_ids: [],
      labels: { 'ci/run': '812' },
      has_unread: false,
      children: [],
      last_turn_summary: null,
      summary: null,
      last_model_config_id: world.modelConfigId,
    })
    const { messages } = await ada.call(listChatMessages, { params: { chat: chat.id } })
    expect(messages).toEqual([
      expect.objectContaining({
        role: 'user',
        created_by: adaId,
        content: [{ type: 'text', text: 'one two three  four five six seven' }],
      }),
    ])
  })

  it('T-1, CH-103: the client type is api unless it is said, and nothing else is one', async () => {
    expect((await create({})).client_type).toBe('api')
    expect((await create({ client_type: '' })).client_type).toBe('api')
    expect((await create({ client_type: 'ui' })).client_type).toBe('ui')
    await expect(create({ client_type: 'bot' })).rejects.toEqual(refusal({ message: 'Invalid client_type.' }))
  })

  it('T-3: an organization is needed, and the caller must be in it', async () => {
    await expect(create({ organization_id: undefined })).rejects.toEqual(refusal({}))
    await expect(create({ organization_id: 'acme' })).rejects.toEqual(refusal({}))
    const other = await fixtures.organization(world.database.db)
    await expect(create({ organization_id: other.id })).rejects.toMatchObject({
      status: 403,
      message: 'You are not a member of the specified organization.',
    })
  })

  it('T-10, CH-301: members chat when a role lets them, and administrators always', async () => {
    const { client } = await world.member([])
    await expect(world.chat(client)).rejects.toMatchObject({ status: 403 })
    expect((await world.chat(world.admin)).owner_id).toBe(world.adminId)
  })

  it('CH-401: the first fault in the order of the checks is told', async () => {
    const wrong = {
      content: [],
      workspace_id: '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11',
      model_config_id: '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e12',
      plan_mode: 'x',
      mcp_server_ids: ['9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e13'],
      labels: { '': 'x' },
      unsafe_dynamic_tools: [{ name: '' }],
      client_type: 'bot',
      reasoning_effort: 'much',
    }
    const mended: Record<string, unknown> = { ...wrong, organization_id: undefined }
    const messages: string[] = []
    const next: Record<string, unknown> = {
      'organization_id is required.': { organization_id: world.organizationId },
      'Content is required.': { content: text },
      'Workspace not found or you do not have access to this resource.': { workspace_id: undefined },
      'Chat model config not found.': { model_config_id: undefined },
      'Invalid plan_mode.': { plan_mode: '' },
      'Invalid mcp_server_ids.': { mcp_server_ids: [] },
      'Invalid labels.': { labels: {} },
      'A dynamic tool has no name.': { unsafe_dynamic_tools: [] },
      'Invalid client_type.': { client_type: 'ui' },
      'Invalid reasoning_effort.': { reasoning_effort: '' },
    }
    for (;;) {
      const fault: unknown = await create(mended).catch((error: unknown) => error)
      if (!(fault instanceof Error)) break
      messages.push(fault.message)
      Object.assign(mended, next[fault.message])
      if (messages.length > 20) break
    }
    expect(messages).toEqual(Object.keys(next))
  })

  it('CH-401: a body over 256 KiB is 413', async () => {
    await expect(
      create({ system_prompt: 'x'.repeat(100_000), title: 'y'.repeat(200_000) }),
    ).rejects.toMatchObject({
      status: 413,
    })
  })

  it('CH-402: content is text, files and references to files, and the place of what is none is told', async () => {
    for (const [part, why] of [
      [{ type: 'text', text: ' \n' }, 'content[1] has no text.'],
      [{ type: 'hook-context', text: 'x' }, 'content[1] has the type "hook-context", which nobody can send.'],
      [{ type: 'hook-notice', text: 'x' }, 'content[1] has the type "hook-notice", which nobody can send.'],
      [{ type: 'file' }, 'content[1] has no file_id.'],
      [
        { type: 'file', file_id: '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11' },
        'content[1] names a file that does not exist or that you cannot read.',
      ],
      [{ type: 'file-reference', start_line: 1 }, 'content[1] has no file_name.'],
    ] as const)
      await expect(create({ content: [...text, part] })).rejects.toEqual(refusal({ detail: why }))
    const file = await fixtures.chatFile(world.database.db, {
      owner_id: adaId,
      organization_id: world.organizationId,
      name: 'a.txt',
    })
    const reference = {
      type: 'file-reference',
      file_name: 'src/a.ts',
      start_line: 0,
      end_line: 0,
      content: '',
    }
    const chat = await create({ content: [...text, { type: 'file', file_id: file.id }, reference] })
    expect(chat.files).toEqual([expect.objectContaining({ id: file.id, name: 'a.txt', size_bytes: 5 })])
    const { messages } = await ada.call(listChatMessages, { params: { chat: chat.id } })
    expect(messages[0]?.content).toEqual([
      ...text,
      { type: 'file', file_id: file.id, media_type: 'text/plain', name: 'a.txt' },
      reference,
    ])
  })

  it('CH-402: a file of somebody else is as if it were not there', async () => {
    const file = await fixtures.chatFile(world.database.db, { organization_id: world.organizationId })
    await expect(create({ content: [{ type: 'file', file_id: file.id }] })).rejects.toEqual(
      refusal({ detail: 'content[0] names a file that does not exist or that you cannot read.' }),
    )
  })

  it('CH-402, CH-441: a stored file of a type that is not taken cannot be sent', async () => {
    const of = { owner_id: adaId, organization_id: world.organizationId }
    const file = await fixtures.chatFile(world.database.db, { ...of, mimetype: 'image/svg+xml' })
    await expect(create({ content: [{ type: 'file', file_id: file.id }] })).rejects.toEqual(
      refusal({ detail: 'content[0] names a file of the type image/svg+xml, which cannot be sent.' }),
    )
  })

  it('CH-408: what users make is a root, and its title is short', async () => {
    const root = await create({})
    const below = await create({ parent_chat_id: root.id, root_chat_id: root.id, title: 'Mine' })
    expect([below.root_chat_id, below.parent_chat_id, below.title]).toEqual([below.id, undefined, 'hello'])
    const of = { owner_id: adaId, organization_id: world.organizationId }
    const file = await fixtures.chatFile(world.database.db, of)
    expect((await create({ content: [{ type: 'file', file_id: file.id }] })).title).toBe('New Chat')
    const titled = async (said: string) => (await create({ content: [{ type: 'text', text: said }] })).title
    expect(await titled('one two three four five six')).toBe('one two three four five six')
    expect(await titled('🙂'.repeat(80))).toBe('🙂'.repeat(80))
    expect(await titled('🙂'.repeat(81))).toBe(`${'🙂'.repeat(79)}…`)
    expect(await titled(`${'x'.repeat(75)} a b c d e f`)).toBe(`${'x'.repeat(75)} a b…`)
  })

  it('WS-51, T-4, CH-403, CH-423: a workspace must be one to connect to, of the organization of the chat', async () => {
    const { db } = world.database
    const { client, id } = await world.member(['agents-access', 'organization-workspace-access'])
    const elsewhere = await fixtures.organization(db)
    await fixtures.organizationMember(db, {
      user_id: id,
      organization_id: elsewhere.id,
      roles: ['organization-admin', 'organization-workspace-access'],
    })
    const inPlace = async (organization_id: string, owner_id: string) => {
      const template = await fixtures.template(db, { organization_id })
      const workspace = await fixtures.workspace(db, { organization_id, template, owner_id })
      await fixtures.workspaceBuild(db, { workspace })
      return workspace
    }
    const strange = await inPlace(elsewhere.id, id)
    const others = await inPlace(world.organizationId, world.adminId)
    const own = await inPlace(world.organizationId, id)
    await expect(world.chat(client, { workspace_id: strange.id })).rejects.toEqual(
      refusal({ message: 'Workspace does not belong to the specified organization.' }),
    )
    for (const hidden of [others.id, '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'])
      await expect(world.chat(client, { workspace_id: hidden })).rejects.toEqual(
        refusal({ message: 'Workspace not found or you do not have access to this resource.' }),
      )
    const chat = await world.chat(client, { workspace_id: own.id })
    expect(chat.workspace_id).toBe(own.id)
    const params = { chat: chat.id }
    await expect(client.call(updateChat, { params, body: { workspace_id: strange.id } })).rejects.toEqual(
      refusal({ message: "Workspace does not belong to this chat's organization." }),
    )
    await expect(client.call(updateChat, { params, body: { workspace_id: others.id } })).rejects.toEqual(
      refusal({}),
    )
    expect((await client.call(getChat, { params })).workspace_id).toBe(own.id)
    await client.call(updateChat, { params, body: { workspace_id: '00000000-0000-0000-0000-000000000000' } })
    expect((await client.call(getChat, { params })).workspace_id).toBeUndefined()
  })

  it('CH-404: a model that is named must be one that can be used', async () => {
    const disabled = await world.admin.call(createChatModelConfig, {
      body: { ai_provider_id: world.providerId, model: 'other', context_limit: 1000, enabled: false },
    })
    await expect(create({ model_config_id: disabled.id })).rejects.toEqual(
      refusal({ message: 'Chat model config is disabled.' }),
    )
    const params = { modelConfig: world.modelConfigId }
    await world.admin.call(updateChatModelConfig, { params, body: { enabled: false } })
    await expect(create({})).rejects.toEqual(
      refusal({ message: 'No default chat model config is configured.' }),
    )
    await world.admin.call(updateChatModelConfig, { params, body: { enabled: true } })
    expect((await create({ model_config_id: world.modelConfigId })).last_model_config_id).toBe(
      world.modelConfigId,
    )
  })

  it('CH-405: labels have bounded keys and values of certain characters', async () => {
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']))
    for (const labels of [
      many,
      { ['k'.repeat(65)]: 'v' },
      { '-k': 'v' },
      { 'a b': 'v' },
      { k: '' },
      { k: 'é'.repeat(129) },
    ])
      await expect(create({ labels })).rejects.toEqual(refusal({ message: 'Invalid labels.' }))
    const labels = { ['k'.repeat(64)]: 'v'.repeat(256), 'a.b/c_d-e': 'é' }
    expect((await create({ labels })).labels).toEqual(labels)
  })

  it('CH-406: MCP servers are those of the organization that are on, and those that are forced on', async () => {
    const { db } = world.database
    const of = { organization_id: world.organizationId, enabled: true }
    const wished = await fixtures.mcpServerConfig(db, of)
    const off = await fixtures.mcpServerConfig(db, { ...of, enabled: false })
    const strange = await fixtures.mcpServerConfig(db, { enabled: true })
    const closed = await fixtures.mcpServerConfig(db, { ...of, group_acl: '{}' })
    for (const bad of [off, strange, closed])
      await expect(create({ mcp_server_ids: [wished.id, bad.id] })).rejects.toEqual(
        refusal({ message: 'Invalid mcp_server_ids.', detail: expect.stringContaining(bad.id) }),
      )
    expect((await create({ mcp_server_ids: [wished.id, wished.id.toUpperCase()] })).mcp_server_ids).toEqual([
      wished.id,
    ])
    const forced = await fixtures.mcpServerConfig(db, { ...of, availability: 'force_on' })
    await fixtures.mcpServerConfig(db, { ...of, availability: 'force_on', group_acl: '{}' })
    expect((await create({ mcp_server_ids: [wished.id] })).mcp_server_ids).toEqual([wished.id, forced.id])
    expect((await create({})).mcp_server_ids).toEqual([forced.id])
    await db.deleteFrom('mcp_server_configs').where('id', '=', forced.id).execute()
  })

  it('CH-407: dynamic tools have unique names', async () => {
    const tools = (names: readonly string[]) => ({ unsafe_dynamic_tools: names.map((name) => ({ name })) })
    await expect(create(tools(['a', 'a']))).rejects.toEqual(refusal({}))
    await expect(create(tools(['a', ' ']))).rejects.toEqual(refusal({}))
    await expect(create(tools(Array.from({ length: 251 }, (_, i) => `t${i}`)))).rejects.toEqual(refusal({}))
    await create(tools(['a', 'b']))
  })

  it('CH-701: models are told the prompts of the deployment and of the chat, and whether a workspace is there', async () => {
    const chat = await create({ system_prompt: ' Be\u200b brief.\r\n' })
    const { messages } = await ada.call(listChatMessages, { params: { chat: chat.id } })
    expect(messages.map((message) => message.role)).toEqual(['user'])
    const rows = await world.database.db
      .selectFrom('chat_messages')
      .select(['role', 'visibility', sql<string>`content #>> '{0,text}'`.as('text')])
      .where('chat_id', '=', chat.id)
      .orderBy('id')
      .execute()
    expect(rows.map(({ role, visibility }) => [role, visibility])).toEqual([
      ['system', 'model'],
      ['system', 'model'],
      ['system', 'model'],
      ['user', 'both'],
    ])
    expect(rows[1]?.text).toBe('Be brief.')
    expect(rows[2]?.text).toContain('No workspace is attached')
    // What is changed later holds for new chats alone.
    const prompt = { system_prompt: 'Ours.', include_default_system_prompt: false }
    await world.admin.call(updateChatSystemPrompt, { body: prompt })
    const first = async (chat_id: string) => {
      const { text } = await world.database.db
        .selectFrom('chat_messages')
        .select(sql<string>`content #>> '{0,text}'`.as('text'))
        .where('chat_id', '=', chat_id)
        .orderBy('id')
        .executeTakeFirstOrThrow()
      return text
    }
    expect(await first((await create({})).id)).toBe('Ours.')
    expect(await first(chat.id)).toBe(rows[0]?.text)
    await world.admin.call(updateChatSystemPrompt, {
      body: { system_prompt: '', include_default_system_prompt: true },
    })
  })

  it('CH-408: making a chat is audited, and being refused is', async () => {
    const chat = await create({})
    const of = (id: string) =>
      world.admin.call(listAuditLogs, { query: { q: `resource_id:${id}`, limit: 10 } })
    expect((await of(chat.id)).audit_logs).toEqual([
      expect.objectContaining({
        resource_type: 'chat',
        action: 'create',
        status_code: 201,
        resource_target: chat.id.slice(0, 8),
        diff: expect.objectContaining({ title: { old: '', new: '', secret: true } }),
      }),
    ])
    const { client, id } = await world.member([])
    await expect(world.chat(client)).rejects.toMatchObject({ status: 403 })
    const { audit_logs: latest } = await world.admin.call(listAuditLogs, {
      query: { q: 'resource_type:chat action:create', limit: 25 },
    })
    expect(latest.filter(({ user }) => user?.id === id)).toEqual([
      expect.objectContaining({ status_code: 403, diff: {} }),
    ])
  })
})

describe('T-6, CH-101, B-2: the row is written once, as it stays', () => {
  it('a trigger sees what is committed, and nothing updates the row', async () => {
    const { db } = world.database
    await sql`create table seen (op text, status text, snapshot_version bigint, history_version bigint)`.execute(
      db,
    )
    await sql`create function see() returns trigger language plpgsql as $$ begin
      insert into seen values (tg_op, new.status, new.snapshot_version, new.history_version); return null; end $$`.execute(
      db,
    )
    await sql`create trigger zz_see after insert or update on chats for each row
      when (new.title = 'written once') execute function see()`.execute(db)
    const before = world.lines.length
    const chat = await create({ content: [{ type: 'text', text: 'written once' }] })
    const { rows } = await sql<{ op: string }>`select * from seen`.execute(db)
    expect(rows.filter((row) => row.op === 'INSERT')).toEqual([
      { op: 'INSERT', status: 'running', snapshot_version: 1, history_version: 1 },
    ])
    // Whoever takes the chat up writes it then, after a version of its own.
    expect(
      rows.filter((row) => row.op === 'UPDATE' && JSON.stringify(row).includes('"snapshot_version":1,')),
    ).toEqual([])
    const { rows: events } = await sql<{ op: string; status: string }>`
      select op, data ->> 'status' as status from change_log where kind = 'chat' and key = ${chat.id}
       order by id limit 1`.execute(db)
    expect(events).toEqual([{ op: 'insert', status: 'running' }])
    await sql`drop trigger zz_see on chats`.execute(db)
    const line = world.lines
      .slice(before)
      .find((one) => one.message === 'POST' && one.route === '/api/experimental/chats')
    expect(line?.statements).toBeLessThanOrEqual(6)
  })
})

it('B-11: the same under the prefix of the public documentation', async () => {
  const post = await fetch(`${world.server.url}/api/v2/chats`, {
    method: 'POST',
    headers: { ...ada.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify({ organization_id: world.organizationId, content: text }),
  })
  expect(post.status).toBe(201)
  const { id } = Object(await post.json())
  const got = await fetch(`${world.server.url}/api/v2/chats/${id}`, { headers: ada.headers })
  expect(Object(await got.json())).toMatchObject({ id, status: 'running' })
})

describe('B-13: a request with a key is answered once', () => {
  const send = (key: string, body: object) =>
    fetch(`${world.server.url}/api/experimental/chats`, {
      method: 'POST',
      headers: { ...ada.headers, 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify({ organization_id: world.organizationId, content: text, ...body }),
    })

  it('again is the same chat, also when both are under way', async () => {
    const answers = await Promise.all([send('k1', {}), send('k1', {}), send('k1', {})])
    const ids = await Promise.all(answers.map(async (answer) => Object(await answer.json()).id))
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, 201])
    expect(new Set(ids).size).toBe(1)
    const again = await send('k1', {})
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(Object(await again.json()).id).toBe(ids[0])
  })

  it('with another body it is refused, and for another user it is another key', async () => {
    await send('k2', {})
    expect((await send('k2', { client_type: 'ui' })).status).toBe(422)
    expect((await send('x'.repeat(257), {})).status).toBe(400)
    const { client } = await world.member()
    const theirs = await fetch(`${world.server.url}/api/experimental/chats`, {
      method: 'POST',
      headers: { ...client.headers, 'Content-Type': 'application/json', 'Idempotency-Key': 'k2' },
      body: JSON.stringify({ organization_id: world.organizationId, content: text }),
    })
    expect(theirs.headers.get('idempotency-replayed')).toBeNull()
  })
})

it('T-48: without the gateway chats can be read and not made', async () => {
  await using off = await openChatsWorld({ CODER_AI_GATEWAY_ENABLED: 'false' })
  const { client, id } = await off.member()
  const chat = await fixtures.chat(off.database.db, {
    owner_id: id,
    organization_id: off.organizationId,
    last_model_config_id: off.modelConfigId,
  })
  expect((await client.call(getChat, { params: { chat: chat.id } })).id).toBe(chat.id)
  await expect(off.chat(client)).rejects.toMatchObject({
    status: 503,
    detail: expect.stringContaining('--ai-gateway-enabled'),
  })
})
