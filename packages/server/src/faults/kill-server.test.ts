import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises'
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
  listBuildLogs,
  listTemplates,
  login,
  openTerminal,
  type Template,
  type Workspace,
} from '@slipway/contract'
import {
  createTestDatabase,
  endWorkspaces,
  fixtures,
  openDatabase,
  PASSWORD,
  type ServerProcess,
  startServerProcess,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const steps = new AsyncDisposableStack()
let server: ServerProcess
let database: Database
let folder: string
let owner: Client
let template: Template

beforeAll(async () => {
  const { url } = steps.use(await createTestDatabase())
  database = steps.use(await openDatabase(url, { maxConnections: 2 }))
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-kill-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  server = steps.use(
    await startServerProcess({
      CODER_PG_CONNECTION_URL: url,
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

/** Processes of a workspace. */
function processesOf({ id }: Workspace): { readonly pid: number; readonly command: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const ours = readFileSync(`/proc/${name}/environ`, 'utf8').includes(`SLIPWAY_WORKSPACE=${id}\0`)
      return ours ? [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }] : []
    } catch {
      // It is no process, or has ended meanwhile.
      return []
    }
  })
}

/** `kill -9` of what runs in a workspace; nobody has heard of it for a minute then, as after a restart of the machine. */
async function lose(workspace: Workspace, spared?: string): Promise<void> {
  const doomed = () => processesOf(workspace).filter(({ command }) => command !== spared)
  await until('the end of its processes', () => {
    for (const { pid } of doomed()) process.kill(pid, 'SIGKILL')
    return doomed().length === 0
  })
  await database.db
    .updateTable('workspace_agents')
    .set({ last_connected_at: new Date(Date.now() - 60_000), disconnected_at: null })
    .where('resource_id', 'in', (eb) =>
      eb
        .selectFrom('workspace_resources as r')
        .innerJoin('workspace_builds as b', 'b.job_id', 'r.job_id')
        .select('r.id')
        .where('b.workspace_id', '=', workspace.id),
    )
    .execute()
}

const read = ({ id }: Workspace) => owner.call(getWorkspace, { params: { workspace: id } })

it('L-16: a workspace that ran on this machine runs again after its restart, and no other is touched', async () => {
  const names = ['rebooted', 'used', 'restless', 'moved']
  const made = await Promise.all(names.map(make))
  const [rebooted, used, restless, moved] = made
  if (rebooted === undefined || used === undefined || restless === undefined || moved === undefined)
    throw new Error('a workspace is missing')
  const agents = await Promise.all(made.map(readyAgent))
  const { socket } = await terminal(agents[1]?.id ?? '', randomUUID())
  socket.on('error', () => undefined)
  socket.send(Buffer.from(JSON.stringify({ data: 'setsid sleep 1009 & \r' })))
  const sleep = ['sleep', '1009', ''].join('\0')
  await until('what its user runs', () => processesOf(used).some(({ command }) => command === sleep))
  await server.kill()
  for (const workspace of made) await lose(workspace, sleep)
  const setReason = (reason: 'autostart' | 'initiator') =>
    database.db
      .updateTable('workspace_builds')
      .set({ reason })
      .where('workspace_id', '=', restless.id)
      .execute()
  // It was started by itself a moment ago.
  await setReason('autostart')
  const place = (id: string) => path.join(folder, 'workspaces', id)
  await rename(place(moved.id), place(`${moved.id}-elsewhere`))
  await server.start()

  const { id } = await readyAgent(rebooted)
  expect(id).not.toBe(agents[0]?.id)
  const { latest_build: build, health } = await read(rebooted)
  expect(build).toMatchObject({
    build_number: 2,
    status: 'running',
    reason: 'autostart',
    initiator_name: 'owner',
  })
  expect(health.healthy).toBe(true)
  const logs = await owner.call(listBuildLogs, { params: { workspacebuild: build.id } })
  expect(logs.map(({ output }) => output).join('\n')).toMatch(/Agent \w+ did not run any more/)
  expect(server.output).toContain('nothing of it runs any more')
  for (const workspace of [used, restless, moved]) {
    const left = await read(workspace)
    expect(left.latest_build.build_number, workspace.name).toBe(1)
    expect(left.health, workspace.name).toMatchObject({ healthy: false })
  }
  expect(processesOf(used)).toMatchObject([{ command: sleep }])

  // Another machine could take the build, and has another home for it.
  await server.kill()
  await setReason('initiator')
  await fixtures.replica(database.db, { hostname: 'another-machine' })
  await server.start()
  await until('the warning', () => server.output.includes('its owner can restart it'))
  expect((await read(restless)).latest_build.build_number).toBe(1)
}, 90_000)
