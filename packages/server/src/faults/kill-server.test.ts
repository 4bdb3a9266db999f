import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import { Client } from '@slipway/client'
import {
  createBuild,
  createFirstUser,
  createToken,
  createWorkspace,
  getBuild,
  getTemplateVersion,
  getWorkspace,
  listTemplates,
  login,
  openTerminal,
  type Template,
  type Workspace,
} from '@slipway/contract'
import {
  createTestDatabase,
  endWorkspaces,
  PASSWORD,
  type ServerProcess,
  startServerProcess,
  until,
} from '@slipway/testkit'

const steps = new AsyncDisposableStack()
let server: ServerProcess
let owner: Client
let template: Template

beforeAll(async () => {
  const database = steps.use(await createTestDatabase())
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-kill-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  server = steps.use(
    await startServerProcess({
      CODER_PG_CONNECTION_URL: database.url,
      CODER_CONFIG_DIR: folder,
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    }),
  )
  const anonymous = new Client({ url: server.url })
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  await anonymous.call(createFirstUser, { body })
  const { session_token: session } = await anonymous.call(login, { body })
  const { key } = await new Client({ url: server.url, token: session }).call(createToken, {
    params: { user: 'me' },
    body: {},
  })
  owner = new Client({ url: server.url, token: key })
  template = await until('the built-in template', async () => {
    const found = (await owner.call(listTemplates))[0]
    if (found === undefined) return undefined
    const version = await owner.call(getTemplateVersion, {
      params: { templateversion: found.active_version_id },
    })
    return version.job.completed_at === undefined ? undefined : found
  })
})
afterAll(() => steps.disposeAsync())

function make(name: string): Promise<Workspace> {
  return owner.call(createWorkspace, { params: { user: 'me' }, body: { name, template_id: template.id } })
}

/** The build when its job is over. */
function over(build: string) {
  return until(
    'the end of the build',
    async () => {
      const current = await owner.call(getBuild, { params: { workspacebuild: build } })
      return current.job.completed_at === undefined ? undefined : current
    },
    45_000,
  )
}

function readyAgent(workspace: Workspace) {
  return until('the agent', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    const agent = current.latest_build.resources[0]?.agents?.[0]
    return agent?.status === 'connected' && agent.lifecycle_state === 'ready' ? agent : undefined
  })
}

async function terminal(agent: string, id: string): Promise<{ socket: WebSocket; output: () => string }> {
  const address = owner.address(openTerminal, { params: { workspaceagent: agent } })
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

it('PR-122: kill -9 during builds: each of them ends and says why, and every workspace can be built again', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, (_, i) => make(`killed-${i}`)))
  await until('a build that runs', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: made[0]?.id ?? '' } })
    return current.latest_build.job.status !== 'pending'
  })
  await server.kill()
  await server.start()
  const ended = await Promise.all(made.map((workspace) => over(workspace.latest_build.id)))
  for (const build of ended) {
    expect(['succeeded', 'failed']).toContain(build.job.status)
    if (build.job.status === 'failed') expect(build.job.error).toMatch(/\w+ \w+/)
  }
  const again = await Promise.all(
    made.map((workspace) =>
      owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'stop' } }),
    ),
  )
  for (const build of await Promise.all(again.map((one) => over(one.id))))
    expect(build.job).toMatchObject({ status: 'succeeded' })
}, 120_000)

it('AC-121: kill -9 with open terminals: the shell and its scrollback are there again after the restart', async () => {
  const workspace = await make('typing')
  const agent = await readyAgent(workspace)
  const id = randomUUID()
  const first = await terminal(agent.id, id)
  const closed = new Promise((resolve) => first.socket.on('close', resolve).on('error', resolve))
  first.socket.send(Buffer.from(JSON.stringify({ data: 'MARK=kept; echo before-$MARK\r' })))
  await until('the first answer', () => first.output().includes('before-kept'))
  await server.kill()
  await closed
  await server.start()
  expect((await readyAgent(workspace)).id).toBe(agent.id)
  const second = await terminal(agent.id, id)
  await until('the scrollback', () => second.output().includes('before-kept'))
  second.socket.send(Buffer.from(JSON.stringify({ data: 'echo after-$MARK\r' })))
  await until('the same shell', () => second.output().includes('after-kept'))
  second.socket.close()
}, 90_000)
