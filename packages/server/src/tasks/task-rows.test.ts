import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  deleteTask,
  getTask,
  getTaskLogs,
  getUser,
  keepTaskLogSnapshot,
  listSiteRoles,
  listTasks,
  listTemplates,
  patchAgentAppStatus,
  pauseTask,
  sendToTask,
  type Task,
  updateTaskInput,
  updateWorkspaceAcl,
} from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { hashAgentToken } from '../resources/index.ts'

let server: TestServer
let owner: Client
let ownerId = ''
let database: Awaited<ReturnType<typeof openDatabase>>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  ownerId = (await owner.call(getUser, { params: { user: 'me' } })).id
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

type Given<Name extends 'workspaceAgent' | 'workspaceApp' | 'provisionerJob' | 'task' | 'workspaceBuild'> =
  NonNullable<Parameters<(typeof fixtures)[Name]>[1]>

/** A task whose app has answered once its workspace runs; nobody runs it. */
async function newTask(
  given: {
    readonly job?: Given<'provisionerJob'>
    readonly build?: Given<'workspaceBuild'>
    readonly agent?: Given<'workspaceAgent'>
    readonly app?: Given<'workspaceApp'>
    readonly task?: Given<'task'>
    readonly ownerId?: string
  } = {},
) {
  const { db } = database
  const [organization] = await db
    .selectFrom('organizations')
    .selectAll()
    .where('is_default', '=', true)
    .execute()
  if (organization === undefined) throw new Error('there is no organization')
  const template = await fixtures.template(db, { organization })
  const owner_id = given.ownerId ?? ownerId
  const workspace = await fixtures.workspace(db, { owner_id, template })
  const job = await fixtures.provisionerJob(db, {
    organization,
    initiator_id: owner_id,
    type: 'workspace_build',
    ...given.job,
  })
  const build = await fixtures.workspaceBuild(db, { workspace, job, ...given.build })
  const token = randomUUID()
  const agent = await fixtures.workspaceAgent(db, {
    resource: await fixtures.workspaceResource(db, { build }),
    auth_token_hash: hashAgentToken(token),
    lifecycle_state: 'ready',
    ...given.agent,
  })
  const app = await fixtures.workspaceApp(db, { agent, slug: 'assistant', health: 'healthy', ...given.app })
  if (build.transition === 'start') await fixtures.taskWorkspaceApp(db, { build, app })
  const task = await fixtures.task(db, { workspace, ...given.task })
  return { task, workspace, build, agent, app, holder: new Client({ url: server.url, token }) }
}

/** A job that no provisioner of this server takes. */
const waits = { started_at: null, completed_at: null, tags: JSON.stringify({ scope: 'nowhere' }) }

const at = (task: string, user = 'me') => ({ params: { user, task } })
const show = (task: string, who = owner, user = 'me') => who.call(getTask, at(task, user))
const names = async (q: string, who = owner) =>
  (await who.call(listTasks, { query: { q } })).tasks.map(({ name }) => name)

describe('WS-255: the status of a task', () => {
  const ended = { completed_at: new Date(), started_at: new Date() }
  const runs = { started_at: new Date(), completed_at: null }
  const stop = { transition: 'stop' as const }
  const remove = { transition: 'delete' as const }
  it.each<[Task['status'], string, Parameters<typeof newTask>[0]]>([
    ['error', 'whose build has failed', { job: { ...ended, error: 'no' } }],
    ['error', 'whose build is being canceled', { job: { ...runs, canceled_at: new Date() } }],
    ['error', 'whose build was canceled', { job: { ...ended, canceled_at: new Date() } }],
    ['paused', 'that was stopped', { build: stop }],
    ['paused', 'that was deleted', { build: remove }],
    ['pending', 'whose start waits', { job: waits }],
    ['unknown', 'whose stop waits', { job: waits, build: stop }],
    ['unknown', 'that is being stopped', { job: runs, build: stop }],
    ['unknown', 'that is being deleted', { job: runs, build: remove }],
    ['initializing', 'whose agent has not connected', { agent: { lifecycle_state: 'created' } }],
    ['initializing', 'whose agent starts', { agent: { lifecycle_state: 'starting' } }],
    ['unknown', 'whose agent ends', { agent: { lifecycle_state: 'shutting_down' } }],
    ['unknown', 'whose agent is off', { agent: { lifecycle_state: 'off' } }],
    ['active', 'whose start took long', { agent: { lifecycle_state: 'start_timeout' } }],
    ['active', 'whose start script failed', { agent: { lifecycle_state: 'start_error' } }],
    ['initializing', 'whose app starts', { app: { health: 'initializing' } }],
    ['error', 'whose app is ill', { app: { health: 'unhealthy' } }],
    ['active', 'whose app is well', {}],
    ['active', 'whose app is not checked', { app: { health: 'disabled' } }],
  ])('%s of one %s', async (status, _what, given) => {
    const { task } = await newTask(given)
    expect((await show(task.id)).status).toBe(status)
    expect(await names(`status:${status}`)).toContain(task.name)
  })

  it('pending of one without a workspace', async () => {
    const { task } = await newTask({ task: { workspace_id: null } })
    expect(await show(task.id)).toMatchObject({
      status: 'pending',
      workspace_id: null,
      workspace_name: '',
      workspace_agent_id: null,
      workspace_app_id: null,
    })
  })
})

describe('WS-256: what a task does now', () => {
  it('is what its app has reported last in this run', async () => {
    const { task, app, workspace } = await newTask({ build: { created_at: new Date(0) } })
    expect((await show(task.id)).current_state).toBeNull()
    await fixtures.workspaceAppStatus(database.db, {
      app,
      workspace,
      state: 'failure',
      message: 'Lost',
      uri: 'https://x.example',
    })
    expect((await show(task.id)).current_state).toEqual({
      state: 'failed',
      message: 'Lost',
      uri: 'https://x.example',
      timestamp: expect.any(String),
    })
    await fixtures.workspaceBuild(database.db, { workspace, created_at: new Date(8e12) })
    expect((await show(task.id)).current_state).toMatchObject({
      state: 'working',
      message: expect.any(String),
    })
  })

  it.each<[string, Parameters<typeof newTask>[0]]>([
    ['Agent is connecting', { agent: { lifecycle_state: 'created' } }],
    ['App is initializing', { app: { health: 'initializing' }, agent: connected() }],
    ['Agent is starting', { agent: { ...connected(), lifecycle_state: 'starting' } }],
  ])('says how far it is: %s', async (message, given) => {
    const { task } = await newTask(given)
    expect((await show(task.id)).current_state).toMatchObject({ state: 'working', message, uri: '' })
  })
})

function connected() {
  return { lifecycle_state: 'ready' as const, first_connected_at: new Date(), last_connected_at: new Date() }
}

describe('WS-251, ID-146: a task is found', () => {
  it('by its id whoever it is of, else by its name among those of one owner', async () => {
    const ada = await server.user('ada')
    const adaId = (await ada.call(getUser, { params: { user: 'me' } })).id
    const { task, workspace } = await newTask({ ownerId: adaId, task: { name: 'Letters' } })
    const hex = 'abcdef0123456789abcdef0123456789'
    const odd = await newTask({ task: { name: hex } })
    expect((await show('lETTERS', ada)).id).toBe(task.id)
    expect((await show('letters', owner, 'ada')).id).toBe(task.id)
    expect((await show(task.id, owner)).id).toBe(task.id)
    expect((await show(task.id.replaceAll('-', ''), owner)).id).toBe(task.id)
    expect((await show(hex.toUpperCase())).id).toBe(odd.task.id)
    for (const call of [
      () => show('letters'),
      () => show(workspace.name, ada),
      () => show(odd.task.id, ada),
      () => show(hex, ada, 'owner'),
      () => show(randomUUID()),
    ])
      await expect(call()).rejects.toMatchObject({ status: 404 })
    const experimental = await fetch(`${server.url}/api/experimental/tasks/me/letters`, {
      headers: ada.headers,
    })
    expect(Object(await experimental.json()).id).toBe(task.id)
  })

  it('RB-72: by whoever its workspace is shared with, who may do as much as with that', async () => {
    const grace = await server.user('grace')
    const graceId = (await grace.call(getUser, { params: { user: 'me' } })).id
    const { task, workspace } = await newTask({ task: { name: 'shared' } })
    expect(await names('owner:owner', grace)).toEqual([])
    await owner.call(updateWorkspaceAcl, {
      params: { workspace: workspace.id },
      body: { user_roles: { [graceId]: 'use' } },
    })
    expect((await show(task.id, grace)).name).toBe('shared')
    expect(await names('', grace)).toEqual(['shared'])
    const body = { input: 'x' }
    await expect(grace.call(updateTaskInput, { ...at(task.id), body })).rejects.toMatchObject({ status: 403 })
    await expect(grace.call(deleteTask, at(task.id))).rejects.toMatchObject({ status: 403 })
  })
})

describe('WS-252, WS-301: the list of tasks', () => {
  it('is by owner, organization and status, the newest first', async () => {
    const linus = await server.user('linus')
    const linusId = (await linus.call(getUser, { params: { user: 'me' } })).id
    const times = { created_at: new Date('2024-01-01') }
    await newTask({ ownerId: linusId, task: { name: 'older', ...times } })
    await newTask({ ownerId: linusId, task: { name: 'newer' }, build: { transition: 'stop' } })
    const { count } = await linus.call(listTasks)
    expect(count).toBe(2)
    expect(await names('', linus)).toEqual(['newer', 'older'])
    for (const q of ['owner:me', 'linus', `owner:${linusId}`]) expect(await names(q, linus)).toHaveLength(2)
    expect(await names('owner:LINUS status:active,error')).toEqual(['older'])
    expect(await names('linus organization:default')).toHaveLength(2)
    for (const q of ['status:lazy', 'colour:red', 'owner:nobody', 'organization:none', 'a:b:c'])
      await expect(names(q)).rejects.toMatchObject({ status: 400, message: 'Invalid task search query.' })
  })
})

describe('WS-258, WS-259, WS-261: what cannot be done now', () => {
  const send = (task: string) => owner.call(sendToTask, { ...at(task), body: { input: 'x' } })
  it.each<[string, Parameters<typeof newTask>[0], number, string]>([
    ['waits', { job: waits }, 409, 'Task is pending.'],
    ['starts', { agent: { lifecycle_state: 'starting' } }, 409, 'Task is pending.'],
    ['is paused', { build: { transition: 'stop' } }, 409, 'Task is paused.'],
    ['is ill', { app: { health: 'unhealthy' } }, 400, 'Task must be active.'],
    ['is off', { agent: { lifecycle_state: 'off' } }, 400, 'Task must be active.'],
    [
      'has an app of another kind',
      { app: { url: 'https://localhost:1' } },
      400,
      'The app of the task must have a URL that begins with http.',
    ],
    ['has an agent that is away', {}, 502, 'The workspace agent is not connected.'],
  ])('a task that %s is not spoken to', async (_what, given, status, message) => {
    const { task } = await newTask(given)
    await expect(send(task.id)).rejects.toMatchObject({ status, message })
  })

  it('the log of one that is ill is not shown, that of others is empty without a kept one', async () => {
    const ill = await newTask({ app: { health: 'unhealthy' } })
    await expect(owner.call(getTaskLogs, at(ill.task.id))).rejects.toMatchObject({
      status: 409,
      message: 'Cannot fetch logs for task in current state.',
    })
    const waiting = await newTask({ job: waits })
    expect(await owner.call(getTaskLogs, at(waiting.task.id))).toEqual({ logs: [], snapshot: true })
  })

  it('one without a workspace is neither paused nor kept from being deleted', async () => {
    const { task } = await newTask({ task: { workspace_id: null } })
    await expect(owner.call(pauseTask, at(task.id))).rejects.toMatchObject({ status: 409 })
    await owner.call(deleteTask, at(task.id))
    await expect(show(task.id)).rejects.toMatchObject({ status: 404 })
  })

  it('WS-262: deleting a task whose workspace is deleted already asks for no build', async () => {
    const { task, workspace } = await newTask({ build: { transition: 'delete' } })
    await owner.call(deleteTask, at(task.id))
    const builds = await database.db
      .selectFrom('workspace_builds')
      .select('id')
      .where('workspace_id', '=', workspace.id)
      .execute()
    expect(builds).toHaveLength(1)
  })
})

describe('WS-259: what an agent keeps of a task', () => {
  const messages = [{ id: 0, content: 'Hi', role: 'agent' as const, time: '2026-01-01T00:00:00.000Z' }]
  const keep = (holder: Client, task: string, body = { messages }) =>
    holder.call(keepTaskLogSnapshot, { params: { task }, query: { format: 'agentapi' }, body })

  it('is the last that it has sent, of its own task, and goes with the task', async () => {
    const { task, holder, workspace, build } = await newTask()
    const other = await newTask()
    await keep(holder, task.id, { messages: [] })
    await keep(holder, task.id)
    await database.db
      .updateTable('workspace_builds')
      .set({ transition: 'stop' })
      .where('id', '=', build.id)
      .execute()
    const { logs, snapshot } = await owner.call(getTaskLogs, at(task.id))
    expect([logs, snapshot]).toEqual([
      [{ id: 0, type: 'output', content: 'Hi', time: '2026-01-01T00:00:00.000Z' }],
      true,
    ])
    for (const id of [other.task.id, randomUUID(), task.name, 'x'])
      await expect(keep(other.holder, id === other.task.id ? task.id : id)).rejects.toMatchObject({
        status: 404,
      })
    await database.db
      .updateTable('workspaces')
      .set({ deleted: true })
      .where('id', '=', workspace.id)
      .execute()
    const left = await database.db
      .selectFrom('task_snapshots')
      .selectAll()
      .where('task_id', '=', task.id)
      .execute()
    expect(left).toEqual([])
  })

  it('has messages, and 64 KiB at most', async () => {
    const { task, holder } = await newTask()
    const post = (body: string, query = '?format=agentapi') =>
      fetch(`${server.url}/api/v2/workspaceagents/me/tasks/${task.id}/log-snapshot${query}`, {
        method: 'POST',
        headers: { ...holder.headers, 'Content-Type': 'application/json' },
        body,
      })
    expect((await post('{}')).status).toBe(400)
    expect((await post('{"messages": []}', '')).status).toBe(400)
    const long = { messages: [{ ...messages[0], content: 'x'.repeat(65_536) }] }
    expect((await post(JSON.stringify(long))).status).toBe(413)
    expect((await post('{"messages": [], "truncated": true}')).status).toBe(204)
    const odd = { messages: [{ ...messages[0], content: 'a\0b\ud800c' }] }
    expect((await post(JSON.stringify(odd))).status).toBe(204)
  })
})

describe('AC-85: the owner hears what a task does', () => {
  it('of each change once the agent is ready, but not that it has begun', async () => {
    const { task, holder } = await newTask()
    const report = (state: 'working' | 'idle' | 'complete' | 'failure') =>
      holder.call(patchAgentAppStatus, { body: { app_slug: 'assistant', state, message: 'x' } })
    const starting = await newTask({ agent: { lifecycle_state: 'starting' } })
    await fixtures.notificationPreference(database.db, {
      user_id: ownerId,
      template_id: IDLE,
      disabled: false,
    })
    await fixtures.notificationPreference(database.db, {
      user_id: ownerId,
      template_id: WORKING,
      disabled: false,
    })
    // What is queued: its way to the inbox takes a moment.
    const told = async (name: string) =>
      (await database.db.selectFrom('notification_messages').select('payload').execute()).flatMap(
        ({ payload }) => {
          const { labels, notification_name } = Object(payload)
          return Object(labels).task === name ? [String(notification_name)] : []
        },
      )
    await report('working')
    expect(await told(task.name)).toEqual([])
    await report('idle')
    await report('idle')
    await report('working')
    expect((await told(task.name)).sort()).toEqual(['Task Idle', 'Task Working'])
    await starting.holder.call(patchAgentAppStatus, {
      body: { app_slug: 'assistant', state: 'idle', message: 'x' },
    })
    expect(await told(starting.task.name)).toEqual([])
  })
})

const IDLE = 'd4a6271c-cced-4ed0-84ad-afd02a9c7799'
const WORKING = 'bd4b7168-d05e-4e19-ad0f-3593b77aa90f'

describe('WS-250: where tasks are switched off', () => {
  it('there are no routes, and no role speaks of them', async () => {
    await using off = await startTestServer({ env: { CODER_ENABLE_AI_TASKS: 'false' } })
    const admin = await off.owner()
    for (const path of [
      '/api/v2/tasks',
      '/api/experimental/tasks',
      '/api/v2/tasks/me/x',
      '/api/v2/nothing',
    ]) {
      const response = await fetch(`${off.url}${path}`, { headers: admin.headers })
      expect([response.status, Object(await response.json()).message]).toEqual([404, 'Route not found.'])
    }
    const speaking = (roles: object) => JSON.stringify(roles).includes('"task"')
    expect(speaking(await admin.call(listSiteRoles))).toBe(false)
    expect(speaking(await owner.call(listSiteRoles))).toBe(true)
    expect(await admin.call(listTemplates)).toEqual(expect.any(Array))
  })
})
