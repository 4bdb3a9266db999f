import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  type CreateTaskRequest,
  createTask,
  getTask,
  getTaskLogs,
  sendToTask,
  type Task,
  type Template,
} from '@slipway/contract'
import { freePort, importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'
import { taskTemplate } from './tasks.fixture.ts'

let server: TestServer
let owner: Client
let template: Template

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  template = await importTemplate(owner, 'tasks', { 'template.ts': taskTemplate(await freePort()) })
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

describe('WS-250: a task from its beginning to its end', () => {
  it('is carried out in a workspace of its own', async () => {
    const made = await make({ name: 'mail', display_name: 'The mail' })
    expect(made).toMatchObject({ name: 'mail', display_name: 'The mail', initial_prompt: 'Sort the mail' })
    expect(await becomes(made.id, 'active')).toMatchObject({
      workspace_status: 'running',
      current_state: null,
    })
    await owner.call(sendToTask, { ...at('mail'), body: { input: 'and the news' } })
    const { logs } = await owner.call(getTaskLogs, at('mail'))
    expect(logs).toMatchObject([
      { id: 0, type: 'input', content: 'Sort the mail' },
      { id: 1, type: 'output', content: `Task ${made.id}` },
      { id: 2, type: 'input', content: 'and the news' },
      { id: 3, type: 'output', content: 'Done: and the news' },
    ])
  }, 60_000)
})
