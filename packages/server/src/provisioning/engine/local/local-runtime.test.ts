import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createBuild, createWorkspace, getWorkspace, listBuildLogs, type Workspace } from '@slipway/contract'
import { importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'
import { isRunning, startTimeOf } from './processes.ts'

const run = promisify(execFile)
const SLIPWAY = fileURLToPath(new URL('../../../../../cli/bin/slipway.js', import.meta.url))
const AS_ROOT = process.getuid?.() === 0

const SOURCE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: ({ workspace, owner }) => ({
    runtime: local(),
    agents: [{
      name: 'main',
      env: { GREETING: 'hello ' + owner.name + ' of ' + workspace.name },
      startupScript: 'echo "$GREETING" >> "$HOME/starts"; (setsid sleep 1000 >/dev/null 2>&1 &)',
      shutdownScript: 'echo bye >> "$HOME/stops"',
    }],
  }),
})`

let server: TestServer
let owner: Client
let first: Workspace
let second: Workspace

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', SECRET_OF_THE_SERVER: 'yes' },
  })
  owner = await server.owner()
  await server.builtInTemplate()
  const template = await importTemplate(owner, 'local', { 'template.ts': SOURCE })
  const make = (name: string) =>
    owner.call(createWorkspace, { params: { user: 'me' }, body: { name, template_id: template.id } })
  const made = [await make('first'), await make('second')] as const
  first = await ready(made[0])
  second = await ready(made[1])
})
afterAll(() => server[Symbol.asyncDispose]())

function ready({ id }: Workspace): Promise<Workspace> {
  return until('the agent', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: id } })
    if (current.latest_build.job.status === 'failed') throw new Error(current.latest_build.job.error)
    const agent = current.latest_build.resources[0]?.agents?.[0]
    return agent?.lifecycle_state === 'ready' ? current : undefined
  })
}

async function build({ id }: Workspace, transition: 'start' | 'stop' | 'delete'): Promise<void> {
  await owner.call(createBuild, { params: { workspace: id }, body: { transition } })
  await until(`the ${transition}`, async () => {
    const { latest_build: latest } = await owner.call(getWorkspace, {
      params: { workspace: id },
      query: { include_deleted: true },
    })
    if (latest.job.status === 'failed') throw new Error(latest.job.error)
    return latest.job.completed_at
  })
}

/** Runs a command inside of a workspace; its output, errors included. */
async function inside(workspace: Workspace, command: string): Promise<string> {
  const { stdout } = await run(
    process.execPath,
    [SLIPWAY, 'ssh', workspace.name, `{ ${command}; } 2>&1; true`],
    {
      env: {
        PATH: process.env.PATH,
        CODER_URL: server.url,
        CODER_SESSION_TOKEN: owner.headers['Coder-Session-Token'],
      },
    },
  )
  return stdout.trim()
}

function isOwn(pid: string, uid: number): boolean {
  try {
    return /^\d+$/.test(pid) && statSync(`/proc/${pid}`).uid === uid && !zombie(pid)
  } catch {
    return false
  }
}

const zombie = (pid: string) => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

const folderOf = ({ id }: Workspace) => path.join(server.configDirectory, 'workspaces', id)
const accountOf = ({ id }: Workspace) => `slipway-${id.replaceAll('-', '').slice(0, 16)}`

/** Processes that carry the mark of a workspace. */
async function processesOf({ id }: Workspace): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environment.includes(`SLIPWAY_WORKSPACE=${id}\0`)) found.push(pid)
  }
  return found
}

describe('inside of a local workspace', () => {
  it('the environment is that of the template, and nothing of the server', async () => {
    const environment = await inside(first, 'env')
    expect(environment).toContain('GREETING=hello owner of first')
    expect(environment).toContain(`HOME=${path.join(folderOf(first), 'home')}`)
    expect(environment).not.toContain('SECRET_OF_THE_SERVER')
    expect(environment).not.toMatch(/PG_CONNECTION_URL|PGPASSWORD/)
    expect(await inside(first, 'pwd')).toBe(path.join(folderOf(first), 'home'))
  })

  it.runIf(AS_ROOT)('it has an account of its own, and no way to root', async () => {
    expect(await inside(first, 'id -un')).toBe(accountOf(first))
    const ids = [await inside(first, 'id -u'), await inside(second, 'id -u')]
    expect(new Set(ids).size).toBe(2)
    expect(await inside(first, 'id -G')).toBe(ids[0])
    expect(await inside(first, 'grep -E "Cap(Eff|Prm)" /proc/self/status | sort -u')).toMatch(
      /^CapEff:\s0+\nCapPrm:\s0+$/,
    )
  })

  it.runIf(AS_ROOT)('other homes, the server and the logs of agents cannot be read', async () => {
    const other = path.join(folderOf(second), 'home')
    const commands = [
      `ls ${other}`,
      `cat ${other}/starts`,
      `touch ${other}/mine`,
      `ls ${folderOf(second)}`,
      `ls ${path.dirname(folderOf(first))}`,
      `cat ${path.join(folderOf(first), 'agent-main.log')}`,
      `ls ${server.configDirectory}`,
      `cat ${path.join(server.configDirectory, 'workspaces', 'accounts.json')}`,
      `cat /proc/${process.pid}/environ`,
      'cat /etc/shadow',
    ]
    const said = (await inside(first, commands.map((one) => `(${one}) 2>&1 | tail -n 1`).join('; '))).split(
      '\n',
    )
    expect(said).toEqual(commands.map(() => expect.stringMatching(/[Dd]enied/)))
    expect(await inside(first, `kill -9 ${process.pid}; kill -9 ${(await processesOf(second))[0]}`)).toMatch(
      /not permitted[\s\S]*not permitted/,
    )
  })
})

describe('the limits of a local workspace', () => {
  it.runIf(AS_ROOT && existsSync('/usr/bin/prlimit'))(
    'PR-B16: it has so many processes and no more, and gives way when memory runs out',
    async () => {
      expect(await inside(first, 'ulimit -u; ulimit -c; cat /proc/self/oom_score_adj')).toBe('4096\n0\n500')
    },
  )

  it('PR-B16: the log of the build says what isolates and limits it', async () => {
    const logs = await owner.call(listBuildLogs, { params: { workspacebuild: first.latest_build.id } })
    const said = logs.map((line) => line.output).join('\n')
    expect(said).toMatch(AS_ROOT ? /Isolated by the account slipway-/ : /it is not isolated/)
    expect(said).toMatch(/are shared|No limits/)
  })

  it.runIf(AS_ROOT)('processes that take off their mark and run away end with it all the same', async () => {
    const uid = await inside(second, 'id -u')
    const left = () => readdirSync('/proc').filter((pid) => isOwn(pid, Number(uid)))
    await inside(second, '(env -i setsid sleep 1002 >/dev/null 2>&1 &)')
    // Each makes one successor and ends, so that who looks for it finds a number that is gone.
    const runaway = 'env -i setsid bash -c "$1" bash "$1" & sleep 0.02'
    await inside(second, `(env -i setsid bash -c '${runaway}' bash '${runaway}' >/dev/null 2>&1 &)`)
    expect(left().length).toBeGreaterThan(1)
    await build(second, 'stop')
    expect(left()).toEqual([])
    await build(second, 'start')
    await ready(second)
  })
})

describe('the life of a local workspace', () => {
  it('PR-64: the home outlives stop and start; processes do not', async () => {
    await inside(first, 'echo precious > ~/file; (setsid sleep 1001 >/dev/null 2>&1 &)')
    expect((await processesOf(first)).length).toBeGreaterThan(2)
    await build(first, 'stop')
    expect(await processesOf(first)).toEqual([])
    await build(first, 'start')
    await ready(first)
    expect(await inside(first, 'cat ~/file ~/starts ~/stops')).toBe(
      ['precious', 'hello owner of first', 'hello owner of first', 'bye'].join('\n'),
    )
  })

  it('L-S4: an agent keeps its own files with its workspace, and those of a killed one go with the next build', async () => {
    const own = await inside(first, 'stat -c "%A %n" "$(dirname "$CODER_AGENT_SOCKET_PATH")"')
    expect(own).toBe(`drwx------ ${path.join(folderOf(first), 'run-0', 'state')}`)
    expect(await inside(first, 'echo "$GIT_SSH_COMMAND"; env | grep SLIPWAY_AGENT')).toContain(
      `IdentityAgent=${own.slice(own.indexOf('/'))}/git.sock `,
    )
    const agents = await Promise.all(
      (await processesOf(first)).map(async (pid) => ({
        pid: Number(pid),
        command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      })),
    )
    for (const { pid, command } of agents)
      if (command.includes('slipway-agent.js')) process.kill(pid, 'SIGKILL')
    await build(first, 'stop')
    expect((await readdir(folderOf(first))).sort()).toEqual(['agent-main.log', 'home'])
  })

  it('a delete removes home, processes and account, and leaves the other workspace alone', async () => {
    await build(first, 'delete')
    expect(await processesOf(first)).toEqual([])
    await expect(stat(folderOf(first))).rejects.toMatchObject({ code: 'ENOENT' })
    if (AS_ROOT) expect(spawnSync('getent', ['passwd', accountOf(first)]).status).not.toBe(0)
    expect(await inside(second, 'tail -n 1 ~/starts')).toBe('hello owner of second')
  })
})

it('L-16: a process that had this number before the machine was restarted runs no more', () => {
  const { pid } = process
  const startTime = startTimeOf(pid) ?? ''
  const [ticks = ''] = startTime.split('@')
  expect(isRunning({ pid, startTime })).toBe(true)
  expect(isRunning({ pid, startTime: `${ticks}@another boot` })).toBe(false)
  expect(isRunning({ pid, startTime: startTime.replace(ticks, `${ticks}0`) })).toBe(false)
  // As earlier releases have noted it.
  expect(isRunning({ pid, startTime: ticks })).toBe(true)
})
