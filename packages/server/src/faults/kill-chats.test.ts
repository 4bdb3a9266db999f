import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  type Chat,
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
