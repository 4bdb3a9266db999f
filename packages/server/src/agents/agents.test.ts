import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { Client as ApiClient } from '@slipway/client'
import {
  appendAgentLogs,
  createBuild,
  createWorkspace,
  getAgent,
  getAgentManifest,
  getUser,
  getWorkspace,
  listAgentLogs,
  listListeningPorts,
  openTerminal,
  openWorkspaceTunnel,
  suspendUser,
  type Workspace,
  type WorkspaceAgent,
  watchWorkspaceWs,
} from '@slipway/contract'
import { startTestServer, type TestServer, until } from '@slipway/testkit'
import { opened, TunnelClient } from '@slipway/tunnel'

const run = promisify(execFile)
const SLIPWAY = fileURLToPath(new URL('../../../cli/bin/slipway.js', import.meta.url))

let server: TestServer
let owner: Client
let workspace: Workspace
let agent: WorkspaceAgent

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const template = await server.builtInTemplate()
  workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  agent = await until('the agent', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    const one = current.latest_build.resources[0]?.agents?.[0]
    return one?.lifecycle_state === 'ready' ? one : undefined
  })
})
afterAll(() => server[Symbol.asyncDispose]())

async function openPty(id: string): Promise<{ socket: WebSocket; output: () => string }> {
  const address = owner.address(openTerminal, { params: { workspaceagent: agent.id } })
  const socket = new WebSocket(`${address.replace('http', 'ws')}?reconnect=${id}&width=100&height=30`, {
    headers: owner.headers,
  })
  let output = ''
  socket.on('message', (data) => {
    output += String(data)
  })
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  return { socket, output: () => output }
}

async function openTunnel(): Promise<TunnelClient> {
  const address = owner.address(openWorkspaceTunnel, { params: { workspaceagent: agent.id } })
  const socket = new WebSocket(address.replace('http', 'ws'), { headers: owner.headers })
  await opened(socket)
  return new TunnelClient(socket)
}

describe('the terminal', () => {
  it('AC-221: takes JSON, gives bytes, and obeys sizes', async () => {
    const { socket, output } = await openPty(randomUUID())
    socket.send(Buffer.from(JSON.stringify({ height: 40, width: 120 })))
    socket.send(Buffer.from(JSON.stringify({ data: 'stty size; echo sum-$((20+3))\r' })))
    await until('the answer', () => output().includes('sum-23') && output().includes('40 120'))
    socket.send(Buffer.from(JSON.stringify({ data: 'stty size\r', height: 41, width: 121 })))
    await until('both', () => output().includes('41 121'))
    socket.close()
  })

  it('AC-121: a lost viewer comes back to the same shell with its scrollback', async () => {
    const id = randomUUID()
    const first = await openPty(id)
    first.socket.send(Buffer.from(JSON.stringify({ data: 'MARK=kept; echo before-$MARK\r' })))
    await until('the first answer', () => first.output().includes('before-kept'))
    first.socket.terminate()
    const second = await openPty(id)
    await until('the scrollback', () => second.output().includes('before-kept'))
    second.socket.send(Buffer.from(JSON.stringify({ data: 'echo after-$MARK\r' })))
    await until('the same shell', () => second.output().includes('after-kept'))
    second.socket.close()
  })

  it('ID-215: a suspended user is out of open terminals, others stay', async () => {
    const leaver = await server.user('leaver')
    const { id } = await leaver.call(getUser, { params: { user: 'me' } })
    const watch = new WebSocket(
      `${server.url.replace('http', 'ws')}/api/experimental/watch-all-workspacebuilds`,
      { headers: leaver.headers },
    )
    await opened(watch)
    const mine = await openPty(randomUUID())
    const closed = new Promise((resolve) => watch.on('close', resolve))
    await owner.call(suspendUser, { params: { user: id } })
    expect(await closed).toBe(1008)
    expect(mine.socket.readyState).toBe(WebSocket.OPEN)
    mine.socket.close()
  })

  it('AC-220: pages of other hosts open neither terminals nor other streams, ours do', async () => {
    const statusFor = async (
      route: typeof openTerminal | typeof openWorkspaceTunnel | typeof watchWorkspaceWs,
      origin: string,
    ) => {
      const params = { workspaceagent: agent.id, workspace: workspace.id }
      const address = owner.address(route, { params })
      const socket = new WebSocket(`${address.replace('http', 'ws')}?reconnect=${randomUUID()}`, {
        headers: { ...owner.headers, Origin: origin },
      })
      const status = await new Promise((resolve) => {
        socket.on('open', () => resolve(101))
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
        socket.on('error', () => undefined)
      })
      socket.terminate()
      return status
    }
    for (const route of [openTerminal, openWorkspaceTunnel, watchWorkspaceWs]) {
      expect(await statusFor(route, server.url)).toBe(101)
      for (const origin of ['http://evil--dev--other.apps.test', server.url.replace(/\d+$/, '1'), 'null'])
        expect([origin, await statusFor(route, origin)]).toEqual([origin, 403])
    }
  })

  it('AC-220: a request without an id is refused', async () => {
    const address = owner.address(openTerminal, { params: { workspaceagent: agent.id } })
    const answer = await fetch(address, { headers: owner.headers })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ validations: [{ field: 'reconnect' }] })
  })

  it('AC-14, ID-147: nobody else opens it, and it is as if it did not exist', async () => {
    const stranger = await server.user('stranger')
    await expect(stranger.call(getAgent, { params: { workspaceagent: agent.id } })).rejects.toMatchObject({
      status: 404,
    })
  })
})

describe('byte streams', () => {
  it('AC-240: a port of the workspace is reached through the tunnel', async () => {
    const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => echo.on('listening', resolve))
    const address = echo.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    using tunnel = await openTunnel()
    const stream = await tunnel.connect(`127.0.0.1:${address.port}`)
    stream.end('through the tunnel')
    expect(await text(stream)).toBe('through the tunnel')
    echo.close()
  })

  it('AC-122: requests to the API of the agent go through the tunnel, with their bodies and answers', async () => {
    using tunnel = await openTunnel()
    const file = path.join(tmpdir(), randomUUID())
    const target = `/api/v0/write-file?${new URLSearchParams({ path: file })}`
    const written = await tunnel.request({ method: 'POST', path: target, body: Buffer.from('by the tunnel') })
    expect([written.status, await text(written.body)]).toEqual([200, expect.any(String)])
    expect(await readFile(file, 'utf8')).toBe('by the tunnel')
    await rm(file)
    const unknown = await tunnel.request({ method: 'GET', path: '/api/v0/nothing' })
    expect([unknown.status, await text(unknown.body)]).toEqual([404, expect.any(String)])
  })

  it('AC: ports below 9 and closed ports are refused and said so', async () => {
    using tunnel = await openTunnel()
    await expect(tunnel.connect('127.0.0.1:7')).rejects.toMatchObject({ status: 400 })
    await expect(tunnel.connect('127.0.0.1:59999')).rejects.toMatchObject({ status: 502 })
  })

  it('lists what listens', async () => {
    const ports = await owner.call(listListeningPorts, { params: { workspaceagent: agent.id } })
    expect(Array.isArray(ports.ports)).toBe(true)
  })
})

describe('reports', () => {
  it('AC-2: an agent token must be a UUID, and one that nobody holds is refused', async () => {
    for (const [token, message] of [
      ['nonsense', 'Workspace agent token invalid.'],
      [randomUUID(), 'Workspace agent not authorized.'],
    ] as const)
      await expect(new ApiClient({ url: server.url, token }).call(getAgentManifest)).rejects.toMatchObject({
        status: 401,
        message,
      })
  })

  it('AC-95: the output of the startup script is in the log of the agent', async () => {
    const logs = await until('the log', async () => {
      const lines = await owner.call(listAgentLogs, { params: { workspaceagent: agent.id } })
      return lines.length > 0 ? lines : undefined
    })
    expect(logs.map((line) => line.output).join('\n')).toContain('home folder is ready')
  })
})

describe('plain OpenSSH', () => {
  let folder = ''
  const ssh = (args: readonly string[]) => run('ssh', ['-F', path.join(folder, 'config'), ...args])
  const slipway = (...args: string[]) =>
    run(process.execPath, [SLIPWAY, '--global-config', path.join(folder, 'session'), ...args])

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
    const token = owner.headers['Coder-Session-Token'] ?? ''
    await slipway('login', server.url, '--token', token)
    await slipway('config-ssh', '--yes', '--ssh-config-file', path.join(folder, 'config'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('AC-110, AC-112: runs commands with the environment of the workspace and passes the exit code', async () => {
    const { stdout } = await ssh(['coder.dev', 'echo $CODER_WORKSPACE_NAME $CODER_WORKSPACE_OWNER_NAME'])
    expect(stdout.trim()).toBe('dev owner')
    await expect(ssh(['dev.coder', 'exit 7'])).rejects.toMatchObject({ code: 7 })
  })

  it('AC-110: scp and sftp carry files both ways, unchanged', async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
    await writeFile(path.join(folder, 'up'), content)
    await run('scp', ['-q', '-F', path.join(folder, 'config'), path.join(folder, 'up'), 'coder.dev:file'])
    await run('scp', ['-q', '-F', path.join(folder, 'config'), 'coder.dev:file', path.join(folder, 'down')])
    expect(await readFile(path.join(folder, 'down'))).toEqual(content)
  })

  it('AC-243: the command line runs commands, and its own session carries exit codes', async () => {
    const { stdout } = await slipway('ssh', 'dev', 'pwd')
    expect(stdout.trim()).toMatch(/home$/)
    await expect(slipway('ssh', 'dev', 'exit 3')).rejects.toMatchObject({ code: 3 })
  })

  it('OP-§17: the command line lists and shows, as a table and as JSON', async () => {
    expect((await slipway('list')).stdout).toContain('owner/dev')
    const [listed] = JSON.parse((await slipway('list', '-o', 'json')).stdout)
    expect(listed).toMatchObject({ name: 'dev', latest_build: { status: 'running' } })
    await expect(slipway('show', 'no-such-workspace')).rejects.toMatchObject({ code: 1 })
  })
})

describe('what must survive', () => {
  it('AC-92: a flood of logs is refused beyond the limit and harms nobody', async () => {
    const token = await tokenOfAgent()
    const holder = new ApiClient({ url: server.url, token })
    const line = { level: 'info' as const, output: 'x'.repeat(1_000) }
    let refused = 0
    for (let i = 0; i < 30; i += 1)
      await holder
        .call(appendAgentLogs, { body: { logs: Array.from({ length: 50 }, () => line) } })
        .catch((error: { status: number }) => {
          expect(error.status).toBe(413)
          refused += 1
        })
    expect(refused).toBeGreaterThan(5)
    const current = await owner.call(getAgent, { params: { workspaceagent: agent.id } })
    expect(current.logs_overflowed).toBe(true)
    expect(current.logs_length).toBeLessThanOrEqual(1_048_576)
  })

  it('AC-4: the agent of a stopped workspace loses its token when the stop is over', async () => {
    const token = await tokenOfAgent()
    const holder = new ApiClient({ url: server.url, token })
    expect(await holder.call(getAgentManifest)).toMatchObject({ workspace_name: 'dev' })
    await owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'stop' } })
    await until('the stop', async () => {
      const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
      return current.latest_build.status === 'stopped'
    })
    await expect(holder.call(getAgentManifest)).rejects.toMatchObject({ status: 401 })
  })
})

/** What the agent itself holds: read from the shell, as a user of the workspace could. */
async function tokenOfAgent(): Promise<string> {
  const { socket, output } = await openPty(randomUUID())
  socket.send(Buffer.from(JSON.stringify({ data: 'echo "<$CODER_AGENT_TOKEN>"\r' })))
  const match = await until('the token', () => /<([0-9a-f-]{36})>/.exec(output()) ?? undefined)
  socket.close()
  return match[1] ?? ''
}
