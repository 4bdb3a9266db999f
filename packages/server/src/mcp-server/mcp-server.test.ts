import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createToken } from '@slipway/contract'
import { openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import {
  bearer,
  connect,
  initialize,
  legacyTransport,
  listen,
  MCP_PATH,
  post,
  rpc,
} from './mcp-clients.fixture.ts'

const LEGACY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']

let server: TestServer
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_EXPERIMENTS: 'oauth2,mcp-server-http' } })
  owner = await server.owner()
  await server.builtInTemplate()
})
afterAll(() => server[Symbol.asyncDispose]())

/** A client whose token has these scopes. */
async function scoped(...scopes: string[]): Promise<Client> {
  const { key } = await owner.call(createToken, { params: { user: 'me' }, body: { scopes } })
  return new Client({ url: server.url, token: key })
}

interface ListedTool {
  readonly name: string
  readonly title: string
  readonly annotations: Record<string, boolean>
  readonly inputSchema: Record<string, unknown>
  readonly outputSchema: Record<string, unknown>
}

async function listed(query = '', client = owner): Promise<ListedTool[]> {
  const { body } = await rpc(server.url, client, { method: 'tools/list', query })
  return (body.result?.tools ?? []) as ListedTool[]
}

describe('the door', () => {
  it('OA-83: whoever is not signed in is told where to, before anything is looked at', async () => {
    const answer = await rpc(server.url, undefined, { method: 'nonsense', version: '2099-01-01' })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="coder".*resource_metadata="/)
  })

  it('row 2, OA-1, OA-3: an operator switches it off, which only those hear who are signed in', async () => {
    await using without = await startTestServer({ env: { CODER_EXPERIMENTS: '-mcp-server-http' } })
    const answer = await rpc(without.url, await without.owner(), { method: 'ping' })
    expect(answer).toMatchObject({
      status: 403,
      body: {
        message: 'This functionality requires enabling the following experiments: oauth2, mcp-server-http',
      },
    })
    expect((await rpc(without.url, undefined, { method: 'ping' })).status).toBe(401)
  })

  it('OA-B20: pages of others may not use it, whatever host they name', async () => {
    const from = (origin: string) => rpc(server.url, owner, { method: 'ping', headers: { Origin: origin } })
    expect((await from('https://evil.example')).status).toBe(403)
    expect((await from(server.url)).status).toBe(200)
  })

  it('row 44, OA-84: without a session there is nothing to GET or DELETE', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await fetch(`${server.url}${MCP_PATH}`, { method, headers: bearer(owner) })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('POST')
    }
  })

  it('row 44, OA-85: a client must take JSON and events, by name or wildcard', async () => {
    const status = async (accept: string) =>
      (await rpc(server.url, owner, { method: 'ping', headers: { Accept: accept } })).status
    expect(await status('application/json')).toBe(400)
    expect(await status('text/event-stream')).toBe(400)
    expect(await status('application/json;q=1, text/*')).toBe(200)
    expect(await status('*/*')).toBe(200)
  })

  it('takes nothing but JSON', async () => {
    const answer = await rpc(server.url, owner, { method: 'ping', headers: { 'Content-Type': 'text/plain' } })
    expect(answer.status).toBe(415)
  })

  it('answers below its address too', async () => {
    const answer = await fetch(`${server.url}${MCP_PATH}/further/down`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...bearer(owner),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    })
    expect(await answer.json()).toMatchObject({ result: {} })
  })

  it('knows no session but those that it has opened', async () => {
    for (const session of ['x', '3f0f5f0e-0000-4000-8000-000000000000']) {
      expect((await post(server.url, owner, { jsonrpc: '2.0', id: 1, method: 'ping' }, session)).status).toBe(
        404,
      )
      expect((await listen(server.url, owner, session)).status).toBe(404)
    }
  })

  it('OA-B23: counts requests by user', async () => {
    await using limited = await startTestServer({ env: { CODER_API_RATE_LIMIT: '20' } })
    const client = await limited.owner()
    const statuses = new Set<number>()
    for (let n = 0; n < 25; n += 1) statuses.add((await rpc(limited.url, client, { method: 'ping' })).status)
    expect([...statuses]).toEqual([200, 429])
  })
})

/** All revisions, the latest first. */
const SERVED = ['2026-07-28', ...LEGACY.toReversed()]
/** Lists of the product change without a word. */
const CAPABILITIES = {
  tools: { listChanged: false },
  prompts: { listChanged: false },
  resources: { listChanged: false, subscribe: true },
}

describe('revisions', () => {
  it.each(LEGACY)(
    'row 43, OA-86: initialize with %s is echoed, and opens a session',
    async (protocolVersion) => {
      const response = await post(server.url, owner, {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
      })
      expect(response.headers.get('mcp-session-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(await response.json()).toMatchObject({
        result: {
          protocolVersion,
          serverInfo: { name: 'Coder', version: expect.any(String) },
          instructions: expect.stringContaining('templates'),
          capabilities: CAPABILITIES,
        },
      })
    },
  )

  it('OA-87: what is promised is kept: resources can be subscribed to, and nobody waits to hear of other lists', async () => {
    const discovered = await rpc(server.url, owner, { method: 'server/discover', version: '2026-07-28' })
    expect(discovered.body.result?.capabilities).toEqual(CAPABILITIES)
  })

  it('OA-86: initialize with an unknown version gets the latest one that has it', async () => {
    const response = await post(server.url, owner, {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '1999-01-01', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    })
    expect(await response.json()).toMatchObject({ result: { protocolVersion: '2025-11-25' } })
  })

  it('row 43, OA-86, OA-B20: 2026-07-28 needs no handshake, and an unknown revision is told the known ones', async () => {
    const modern = await rpc(server.url, owner, { method: 'tools/list', version: '2026-07-28' })
    expect(modern).toMatchObject({
      status: 200,
      body: { result: { resultType: 'complete', ttlMs: expect.any(Number), cacheScope: 'private' } },
    })
    expect(modern.headers.get('mcp-session-id')).toBeNull()
    const future = await rpc(server.url, owner, { method: 'tools/list', version: '2099-01-01' })
    expect(future).toMatchObject({
      status: 400,
      body: {
        error: { code: -32_022, data: { supported: SERVED, requested: '2099-01-01' } },
      },
    })
    // What the envelope of a later revision looks like is not known yet.
    const message = { jsonrpc: '2.0', id: 5, method: 'tools/list' }
    const later = { 'MCP-Protocol-Version': '2099-01-01' }
    const headerAlone = await post(server.url, owner, message, undefined, later)
    expect([headerAlone.status, await headerAlone.json()]).toMatchObject([
      400,
      { id: 5, error: { code: -32_022, data: { supported: SERVED, requested: '2099-01-01' } } },
    ])
    const known = { 'MCP-Protocol-Version': '2026-07-28' }
    const bare = await post(server.url, owner, message, undefined, known)
    expect([bare.status, await bare.json()]).toMatchObject([400, { error: { code: -32_602 } }])
    const discovered = await rpc(server.url, owner, { method: 'server/discover', version: '2026-07-28' })
    expect(discovered.body.result).toMatchObject({ resultType: 'complete', supportedVersions: SERVED })
    const mismatch = await rpc(server.url, owner, {
      method: 'tools/list',
      version: '2026-07-28',
      headers: { 'Mcp-Method': 'prompts/list' },
    })
    expect(mismatch).toMatchObject({ status: 400, body: { error: { code: -32_020 } } })
    const unknown = await rpc(server.url, owner, { method: 'no/such', version: '2026-07-28' })
    expect(unknown).toMatchObject({ status: 404, body: { error: { code: -32_601 } } })
  })

  it('OA-86: a header with a version that nobody knows is refused', async () => {
    const answer = await rpc(server.url, owner, { method: 'ping', version: '2025-01-01' })
    expect(answer.status).toBe(400)
  })

  it('OA-84: a notification is taken without an answer', async () => {
    const answer = await post(server.url, owner, { jsonrpc: '2.0', method: 'notifications/initialized' })
    expect(answer.status).toBe(202)
    expect(await answer.text()).toBe('')
  })

  it('takes batches from the revision that has them, and from no later one', async () => {
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'ping' },
    ]
    const answers = await post(server.url, owner, batch)
    expect(await answers.json()).toEqual([
      { jsonrpc: '2.0', id: 1, result: {} },
      { jsonrpc: '2.0', id: 2, result: {} },
    ])
    const later = { 'MCP-Protocol-Version': '2025-11-25' }
    expect((await post(server.url, owner, batch, undefined, later)).status).toBe(400)
    const flood = Array.from({ length: 21 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))
    expect((await post(server.url, owner, flood)).status).toBe(400)
  })

  it('OA-86: a handshake comes alone, and opens no session otherwise', async () => {
    const params = {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    }
    const handshake = { jsonrpc: '2.0', id: 1, method: 'initialize', params }
    const answer = await post(server.url, owner, [handshake, { jsonrpc: '2.0', id: 2, method: 'ping' }])
    expect([answer.status, answer.headers.get('mcp-session-id')]).toEqual([400, null])
  })

  it('OA-87: the greeting is for the revision and the tools that a client asks for, also the second time', async () => {
    for (const toolset of ['standard', 'chatgpt', 'standard', 'chatgpt'])
      for (const protocolVersion of ['2025-03-26', '2025-11-25', '2026-07-28']) {
        const { body } = await rpc(server.url, owner, {
          method: 'initialize',
          query: `?toolset=${toolset}`,
          params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
        })
        const version = protocolVersion === '2026-07-28' ? '2025-11-25' : protocolVersion
        expect(body.result?.protocolVersion).toBe(version)
        expect(Object.keys(Object(body.result?.capabilities)).includes('prompts')).toBe(
          toolset === 'standard',
        )
      }
  })

  it.each([{ body: 'text' }, { body: {} }, { body: [] }, { body: { jsonrpc: '1.0', method: 'x' } }])(
    'refuses what is no message: $body',
    async ({ body }) => {
      expect((await post(server.url, owner, body)).status).toBe(400)
    },
  )
})

describe('tools', () => {
  it('row 45, OA-87, OA-91: all tools of the standard set, by name, with schemas and all four hints', async () => {
    const tools = await listed()
    expect(tools.map(({ name }) => name)).toEqual([...STANDARD].sort())
    for (const tool of tools) {
      expect(tool.title).not.toBe('')
      expect(tool.inputSchema).toMatchObject({ type: 'object', required: expect.any(Array) })
      expect(tool.outputSchema).toBeDefined()
      expect(tool.annotations).toMatchObject({
        readOnlyHint: expect.any(Boolean),
        destructiveHint: expect.any(Boolean),
        idempotentHint: expect.any(Boolean),
        openWorldHint: false,
      })
    }
    expect(await listed()).toEqual(tools)
  })

  it('row 45, OA-88: the set of assistants that search', async () => {
    expect((await listed('?toolset=chatgpt')).map(({ name }) => name)).toEqual(['fetch', 'search'])
    const prompts = await rpc(server.url, owner, { method: 'prompts/list', query: '?toolset=chatgpt' })
    expect(prompts.body.error).toMatchObject({ code: -32_601 })
  })

  it('row 45, OA-88: an unknown set is refused', async () => {
    const answer = await rpc(server.url, owner, { method: 'tools/list', query: '?toolset=x' })
    expect(answer).toMatchObject({ status: 400, body: { message: 'Invalid toolset: x' } })
  })

  it('OA-B22: a set that changes nothing, and a choice by name', async () => {
    const reading = await listed('?toolset=readonly')
    expect(reading.length).toBeGreaterThan(8)
    expect(reading.every(({ annotations }) => annotations.readOnlyHint)).toBe(true)
    const chosen = await listed('?tools=coder_list_templates,coder_workspace_bash,nonsense')
    expect(chosen.map(({ name }) => name)).toEqual(['coder_list_templates', 'coder_workspace_bash'])
    const hidden = await rpc(server.url, owner, {
      method: 'tools/call',
      params: { name: 'coder_create_template', arguments: {} },
      query: '?toolset=readonly',
    })
    expect(hidden.body.error).toMatchObject({ code: -32_602 })
  })

  it('OA-B22: an administrator says which tools there are', async () => {
    await using narrow = await startTestServer({
      env: { CODER_MCP_HTTP_ALLOWED_TOOLS: 'coder_list_templates,search' },
    })
    const { body } = await rpc(narrow.url, await narrow.owner(), { method: 'tools/list' })
    expect(body.result).toMatchObject({ tools: [{ name: 'coder_list_templates' }] })
  })

  it('OA-90: an unknown tool is an error of the protocol that names it', async () => {
    const { body } = await rpc(server.url, owner, { method: 'tools/call', params: { name: 'no_such_tool' } })
    expect(body.error).toMatchObject({ code: -32_602, message: expect.stringContaining('no_such_tool') })
  })

  it('OA-90: a tool that fails says so in its result', async () => {
    const { body } = await rpc(server.url, owner, {
      method: 'tools/call',
      params: { name: 'coder_get_workspace', arguments: { workspace_id: 'nobody/nothing' } },
    })
    expect(body.result).toMatchObject({ isError: true, content: [{ type: 'text' }] })
    const wrong = await rpc(server.url, owner, {
      method: 'tools/call',
      params: { name: 'coder_get_workspace', arguments: {} },
    })
    expect(JSON.stringify(wrong.body)).toContain('workspace_id')
  })

  it('OA-B6: a token sees the tools of its scopes, and is told what another call needs', async () => {
    const reader = await scoped('template:read')
    expect((await listed('', reader)).map(({ name }) => name)).toEqual([
      'coder_get_template',
      'coder_get_template_version_logs',
      'coder_list_templates',
      'coder_template_version_parameters',
    ])
    for (const version of [undefined, '2026-07-28']) {
      const answer = await rpc(server.url, reader, {
        method: 'tools/call',
        params: { name: 'coder_delete_template', arguments: { template_id: crypto.randomUUID() } },
        ...(version === undefined ? {} : { version }),
      })
      expect(answer.status).toBe(403)
      expect(answer.headers.get('www-authenticate')).toMatch(
        /error="insufficient_scope".*scope="template:delete".*resource_metadata="[^"]*\/api\/experimental\/mcp\/http"/,
      )
    }
    const allowed = await rpc(server.url, reader, {
      method: 'tools/call',
      params: { name: 'coder_list_templates', arguments: {} },
    })
    expect(allowed.body.result?.isError).not.toBe(true)
  })

  it('OA-B6: no call of a batch is let in by the others', async () => {
    const reader = await scoped('template:read')
    const call = (id: number, name: string, args: object) => ({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name, arguments: args },
    })
    const answer = await post(server.url, reader, [
      call(1, 'coder_list_templates', {}),
      call(2, 'coder_delete_template', { template_id: crypto.randomUUID() }),
    ])
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toContain('scope="template:delete"')
  })

  it('OA-B6: what a build does decides what it needs', async () => {
    const starter = await scoped('workspace:read', 'workspace:start')
    const build = (transition: string) =>
      rpc(server.url, starter, {
        method: 'tools/call',
        params: {
          name: 'coder_create_workspace_build',
          arguments: { workspace_id: crypto.randomUUID(), transition },
        },
      })
    const refused = await build('delete')
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('scope="workspace:read workspace:delete"')
    expect((await build('start')).status).toBe(200)
  })

  it('OA-B23: what a tool changes is audited with its name, its caller and their address', async () => {
    const { body } = await rpc(server.url, owner, {
      method: 'tools/call',
      params: {
        name: 'coder_create_workspace',
        arguments: {
          user: 'me',
          name: 'audited',
          rich_parameters: {},
          template_id: (await server.builtInTemplate()).id,
        },
      },
    })
    expect(body.result?.isError).not.toBe(true)
    await using database = await openDatabase(server.databaseUrl)
    const entries = await database.db
      .selectFrom('audit_logs')
      .selectAll()
      .where('resource_type', '=', 'workspace')
      .where('action', '=', 'create')
      .execute()
    expect(entries).toMatchObject([
      {
        resource_target: 'audited',
        ip: '127.0.0.1',
        status_code: 201,
        additional_fields: { mcp_tool: 'coder_create_workspace' },
      },
    ])
  })
})

describe('prompts and resources', () => {
  it('OA-94: a prompt names its tools, and refuses to be rendered without what it needs', async () => {
    await using mcp = await connect(legacyTransport(server.url, owner))
    const { prompts } = await mcp.client.listPrompts()
    expect(prompts.map(({ name }) => name)).toEqual([
      'coder_agents_delegate',
      'coder_agents_check',
      'coder_new_workspace',
      'coder_troubleshoot_workspace',
    ])
    const prompt = await mcp.client.getPrompt({ name: 'coder_new_workspace', arguments: { task: 'fix it' } })
    expect(prompt.messages).toMatchObject([
      { role: 'user', content: { type: 'text', text: expect.stringContaining('coder_create_workspace') } },
    ])
    await expect(mcp.client.getPrompt({ name: 'coder_new_workspace', arguments: {} })).rejects.toThrow(
      'missing required prompt argument: task',
    )
  })

  it('OA-94: an agent is given a task, and is looked after', async () => {
    await using mcp = await connect(legacyTransport(server.url, owner))
    const said = async (name: string, given: Record<string, string>): Promise<unknown> =>
      (await mcp.client.getPrompt({ name, arguments: given })).messages[0]?.content
    const delegate = { task: 'fix the tests', model_config_id: 'm-1' }
    expect(await said('coder_agents_delegate', delegate)).toMatchObject({
      type: 'text',
      text: expect.stringMatching(/fix the tests[\s\S]*coder_create_chat with model_config_id m-1/),
    })
    expect(await said('coder_agents_check', { chat_id: 'c-1' })).toMatchObject({
      text: expect.stringMatching(/chat c-1[\s\S]*coder_get_chat_messages/),
    })
    await expect(said('coder_agents_delegate', { model_config_id: 'm-1' })).rejects.toThrow(
      'missing required prompt argument: task',
    )
    await expect(said('coder_agents_check', {})).rejects.toThrow('missing required prompt argument: chat_id')
  })

  it('OA-97: a prompt is offered only with all of its tools', async () => {
    const { body } = await rpc(server.url, owner, { method: 'prompts/list', query: '?toolset=readonly' })
    expect(body.result).toMatchObject({
      prompts: [{ name: 'coder_agents_check' }, { name: 'coder_troubleshoot_workspace' }],
    })
  })

  it('issue 4, 7: templates are resources that can be listed and read', async () => {
    await using mcp = await connect(legacyTransport(server.url, owner))
    const template = await server.builtInTemplate()
    const uri = `coder://templates/${template.id}`
    const { resources } = await mcp.client.listResources()
    expect(resources.map((resource) => resource.uri)).toContain(uri)
    const { contents } = await mcp.client.readResource({ uri })
    expect(contents).toMatchObject([{ uri, mimeType: 'application/json' }])
    const { resourceTemplates } = await mcp.client.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'coder://workspaces/{id}',
      'coder://templates/{id}',
      'coder://chats/{id}',
    ])
  })

  it('a resource that a user may not see is not there', async () => {
    const uri = `coder://workspaces/${crypto.randomUUID()}`
    const { body } = await rpc(server.url, owner, { method: 'resources/read', params: { uri } })
    expect(body.error).toMatchObject({ code: -32_602 })
  })

  it('OA-B6: a token without the scope has no such resources', async () => {
    const reader = await scoped('template:read')
    const { body } = await rpc(server.url, reader, { method: 'resources/templates/list' })
    expect(body.result).toMatchObject({ resourceTemplates: [{ uriTemplate: 'coder://templates/{id}' }] })
  })
})

it('OA-87: the library is the same for each session: what one may do, another does not inherit', async () => {
  const reader = await scoped('template:read')
  const session = await initialize(server.url, owner)
  const answer = await post(server.url, reader, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, session)
  const { result } = (await answer.json()) as { result: { tools: unknown[] } }
  expect(result.tools).toHaveLength(4)
})

const STANDARD = [
  'coder_get_authenticated_user',
  'coder_list_workspaces',
  'coder_get_workspace',
  'coder_create_workspace',
  'coder_create_workspace_build',
  'coder_list_templates',
  'coder_get_template',
  'coder_template_version_parameters',
  'coder_create_template_version',
  'coder_create_template',
  'coder_update_template_active_version',
  'coder_delete_template',
  'coder_upload_tar_file',
  'coder_get_workspace_agent_logs',
  'coder_get_workspace_build_logs',
  'coder_get_template_version_logs',
  'coder_workspace_bash',
  'coder_workspace_ls',
  'coder_workspace_read_file',
  'coder_workspace_write_file',
  'coder_workspace_edit_file',
  'coder_workspace_edit_files',
  'coder_workspace_port_forward',
  'coder_workspace_list_apps',
  'coder_create_chat',
  'coder_get_chat',
  'coder_list_chats',
  'coder_get_chat_messages',
  'coder_send_chat_message',
  'coder_await_chat',
  'coder_interrupt_chat',
  'coder_archive_chat',
  'coder_download_chat_file',
  'coder_list_chat_model_configs',
]
