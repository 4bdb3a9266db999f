import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { Client as ModernClient } from '@modelcontextprotocol/client'
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio'
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createWorkspace, getWorkspace, listWorkspaces } from '@slipway/contract'
import { allPrompts, allTools } from '@slipway/mcp-tools'
import { freePort, importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'
import { BIN, CommandLine } from '../testing/command-line.ts'

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [{ name: 'main', apps: [{ slug: 'board', displayName: 'Board', url: 'http://localhost:8080', subdomain: true }] }],
  }),
})`
const NEEDED_BY = 'coder_new_workspace'
const NEEDED = allPrompts.find(({ name }) => name === NEEDED_BY)?.requiredTools ?? []

let server: TestServer
let owner: Client
let folder: string
let cli: CommandLine
let watcher: CommandLine
let mcp: Connected

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_WILDCARD_ACCESS_URL: '*.apps.example.com',
    },
  })
  owner = await server.owner()
  const template = await importTemplate(owner, 'plain', { 'template.ts': SOURCE })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  await cli.good('login', server.url, '--token', tokenOf(owner))
  watcher = new CommandLine(await mkdtemp(path.join(folder, 'watcher-')))
  await watcher.good('login', server.url, '--token', tokenOf(await server.user('tess', ['template-admin'])))
  await until('the workspace', async () => {
    const { latest_build: build } = await owner.call(getWorkspace, { params: { workspace: id } })
    return build.status === 'running'
  })
  mcp = await connect(cli, { CODER_MCP_INSTRUCTIONS: 'Be brief.' })
})
afterAll(async () => {
  await mcp[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = (client: Client) => client.headers['Coder-Session-Token'] ?? ''
const base64 = (text: string) => Buffer.from(text).toString('base64')
const namesOf = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name)

type Connected = AsyncDisposable & {
  readonly client: McpClient
  /** What the program printed on stderr. */
  readonly said: () => string
  /** What came on stdout that is no message of the protocol. */
  readonly faults: readonly Error[]
}

function startOf(program: CommandLine, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  return {
    command: process.execPath,
    args: [BIN, 'exp', 'mcp', 'server', ...args],
    env: { ...program.environment, ...env },
    stderr: 'pipe' as const,
  }
}

async function connect(
  program: CommandLine,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Connected> {
  const client = new McpClient({ name: 'test', version: '1.0.0' })
  const faults: Error[] = []
  client.onerror = (error) => void faults.push(error)
  const transport = new StdioClientTransport(startOf(program, env, args))
  let said = ''
  transport.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await client.connect(transport)
  return { client, said: () => said, faults, [Symbol.asyncDispose]: () => client.close() }
}

async function call(name: string, args: Record<string, unknown>, { client } = mcp) {
  const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 60_000 })
  const [content] = result.content as { readonly text: string }[]
  const text = content?.text ?? ''
  return {
    isError: result.isError === true,
    text,
    value: result.isError === true ? undefined : JSON.parse(text),
  }
}

describe('OA-96: exp mcp server', () => {
  it('offers every tool, search and fetch too, and says on stderr whom it serves', async () => {
    const { client, said, faults } = mcp
    expect(client.getServerVersion()).toMatchObject({ name: 'Coder Agent' })
    expect(client.getInstructions()).toBe('Be brief.')
    const { tools } = await client.listTools()
    expect(namesOf(tools)).toEqual(namesOf(allTools))
    expect(namesOf(tools)).toEqual(expect.arrayContaining(['search', 'fetch', 'coder_workspace_bash']))
    expect(namesOf(tools)).not.toContain('coder_report_task')
    expect(namesOf((await client.listPrompts()).prompts)).toEqual(namesOf(allPrompts))
    expect(said()).toContain(`Serving MCP as owner of ${server.url}`)
    expect(faults).toEqual([])
  })

  it('calls the API as the user of the session', async () => {
    expect((await call('coder_get_authenticated_user', {})).value).toMatchObject({ username: 'owner' })
    expect((await call('coder_list_workspaces', {})).value).toMatchObject([{ name: 'dev' }])
    const { results } = (await call('search', { query: 'workspaces' })).value
    expect(results).toMatchObject([
      { id: expect.stringMatching(/^workspace:/), url: `${server.url}/@owner/dev` },
    ])
    const missing = await call('coder_get_workspace', { workspace_id: 'nowhere' })
    expect(missing).toMatchObject({ isError: true, text: expect.stringMatching(/not found/i) })
    await expect(mcp.client.callTool({ name: 'coder_fly', arguments: {} })).rejects.toThrow(
      /-32602.*coder_fly/,
    )
  })

  it('runs commands and works with files in a workspace', async () => {
    const workspace = 'dev'
    const { output } = (await call('coder_workspace_bash', { workspace, command: 'cd && pwd' })).value
    const file = `${output}/notes/today.txt`
    expect(
      await call('coder_workspace_write_file', { workspace, path: file, content: base64('one\ntwo\n') }),
    ).toMatchObject({
      isError: false,
    })
    const edits = [{ search: 'two', replace: 'three' }]
    const edited = await call('coder_workspace_edit_file', { workspace, path: file, edits })
    expect(edited.value.files).toMatchObject([{ path: file, diff: expect.stringContaining('+three') }])
    expect(await call('coder_workspace_edit_file', { workspace, path: file, edits })).toMatchObject({
      isError: true,
    })
    const { value } = await call('coder_workspace_read_file', { workspace, path: file, offset: 4 })
    expect(Buffer.from(value.content, 'base64').toString()).toBe('three\n')
    expect((await call('coder_workspace_ls', { workspace, path: `${output}/notes` })).value).toEqual({
      contents: [{ path: file, is_dir: false }],
    })
    const ran = await call('coder_workspace_bash', { workspace, command: `cat ${file}; echo oh >&2; exit 3` })
    expect(ran.value).toEqual({ output: 'one\nthree\noh', exit_code: 3 })
    expect((await call('coder_workspace_list_apps', { workspace })).value).toEqual({
      apps: [{ name: 'Board', url: 'http://localhost:8080' }],
    })
  })

  it('OA-93: a command that takes too long is cancelled', async () => {
    const command = 'echo begun; sleep 60; echo done'
    const { value } = await call('coder_workspace_bash', { workspace: 'dev', command, timeout_ms: 1_000 })
    expect(value).toEqual({ output: 'begun\nCommand canceled due to timeout', exit_code: 124 })
    const left = await call('coder_workspace_bash', { workspace: 'dev', command: 'pgrep -f "[s]leep 60"' })
    expect(left.value).toEqual({ output: '', exit_code: 1 })
  })

  it('a command ends when its call is cancelled, and when the client leaves', async () => {
    const runs = async (seconds: number) => {
      const command = `pgrep -f "[s]leep ${seconds}"`
      return (await call('coder_workspace_bash', { workspace: 'dev', command })).value.exit_code === 0
    }
    const sleep = (seconds: number) => ({
      name: 'coder_workspace_bash',
      arguments: { workspace: 'dev', command: `sleep ${seconds}; true` },
    })
    const over = new AbortController()
    const cancelled = mcp.client.callTool(sleep(71), undefined, { signal: over.signal })
    await until('the command', () => runs(71))
    over.abort()
    await expect(cancelled).rejects.toThrow()
    await until('its end', async () => !(await runs(71)))
    const leaving = await connect(cli)
    const left = leaving.client.callTool(sleep(72))
    await until('the command', () => runs(72))
    await Promise.all([expect(left).rejects.toThrow(), leaving.client.close()])
    await until('its end', async () => !(await runs(72)))
  })

  it('OA-89: reading a workspace is not enough to work in it', async () => {
    await using other = await connect(watcher)
    expect((await call('coder_get_workspace', { workspace_id: 'owner/dev' }, other)).value).toMatchObject({
      name: 'dev',
    })
    const refused = await call(
      'coder_workspace_read_file',
      { workspace: 'owner/dev', path: '/etc/hosts' },
      other,
    )
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('unauthorized') })
  })

  it('offers workspaces and templates as resources', async () => {
    // Nobody is promised to hear of other lists.
    expect(mcp.client.getServerCapabilities()).toEqual({
      tools: { listChanged: false },
      prompts: { listChanged: false },
      resources: { listChanged: false },
    })
    const { client } = mcp
    const { resources } = await client.listResources()
    expect(namesOf(resources)).toEqual(expect.arrayContaining(['coder/plain', 'owner/dev']))
    const uri = resources.find(({ name }) => name === 'owner/dev')?.uri ?? ''
    const [content] = (await client.readResource({ uri })).contents
    expect(JSON.parse(content !== undefined && 'text' in content ? content.text : '')).toMatchObject({
      name: 'dev',
    })
    const none = `coder://workspaces/${crypto.randomUUID()}`
    await expect(client.readResource({ uri: none })).rejects.toThrow(/-32602/)
  })

  it('speaks the revision without a handshake, too', async () => {
    const client = new ModernClient(
      { name: 'test', version: '1.0.0' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    )
    await client.connect(new ModernTransport(startOf(cli, {})))
    try {
      expect(namesOf((await client.listTools()).tools)).toEqual(namesOf(allTools))
      const result = await client.callTool({ name: 'coder_list_workspaces', arguments: {} })
      expect(result.structuredContent).toMatchObject([{ name: 'dev' }])
    } finally {
      await client.close()
    }
  })
})

describe('OA-97: an allow-list', () => {
  it('of one tool leaves one tool, no prompt and nothing to read around it', async () => {
    await using only = await connect(cli, { CODER_MCP_ALLOWED_TOOLS: 'coder_list_workspaces,coder_fly' })
    expect(namesOf((await only.client.listTools()).tools)).toEqual(['coder_list_workspaces'])
    expect((await only.client.listPrompts()).prompts).toEqual([])
    expect(only.client.getServerCapabilities()?.resources).toBeUndefined()
    expect(only.said()).toContain('There is no tool coder_fly here.')
    await expect(only.client.callTool({ name: 'coder_workspace_bash', arguments: {} })).rejects.toThrow(
      /-32602/,
    )
  })

  it('with all tools that a prompt needs offers that prompt', async () => {
    const args = NEEDED.flatMap((name) => ['--allowed-tools', name])
    await using some = await connect(cli, {}, args)
    expect(namesOf((await some.client.listTools()).tools)).toEqual([...NEEDED].sort())
    const [prompt, ...more] = (await some.client.listPrompts()).prompts
    expect([prompt?.name, more]).toEqual([NEEDED_BY, []])
    const name = prompt?.name ?? ''
    const { messages } = await some.client.getPrompt({ name, arguments: { task: 'Sort the mail' } })
    expect(messages).toMatchObject([
      { role: 'user', content: { type: 'text', text: expect.stringContaining('Sort the mail') } },
    ])
    await expect(some.client.getPrompt({ name, arguments: {} })).rejects.toThrow(
      /missing required prompt argument: task/,
    )
  })
})

describe('OA-96, OA-98: coder_report_task', () => {
  const report = (summary: string, state: string) => ({ summary, link: 'https://git.example/1', state })
  const withSocket = async () => {
    const command = 'printf %s "$CODER_AGENT_SOCKET_PATH"'
    const { output } = (await call('coder_workspace_bash', { workspace: 'dev', command })).value
    return { CODER_MCP_APP_STATUS_SLUG: 'board', CODER_AGENT_SOCKET_PATH: String(output) }
  }
  const reported = async () => {
    const [workspace] = (await owner.call(listWorkspaces)).workspaces
    return {
      latest: workspace?.latest_app_status,
      ofApp: workspace?.latest_build.resources.flatMap(({ agents }) => agents ?? [])[0]?.apps[0]?.statuses,
    }
  }

  it('is offered beside an agent, and shows at the workspace and its app what is done', async () => {
    await using beside = await connect(cli, await withSocket())
    expect(namesOf((await beside.client.listTools()).tools)).toEqual(
      [...namesOf(allTools), 'coder_report_task'].sort(),
    )
    expect((await call('coder_report_task', report('Reads the code', 'working'), beside)).value).toEqual({
      message: 'Thanks for reporting!',
    })
    const { latest, ofApp } = await until('the report', async () => {
      const found = await reported()
      return found.latest === null ? undefined : found
    })
    expect(latest).toMatchObject({
      state: 'working',
      message: 'Reads the code',
      uri: 'https://git.example/1',
    })
    expect(ofApp).toEqual([latest])
    const long = await call('coder_report_task', report('x'.repeat(161), 'working'), beside)
    expect(long).toMatchObject({ isError: true, text: expect.stringContaining('160') })
    expect((await call('coder_report_task', { summary: 'x' }, beside)).isError).toBe(true)
    await call('coder_report_task', report('Is done', 'complete'), beside)
    // What was reported last is sent even when the client leaves at once.
    await beside.client.close()
    await until('the end', async () => (await reported()).latest?.state === 'complete')
  })

  it('needs an app and an agent that answers', async () => {
    const { CODER_AGENT_SOCKET_PATH } = await withSocket()
    await using nameless = await connect(cli, { CODER_AGENT_SOCKET_PATH })
    expect(namesOf((await nameless.client.listTools()).tools)).toEqual(namesOf(allTools))
    const nowhere = { CODER_MCP_APP_STATUS_SLUG: 'board', CODER_AGENT_SOCKET_PATH: `${folder}/none` }
    await using lonely = await connect(cli, nowhere)
    expect(namesOf((await lonely.client.listTools()).tools)).toEqual(namesOf(allTools))
    expect(lonely.said()).toContain('no agent answers')
    const wrong = { CODER_AGENT_SOCKET_PATH, CODER_MCP_APP_STATUS_SLUG: 'nothing' }
    await using misled = await connect(cli, wrong)
    await call('coder_report_task', report('Lost', 'working'), misled)
    await until('the refusal', () => misled.said().includes('Failed to get workspace app.'))
  })

  it('is all there is without a session of a user', async () => {
    const stranger = new CommandLine(await mkdtemp(path.join(folder, 'agent-only-')))
    await using alone = await connect(stranger, await withSocket())
    expect(namesOf((await alone.client.listTools()).tools)).toEqual(['coder_report_task'])
    expect((await alone.client.listPrompts()).prompts).toEqual([])
    expect(alone.client.getServerCapabilities()?.resources).toBeUndefined()
    await call('coder_report_task', report('Needs help', 'failure'), alone)
    await until('the report', async () => (await reported()).latest?.message === 'Needs help')
  })
})

describe('OA-96: without a session', () => {
  it('it ends with what to do about that, and writes nothing on stdout', async () => {
    const stranger = new CommandLine(await mkdtemp(path.join(folder, 'stranger-')))
    const expected = "error: You are not logged in. Try logging in using 'slipway login <url>'.\n"
    expect(await stranger.bad('exp', 'mcp', 'server')).toBe(expected)
    const dead = ['--url', server.url, '--token', 'AAAAAAAAAA-BBBBBBBBBBBBBBBBBBBBBB']
    expect(await stranger.bad('exp', 'mcp', 'server', ...dead)).toBe(expected)
  })

  it('it waits for a server that cannot be reached, and says so when a tool is called', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    await using early = await connect(cli, {}, ['--url', url, '--token', tokenOf(owner)])
    expect(early.said()).toContain('tools will try again')
    const failed = await call('coder_get_authenticated_user', {}, early)
    expect(failed).toMatchObject({ isError: true, text: expect.stringContaining(`cannot reach ${url}`) })
  })
})

it('OA-89: where only browsers may connect, tools that work in workspaces are refused', async () => {
  const [other, home] = [
    await startTestServer({ env: { CODER_BROWSER_ONLY: 'true' } }),
    path.join(folder, 'only'),
  ]
  try {
    const admin = await other.owner()
    const template = await importTemplate(admin, 'plain', { 'template.ts': SOURCE })
    const body = { name: 'dev', template_id: template.id }
    await admin.call(createWorkspace, { params: { user: 'me' }, body })
    await using only = await connect(new CommandLine(home), {
      CODER_URL: other.url,
      CODER_SESSION_TOKEN: tokenOf(admin),
    })
    const refused = await call('coder_workspace_ls', { workspace: 'dev', path: '/' }, only)
    expect(refused).toMatchObject({
      isError: true,
      text: 'unauthorized: Non-browser connections are disabled for your deployment.',
    })
  } finally {
    await other[Symbol.asyncDispose]()
  }
})
