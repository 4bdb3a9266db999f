import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getAgent,
  getWorkspace,
  listAgentLogs,
  listListeningPorts,
  type Workspace,
  type WorkspaceAgent,
} from '@slipway/contract'
import { importTemplate, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'

const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [
      {
        name: 'proper',
        startupScript: 'setsid perl -MIO::Socket::INET -e \\'$s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die; open $f, ">", "port.new"; print $f $s->sockport; close $f; rename "port.new", "port"; sleep 600\\' > /dev/null 2>&1 &',
        shutdownScript: 'echo goodbye; touch ~/shut-down',
      },
      { name: 'broken', startupScript: 'echo last words; exit 3', shutdownScript: 'exit 4' },
      {
        name: 'slow',
        scripts: [
          { displayName: 'Slow start', runOnStart: true, timeout: 1, script: 'echo begun; sleep 611 & wait' },
          { displayName: 'Slow end', runOnStop: true, timeout: 1, script: 'sleep 612' },
        ],
      },
      {
        name: 'flood',
        startupScript: [
          'echo the first line',
          'yes "a line of the flood" | head -c 120000000',
          'head -c 120000000 /dev/zero | tr "\\\\0" x',
          'grep VmHWM /proc/$PPID/status > ~/agent-memory',
        ].join('\\n'),
      },
    ],
  }),
})
`

let server: TestServer
let owner: Client
let workspace: Workspace

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  const template = await importTemplate(owner, 'lives', { 'template.ts': TEMPLATE })
  workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
})
afterAll(() => server[Symbol.asyncDispose]())

const inHome = (file: string): string =>
  path.join(server.configDirectory, 'workspaces', workspace.id, 'home', file)

/** An agent of the latest build, once it is as wanted. */
function agentWhen(name: string, wanted: (agent: WorkspaceAgent) => boolean): Promise<WorkspaceAgent> {
  return until(`${name} to get there`, async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    const agent = latest_build.resources
      .flatMap(({ agents }) => agents ?? [])
      .find((one) => one.name === name)
    return agent !== undefined && wanted(agent) && agent
  })
}

/** The whole log; the server gives it in pages. */
async function logsOf({ id }: WorkspaceAgent): Promise<string[]> {
  const all: string[] = []
  for (let after = 0; ; ) {
    const page = await owner.call(listAgentLogs, { params: { workspaceagent: id }, query: { after } })
    all.push(...page.map((line) => line.output))
    const last = page.at(-1)
    if (last === undefined) return all
    after = last.id
  }
}

it('AC-31, AC-23: an agent whose start scripts went well is ready and healthy', async () => {
  // It reports over HTTP; its tunnel may open a moment after its scripts have ended.
  const agent = await agentWhen(
    'proper',
    (one) => one.lifecycle_state === 'ready' && one.status === 'connected',
  )
  expect(agent.health).toMatchObject({ healthy: true })
  expect(Date.parse(agent.ready_at ?? '')).toBeGreaterThanOrEqual(Date.parse(agent.started_at ?? 'never'))
})

it('AC-117, AC-23: a start script that fails makes it start_error, unhealthy, with its output in the log', async () => {
  const agent = await agentWhen('broken', (one) => one.lifecycle_state === 'start_error')
  expect(agent.health).toEqual({
    healthy: false,
    reason: expect.stringContaining('agent startup script exited with an error'),
  })
  expect(agent.ready_at).toEqual(expect.any(String))
  await until('its output', async () => (await logsOf(agent)).includes('last words'))
})

it('AC-117, AC-23: one that takes too long is ended with all it has started: start_timeout, still healthy', async () => {
  const agent = await agentWhen('slow', (one) => one.lifecycle_state === 'start_timeout')
  expect(agent.health.healthy).toBe(true)
  expect(await logsOf(agent)).toContain('begun')
  expect(commandLines()).not.toContain('sleep 611')
})

it('AC-92, AC-93: a flood of output ends at the limit, and neither the agent nor its start suffers', async () => {
  const agent = await agentWhen('flood', (one) => one.lifecycle_state === 'ready')
  // What the agent cannot send in time is left out, what the server cannot keep is refused; both are told.
  const { length, logs } = await until('the end of the log', async () => {
    const now = await agentWhen('flood', (one) => one.id === agent.id)
    const lines = await logsOf(agent)
    const told = now.logs_overflowed || lines.some((line) => / lines are missing here/.test(line))
    const full = now.logs_overflowed || now.logs_length > 900_000
    return told && full && { length: now.logs_length, logs: lines }
  })
  expect(length).toBeLessThanOrEqual(1_048_576)
  // Nearly all of the room is used: a batch that is refused loses little.
  expect(length).toBeGreaterThan(900_000)
  expect(logs[0]).toBe('the first line')
  expect(Math.max(...logs.map((line) => line.length))).toBeLessThanOrEqual(1_024)
  const megabytes = Number(/\d+/.exec(await readFile(inHome('agent-memory'), 'utf8'))?.[0]) / 1024
  // All of it in memory would take several times as much.
  expect(megabytes).toBeLessThan(400)
})

it('AC-§6: lists the ports of the workspace with the names of their processes', async () => {
  const agent = await agentWhen('proper', (one) => one.lifecycle_state === 'ready')
  const port = Number(await until('the port', () => readFile(inHome('port'), 'utf8').catch(() => undefined)))
  await until('its entry', async () => {
    const answer = await owner.call(listListeningPorts, { params: { workspaceagent: agent.id } })
    return answer.ports?.some(
      (one) => one.port === port && one.process_name === 'perl' && one.network === 'tcp',
    )
  })
})

it('AC-117, AC-119: stop scripts run at the stop, and how they ended is the last state', async () => {
  const ids = new Map<string, string>()
  for (const name of ['proper', 'broken', 'slow', 'flood'])
    ids.set(name, (await agentWhen(name, (one) => one.ready_at !== undefined)).id)
  await owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'stop' } })
  await until('the stop', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    return latest_build.status === 'stopped'
  })
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const agents = await database.db
    .selectFrom('workspace_agents')
    .select(['name', 'lifecycle_state'])
    .where('id', 'in', [...ids.values()])
    .execute()
  expect(Object.fromEntries(agents.map((one) => [one.name, one.lifecycle_state]))).toEqual({
    proper: 'off',
    broken: 'shutdown_error',
    slow: 'shutdown_timeout',
    flood: 'off',
  })
  const lines = await database.db
    .selectFrom('workspace_agent_logs')
    .select('output')
    .where('agent_id', '=', ids.get('proper') ?? '')
    .execute()
  expect(lines.map((line) => line.output)).toContain('goodbye')
  await readFile(inHome('shut-down'))
  const timings = await database.db
    .selectFrom('workspace_agent_script_timings as t')
    .innerJoin('workspace_agent_scripts as s', 's.id', 't.script_id')
    .innerJoin('workspace_agents as a', 'a.id', 's.workspace_agent_id')
    .select(['a.name', 't.stage', 't.status', 't.exit_code'])
    .orderBy('t.stage')
    .execute()
  expect(timings.filter(({ name }) => name === 'slow')).toMatchObject([
    { stage: 'start', status: 'timed_out' },
    { stage: 'stop', status: 'timed_out' },
  ])
  expect(timings.filter(({ name }) => name === 'broken')).toMatchObject([
    { stage: 'start', status: 'exit_failure', exit_code: 3 },
    { stage: 'stop', status: 'exit_failure', exit_code: 4 },
  ])
  await expect(
    owner.call(getAgent, { params: { workspaceagent: ids.get('proper') ?? '' } }),
  ).rejects.toMatchObject({ status: 404 })
})

/** Command lines of all processes of this machine. */
function commandLines(): string {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
}
