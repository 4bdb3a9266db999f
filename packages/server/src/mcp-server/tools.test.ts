import type { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js'
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createAIProvider,
  createBuild,
  createChat,
  createChatModelConfig,
  createWorkspace,
  getBuild,
  getTemplateVersion,
  getUser,
  getWorkspace,
  type Template,
  type Workspace,
} from '@slipway/contract'
import { allTools } from '@slipway/mcp-tools'
import {
  FakeModelProvider,
  Gate,
  importTemplate,
  openDatabase,
  says,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { connect, legacyTransport, rpc } from './mcp-clients.fixture.ts'

const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [
      {
        name: 'main',
        startupScript: 'echo the script ran; sleep 1; touch ~/prepared',
        apps: [{ slug: 'board', displayName: 'Board', url: 'http://localhost:8080', subdomain: true }],
      },
    ],
  }),
})
`
const TWO_AGENTS = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({ runtime: local(), agents: [{ name: 'one' }, { name: 'two' }] }),
})
`

let server: TestServer
let owner: Client
let template: Template
let workspace: Workspace
let mcp: AsyncDisposable & { readonly client: McpClient }
const called = new Set<string>()

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_WILDCARD_ACCESS_URL: '*.apps.example.com',
    },
  })
  owner = await server.owner()
  template = await importTemplate(owner, 'plain', { 'template.ts': TEMPLATE })
  mcp = await connect(legacyTransport(server.url, owner))
  workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
})
afterAll(async () => {
  await mcp[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Outcome {
  readonly isError: boolean
  readonly text: string
  /** What the text holds. */
  readonly value: never
}

async function call(
  name: string,
  args: Record<string, unknown> = {},
  client = mcp.client,
  options: Parameters<McpClient['callTool']>[2] = {},
): Promise<Outcome> {
  called.add(name)
  const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 60_000, ...options })
  const [content] = result.content as { readonly text: string }[]
  const text = content?.text ?? ''
  const isError = result.isError === true
  if (isError) return { isError, text, value: undefined as never }
  const value = JSON.parse(text) as never
  const { structuredContent } = result
  // Revisions before 2026-07-28 wrap what is no object.
  expect(
    Object(value) === value && !Array.isArray(value) ? structuredContent : Object(structuredContent).result,
  ).toEqual(value)
  return { isError, text, value }
}

it('OA-91: tells who calls', async () => {
  expect((await call('coder_get_authenticated_user')).value).toMatchObject({ username: 'owner' })
})

it('OA-91: follows the log of a build, with progress for whoever asks', async () => {
  const told: string[] = []
  const { value } = await call(
    'coder_get_workspace_build_logs',
    { workspace_build_id: workspace.latest_build.id },
    mcp.client,
    { onprogress: ({ message }) => void told.push(message ?? '') },
  )
  expect(value).toEqual(expect.any(Array))
  const build = await owner.call(getBuild, { params: { workspacebuild: workspace.latest_build.id } })
  expect(build.job.status).toBe('succeeded')
})

it('OA-91: lists and gets workspaces', async () => {
  expect((await call('coder_list_workspaces')).value).toEqual([
    {
      id: workspace.id,
      name: 'dev',
      template_id: template.id,
      template_name: 'plain',
      template_display_name: '',
      template_icon: expect.any(String),
      template_active_version_id: template.active_version_id,
      outdated: false,
    },
  ])
  for (const workspace_id of [workspace.id, 'dev', 'owner/dev'])
    expect((await call('coder_get_workspace', { workspace_id })).value).toMatchObject({ id: workspace.id })
  expect((await call('coder_list_workspaces', { owner: 'nobody' })).value).toEqual([])
})

it('OA-92: waits for the agent and its startup script, by any form of the name', async () => {
  for (const name of ['dev', 'owner/dev', 'owner--dev', 'dev.main', 'owner/dev.main', 'main.dev.owner']) {
    const { value } = await call('coder_workspace_bash', { workspace: name, command: 'ls ~/prepared' })
    expect(value).toMatchObject({ exit_code: 0, output: expect.stringContaining('prepared') })
  }
  expect(await call('coder_workspace_ls', { workspace: 'dev.other', path: '/' })).toMatchObject({
    isError: true,
    text: expect.stringContaining('main'),
  })
  expect(await call('coder_workspace_ls', { workspace: 'a/b/c', path: '/' })).toMatchObject({ isError: true })
})

it('OA-93: output and errors come together and trimmed, and a failure is a result', async () => {
  const bash = (command: string, more: object = {}) =>
    call('coder_workspace_bash', { workspace: 'dev', command, ...more })
  expect((await bash('echo out; echo err >&2; exit 3')).value).toEqual({ output: 'out\nerr', exit_code: 3 })
  // More than all of a call may take.
  expect((await bash('echo hello', { timeout_ms: 3_600_000 })).value).toEqual({
    output: 'hello',
    exit_code: 0,
  })
  expect((await bash('echo begun; sleep 60', { timeout_ms: 500 })).value).toEqual({
    output: 'begun\nCommand canceled due to timeout',
    exit_code: 124,
  })
  const left = await bash('echo begun; sleep 2; touch ~/left-alone', { timeout_ms: 300, background: true })
  expect(left.value).toEqual({ output: 'begun\nCommand continues running in background', exit_code: 124 })
  await until('what was left in the background', async () => {
    const { value } = await bash('test -e ~/left-alone')
    return Object(value).exit_code === 0
  })
  expect(await bash('true', { timeout_ms: 0 })).toMatchObject({ isError: true })
})

it('issue 4, 7: a cancelled call ends the command', async () => {
  const cancelled = new AbortController()
  const running = call(
    'coder_workspace_bash',
    { workspace: 'dev', command: 'touch ~/going; sleep 4242' },
    mcp.client,
    { signal: cancelled.signal },
  )
  const bash = async (command: string) =>
    Object((await call('coder_workspace_bash', { workspace: 'dev', command })).value).exit_code
  await until('the command', async () => (await bash('test -e ~/going')) === 0)
  cancelled.abort()
  await expect(running).rejects.toThrow()
  await until('its end', async () => (await bash('pgrep -f "[s]leep 4242"')) !== 0)
})

it('OA-91: writes, reads, lists and edits files', async () => {
  const { value: home } = await call('coder_workspace_bash', { workspace: 'dev', command: 'echo $HOME' })
  const folder = `${Object(home).output}/notes`
  const path = `${folder}/a.txt`
  const content = Buffer.from('one two two\n').toString('base64')
  const write = await call('coder_workspace_write_file', { workspace: 'dev', path, content })
  expect(write.isError).toBe(false)
  expect((await call('coder_workspace_ls', { workspace: 'dev', path: folder })).value).toEqual({
    contents: [{ path, is_dir: false }],
  })
  const edit = await call('coder_workspace_edit_file', {
    workspace: 'dev',
    path,
    edits: [{ search: 'one', replace: '1' }],
  })
  expect(edit.value).toMatchObject({ files: [{ path, diff: expect.stringContaining('+1 two two') }] })
  const ambiguous = { path, edits: [{ search: 'two', replace: '2' }] }
  expect(await call('coder_workspace_edit_files', { workspace: 'dev', files: [ambiguous] })).toMatchObject({
    isError: true,
    text: expect.stringContaining('more than once'),
  })
  const all = { path, edits: [{ search: 'two', replace: '2', replace_all: true }] }
  expect((await call('coder_workspace_edit_files', { workspace: 'dev', files: [all] })).isError).toBe(false)
  const part = await call('coder_workspace_read_file', { workspace: 'dev', path, offset: 2, limit: 3 })
  expect(part.value).toEqual({
    content: Buffer.from('2 2').toString('base64'),
    mimeType: expect.stringContaining('text/plain'),
  })
  expect(await call('coder_workspace_read_file', { workspace: 'dev', path: 'relative' })).toMatchObject({
    isError: true,
  })
  expect(await call('coder_workspace_read_file', { workspace: 'dev', path, limit: 1_048_577 })).toMatchObject(
    {
      isError: true,
    },
  )
})

it('OA-91, AC-182: gives the URLs of ports and apps', async () => {
  const { port } = new URL(server.url)
  expect((await call('coder_workspace_port_forward', { workspace: 'dev', port: 3000 })).value).toEqual({
    url: `http://3000--main--dev--owner.apps.example.com:${port}`,
  })
  expect((await call('coder_workspace_list_apps', { workspace: 'dev' })).value).toEqual({
    apps: [{ name: 'Board', url: 'http://localhost:8080' }],
  })
})

it('OA-91: gives what the scripts of an agent have printed', async () => {
  const now = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
  const agent = now.latest_build.resources.flatMap(({ agents }) => agents ?? [])[0]
  const { value } = await call('coder_get_workspace_agent_logs', { workspace_agent_id: agent?.id })
  expect(value).toContain('the script ran')
})

it('row 46, OA-89: who may see a workspace but not connect to it is told so, and it is noted', async () => {
  const admin = await server.user('admin', ['template-admin'])
  await using theirs = await connect(legacyTransport(server.url, admin))
  const read = await call(
    'coder_workspace_read_file',
    { workspace: 'owner/dev', path: '/etc/hostname' },
    theirs.client,
  )
  expect(read).toMatchObject({ isError: true, text: expect.stringContaining('unauthorized') })
})

it('OA-89: connections of tools are in the connection log', async () => {
  await using database = await openDatabase(server.databaseUrl)
  await until('the visit', async () => {
    const visits = await database.db
      .selectFrom('connection_logs')
      .select(['type', 'ip'])
      .where('workspace_id', '=', workspace.id)
      .execute()
    return visits.some(({ type, ip }) => type === 'tunnel' && ip === '127.0.0.1')
  })
})

it('OA-91: both faults of a build are told at once', async () => {
  const answer = await call('coder_create_workspace_build', {
    workspace_id: workspace.id,
    transition: 'stop',
    template_version_preset_id: workspace.id,
    rich_parameters: { a: 'b' },
  })
  expect(answer).toMatchObject({ isError: true, text: expect.stringMatching(/preset.*rich_parameters/) })
})

it('OA-92: starts a stopped workspace and waits for it, and leaves one that is being deleted', async () => {
  const stop = await call('coder_create_workspace_build', { workspace_id: workspace.id, transition: 'stop' })
  await call('coder_get_workspace_build_logs', { workspace_build_id: Object(stop.value).id })
  const { value } = await call('coder_workspace_bash', { workspace: 'dev', command: 'echo back' })
  expect(value).toEqual({ output: 'back', exit_code: 0 })
})

it('OA-92: several agents and none named is an error that names them', async () => {
  const several = await importTemplate(owner, 'several', { 'template.ts': TWO_AGENTS })
  await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'pair', template_id: several.id },
  })
  const answer = await call('coder_workspace_ls', { workspace: 'pair', path: '/' })
  expect(answer).toMatchObject({ isError: true, text: expect.stringContaining('one, two') })
})

it('OA-91: a workspace is created from exactly one of template and version', async () => {
  const create = (more: object) =>
    call('coder_create_workspace', { user: '', name: 'made', rich_parameters: {}, ...more })
  expect((await create({})).isError).toBe(true)
  const both = { template_id: template.id, template_version_id: template.active_version_id }
  expect((await create(both)).isError).toBe(true)
  expect((await create({ template_id: template.id })).value).toMatchObject({
    name: 'made',
    owner_name: 'owner',
  })
})

it('OA-91: templates are listed, read, made, changed and deleted', async () => {
  expect((await call('coder_list_templates')).value).toEqual(
    expect.arrayContaining([
      {
        id: template.id,
        name: 'plain',
        display_name: '',
        description: '',
        active_version_id: template.active_version_id,
        active_user_count: expect.any(Number),
        agents_allowed: true,
      },
    ]),
  )
  expect((await call('coder_get_template', { template_id: template.id })).value).toMatchObject({
    id: template.id,
    parameters: [],
  })
  const template_version_id = template.active_version_id
  expect((await call('coder_template_version_parameters', { template_version_id })).value).toEqual([])
  expect((await call('coder_get_template_version_logs', { template_version_id })).isError).toBe(false)
  // What the description teaches can be imported, and workspaces created from it.
  const { tools } = await mcp.client.listTools()
  const taught = tools.find(({ name }) => name === 'coder_create_template_version')?.description ?? ''
  const source = /```ts\n([^`]+)```/.exec(taught)?.[1] ?? ''
  const files = { 'template.ts': source, 'sub/x.txt': 'x' }
  const { value: uploaded } = await call('coder_upload_tar_file', { files })
  const file_id = Object(uploaded).hash
  expect(await call('coder_upload_tar_file', { files: { '../x': '' } })).toMatchObject({ isError: true })
  const made = Object((await call('coder_create_template_version', { file_id })).value)
  await call('coder_get_template_version_logs', { template_version_id: made.id })
  const version = await owner.call(getTemplateVersion, { params: { templateversion: made.id } })
  expect(version).toMatchObject({ message: 'Created by AI', job: { status: 'succeeded' } })
  const fresh = await call('coder_create_template', {
    name: 'taught',
    display_name: 'Taught',
    description: 'x',
    version_id: made.id,
  })
  expect((await call('coder_get_template', { template_id: Object(fresh.value).id })).value).toMatchObject({
    parameters: [{ name: 'greeting', default_value: 'Hello' }],
  })
  const { active_version_id: version_id } = await importTemplate(owner, 'third', { 'template.ts': TEMPLATE })
  const bare = await call('coder_create_template', {
    name: 'taken',
    display_name: 'Taken',
    description: 'x',
    version_id,
  })
  expect(bare.isError).toBe(true)
})

it('OA-91: search and fetch find workspaces and templates', async () => {
  await using research = await connect(legacyTransport(server.url, owner, '?toolset=chatgpt'))
  const ask = (name: string, args: Record<string, unknown>) => call(name, args, research.client)
  const workspaces = await ask('search', { query: 'workspaces/name:dev' })
  expect(workspaces.value).toEqual({
    results: [
      {
        id: `workspace:${workspace.id}`,
        title: 'owner/dev',
        text: expect.stringContaining('plain'),
        url: `${server.url}/@owner/dev`,
      },
    ],
  })
  expect(Object((await ask('search', { query: 'workspaces' })).value).results.length).toBeGreaterThan(1)
  const templates = await ask('search', { query: 'templates' })
  expect(templates.value).toMatchObject({
    results: expect.arrayContaining([expect.objectContaining({ id: `template:${template.id}` })]),
  })
  const fetched = await ask('fetch', { id: `workspace:${workspace.id}` })
  expect(JSON.parse(Object(fetched.value).text)).toMatchObject({ id: workspace.id })
  expect((await ask('fetch', { id: `template:${template.id}` })).value).toMatchObject({ title: 'plain' })
  expect((await ask('search', { query: 'secrets' })).isError).toBe(true)
  expect((await ask('fetch', { id: 'x' })).isError).toBe(true)
})

it('OA-89: a deployment for browsers alone refuses all tools that connect', async () => {
  await using strict = await startTestServer({ env: { CODER_BROWSER_ONLY: 'true' } })
  const client = await strict.owner()
  const builtIn = await strict.builtInTemplate()
  await client.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: builtIn.id },
  })
  await using theirs = await connect(legacyTransport(strict.url, client))
  const ls = await call('coder_workspace_ls', { workspace: 'dev', path: '/' }, theirs.client)
  expect(ls).toMatchObject({ isError: true, text: expect.stringContaining('browser') })
})

it('a workspace that is being deleted is no place for a tool', async () => {
  await owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'delete' } })
  const answer = await call('coder_workspace_ls', { workspace: 'dev', path: '/' })
  expect(answer).toMatchObject({ isError: true, text: expect.stringMatching(/delet|not found/i) })
})

it('a result of another shape than its tool says would be an error for the client', async () => {
  const { body } = await rpc(server.url, owner, {
    method: 'tools/call',
    version: '2026-07-28',
    params: { name: 'coder_list_templates', arguments: {} },
  })
  // There what is no object needs no wrapping.
  expect(body.result?.structuredContent).toEqual(expect.any(Array))
})

it('OA-91: chats are started, waited for, read, written to, interrupted and archived', async () => {
  await using provider = await FakeModelProvider.start()
  // Titles are asked for beside the turns, which stream.
  provider.answer = ({ streaming }) => (streaming ? undefined : says('A title'))
  const { id: ai_provider_id } = await owner.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'fake',
      base_url: `${provider.url}/v1`,
      api_keys: ['sk-mcp-test-0123'],
      enabled: true,
    },
  })
  const { id: model } = await owner.call(createChatModelConfig, {
    body: { ai_provider_id, model: 'scripted-model', display_name: 'Scripted', context_limit: 64_000 },
  })
  expect((await call('coder_list_chat_model_configs')).value).toEqual({
    model_configs: [{ id: model, model: 'scripted-model', display_name: 'Scripted', is_default: true }],
  })

  const gate = new Gate()
  provider.play({ steps: ['I am ', { wait: gate.opened }, 'done.'] }, says('Again.'))
  const labels = { 'ci/run': '7' }
  const started = await call('coder_create_chat', { prompt: 'Do it', model_config_id: model, labels })
  const chat_id: string = Object(started.value).id
  expect(started.value).toMatchObject({ status: 'running', labels, url: `${server.url}/agents/${chat_id}` })
  expect((await call('coder_await_chat', { chat_id, wait_secs: 1 })).value).toMatchObject({ timed_out: true })
  expect((await call('coder_send_chat_message', { chat_id, text: 'And now?' })).value).toEqual({
    queued: true,
    warnings: [],
  })
  expect((await call('coder_get_chat_messages', { chat_id })).value).toMatchObject({
    queued_messages: [{ text: 'And now?' }],
  })
  const waiting = call('coder_await_chat', { chat_id })
  gate.open()
  expect((await waiting).value).toMatchObject({ timed_out: false, chat: { id: chat_id, status: 'waiting' } })

  const page = (await call('coder_get_chat_messages', { chat_id, limit: 3 })).value
  expect(page).toMatchObject({
    messages: [
      { text: 'I am done.' },
      { role: 'user', text: 'And now?' },
      { role: 'assistant', text: 'Again.' },
    ],
    has_more: true,
    queued_messages: [],
  })
  const { next_before_id: before_id, next_after_id: after_id } = Object(page)
  expect((await call('coder_get_chat_messages', { chat_id, before_id })).value).toMatchObject({
    messages: [{ role: 'user', text: 'Do it' }],
    has_more: false,
  })
  expect((await call('coder_get_chat_messages', { chat_id, after_id })).value).toMatchObject({ messages: [] })
  expect(await call('coder_get_chat_messages', { chat_id, before_id, after_id })).toMatchObject({
    isError: true,
  })

  expect((await call('coder_list_chats', { labels, limit: 5 })).value).toMatchObject({
    chats: [{ id: chat_id }],
  })
  expect((await call('coder_list_chats', { labels: { ...labels, other: 'x' } })).value).toEqual({ chats: [] })
  expect(await call('coder_list_chats', { query: 'nonsense' })).toMatchObject({ isError: true })

  const uri = `coder://chats/${chat_id}`
  const heard: string[] = []
  mcp.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params.uri)
  })
  await mcp.client.subscribeResource({ uri })
  provider.play({ steps: ['Endless', { stall: true }] })
  await call('coder_send_chat_message', { chat_id, text: 'Go on', busy_behavior: 'interrupt' })
  await until('the request', () => provider.left === 0 || undefined)
  expect(await call('coder_interrupt_chat', { chat_id })).toMatchObject({ isError: false })
  await call('coder_await_chat', { chat_id })
  expect(await call('coder_interrupt_chat', { chat_id })).toMatchObject({ isError: true })
  expect((await call('coder_archive_chat', { chat_id })).value).toMatchObject({
    message: expect.stringContaining('archived'),
  })
  expect((await call('coder_get_chat', { chat_id })).value).toMatchObject({
    archived: true,
    status: 'waiting',
  })
  await until('news of the chat', () => heard.includes(uri) || undefined)
  const { contents } = await mcp.client.readResource({ uri })
  expect(contents).toMatchObject([{ uri, text: expect.stringContaining('"archived":true') }])

  const stranger = await server.user('stranger')
  await using theirs = await connect(legacyTransport(server.url, stranger))
  expect(await call('coder_get_chat', { chat_id }, theirs.client)).toMatchObject({ isError: true })
  expect(await call('coder_create_chat', { prompt: 'Mine' }, theirs.client)).toMatchObject({ isError: true })
})

it('OA-91: a file of a chat is downloaded by its id or its name, without signing in', async () => {
  const { organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
  const query = `?organization=${organization_ids[0] ?? ''}`
  const upload = async (text: string): Promise<string> => {
    const answer = await fetch(`${server.url}/api/experimental/chats/files${query}`, {
      method: 'POST',
      headers: {
        ...owner.headers,
        'Content-Type': 'text/plain',
        'Content-Disposition': 'attachment; filename="notes.txt"',
      },
      body: text,
    })
    return Object(await answer.json()).id
  }
  const [file_id, second] = [await upload('first'), await upload('second')]
  const content = [file_id, second].map((id) => ({ type: 'file', file_id: id }))
  const made = (some: typeof content) =>
    owner.call(createChat, { body: { organization_id: organization_ids[0] ?? '', content: some } })
  const one = await made(content.slice(0, 1))
  const both = await made(content)
  for (const named of [{ file_id }, { chat_id: one.id, file_name: 'notes.txt' }]) {
    const { value } = await call('coder_download_chat_file', named)
    expect(value).toMatchObject({ file_id, name: 'notes.txt', mime_type: 'text/plain', size_bytes: 5 })
    expect(await (await fetch(Object(value).url)).text()).toBe('first')
  }
  const ambiguous = await call('coder_download_chat_file', { chat_id: both.id, file_name: 'notes.txt' })
  expect(ambiguous).toMatchObject({ isError: true, text: expect.stringContaining(second) })
  expect(await call('coder_download_chat_file', { chat_id: one.id, file_name: 'other.txt' })).toMatchObject({
    isError: true,
    text: expect.stringContaining('notes.txt'),
  })
  for (const wrong of [{}, { file_id, chat_id: one.id }, { chat_id: one.id }, { file_name: 'notes.txt' }])
    expect(await call('coder_download_chat_file', wrong)).toMatchObject({ isError: true })
})

it('row 47: every tool has been called here', async () => {
  const others = ['coder_delete_template', 'coder_update_template_active_version']
  const { active_version_id, id } = await importTemplate(owner, 'short-lived', { 'template.ts': TEMPLATE })
  const activated = await call('coder_update_template_active_version', {
    template_id: id,
    template_version_id: active_version_id,
  })
  expect(activated.text).toBe('"Successfully updated active version!"')
  expect((await call('coder_delete_template', { template_id: id })).value).toMatchObject({
    message: expect.stringContaining('deleted'),
  })
  expect(others.every((name) => called.has(name))).toBe(true)
  expect([...called].sort()).toEqual(allTools.map(({ name }) => name))
})
