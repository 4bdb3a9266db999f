import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateTaskRequest,
  createBuild,
  createTask,
  createWorkspace,
  deleteTask,
  getTask,
  getTaskLogs,
  getTemplateVersion,
  getWorkspace,
  listAuditLogs,
  listInboxNotifications,
  listTemplates,
  listTemplateVersionPresets,
  listWorkspaces,
  pauseTask,
  resumeTask,
  sendToTask,
  type Task,
  type Template,
  updateTaskInput,
} from '@slipway/contract'
import {
  freePort,
  importTemplate,
  startTestServer,
  type TestServer,
  taskTemplate,
  until,
} from '@slipway/testkit'

const PLAIN_TEMPLATE = `
import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({ workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }) })
`

let server: TestServer
let owner: Client
let template: Template
let plain: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  template = await importTemplate(owner, 'tasks', { 'template.ts': taskTemplate(await freePort()) })
  plain = await importTemplate(owner, 'plain', { 'template.ts': PLAIN_TEMPLATE })
})
afterAll(() => server[Symbol.asyncDispose]())

const make = (body: Partial<CreateTaskRequest> = {}, who = owner, user = 'me') =>
  who.call(createTask, {
    params: { user },
    body: { template_version_id: template.active_version_id, input: 'Sort the mail', ...body },
  })
const at = (task: string, user = 'me') => ({ params: { user, task } })
const show = (task: string, who = owner) => who.call(getTask, at(task))
const becomes = (task: string, status: Task['status']) =>
  until(`a task that is ${status}`, async () => {
    const shown = await show(task)
    return shown.status === status && shown
  })
const send = (task: string, input: string, who = owner) =>
  who.call(sendToTask, { ...at(task), body: { input } })
const logs = (task: string, who = owner) => who.call(getTaskLogs, at(task))
const told = async () =>
  (await owner.call(listInboxNotifications)).notifications.map(({ title }) => title).reverse()

describe('a task from its beginning to its end', () => {
  let task: Task

  it('WS-250, WS-253: is made with a workspace of its name, which is told the prompt', async () => {
    task = await make({ name: 'mail', display_name: 'The mail' })
    expect(task).toMatchObject({
      name: 'mail',
      display_name: 'The mail',
      owner_name: 'owner',
      template_id: template.id,
      template_name: 'tasks',
      workspace_name: 'mail',
      initial_prompt: 'Sort the mail',
    })
    const workspace = await owner.call(getWorkspace, { params: { workspace: task.workspace_id ?? '' } })
    expect(workspace).toMatchObject({ name: 'mail', task_id: { uuid: task.id, valid: true } })
    const active = await becomes(task.id, 'active')
    expect(active).toMatchObject({
      workspace_status: 'running',
      workspace_build_number: 1,
      workspace_agent_lifecycle: 'ready',
      workspace_agent_health: { healthy: true },
      current_state: null,
    })
    const { latest_build: build } = await owner.call(getWorkspace, {
      params: { workspace: task.workspace_id ?? '' },
    })
    expect(build.has_ai_task).toBe(true)
    expect(build.resources[0]?.metadata).toContainEqual({
      key: 'prompt',
      value: 'Sort the mail',
      sensitive: false,
    })
    for (const [flag, expected] of [
      ['true', ['mail']],
      ['false', []],
    ] as const) {
      const found = await owner.call(listWorkspaces, { query: { q: `has-ai-task:${flag} name:mail` } })
      expect(found.workspaces.map(({ name }) => name)).toEqual(expected)
    }
    expect(active.workspace_app_id).toBe(build.resources[0]?.agents?.[0]?.apps[0]?.id)
  }, 60_000)

  it('WS-258, WS-259: is spoken to through the tunnel of its agent, and its words are read as they are', async () => {
    await send('mail', 'and the news')
    const said = await logs('mail')
    expect(said).toEqual({
      logs: [
        { id: 0, type: 'input', content: 'Sort the mail', time: expect.any(String) },
        { id: 1, type: 'output', content: `Task ${task.id}`, time: expect.any(String) },
        { id: 2, type: 'input', content: 'and the news', time: expect.any(String) },
        { id: 3, type: 'output', content: 'Done: and the news', time: expect.any(String) },
      ],
    })
    await expect(send('mail', '')).rejects.toMatchObject({ status: 400, message: 'Task input is required.' })
    await expect(send('mail', 'nonsense')).rejects.toMatchObject({ status: 502 })
    await send('mail', 'busy')
    await expect(send('mail', 'more')).rejects.toMatchObject({
      status: 409,
      message: 'Task app is not ready to accept input.',
    })
  })

  it('WS-261: is not paused or resumed while its workspace is not ready for that', async () => {
    await expect(owner.call(resumeTask, at('mail'))).rejects.toMatchObject({
      status: 409,
      message: 'Task workspace is already running.',
    })
    await expect(
      owner.call(updateTaskInput, { ...at('mail'), body: { input: 'Burn the mail' } }),
    ).rejects.toMatchObject({
      status: 409,
      message: 'Unable to update task input, task must be paused.',
    })
    const { workspace_build: build } = await owner.call(pauseTask, at('mail'))
    expect(build).toMatchObject({ transition: 'stop', reason: 'task_manual_pause', build_number: 2 })
    for (const call of [pauseTask, resumeTask])
      await expect(owner.call(call, at('mail'))).rejects.toMatchObject({
        status: 409,
        message: 'A workspace build is already active.',
      })
  })

  it('WS-259: paused, it shows what its agent has kept', async () => {
    await becomes('mail', 'paused')
    const kept = await logs('mail')
    expect(kept.snapshot).toBe(true)
    expect(kept.snapshot_at).toEqual(expect.any(String))
    expect(kept.logs.map(({ content }) => content)).toEqual([
      'Sort the mail',
      `Task ${task.id}`,
      'and the news',
      'Done: and the news',
      'busy',
      'Done: busy',
    ])
    await expect(send('mail', 'x')).rejects.toMatchObject({ status: 409, message: 'Task is paused.' })
  })

  it('WS-260, WS-261: paused, its prompt can be changed, and it goes on with that one', async () => {
    await owner.call(updateTaskInput, { ...at('mail'), body: { input: 'Burn the mail' } })
    expect((await show('mail')).initial_prompt).toBe('Burn the mail')
    const { workspace_build: build } = await owner.call(resumeTask, at('mail'))
    expect(build).toMatchObject({ transition: 'start', reason: 'task_resume', build_number: 3 })
    expect(await becomes('mail', 'active')).toMatchObject({ workspace_build_number: 3 })
    expect((await logs('mail')).logs[0]).toMatchObject({ content: 'Burn the mail' })
    await until('both notifications', async () => {
      const titles = await told()
      return ['Task "mail" is paused', 'Task "mail" goes on'].every((title) => titles.includes(title))
    })
  }, 60_000)

  it('WS-262: is deleted with its workspace, and its name is free again', async () => {
    await owner.call(deleteTask, at(task.id))
    await expect(show(task.id)).rejects.toMatchObject({ status: 404 })
    await until('the end of its workspace', () =>
      owner.call(getWorkspace, { params: { workspace: task.workspace_id ?? '' } }).then(
        () => false,
        ({ status }) => status === 410,
      ),
    )
    const { audit_logs: entries } = await owner.call(listAuditLogs, { query: { q: 'resource_type:task' } })
    expect(
      entries.map(({ action, resource_target, status_code }) => [action, resource_target, status_code]),
    ).toEqual([
      ['delete', 'mail', 202],
      ['write', 'mail', 204],
      ['write', 'mail', 409],
      ['create', 'mail', 201],
    ])
    expect(entries[0]).toMatchObject({ is_deleted: true, resource_link: '' })
    expect(entries[1]?.diff).toEqual({
      prompt: { old: 'Sort the mail', new: 'Burn the mail', secret: false },
    })
  }, 60_000)
})

describe('WS-253, WS-254: what a task is made of', () => {
  it('needs a version that the caller may see and that has a task', async () => {
    const nobody = await server.user('nobody')
    const missing = { template_version_id: '00000000-0000-4000-8000-000000000001' }
    await expect(make(missing, nobody)).rejects.toMatchObject({
      status: 400,
      message: 'Template version not found or you do not have access to this resource',
    })
    await expect(make({ template_version_id: plain.active_version_id })).rejects.toMatchObject({
      status: 400,
      message: 'Template does not have a valid "coder_ai_task" resource.',
    })
    const lost = PLAIN_TEMPLATE.replace('local(),', "local(), aiTask: { app: 'nothing' },")
    await expect(importTemplate(owner, 'lost', { 'template.ts': lost })).rejects.toThrow(
      'workspace().aiTask.app: no agent has an app "nothing"',
    )
    const version = await owner.call(getTemplateVersion, {
      params: { templateversion: template.active_version_id },
    })
    expect(version.job.status).toBe('succeeded')
    const found = await owner.call(listTemplates, { query: { q: 'has-ai-task:true' } })
    expect(found.map(({ name }) => name)).toEqual(['tasks'])
  })

  it('WS-3: is made for another user by who may do that', async () => {
    const member = await server.user('member')
    expect(await make({ name: 'for-her' }, owner, 'member')).toMatchObject({ owner_name: 'member' })
    expect((await show('for-her', member)).owner_name).toBe('member')
    await expect(make({}, member, 'owner')).rejects.toMatchObject({ status: 403 })
  })

  it('needs names that are names', async () => {
    await expect(make({ name: 'a--b' })).rejects.toMatchObject({ status: 400 })
    await expect(make({ display_name: 'x'.repeat(65) })).rejects.toMatchObject({ status: 400 })
    await expect(make({ input: 'x'.repeat(32_001) })).rejects.toMatchObject({ status: 400 })
  })

  it('is nothing at all when its workspace cannot be made', async () => {
    const body = { name: 'taken', template_id: plain.id }
    await owner.call(createWorkspace, { params: { user: 'me' }, body })
    await expect(make({ name: 'taken' })).rejects.toMatchObject({
      status: 409,
      message: 'Workspace "taken" already exists.',
    })
    await expect(show('taken')).rejects.toMatchObject({ status: 404 })
    const [first, second] = await Promise.allSettled([make({ name: 'Race' }), make({ name: 'race' })])
    expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected'])
    const loser = first.status === 'rejected' ? first : second
    expect(loser).toMatchObject({ reason: { status: 409 } })
  })

  it('takes a preset, and a name of the first words of its prompt', async () => {
    const [preset] = await owner.call(listTemplateVersionPresets, {
      params: { templateversion: template.active_version_id },
    })
    const input = 'Ünsort THE mail, and then the very long list of newspapers of yesterday\nand today'
    const task = await make({ input, template_version_preset_id: preset?.ID ?? '' })
    expect(task.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{4}$/)
    expect(task.name).toMatch(/^nsort-the-mail-and-then-the-[0-9a-f]{4}$/)
    expect(task.display_name).toBe('Ünsort THE mail, and then the very long list of newspapers of y…')
    const wordless = await make({ input: '¿?' })
    expect(wordless.name).toMatch(/^task-[0-9a-f]{4}$/)
    const { latest_build: build } = await until('its build', async () => {
      const shown = await owner.call(getWorkspace, { params: { workspace: task.workspace_id ?? '' } })
      return shown.latest_build.job.completed_at !== undefined && shown
    })
    expect(build.resources[0]?.metadata).toContainEqual({ key: 'mood', value: 'eager', sensitive: false })
  }, 60_000)

  it('WS-311: is made once, however often the same request comes', async () => {
    const post = (key: string, input: string) =>
      fetch(`${server.url}/api/v2/tasks/me`, {
        method: 'POST',
        headers: { ...owner.headers, 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body: JSON.stringify({ template_version_id: template.active_version_id, input }),
      })
    const answers = await Promise.all([post('k', 'Once'), post('k', 'Once')])
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    const ids = await Promise.all(answers.map(async (answer) => Object(await answer.json()).id))
    expect(ids[0]).toBe(ids[1])
    const again = await post('k', 'Once')
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(Object(await again.json()).id).toBe(ids[0])
    expect((await post('k', 'Twice')).status).toBe(422)
    const entries = await until('the audit log', async () => {
      const { audit_logs } = await owner.call(listAuditLogs, { query: { q: `resource_id:${ids[0]}` } })
      return audit_logs.length > 0 && audit_logs
    })
    expect(entries.map(({ action }) => action)).toEqual(['create'])
    const { workspaces } = await owner.call(listWorkspaces, { query: { q: 'name:once-' } })
    expect(workspaces.map(({ task_id: of }) => of?.uuid)).toEqual([ids[0]])
  })
})

describe('WS-262: a task goes with its workspace', () => {
  it('whoever deletes that, and also when it is gone already', async () => {
    const task = await make({ name: 'brief' })
    const workspace = task.workspace_id ?? ''
    await until('its build', async () => {
      const { latest_build: build } = await owner.call(getWorkspace, { params: { workspace } })
      return build.job.completed_at
    })
    await owner.call(createBuild, { params: { workspace }, body: { transition: 'delete' } })
    await until('its end', () =>
      show('brief').then(
        () => false,
        ({ status }) => status === 404,
      ),
    )
  }, 60_000)
})
