import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createWorkspace,
  getTaskLogs,
  getWorkspace,
  listTasks,
  type Task,
  updatePreferences,
  type Workspace,
} from '@slipway/contract'
import {
  freePort,
  importTemplate,
  openBrowser,
  startTestServer,
  type TestBrowser,
  taskTemplate,
  until,
  type WatchedPage,
} from '@slipway/testkit'
import { aTask } from '../tasks/task.fixture.ts'
import { flawsOf } from './sights.fixture.ts'
import { TaskStage } from './task-stage.fixture.ts'

const PLAIN = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [{ name: 'main', apps: [{ slug: 'assistant', url: 'http://localhost:9' }] }],
  }),
})
`

const owned = new AsyncDisposableStack()
let browser: TestBrowser
let owner: Client
/** Of tasks on the stage: it runs, and the program in it answers nobody. */
let workspace: Workspace

beforeAll(async () => {
  const server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  await owner.call(updatePreferences, {
    params: { user: 'me' },
    body: { agent_chat_send_shortcut: 'enter' },
  })
  await importTemplate(owner, 'assistant', { 'template.ts': taskTemplate(await freePort()) })
  const { id: template_id } = await importTemplate(owner, 'plain', { 'template.ts': PLAIN })
  const { id } = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'staged', template_id },
  })
  workspace = await until('a workspace whose agent is ready', async () => {
    const shown = await owner.call(getWorkspace, { params: { workspace: id } })
    return agentIn(shown)?.lifecycle_state === 'ready' && shown
  })
}, 90_000)
afterAll(() => owned.disposeAsync())

const agentIn = ({ latest_build: build }: Workspace) =>
  build.resources.flatMap(({ agents = [] }) => agents)[0]

/** A task on the stage that runs in that workspace. */
const staged = (number: number, change: Partial<Task> = {}): Task =>
  aTask({
    id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    owner_id: workspace.owner_id,
    owner_name: 'owner',
    organization_id: workspace.organization_id,
    workspace_id: workspace.id,
    workspace_name: workspace.name,
    workspace_agent_id: agentIn(workspace)?.id ?? null,
    workspace_app_id: agentIn(workspace)?.apps[0]?.id ?? null,
    ...change,
  })
const paused = {
  status: 'paused',
  workspace_status: 'stopped',
  workspace_agent_id: null,
  workspace_app_id: null,
} as const
const said = (state: 'working' | 'idle' | 'complete' | 'failed', message: string, uri = '') => ({
  timestamp: '2026-01-01T00:00:00Z',
  state,
  message,
  uri,
})

/** A page of the owner before which these tasks stand. */
async function onStage(
  path: string,
  tasks: readonly Task[],
): Promise<WatchedPage & { readonly stage: TaskStage }> {
  const stage = new TaskStage()
  stage.tasks.push(...tasks)
  const { latest_build: build } = workspace
  stage.workspaces.set(workspace.id, () =>
    stage.tasks.some(({ workspace_status: status }) => status === 'stopped')
      ? { ...workspace, latest_build: { ...build, status: 'stopped' } }
      : workspace,
  )
  const opened = await browser.openAs(owner, '/icon/none')
  await stage.install(opened.page)
  await opened.page.goto(owner.url + path)
  return { ...opened, stage }
}

describe('T-42: a task on a real server', () => {
  it('UI-1201, UI-1202, UI-1203: is made, paused, written to while it is paused, and told once it is active', async () => {
    const { page, faults } = await browser.openAs(owner, '/tasks')
    await page.getByRole('button', { name: 'Template: assistant' }).waitFor()
    await page.getByRole('button', { name: 'Preset: No preset' }).click()
    await page.getByRole('option', { name: 'Eager' }).click()
    await page.getByRole('textbox', { name: 'Prompt' }).fill('Sort the mail')
    await page.getByRole('button', { name: 'Send' }).click()
    // The server has made up a name, and the page of the task shows it.
    await page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: 40_000 })
    const [task] = (await owner.call(listTasks)).tasks
    if (task === undefined) throw new Error('no task was made')
    expect(new URL(page.url()).pathname).toBe(`/tasks/owner/${task.name}`)
    expect(task.initial_prompt).toBe('Sort the mail')
    const conversation = page.getByRole('list', { name: 'Conversation' })
    await conversation.getByText(`Task ${task.id}`).waitFor({ timeout: 40_000 })
    await page.getByText('Active', { exact: true }).waitFor()

    const composer = page.getByRole('textbox', { name: 'Message' })
    await composer.fill('and the news')
    await composer.press('Enter')
    await conversation.getByText('Done: and the news').waitFor()

    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Resume' }).waitFor({ timeout: 30_000 })
    const followUp = page.getByRole('textbox', { name: 'Follow-up' })
    await followUp.fill('begin again')
    await followUp.press('Enter')
    const waiting = page.getByRole('list', { name: 'Messages on their way' })
    await waiting.getByText('begin again').waitFor()
    await conversation.getByText('Done: begin again').waitFor({ timeout: 60_000 })
    await waiting.waitFor({ state: 'detached' })
    const { logs } = await owner.call(getTaskLogs, { params: { user: 'me', task: task.name } })
    expect(logs.filter(({ content, type }) => type === 'input' && content === 'begin again')).toHaveLength(1)

    // Links in mails name the workspace, which is called like the task; ids lead there too.
    for (const address of [task.workspace_name, task.id]) {
      await page.goto(`${owner.url}/tasks/owner/${address}`)
      await page.getByRole('heading', { name: task.display_name, level: 1 }).waitFor()
    }
    expect(faults).toEqual([])
  }, 180_000)
})

describe('UI-1203: a follow-up to a paused task', () => {
  it('keeps its text and names the stage that failed, also after the page was closed', async () => {
    const { page, faults, stage } = await onStage('/tasks/owner/paused', [
      staged(1, { ...paused, name: 'paused', display_name: 'Write the docs' }),
    ])
    stage.logs.set(stage.tasks[0]?.id ?? '', {
      snapshot: true,
      snapshot_at: '2026-01-01T00:00:00Z',
      logs: [{ id: 1, content: 'Chapter two', type: 'output', time: '2026-01-01T00:00:00Z' }],
    })
    await page.reload()
    await page.getByText('Chapter two').waitFor()
    await page.getByText(/This is how it was/).waitFor()
    stage.answers.set('/resume', { status: 409, body: { message: 'A workspace build is already active.' } })
    const composer = page.getByRole('textbox', { name: 'Follow-up' })
    await composer.fill('Chapter three, please')
    await composer.press('Enter')
    const queue = page.getByRole('list', { name: 'Messages on their way' })
    await queue.getByText('The task could not be resumed: A workspace build is already active.').waitFor()
    await page.reload()
    await queue.getByText('Not sent: the page was closed before.').waitFor()
    expect(await queue.textContent()).toContain('Chapter three, please')
    await queue.getByRole('button', { name: 'Send', exact: true }).click()
    await queue.getByText('Waiting until the task is active').waitFor()
    stage.change(stage.tasks[0]?.id ?? '', { status: 'error', workspace_status: 'failed' })
    await queue.getByText(/The task did not become active/).waitFor()
    stage.change(stage.tasks[0]?.id ?? '', paused)
    await queue.getByRole('button', { name: 'Take the message back to edit it' }).click()
    expect(await composer.inputValue()).toBe('Chapter three, please')
    expect(stage.requests.filter(({ path }) => path.endsWith('/send'))).toEqual([])
    expect(faults).toEqual([])
  }, 60_000)

  it('UI-1202: another prompt is saved, and the task resumed with it', async () => {
    const { page, faults, stage } = await onStage('/tasks/owner/paused', [
      staged(1, { ...paused, name: 'paused' }),
    ])
    await page.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: 'Edit the prompt' }).click()
    await page.getByRole('textbox', { name: 'Prompt' }).fill('Write less')
    await page.getByRole('button', { name: 'Save and resume' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(stage.requests.map(({ method, path, body }) => [method, path.split('/').at(-1), body])).toEqual([
      ['PATCH', 'input', { input: 'Write less' }],
      ['POST', 'resume', undefined],
    ])
    expect(faults).toEqual([])
  })
})

describe('UI-1201: the list', () => {
  const some = () => [
    staged(1, {
      name: 'one',
      display_name: 'Bump the router',
      current_state: said('idle', 'Shall I?', 'https://git.example.com/pull/7'),
    }),
    staged(2, {
      name: 'two',
      display_name: 'Mend the login',
      current_state: said('working', 'Testing', 'javascript:alert(1)'),
    }),
    staged(3, { name: 'three', display_name: 'An old one', workspace_id: null, status: 'pending' }),
  ]

  it('narrows to those that wait, finds by words, and opens only safe links (UI-2005)', async () => {
    const { page, faults } = await onStage('/tasks', some())
    const table = page.getByRole('table', { name: 'Tasks' })
    const link = table.getByRole('link', { name: 'git.example.com' })
    expect(await link.getAttribute('href')).toBe('https://git.example.com/pull/7')
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer')
    expect(await table.locator('a[href^="javascript"]').count()).toBe(0)
    expect(await page.getByRole('link', { name: /^Tasks/ }).textContent()).toBe('Tasks1 waiting for input')
    await page.getByRole('radio', { name: 'Waiting for input' }).click()
    await expect.poll(() => table.getByRole('row').count()).toBe(2)
    await page.getByRole('radio', { name: 'Any state' }).click()
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('testing')
    await expect.poll(() => table.getByRole('row').count()).toBe(2)
    await table.getByRole('link', { name: 'Mend the login' }).waitFor()
    await expect.poll(() => new URL(page.url()).searchParams.get('search')).toBe('testing')
    expect(faults).toEqual([])
  })

  it('deletes several, and says how many workspaces go with them', async () => {
    const { page, faults, stage } = await onStage('/tasks', some())
    await page.getByRole('checkbox', { name: 'Select all rows on this page' }).click()
    await page.getByRole('button', { name: 'Delete 3 selected tasks' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete 3 tasks?' })
    await dialog.getByText(/^2 workspaces go with them/).waitFor()
    await dialog.getByRole('textbox').fill('3 tasks')
    stage.answers.set(`DELETE /owner/${stage.tasks[0]?.id}`, {
      status: 409,
      body: { message: 'A workspace build is already active.' },
    })
    await dialog.getByRole('button', { name: 'Delete 3 tasks' }).click()
    await dialog.getByText('A workspace build is already active.').waitFor()
    await dialog.getByRole('button', { name: 'Try the rest again' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(stage.tasks).toEqual([])
    await page.getByText('No tasks yet').waitFor()
    expect(faults).toEqual([])
  })

  it('says once that nothing tells of tasks: the dismissal is kept with the account', async () => {
    const { page, faults } = await onStage('/tasks', some())
    const notice = page.getByText('Nothing tells you when a task waits for you')
    await notice.waitFor()
    await page.getByRole('button', { name: 'Dismiss' }).click()
    await notice.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByRole('link', { name: 'Mend the login' }).waitFor()
    expect(await notice.count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('WS-250: has no place in the navigation where tasks are off', async () => {
    const opened = await browser.openAs(owner, '/icon/none')
    await opened.page.route('**/api/v2/tasks**', (route) =>
      route.fulfill({ status: 404, json: { message: 'Route not found.' } }),
    )
    await opened.page.goto(`${owner.url}/tasks`)
    await opened.page.getByRole('heading', { name: 'Tasks are switched off' }).waitFor()
    expect(await opened.page.getByRole('link', { name: 'Tasks' }).count()).toBe(0)
    expect(opened.faults).toEqual([])
  })
})

it('UI-1807, UI-1707: nothing that axe finds, and nothing that scrolls sideways', async () => {
  const opened = await onStage('/tasks', [
    staged(1, {
      name: 'active',
      display_name: 'Bump the router and everything that hangs on it, then open a pull request',
      current_state: said('idle', 'Shall I also bump the major version?', 'https://git.example.com/pull/7'),
    }),
    staged(2, {
      name: 'starting',
      status: 'initializing',
      current_state: said('working', 'Agent is starting'),
    }),
    staged(3, { name: 'unhealthy', status: 'error' }),
    staged(4, { name: 'gone', workspace_id: null, status: 'pending' }),
  ])
  opened.stage.logs.set(opened.stage.tasks[0]?.id ?? '', {
    logs: [
      { id: 1, content: 'x'.repeat(400), type: 'output', time: '2026-01-01T00:00:00Z' },
      { id: 2, content: 'Yes', type: 'input', time: '2026-01-01T00:00:00Z' },
    ],
  })
  const flaws = await flawsOf(opened, owner.url, {
    list: { path: '/tasks' },
    active: {
      path: '/tasks/owner/active?panel=apps',
      open: (page) => page.getByText('Yes', { exact: true }).waitFor(),
    },
    prompt: {
      path: '/tasks/owner/starting',
      open: async (page) => {
        await page.getByRole('button', { name: 'More actions' }).click()
        await page.getByRole('menuitem', { name: 'Edit the prompt' }).click()
        await page.getByRole('dialog').waitFor()
      },
    },
    unhealthy: { path: '/tasks/owner/unhealthy' },
    'without a workspace': { path: '/tasks/owner/gone' },
    'not there': { path: '/tasks/owner/nowhere' },
  })
  expect(flaws).toEqual([])
}, 120_000)
