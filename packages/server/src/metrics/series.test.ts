import { createHash, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'

import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getBuildInfo,
  getWorkspace,
  listOrganizations,
  listTemplateVersionPresets,
  reportAgentMetadata,
  reportAgentStats,
  type Template,
  type Workspace,
} from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import {
  fixtures,
  importTemplate,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { AgentMetadata } from '../agents/index.ts'
import type { AppContext } from '../context.ts'

const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: { fails: { type: 'bool', default: false, mutable: true } },
  presets: [{ name: 'Calm', parameters: { fails: false } }],
  workspace: ({ parameters }) => {
    if (parameters.fails) throw new Error('not today')
    return {
      runtime: local(),
      agents: [{ name: 'dev', startupScript: 'true', apps: [{ slug: 'page', url: 'http://127.0.0.1:9' }] }],
    }
  },
})
`

let server: TestServer
let owner: Client
let database: Awaited<ReturnType<typeof openDatabase>>
let template: Template
let organization = ''
let version = ''
let calm = ''
let ahead = 0

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_AUTOBUILD_POLL_INTERVAL: '100ms',
      CODER_PROVISIONER_DAEMONS: '2',
      CODER_PROMETHEUS_ENABLE: 'true',
      CODER_PROMETHEUS_ADDRESS: '127.0.0.1:0',
      CODER_PROMETHEUS_COLLECT_AGENT_STATS: 'true',
      CODER_PROMETHEUS_AGGREGATE_AGENT_STATS_BY: 'agent_name,username',
    },
    clock: { now: () => new Date(Date.now() + ahead) },
  })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  template = await importTemplate(owner, 'measured', { 'template.ts': TEMPLATE })
  organization = (await owner.call(listOrganizations))[0]?.name ?? ''
  const { db } = database
  version = (
    await db
      .selectFrom('template_versions')
      .select('name')
      .where('id', '=', template.active_version_id)
      .executeTakeFirstOrThrow()
  ).name
  calm =
    (
      await owner.call(listTemplateVersionPresets, {
        params: { templateversion: template.active_version_id },
      })
    )[0]?.ID ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

type Labels = Readonly<Record<string, string>>

/** All series of this name, with exactly the labels that they have. */
async function allOf(name: string): Promise<{ readonly labels: Labels; readonly value: number }[]> {
  const text = await (await fetch(`${server.url}/metrics`, { headers: owner.headers })).text()
  return text.split('\n').flatMap((line) => {
    const [, of, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    return of === name
      ? [
          {
            labels: Object.fromEntries(
              [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text]),
            ),
            value: Number(value),
          },
        ]
      : []
  })
}

/** The series of this name with these labels and no others. */
const seriesOf = async (name: string, labels: Labels = {}): Promise<number | undefined> =>
  (await allOf(name)).find((one) => isDeepStrictEqual({ ...one.labels }, { ...labels }))?.value

/** What is shown of the database may be read anew. */
const later = (): void => {
  ahead += 16_000
}

const make = (name: string, more: object = {}): Promise<Workspace> =>
  owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id, ...more },
  })

const built = ({ id }: Pick<Workspace, 'id'>): Promise<Workspace> =>
  until('the build', async () => {
    const current = await owner.call(getWorkspace, {
      params: { workspace: id },
      query: { include_deleted: true },
    })
    return current.latest_build.job.completed_at !== undefined && current
  })

const build = async (workspace: Workspace, body: object): Promise<Workspace> => {
  await owner.call(createBuild, {
    params: { workspace: workspace.id },
    body: { transition: 'start', ...body },
  })
  return built(workspace)
}

const enqueued = (build_reason: string, transition: string, status: string) =>
  seriesOf('coderd_workspace_builds_enqueued_total', {
    provisioner_type: 'typescript',
    build_reason,
    transition,
    status,
  })
const ended = (workspace_name: string, workspace_transition: string, status: string) =>
  seriesOf('coderd_workspace_builds_total', {
    workspace_owner: 'owner',
    workspace_name,
    template_name: 'measured',
    template_version: version,
    workspace_transition,
    status,
  })
const latest = (status: string, workspace_transition: string) =>
  seriesOf('coderd_workspace_latest_build_status', {
    status,
    template_name: 'measured',
    template_version: version,
    workspace_owner: 'owner',
    workspace_transition,
  })
const created = (preset_name: string) =>
  seriesOf('coderd_workspace_creation_total', {
    organization_name: organization,
    template_name: 'measured',
    preset_name,
  })

describe('OP-81: series of a workspace', () => {
  let workspace: Workspace

  it('WS-180: tell of its first build, how it was queued, waited, ran and ended', async () => {
    workspace = await built(await make('life', { template_version_preset_id: calm }))
    expect(await enqueued('initiator', 'start', 'success')).toBe(1)
    const of = { workspace_transition: 'start', status: 'success' }
    await until('the end to be counted', async () => (await ended('life', 'start', 'success')) === 1)
    expect(
      await seriesOf('coderd_provisionerd_workspace_build_timings_seconds_count', {
        template_name: 'measured',
        template_version: version,
        ...of,
      }),
    ).toBe(1)
    expect(await created('Calm')).toBe(1)
    expect(
      await seriesOf('coderd_workspace_creation_duration_seconds_count', {
        organization_name: organization,
        template_name: 'measured',
        preset_name: 'Calm',
        type: 'regular',
      }),
    ).toBe(1)
  })

  it('PR-34: tell how long jobs waited, and what provisioners of this server do', async () => {
    const waited = (labels: Labels) =>
      seriesOf('coderd_provisioner_job_queue_wait_seconds_count', {
        provisioner_type: 'typescript',
        ...labels,
      })
    expect(
      await waited({ job_type: 'workspace_build', transition: 'start', build_reason: 'initiator' }),
    ).toBe(1)
    // Those of the built-in template, if it came first, and of this one.
    expect(
      await waited({ job_type: 'template_version_import', transition: '', build_reason: '' }),
    ).toBeGreaterThan(0)
    expect(await seriesOf('coderd_provisionerd_num_daemons')).toBe(2)
    await until(
      'the jobs to be over',
      async () => (await seriesOf('coderd_provisionerd_jobs_current', { provisioner: 'typescript' })) === 0,
    )
    expect(
      await seriesOf('coderd_provisionerd_job_timings_seconds_count', {
        provisioner: 'typescript',
        status: 'success',
      }),
    ).toBeGreaterThan(1)
  })

  it('OP-83: tell of the start of its agent, with the labels that are asked for', async () => {
    await until('the agent', async () => {
      const { latest_build } = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
      const agent = latest_build.resources[0]?.agents?.[0]
      return agent?.status === 'connected' && agent.lifecycle_state === 'ready'
    })
    const labels = { agent_name: 'dev', username: 'owner', success: 'true' }
    await until('its scripts', () => seriesOf('agent_scripts_executed_total', labels))
    expect(await seriesOf('agent_scripts_executed_total', labels)).toBe(1)
    const seconds = await allOf('coderd_agentstats_startup_script_seconds')
    expect(seconds.map((one) => one.labels)).toEqual([labels])
  })

  it('AC-33: tell of its agents and their apps', async () => {
    later()
    const names = { agent_name: 'dev', username: 'owner', workspace_name: 'life' }
    expect(
      await seriesOf('coderd_agents_connections', {
        ...names,
        status: 'connected',
        lifecycle_state: 'ready',
        tailnet_node: 'unknown',
      }),
    ).toBe(1)
    expect(await allOf('coderd_agents_connections')).toHaveLength(1)
    const away = await until('its distance', async () => {
      later()
      return (await allOf('coderd_agents_connection_latencies_seconds'))[0]
    })
    expect(away.labels).toEqual({ ...names, derp_region: 'Slipway', preferred: 'true' })
    expect(away.value).toBeGreaterThan(0)
    expect(
      await seriesOf('coderd_agents_up', {
        template_name: 'measured',
        template_version: version,
        username: 'owner',
        workspace_name: 'life',
      }),
    ).toBe(1)
    expect(await seriesOf('coderd_agents_apps', { ...names, app_name: 'page', health: 'disabled' })).toBe(1)
    expect(
      await seriesOf('coderd_agents_first_connection_seconds_count', {
        agent_name: 'dev',
        template_name: 'measured',
      }),
    ).toBe(1)
    expect(
      await seriesOf('coderd_template_workspace_build_duration_seconds_count', {
        template_name: 'measured',
        organization_name: organization,
        transition: 'start',
        status: 'success',
        is_prebuild: 'false',
      }),
    ).toBe(1)
  })

  it('tell how many there are by their latest builds, and read the database once in a while', async () => {
    later()
    expect(await latest('succeeded', 'start')).toBe(1)
    const succeeded = () => seriesOf('coderd_api_workspace_latest_build', { status: 'succeeded' })
    expect(await succeeded()).toBe(1)
    expect(await seriesOf('coderd_api_workspace_latest_build', { status: 'failed' })).toBe(0)
    await fixtures.workspaceBuild(database.db)
    expect(await succeeded()).toBe(1)
    later()
    expect(await succeeded()).toBe(2)
    await build(workspace, { transition: 'stop', reason: 'dashboard' })
    later()
    expect(await latest('succeeded', 'start')).toBeUndefined()
    expect(await latest('succeeded', 'stop')).toBe(1)
    expect(await enqueued('dashboard', 'stop', 'success')).toBe(1)
    await until('the end to be counted', async () => (await ended('life', 'stop', 'success')) === 1)
    expect(await allOf('coderd_agents_up')).toEqual([])
  })

  it('count a workspace as made when a start succeeds for the first time', async () => {
    const late = await built(
      await make('late', { rich_parameter_values: [{ name: 'fails', value: 'true' }] }),
    )
    await until('the failure', async () => (await ended('late', 'start', 'failed')) === 1)
    expect(await created('')).toBeUndefined()
    expect(await created('Calm')).toBe(1)
    const values = { rich_parameter_values: [{ name: 'fails', value: 'false' }] }
    await build(late, values)
    await until('the start', async () => (await ended('late', 'start', 'success')) === 1)
    // Its values are those of the preset by now.
    expect(await created('Calm')).toBe(2)
    await build(late, { transition: 'stop' })
    await build(late, values)
    await until('the next start', async () => (await ended('late', 'start', 'success')) === 2)
    expect(await created('Calm')).toBe(2)
    await build(late, { transition: 'delete' })
    await until('its end', async () => (await ended('late', 'delete', 'success')) === 1)
    later()
    expect(await latest('succeeded', 'stop')).toBe(1)
    expect(await latest('succeeded', 'delete')).toBeUndefined()
  })

  it('WS-180: tell of builds that nobody can carry out, and not of those that are refused', async () => {
    const before = await enqueued('initiator', 'start', 'success')
    await expect(make('life')).rejects.toMatchObject({ status: 409 })
    await expect(
      make('wrong', { rich_parameter_values: [{ name: 'fails', value: 'maybe' }] }),
    ).rejects.toMatchObject({ status: 400 })
    expect(await enqueued('initiator', 'start', 'failed')).toBeUndefined()
    await database.db
      .updateTable('provisioner_jobs')
      .set({ tags: JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' }) })
      .where('id', '=', (eb) =>
        eb.selectFrom('template_versions').select('job_id').where('id', '=', template.active_version_id),
      )
      .execute()
    await make('impossible')
    expect(await enqueued('initiator', 'start', 'failed')).toBe(1)
    expect(await enqueued('initiator', 'start', 'success')).toBe(before)
  })
})

it('OP-81: tell which release this is and which experiments are on', async () => {
  const [info] = await allOf('coderd_build_info')
  const { version: release } = await owner.call(getBuildInfo)
  expect(info).toEqual({ labels: { version: release, revision: release.split('+')[1] }, value: 1 })
  expect(await seriesOf('coderd_experiments', { experiment: 'oauth2' })).toBe(1)
  expect(await seriesOf('coderd_experiments', { experiment: 'workspace-usage' })).toBe(0)
})

it('OP-84: tell what the process uses', async () => {
  for (const name of ['cpu_seconds_total', 'start_time_seconds', 'resident_memory_bytes', 'open_fds'])
    expect(await seriesOf(`process_${name}`), name).toBeGreaterThan(0)
  expect(await seriesOf('process_max_fds')).toBeGreaterThan((await seriesOf('process_open_fds')) ?? 0)
  for (const name of ['heap_size_total', 'heap_size_used', 'external_memory'])
    expect(await seriesOf(`nodejs_${name}_bytes`), name).toBeGreaterThan(0)
})

it('WS-235: looks for workspaces whose time has come are measured', async () => {
  const looks = () => seriesOf('coderd_lifecycle_autobuild_execution_duration_seconds_count')
  const before = (await looks()) ?? 0
  await until('the next', async () => ((await looks()) ?? 0) > before)
})

it('OP-81: tell how templates were used in the last five minutes', async () => {
  const { db } = database
  const organization = await fixtures.organization(db)
  const used = await fixtures.template(db, { organization })
  const user = await fixtures.user(db)
  const labels = { organization_name: organization.name, template_name: used.name }
  const minute = new Date(Math.floor((Date.now() + ahead) / 60_000) * 60_000 - 60_000)
  // One person in two workspaces at once, and an app of the template.
  for (const vscode of [1, 2])
    await fixtures.workspaceAgentStat(db, { user, template: used, minute, ssh: 0, vscode })
  await fixtures.workspaceAgentStat(db, { template: used, minute: new Date(minute.getTime() - 10 * 60_000) })
  await fixtures.workspaceAppStat(db, { user, template: used, minute, slug: 'page' })
  await fixtures.templateUsedApp(db, { template: used, slug: 'page', display_name: 'Page' })
  const version = await fixtures.templateVersion(db, { template: used })
  await fixtures.templateVersionParameter(db, { version, name: 'size' })
  const workspace = await fixtures.workspace(db, { template: used })
  const build = await fixtures.workspaceBuild(db, {
    workspace,
    version,
    created_at: new Date(Date.now() + ahead - 60_000),
  })
  await fixtures.workspaceBuildParameter(db, { build, name: 'size', value: 'big' })
  // What is shown is read anew after a while.
  ahead += 16_000
  expect(await seriesOf('coderd_insights_templates_active_users', labels)).toBe(1)
  const app = (slug: string, application_name: string) =>
    seriesOf('coderd_insights_applications_usage_seconds', { ...labels, slug, application_name })
  expect(await app('vscode', 'Visual Studio Code')).toBe(60)
  expect(await app('page', 'Page')).toBe(60)
  expect(await app('ssh', 'SSH')).toBeUndefined()
  const parameter = { parameter_name: 'size', parameter_type: 'string', parameter_value: 'big' }
  expect(await seriesOf('coderd_insights_parameters', { ...labels, ...parameter })).toBe(1)
})

describe('OP-83: series of what agents report', () => {
  /** An agent that nobody runs, with the token that it holds. */
  async function newAgent(name: string): Promise<Client> {
    const { db } = database
    const { id: owner_id } = await db
      .selectFrom('users')
      .select('id')
      .where('username', '=', 'owner')
      .executeTakeFirstOrThrow()
    const workspace = await fixtures.workspace(db, { owner_id })
    const resource = await fixtures.workspaceResource(db, {
      build: await fixtures.workspaceBuild(db, { workspace }),
    })
    const token = randomUUID()
    const auth_token_hash = createHash('sha256').update(token).digest()
    await fixtures.workspaceAgent(db, { resource, name, auth_token_hash })
    return new Client({ url: server.url, token })
  }
  const sessions = (family: string, agent_name: string) =>
    seriesOf(`coderd_agentstats_session_count_${family}`, { agent_name, username: 'owner' })

  it('keep the labels that are asked for, add up the rest, and go when the agent falls silent', async () => {
    // Both are of one name, and of workspaces that are apart.
    const agents = [await newAgent('twin'), await newAgent('twin')]
    for (const agent of agents)
      await agent.call(reportAgentStats, {
        body: { session_counts: { ssh: 2, Zed: 1, 'vscode-insiders': 1, other: 9 } },
      })
    expect(await sessions('ssh', 'twin')).toBe(6)
    expect(await sessions('vscode', 'twin')).toBe(2)
    expect(await sessions('jetbrains', 'twin')).toBe(0)
    ahead += 121_000
    expect(await sessions('ssh', 'twin')).toBeUndefined()
    await agents[0]?.call(reportAgentStats, { body: { session_counts: { ssh: 4 } } })
    expect(await sessions('ssh', 'twin')).toBe(4)
  })

  it('AC-312: too many values of metadata at once are lost, and counted', async () => {
    const registry = new Registry()
    const context = { clock: { now: () => new Date() }, database, log: silentLogger(), metrics: registry }
    // All that the queue reads of the context.
    await using metadata = new AgentMetadata(context as unknown as AppContext)
    for (let agent = 0; agent < 101; agent += 1)
      metadata.report(
        randomUUID(),
        Array.from({ length: 100 }, (_, i) => ({ key: `k${i}`, value: 'x', error: '' })),
      )
    const text = await registry.metrics()
    expect(text).toContain('slipway_agent_metadata_dropped_total{reason="queue_full"} 100\n')
    expect(text).toContain('coderd_agentapi_metadata_dropped_keys_total 100\n')
  })

  it('AC-312: values of metadata that are lost are counted by the reason', async () => {
    const agent = await newAgent('chatty')
    const value = (key: string) => ({ key, value: 'x', error: '' })
    await agent.call(reportAgentMetadata, { body: { metadata: [value('a'), value('b')] } })
    await until('them to be written', async () =>
      seriesOf('coderd_agentapi_metadata_batches_total', { reason: 'scheduled' }),
    )
    expect(await seriesOf('coderd_agentapi_metadata_flushed_total')).toBeGreaterThan(1)
    const long = Array.from({ length: 100 }, (_, i) => value(`${i}`.padStart(100, 'k')))
    await expect(agent.call(reportAgentMetadata, { body: { metadata: long } })).rejects.toMatchObject({
      status: 400,
    })
    expect(
      await seriesOf('slipway_agent_metadata_dropped_total', { reason: 'keys_too_long' }),
    ).toBeGreaterThan(30)
    expect(await seriesOf('coderd_agentapi_metadata_dropped_keys_total')).toBe(0)
  })
})
