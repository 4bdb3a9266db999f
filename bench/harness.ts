import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Client } from '@slipway/client'
import {
  createFirstUser,
  createToken,
  createWorkspace,
  getTemplateVersion,
  getWorkspace,
  listTemplates,
  login,
  type Template,
  type Workspace,
} from '@slipway/contract'
import { endWorkspaces } from '../packages/testkit/src/end-workspaces.ts'

/** What `npm start` runs. */
const SERVER = fileURLToPath(new URL('../packages/server/bin/slipway-built.js', import.meta.url))
/** Linux counts the time of processes in hundredths of a second. */
const TICK_US = 10_000
/** V8 gives back what a load has left behind some eight seconds after it. */
const SETTLE_MS = 12_000
const PASSWORD = 'SomePassword-2026!'

/** A measured figure beside the baseline of the same run; `wanted` says in words what it should be. */
export interface Figure {
  readonly what: string
  readonly measured: string
  readonly baseline: string
  readonly result: string
  readonly wanted: string
}

/** One bench: prints nothing itself. */
export type Bench = () => Promise<readonly Figure[]>

/** The median of some numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value below which this share of the numbers lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Collects garbage every second, so that what is measured is what is kept. */
export const COLLECTING = {
  NODE_OPTIONS: '--expose-gc --import=data:text/javascript,setInterval(gc,1000).unref()',
} as const

/** In KB: what each of the first takes, with all that a new program grows by at its first load, and each of as many that join them. */
export interface MemoryOfEach {
  readonly first: number
  readonly further: number
}

/** What a program takes for each of what `open` opens so many of, twice; it has settled after a while. */
export async function memoryOfEach(
  subject: Subject,
  count: number,
  open: () => Promise<void>,
): Promise<MemoryOfEach> {
  const grown = async (): Promise<number> => {
    await delay(SETTLE_MS)
    const before = await subject.memory()
    await open()
    await delay(SETTLE_MS)
    return ((await subject.memory()) - before) / count / 1024
  }
  return { first: await grown(), further: await grown() }
}

/** A folder that is removed in the end, with the processes of workspaces in it. */
export async function scratch(): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-bench-'))
  await chmod(folder, 0o711)
  return {
    folder,
    async [Symbol.asyncDispose]() {
      await endWorkspaces(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A program in a process of its own that says its URL in its first line of output. */
export interface Subject extends AsyncDisposable {
  readonly url: string
  /** Resident memory in bytes. */
  memory(): Promise<number>
  /** Processor time used so far, in microseconds. */
  processorTime(): Promise<number>
}

/** Runs a program under this Node; what it logs goes nowhere, or to a file. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  logFile = '/dev/null',
): Promise<Subject> {
  const nowhere = openSync(logFile, 'a')
  const child: ChildProcess = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', nowhere],
  })
  closeSync(nowhere)
  let said = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const [found] = /https?:\/\/\S+/.exec(said) ?? []
      if (found !== undefined && said.includes('\n')) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}:\n${said}`)))
  })
  return {
    url,
    async memory() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
    },
    async processorTime() {
      const status = await readFile(`/proc/${child.pid}/stat`, 'utf8')
      const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) * TICK_US
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Has each request logged, as whoever looks for a fault would. */
export const LOGGED = { CODER_VERBOSE: 'true' } as const

/** The server as it is without settings, on an embedded database in this folder. */
export function runServer(
  folder: string,
  logFile?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Subject> {
  return run(
    [SERVER],
    {
      CODER_CONFIG_DIR: folder,
      CODER_HTTP_ADDRESS: '127.0.0.1:0',
      // Counted as in production, and never reached.
      CODER_API_RATE_LIMIT: '1000000000',
      ...env,
    },
    logFile,
  )
}

/** Makes the first account and a token for it. */
export async function owner(url: string): Promise<Client> {
  const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
  const anonymous = new Client({ url })
  await anonymous.call(createFirstUser, { body })
  const { session_token: session } = await anonymous.call(login, { body })
  const { key } = await new Client({ url, token: session }).call(createToken, {
    params: { user: 'me' },
    body: {},
  })
  return new Client({ url, token: key })
}

/** Asks until the answer is there. */
export async function until<T>(ask: () => Promise<T | undefined>, everyMs = 10): Promise<T> {
  for (let tries = 0; tries < 6_000; tries += 1) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await delay(everyMs)
  }
  throw new Error('what a bench waited for did not happen')
}

/** The built-in template when it is imported. */
export function builtIn(client: Client): Promise<Template> {
  return until(async () => {
    const [template] = await client.call(listTemplates)
    if (template === undefined) return undefined
    const version = await client.call(getTemplateVersion, {
      params: { templateversion: template.active_version_id },
    })
    return version.job.completed_at === undefined ? undefined : template
  })
}

/** Creates a workspace and waits for its agent; resolves to the agent's id. */
export async function connectedAgent(
  client: Client,
  template: Template,
  name: string,
): Promise<{ readonly workspace: Workspace; readonly agentId: string }> {
  const workspace = await client.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id },
  })
  const agentId = await until(async () => {
    const current = await client.call(getWorkspace, { params: { workspace: workspace.id } })
    const agent = current.latest_build.resources[0]?.agents?.[0]
    return agent?.status === 'connected' ? agent.id : undefined
  })
  return { workspace, agentId }
}
