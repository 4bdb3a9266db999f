import { setTimeout as wait } from 'node:timers/promises'

import type { Command } from 'commander'

import {
  createTask,
  deleteTask,
  getTask,
  getTaskLogs,
  listTasks,
  pauseTask,
  resumeTask,
  sendToTask,
  type Task,
  type TaskLogEntry,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { addressOf, findTask } from '../find-task.ts'
import { option } from '../flags.ts'
import { followOwnBuild } from '../follow-build.ts'
import { organizationOption } from '../organization.ts'
import { ago, type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { patiently } from '../patience.ts'
import { sure } from '../prompt.ts'
import { openSession } from '../session.ts'
import { standardInput } from '../standard-input.ts'
import { chosenPreset, chosenTemplate, chosenVersion, type TemplateFlags } from '../template-choice.ts'

const LOOK_MS = 1_000
/** As long as a workspace and its program may take to be ready. */
const READY_MS = 15 * 60_000

const STATE: readonly Column<Task>[] = [
  { name: 'state', value: (task) => task.current_state?.state ?? '' },
  {
    name: 'state changed',
    value: ({ current_state: state }) => (state === null ? '' : ago(state.timestamp)),
  },
  { name: 'message', value: (task) => task.current_state?.message ?? '' },
]
const FURTHER: readonly Column<Task>[] = [
  { name: 'id', value: (task) => task.id, extra: true },
  { name: 'display name', value: (task) => task.display_name, extra: true },
  { name: 'prompt', value: (task) => task.initial_prompt, extra: true },
  { name: 'owner', value: (task) => task.owner_name, extra: true },
  { name: 'template', value: (task) => task.template_name, extra: true },
  { name: 'workspace', value: (task) => task.workspace_name, extra: true },
  { name: 'workspace status', value: (task) => task.workspace_status ?? '', extra: true },
  { name: 'created', value: (task) => ago(task.created_at), extra: true },
]
const LIST: readonly Column<Task>[] = [
  { name: 'name', value: (task) => task.name },
  { name: 'status', value: (task) => task.status },
  ...STATE,
  ...FURTHER,
]
const SHOWN: readonly Column<Task>[] = [
  { name: 'name', value: (task) => task.name, extra: true },
  { name: 'status', value: (task) => task.status },
  {
    name: 'healthy',
    value: ({ workspace_agent_health: health }) => (health === null ? '' : String(health.healthy)),
  },
  ...STATE,
  ...FURTHER,
]
const LOGS: readonly Column<TaskLogEntry>[] = [
  { name: 'type', value: ({ type }) => type },
  { name: 'content', value: ({ content }) => content },
  { name: 'id', value: ({ id }) => String(id), extra: true },
  { name: 'time', value: ({ time }) => time, extra: true },
]

interface CreateFlags extends TemplateFlags {
  readonly name?: string
  readonly owner: string
  readonly stdin?: boolean
  readonly quiet?: boolean
}

interface ListFlags extends OutputFlags {
  readonly status?: string
  readonly all?: boolean
  readonly user: string
  readonly quiet?: boolean
}

/** `task` and what is below it. */
export function taskCommands(program: Command): void {
  const task = program.command('task')
  creatingCommand(task)
  lookingCommands(task)
  workingCommands(task)
  task
    .command('delete <task...>')
    .alias('rm')
    .description('Delete tasks with their workspaces')
    .option('-y, --yes', 'do not ask')
    .action(async (names: readonly string[], own: { readonly yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const found = await Promise.all(names.map((name) => findTask(client, name)))
      const all = found.map(({ name }) => name).join(', ')
      await sure(`Delete ${all}? Their workspaces will be gone with all files.`, own.yes)
      for (const one of found) {
        await client.call(deleteTask, addressOf(one))
        process.stdout.write(`The ${one.name} task has been deleted.\n`)
      }
    })
}

function creatingCommand(task: Command): void {
  organizationOption(task.command('create [input]'))
    .description('Have something done by a program in a workspace of its own')
    .option('--name <name>', 'name of the task; one is made up when absent')
    .option('--owner <user>', 'whose task it is', 'me')
    .addOption(option('-t, --template <name>', 'template of the workspace', 'CODER_TASK_TEMPLATE_NAME'))
    .addOption(option('--template-version <name>', 'version of the template', 'CODER_TASK_TEMPLATE_VERSION'))
    .addOption(
      option('--preset <name>', 'preset of the version; none for no preset', 'CODER_TASK_PRESET_NAME'),
    )
    .option('--stdin', 'read what is to be done from standard input')
    .option('-q, --quiet', 'print nothing but the id of the task')
    .action(async (given: string | undefined, own: CreateFlags, command: Command) => {
      const input = await inputOf(given, own, 'what is to be done')
      const client = await openSession(command)
      const template = await chosenTemplate(client, own, {
        query: 'has-ai-task:true',
        none: 'no template has tasks: one does with `aiTask` in what its workspace function answers',
      })
      const version = await chosenVersion(client, template, own)
      const preset = await chosenPreset(client, version, own.preset)
      const made = await client.call(createTask, {
        params: { user: own.owner },
        body: {
          input,
          template_version_id: version,
          ...(own.name === undefined ? {} : { name: own.name }),
          ...(preset === undefined ? {} : { template_version_preset_id: preset.ID }),
        },
      })
      process.stdout.write(
        own.quiet === true
          ? `${made.id}\n`
          : `The ${made.name} task has been created at ${made.created_at}!\n`,
      )
    })
}

function lookingCommands(task: Command): void {
  tableOptions(task.command('list').alias('ls'), LIST)
    .description('List tasks')
    .option('-s, --status <status>', 'only tasks of this status, such as active or paused')
    .option('-a, --all', 'those of all users')
    .option('--user <user>', 'those of this user', 'me')
    .option('-q, --quiet', 'print nothing but ids')
    .action(async (own: ListFlags, command: Command) => {
      const client = await openSession(command)
      const terms = [
        ...(own.all === true ? [] : [`owner:"${own.user}"`]),
        ...(own.status === undefined ? [] : [`status:"${own.status}"`]),
      ]
      const { tasks } = await client.call(listTasks, { query: { q: terms.join(' ') } })
      if (own.quiet === true) process.stdout.write(tasks.map(({ id }) => `${id}\n`).join(''))
      else printRows(tasks, LIST, own)
    })
  tableOptions(task.command('status <task>'), SHOWN)
    .description('Show how far a task is')
    .option('--watch', 'show each change until it waits, has ended or is paused')
    .action(async (name: string, own: OutputFlags & { readonly watch?: boolean }, command: Command) => {
      const client = await openSession(command)
      let shown = await findTask(client, name)
      printRow(shown, SHOWN, own)
      while (own.watch === true && !hasEnded(shown)) {
        await wait(LOOK_MS)
        const now = await patiently(() => client.call(getTask, addressOf(shown)))
        if (stateOf(now) !== stateOf(shown)) printRow(now, SHOWN, own)
        shown = now
      }
    })
  tableOptions(task.command('logs <task>'), LOGS)
    .description('Print what was said in a task')
    .action(async (name: string, own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      const found = await findTask(client, name)
      const { logs, snapshot } = await client.call(getTaskLogs, addressOf(found))
      if (snapshot === true)
        process.stderr.write(`The ${found.name} task is ${found.status}: this is what was said before.\n`)
      printRows(logs, LOGS, own)
    })
}

function workingCommands(task: Command): void {
  task
    .command('send <task> [input]')
    .description('Tell a task something; one that is paused is resumed')
    .option('--stdin', 'read it from standard input')
    .action(
      async (
        name: string,
        given: string | undefined,
        own: { readonly stdin?: boolean },
        command: Command,
      ) => {
        const input = await inputOf(given, own, 'what to tell the task')
        const client = await openSession(command)
        const found = await findTask(client, name)
        if (found.status === 'paused') await resume(client, found, true)
        await untilReady(client, found)
        await client.call(sendToTask, { ...addressOf(found), body: { input } })
      },
    )
  task
    .command('pause <task>')
    .description('Stop the workspace of a task')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { readonly yes?: boolean }, command: Command) => {
      const client = await openSession(command)
      const found = await findTask(client, name)
      await sure(`Pause ${found.name}? What runs in its workspace ends.`, own.yes)
      const { workspace_build: build } = await client.call(pauseTask, addressOf(found))
      await followOwnBuild(client, build)
      process.stdout.write(`The ${found.name} task has been paused.\n`)
    })
  task
    .command('resume <task>')
    .description('Start the workspace of a task again')
    .option('--no-wait', 'do not wait for the build')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, own: { readonly wait: boolean }, command: Command) => {
      const client = await openSession(command)
      const found = await findTask(client, name)
      await resume(client, found, own.wait)
      process.stdout.write(
        own.wait
          ? `The ${found.name} task has been resumed.\n`
          : `The ${found.name} task is being resumed.\n`,
      )
    })
}

async function resume(client: Connection, task: Task, follow: boolean): Promise<void> {
  const { workspace_build: build } = await client.call(resumeTask, addressOf(task))
  if (follow) await followOwnBuild(client, build)
}

/** Waits for a task whose workspace or program is still starting; what else it is the server will say. */
async function untilReady(client: Connection, task: Task): Promise<void> {
  const end = performance.now() + READY_MS
  for (;;) {
    const { status, current_state: state } = await patiently(() => client.call(getTask, addressOf(task)))
    if (status !== 'pending' && status !== 'initializing') return
    if (performance.now() > end)
      throw new CommandError(`the ${task.name} task does not get ready: ${state?.message ?? status}`)
    await wait(LOOK_MS)
  }
}

async function inputOf(
  given: string | undefined,
  { stdin }: { readonly stdin?: boolean },
  what: string,
): Promise<string> {
  if (given !== undefined && stdin === true)
    throw new CommandError(`give ${what} as an argument or on standard input, not both`)
  const input = stdin === true ? await standardInput(what) : (given ?? '')
  if (input.trim() === '') throw new CommandError(`say ${what}, as an argument or with --stdin`)
  return input
}

/** Whether nothing more comes by itself. */
function hasEnded({ status, current_state: state }: Task): boolean {
  switch (status) {
    case 'pending':
    case 'initializing':
      return false
    case 'active':
      return state !== null && state.state !== 'working'
    case 'paused':
    case 'unknown':
    case 'error':
      return true
  }
}

function stateOf({ status, current_state, workspace_agent_health }: Task): string {
  return JSON.stringify([status, current_state, workspace_agent_health])
}
