import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type Chat,
  compactChat,
  createAIProvider,
  createChat,
  createChatModelConfig,
  createFirstUser,
  createToken,
  createWorkspace,
  getChat,
  getUser,
  getWorkspace,
  listChatMessages,
  login,
  retryChatNow,
  sendChatMessage,
  submitChatToolResults,
} from '@slipway/contract'
import {
  callsTools,
  createTestDatabase,
  endWorkspaces,
  FakeModelProvider,
  Gate,
  importTemplate,
  openDatabase,
  PASSWORD,
  type ServerProcess,
  says,
  startServerProcess,
  startTestServer,
  until,
} from '@slipway/testkit'

/** The tests ask often. */
const WITHOUT_LIMITS = { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }

const steps = new AsyncDisposableStack()
let server: ServerProcess
let provider: FakeModelProvider
let databaseUrl: string
let token: string
let organizationId: string
let modelId: string

beforeAll(async () => {
  databaseUrl = steps.use(await createTestDatabase()).url
  provider = steps.use(await FakeModelProvider.start())
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-kill-chats-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  server = steps.use(
    await startServerProcess({
      CODER_PG_CONNECTION_URL: databaseUrl,
      CODER_CONFIG_DIR: folder,
      ...WITHOUT_LIMITS,
    }),
  )
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await new Client({ url: server.url }).call(createFirstUser, { body })
  const session = await new Client({ url: server.url }).call(login, { body })
  const first = new Client({ url: server.url, token: session.session_token })
  token = (await first.call(createToken, { params: { user: 'me' }, body: {} })).key
  const owner = new Client({ url: server.url, token })
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
  const ai = await owner.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'fake',
      base_url: `${provider.url}/v1`,
      api_keys: ['sk-test'],
      enabled: true,
    },
  })
  const model = await owner.call(createChatModelConfig, {
    body: { ai_provider_id: ai.id, model: 'scripted-model', context_limit: 128_000 },
  })
  modelId = model.id
})
afterAll(() => steps.disposeAsync())

/** Starts a chat on the replica that will be killed; `answers` are those of its streamed requests. */
async function start(
  text: string,
  answers: FakeModelProvider['answer'],
  workspaceId?: string,
): Promise<Chat> {
  // Titles and labels are asked for without a stream.
  provider.answer = (request) => (request.streaming ? answers(request) : says('Aside'))
  return new Client({ url: server.url, token }).call(createChat, {
    body: {
      organization_id: organizationId,
      content: [{ type: 'text', text }],
      model_config_id: modelId,
      ...(workspaceId === undefined ? {} : { workspace_id: workspaceId }),
    },
  })
}

/** What the chat is when another replica has carried it on; with how long that took, in milliseconds. */
async function carriedOn(
  chat: Chat,
  timings: { readonly staleSeconds?: number; readonly passMs?: number; readonly heartbeatMs?: number },
): Promise<{ readonly said: readonly string[]; readonly tookMs: number }> {
  const killedAt = performance.now()
  await using other = await startTestServer({
    databaseUrl,
    env: WITHOUT_LIMITS,
    chatExtension: { timings },
  })
  const client = new Client({ url: other.url, token })
  await until(
    'the end of the turn',
    async () => (await client.call(getChat, { params: { chat: chat.id } })).status === 'waiting',
    45_000,
  )
  const tookMs = performance.now() - killedAt
  const { messages } = await client.call(listChatMessages, { params: { chat: chat.id } })
  const said = messages
    .toReversed()
    .map(({ role, content }) => `${role}: ${content.map((part) => part.text ?? part.type).join('')}`)
  return { said, tookMs }
}

const SOON = { staleSeconds: 1, passMs: 200, heartbeatMs: 200 }

it('CH-609: kill -9 before the model was called loses no message', async () => {
  const chat = await start('First', () => says('Answer'))
  await server.kill()
  expect((await carriedOn(chat, SOON)).said).toEqual(['user: First', 'assistant: Answer'])
  await server.start()
}, 90_000)

it('CH-609: kill -9 in mid-stream: the chat goes on within 35 s, and is answered once', async () => {
  let first = true
  const chat = await start('Second', () => {
    const held = first
    first = false
    return held ? { steps: ['Half an ans', { wait: new Gate().opened }] } : says('Whole answer')
  })
  await until('the stream', () =>
    provider.requests.some((one) => one.text.includes('Second') && one.sentEvents >= 2),
  )
  await server.kill()
  const { said, tookMs } = await carriedOn(chat, {})
  expect(said).toEqual(['user: Second', 'assistant: Whole answer'])
  expect(tookMs).toBeLessThan(35_000)
  await server.start()
}, 90_000)

it('CH-609: kill -9 right after a commit: nothing is committed twice, and others hear of it', async () => {
  await using database = await openDatabase(databaseUrl, { maxConnections: 1 })
  const chat = await start('Third', () => says('Committed answer'))
  await until('the row', async () => {
    const rows = await database.db
      .selectFrom('chat_messages')
      .select('id')
      .where('chat_id', '=', chat.id)
      .where('role', '=', 'assistant')
      .execute()
    return rows.length > 0
  })
  await server.kill()
  expect((await carriedOn(chat, SOON)).said).toEqual(['user: Third', 'assistant: Committed answer'])
  await server.start()
}, 90_000)

it('CH-609: kill -9 while chats wait for a retry, for their client, in a queue, for a summary or for their end loses none', async () => {
  const owner = new Client({ url: server.url, token })
  const held = new Set(['queue', 'summary'])
  const answerOf: FakeModelProvider['answer'] = ({ streaming, text }) => {
    const step = /step-(\w+)/.exec(text)?.[1] ?? ''
    const isSummary = !streaming && step === 'summary'
    if (!streaming && !isSummary) return says('Aside')
    if (step === 'action')
      return text.includes('client says') ? says('Used') : callsTools({ id: 'ask', name: 'ask' })
    if (step === 'retry') return { status: 503, headers: { 'Retry-After': '300' } }
    if (held.has(step) && (step === 'queue' || isSummary))
      return { steps: ['Half', { wait: new Gate().opened }] }
    return says(`Answer of ${step}`)
  }
  provider.answer = answerOf
  const make = (text: string, more: object = {}) =>
    owner.call(createChat, {
      body: {
        organization_id: organizationId,
        content: [{ type: 'text', text }],
        model_config_id: modelId,
        ...more,
      },
    })
  const reaches = async (client: Client, { id }: Chat, status: Chat['status']) =>
    until(`the chat that is ${status}`, async () => {
      const now = await client.call(getChat, { params: { chat: id } })
      return now.status === status ? now : undefined
    })
  const retry = await make('step-retry')
  const action = await make('step-action', { unsafe_dynamic_tools: [{ name: 'ask' }] })
  const queue = await make('step-queue')
  const summary = await make('step-summary')
  const ending = await make('step-ending')
  await using database = await openDatabase(databaseUrl, { maxConnections: 1 })
  await until('the wait for another try', async () => {
    const { retry_state } = await database.db
      .selectFrom('chats')
      .select('retry_state')
      .where('id', '=', retry.id)
      .executeTakeFirstOrThrow()
    return retry_state !== null
  })
  await reaches(owner, action, 'requires_action')
  await owner.call(sendChatMessage, {
    params: { chat: queue.id },
    body: { content: [{ type: 'text', text: 'and then' }] },
  })
  await reaches(owner, summary, 'waiting')
  await owner.call(compactChat, { params: { chat: summary.id } })
  await provider.nextRequest(({ streaming, text }) => !streaming && text.includes('step-summary'))
  await reaches(owner, ending, 'waiting')
  await server.kill()
  held.clear()
  // As it is when a server dies between the wish of the user and what its run makes of it.
  await database.db
    .updateTable('chats')
    .set({ status: 'interrupting', worker_id: randomUUID(), runner_id: randomUUID() })
    .where('id', '=', ending.id)
    .execute()
  await using other = await startTestServer({
    databaseUrl,
    env: WITHOUT_LIMITS,
    chatExtension: { timings: SOON },
  })
  const client = new Client({ url: other.url, token })
  await reaches(client, ending, 'waiting')
  await reaches(client, queue, 'waiting')
  await reaches(client, summary, 'waiting')
  await client.call(submitChatToolResults, {
    params: { chat: action.id },
    body: { results: [{ tool_call_id: 'ask', output: 'client says' }] },
  })
  await reaches(client, action, 'waiting')
  expect((await client.call(getChat, { params: { chat: retry.id } })).status).toBe('running')
  provider.answer = () => says('At last')
  await until('the wait to end', () =>
    client.call(retryChatNow, { params: { chat: retry.id } }).then(
      () => true,
      () => undefined,
    ),
  )
  await reaches(client, retry, 'waiting')
  const said = async ({ id }: Chat) =>
    (await client.call(listChatMessages, { params: { chat: id } })).messages
      .toReversed()
      .map(({ role, content }) => `${role}: ${content.map((part) => part.text ?? part.type).join('')}`)
  expect(await said(retry)).toEqual(['user: step-retry', 'assistant: At last'])
  expect(await said(action)).toEqual([
    'user: step-action',
    'assistant: tool-call',
    'tool: tool-result',
    'assistant: Used',
  ])
  expect(await said(queue)).toEqual([
    'user: step-queue',
    'assistant: Answer of queue',
    'user: and then',
    'assistant: Answer of queue',
  ])
  expect(await said(summary)).toEqual([
    'user: step-summary',
    'assistant: Answer of summary',
    'assistant: tool-call',
    'tool: tool-result',
  ])
  expect(await said(ending)).toEqual(['user: step-ending', 'assistant: Answer of ending'])
  await server.start()
}, 120_000)

it('B-5: kill -9 during a tool: its process goes on, and is found again and not started a second time', async () => {
  const owner = new Client({ url: server.url, token })
  const template = await importTemplate(owner, 'plain', {
    'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }),
})
`,
  })
  const workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'tools', template_id: template.id },
  })
  await until(
    'the agent',
    async () => {
      const now = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
      const [agent] = now.latest_build.resources.flatMap((resource) => resource.agents ?? [])
      return agent?.status === 'connected' && agent.lifecycle_state === 'ready'
    },
    60_000,
  )
  const command = 'echo once >> tries; sleep 5; cat tries'
  const chat = await start(
    'Run it',
    ({ text }) =>
      text.includes('exit_code')
        ? says('It ran')
        : callsTools({ id: 'run', name: 'execute', args: { command, timeout: '60s' } }),
    workspace.id,
  )
  await using database = await openDatabase(databaseUrl, { maxConnections: 1 })
  await until('the process', async () => {
    const rows = await database.db
      .selectFrom('chat_tool_calls')
      .select('resume')
      .where('chat_id', '=', chat.id)
      .execute()
    return rows.some(({ resume }) => Object(resume).started === true)
  })
  await server.kill()
  // On the same address, which is the one that the agent comes back to; its lease has to end first.
  await server.start()
  await until(
    'the end of the turn',
    async () => (await owner.call(getChat, { params: { chat: chat.id } })).status === 'waiting',
    60_000,
  )
  const { messages } = await owner.call(listChatMessages, { params: { chat: chat.id } })
  const results = messages.flatMap(({ content }) => content.filter((part) => part.type === 'tool-result'))
  expect(results).toMatchObject([{ result: { output: 'once\n', exit_code: 0 } }])
  expect(messages.map(({ role }) => role).toReversed()).toEqual(['user', 'assistant', 'tool', 'assistant'])
}, 180_000)
