import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Task, TaskLogEntry } from '@slipway/contract'
import {
  freePort,
  importTemplate,
  startTestServer,
  type TestServer,
  taskTemplate,
  until,
} from '@slipway/testkit'
import { CommandLine } from './testing/command-line.ts'

let server: TestServer
let folder: string
let cli: CommandLine

/** Each waits for several builds and runs the program several times, in milliseconds. */
const SLOW = 90_000

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  const owner = await server.owner()
  await server.builtInTemplate()
  await cli.good('login', server.url, '--token', owner.headers['Coder-Session-Token'] ?? '')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const listed = async (...args: readonly string[]): Promise<Task[]> =>
  JSON.parse(await cli.good('task', 'list', '-o', 'json', ...args))
const logs = async (): Promise<string[]> =>
  JSON.parse(await cli.good('task', 'logs', 'mail', '-o', 'json')).map(
    ({ type, content }: TaskLogEntry) => `${type}: ${content}`,
  )

it('WS-250: task create needs a template with tasks, and something to do', async () => {
  expect(await cli.bad('task', 'create', 'Sort the mail')).toContain('no template has tasks')
  const source = taskTemplate(await freePort())
  await importTemplate(await server.owner(), 'tasks', { 'template.ts': source })
  expect(await cli.bad('task', 'create')).toContain('as an argument or with --stdin')
  expect(await cli.bad('task', 'create', 'x', '--preset', 'Sad')).toContain('it has Eager')
  const made = await cli.runWith(
    { CODER_TASK_PRESET_NAME: 'eager' },
    ...['task', 'create', '--stdin', '--name', 'mail'],
    { input: 'Sort the mail' },
  )
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The mail task has been created at 20.*!\n$/),
  })
  const id = (await cli.good('task', 'create', '-q', '--name', 'other', '-t', 'tasks', 'x')).trim()
  expect((await listed()).map((task) => [task.name, task.id === id, task.initial_prompt])).toEqual([
    ['other', true, 'x'],
    ['mail', false, 'Sort the mail'],
  ])
  expect((await cli.good('task', 'list', '-q')).split('\n')[0]).toBe(id)
  // It is refused while its first build runs.
  const deleted = await until('the task to be deleted', async () => {
    const ran = await cli.run('task', 'delete', '-y', 'other')
    return ran.code === 0 ? ran.stdout : undefined
  })
  expect(deleted).toBe('The other task has been deleted.\n')
})

it(
  'WS-258: task send waits for a task that is not ready, task logs prints what was said',
  async () => {
    await cli.good('task', 'send', 'owner/mail', 'and the news')
    const said = await logs()
    expect(said[0]).toBe('input: Sort the mail')
    expect(said.slice(2)).toEqual(['input: and the news', 'output: Done: and the news'])
    const [task] = await listed('--status', 'active')
    expect(task?.name).toBe('mail')
    const shown = await cli.good('task', 'status', task?.id ?? '', '-c', 'name,status,healthy')
    expect(shown).toMatch(/^NAME +STATUS +HEALTHY\nmail +active +true\n$/)
    expect(await cli.bad('task', 'status', 'nothing')).toContain('`slipway task list` shows yours')
    expect(await cli.bad('task', 'list', '--status', 'lazy')).toContain('Invalid task search query.')
  },
  SLOW,
)

it(
  'WS-261: task pause and resume, and send to a paused task resumes it',
  async () => {
    expect(await cli.good('task', 'pause', '-y', 'mail')).toBe('The mail task has been paused.\n')
    expect(await cli.good('task', 'status', '--watch', 'mail')).toContain('paused')
    expect((await logs()).at(-1)).toBe('output: Done: and the news')
    await cli.good('task', 'send', 'mail', 'again')
    expect((await logs()).at(-1)).toBe('output: Done: again')
    expect(await cli.bad('task', 'resume', 'mail')).toContain('Task workspace is already running.')
    expect(await cli.good('task', 'delete', '-y', 'mail')).toBe('The mail task has been deleted.\n')
    expect(await listed('--all')).toEqual([])
  },
  SLOW,
)
