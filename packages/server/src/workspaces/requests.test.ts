import { stat } from 'node:fs/promises'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  type CreateWorkspaceBuildRequest,
  createBuild,
  createOrganizationWorkspace,
  createTemplate,
  createTemplateVersion,
  createWorkspace,
  deleteTemplate,
  getBuildTimings,
  getTemplate,
  getTemplateVersion,
  getUser,
  getWorkspace,
  getWorkspaceByName,
  listBuildLogs,
  listBuilds,
  listOrganizations,
  listWorkspaces,
  NO_ID,
  resolveAutostart,
  setActiveTemplateVersion,
  setAutomaticUpdates,
  type Template,
  type Workspace,
} from '@slipway/contract'
import {
  fixtures,
  importTemplate,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const HEAD = `import { defineTemplate, local } from '@slipway/template'\n`
const AGENTS = `runtime: local(), agents: [{ name: 'main', startupScript: 'true' }]`

let server: TestServer
let database: Database
let owner: Client
let template: Template
let organization_id: string
let owner_id: string

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  await server.builtInTemplate()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
  owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
  template = await importTemplate(owner, 'moody', {
    'template.ts': `${HEAD}export default defineTemplate({
      workspace: ({ workspace }) => {
        if (workspace.name === 'broken' || (workspace.name === 'turning' && workspace.transition !== 'start'))
          throw new Error('not this one')
        return { ${AGENTS} }
      },
    })`,
  })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const make = (name: string, template_id = template.id): Promise<Workspace> =>
  owner.call(createWorkspace, { params: { user: 'me' }, body: { name, template_id } })

async function ended({ id }: Pick<Workspace, 'id'>): Promise<Workspace> {
  return until('the build', async () => {
    const current = await owner.call(getWorkspace, {
      params: { workspace: id },
      query: { include_deleted: true },
    })
    return current.latest_build.job.completed_at === undefined ? undefined : current
  })
}

async function build({ id }: Pick<Workspace, 'id'>, body: CreateWorkspaceBuildRequest): Promise<Workspace> {
  await owner.call(createBuild, { params: { workspace: id }, body })
  return ended({ id })
}

describe('a build that would not do what was asked', () => {
  it('WS-302: a dry run starts no real build', async () => {
    const workspace = await ended(await make('careful'))
    const params = { workspace: workspace.id }
    await expect(
      owner.call(createBuild, { params, body: { transition: 'stop', dry_run: true } }),
    ).rejects.toMatchObject({ status: 400 })
    expect(await owner.call(listBuilds, { params })).toHaveLength(1)
  })
})

it('WS-177: one request restarts a workspace', async () => {
  const workspace = await ended(await make('again'))
  await owner.call(createBuild, {
    params: { workspace: workspace.id },
    body: { transition: 'stop', reason: 'dashboard', on_success: { transition: 'start' } },
  })
  const restarted = await until('the start', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    return current.latest_build.build_number === 3 && current.latest_build.status === 'running' && current
  })
  expect(restarted.latest_build).toMatchObject({ transition: 'start', reason: 'dashboard' })
  const builds = await owner.call(listBuilds, { params: { workspace: workspace.id } })
  expect(builds.map((one) => [one.transition, one.status])).toEqual([
    ['start', 'running'],
    ['stop', 'stopped'],
    ['start', 'running'],
  ])
})

describe('a workspace whose template fails for it', () => {
  it('L-12: is deleted all the same, without running the template', async () => {
    const broken = await ended(await make('broken'))
    expect(broken.latest_build.job.error).toContain('not this one')
    expect((await build(broken, { transition: 'delete' })).latest_build.status).toBe('deleted')
  })

  it('L-12: is stopped all the same, and says so', async () => {
    const turning = await ended(await make('turning'))
    const stopped = await build(turning, { transition: 'stop' })
    expect(stopped.latest_build.status).toBe('stopped')
    const logs = await owner.call(listBuildLogs, { params: { workspacebuild: stopped.latest_build.id } })
    expect(logs.find((line) => line.log_level === 'warn')?.output).toContain('not this one')
    expect((await build(turning, { transition: 'delete' })).latest_build.status).toBe('deleted')
  })

  it('WS-172: one that is orphaned leaves its resources as they are', async () => {
    const workspace = await ended(await make('orphan'))
    const gone = await build(workspace, { transition: 'delete', orphan: true })
    expect(gone.latest_build.status).toBe('deleted')
    await expect(owner.call(getWorkspace, { params: { workspace: gone.id } })).rejects.toMatchObject({
      status: 410,
    })
    const home = path.join(server.configDirectory, 'workspaces', workspace.id, 'home')
    expect((await stat(home)).isDirectory()).toBe(true)
  })
})

describe('making workspaces', () => {
  it('WS-80: an optional id that is nil is not given, as the CLI of Coder sends those', async () => {
    const body = {
      name: 'nil',
      template_id: NO_ID,
      template_version_id: template.active_version_id,
      template_version_preset_id: NO_ID,
    }
    const made = await owner.call(createWorkspace, { params: { user: 'me' }, body })
    expect(made.template_id).toBe(template.id)
    await ended(made)
    const again = await owner.call(createBuild, {
      params: { workspace: made.id },
      body: { transition: 'stop', template_version_id: NO_ID },
    })
    expect(again.template_version_id).toBe(template.active_version_id)
  })

  it('WS-130: of a template that was deleted is 404, in an organization that is not there too', async () => {
    const doomed = await importTemplate(owner, 'doomed', {
      'template.ts': `${HEAD}export default defineTemplate({ workspace: () => ({ ${AGENTS} }) })`,
    })
    await owner.call(deleteTemplate, { params: { template: doomed.id } })
    await expect(make('late', doomed.id)).rejects.toMatchObject({
      status: 404,
      message: 'Template "doomed" has been deleted!',
    })
    const body = { name: 'elsewhere', template_id: template.id }
    await expect(
      owner.call(createOrganizationWorkspace, { params: { organization: 'nowhere', user: 'me' }, body }),
    ).rejects.toMatchObject({ status: 404 })
    const other = await fixtures.organization(database.db)
    await expect(
      owner.call(createOrganizationWorkspace, { params: { organization: other.id, user: 'me' }, body }),
    ).rejects.toMatchObject({ status: 400, validations: [{ field: 'template_id' }] })
  })

  it('WS-3: administrators of an organization make and find workspaces of its members', async () => {
    const admin = await server.user('orga')
    await server.user('worker')
    await owner.call(assignMemberRoles, {
      params: { organization: 'default', user: 'orga' },
      body: { roles: ['organization-admin'] },
    })
    const body = { name: 'given', template_id: template.id }
    const made = await until('the new role', () =>
      admin.call(createWorkspace, { params: { user: 'worker' }, body }).catch(() => undefined),
    )
    expect(made.owner_name).toBe('worker')
    const params = { user: 'worker', workspacename: 'given' }
    expect((await admin.call(getWorkspaceByName, { params })).id).toBe(made.id)
    const stranger = await server.user('passer-by')
    await expect(stranger.call(getWorkspaceByName, { params })).rejects.toMatchObject({ status: 404 })
    await expect(
      stranger.call(createWorkspace, { params: { user: 'worker' }, body: { ...body, name: 'taken' } }),
    ).rejects.toThrow()
    await expect(
      admin.call(getWorkspaceByName, { params: { ...params, user: 'ghost' } }),
    ).rejects.toMatchObject({ status: 404 })
  })

  it('WS-91: a template and its first workspace: either is made or the other deleted, never both', async () => {
    for (let round = 0; round < 6; round += 1) {
      const racing = await fixtures.template(database.db, { organization_id })
      const [made, deleted] = await Promise.allSettled([
        make(`race-${round}`, racing.id),
        owner.call(deleteTemplate, { params: { template: racing.id } }),
      ])
      expect([made.status, deleted.status].filter((one) => one === 'fulfilled')).toHaveLength(1)
    }
  })

  it('WS-80: of several templates of one version at once, one is made', async () => {
    const { active_version_id } = await owner.call(getTemplate, { params: { template: template.id } })
    const { job } = await owner.call(getTemplateVersion, { params: { templateversion: active_version_id } })
    const version = await owner.call(createTemplateVersion, {
      params: { organization: 'default' },
      body: { storage_method: 'file', provisioner: 'typescript', file_id: job.file_id },
    })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        owner.call(createTemplate, {
          params: { organization: 'default' },
          body: { name: `twin-${i}`, template_version_id: version.id },
        }),
      ),
    )
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    for (const one of outcomes)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ status: 400 })
  })
})

describe('WS-311: a request that comes again with its Idempotency-Key', () => {
  const post = (path: string, key: string, body: object, { headers }: Pick<Client, 'headers'> = owner) =>
    fetch(`${server.url}/api/v2/${path}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(body),
    })
  const replayed = (answer: Response) => answer.headers.get('idempotency-replayed')
  const idOf = async (answer: Response): Promise<string> => Object(await answer.json()).id
  /** How often the audit log tells that it was made. */
  const made = async (resource: string): Promise<number> =>
    (
      await database.db
        .selectFrom('audit_logs')
        .select('id')
        .where('resource_id', '=', resource)
        .where('action', '=', 'create')
        .execute()
    ).length

  it('makes one workspace, also at the same time, by the other route, and when it is gone', async () => {
    const body = { name: 'once', template_id: template.id }
    const answers = await Promise.all([1, 2, 3].map(() => post('users/me/workspaces', 'w', body)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(answers.map(replayed).filter((one) => one === 'true')).toHaveLength(2)
    const [id = '', ...others] = await Promise.all(answers.map(idOf))
    expect(others).toEqual([id, id])
    const again = await post('organizations/default/members/me/workspaces', 'w', body)
    expect([again.status, replayed(again), await idOf(again)]).toEqual([201, 'true', id])
    expect((await post('users/me/workspaces', 'w', { ...body, name: 'other' })).status).toBe(422)
    expect((await post('users/me/workspaces', 'another', body)).status).toBe(409)
    // The key of somebody else is another one.
    const theirs = await post('users/me/workspaces', 'w', body, await server.user('same-key'))
    expect([theirs.status, replayed(theirs)]).toEqual([201, null])
    await build(await ended({ id }), { transition: 'delete' })
    expect(await idOf(await post('users/me/workspaces', 'w', body))).toBe(id)
    const { workspaces } = await owner.call(listWorkspaces, { query: { q: 'owner:me name:once' } })
    expect(workspaces.filter(({ name }) => name === 'once')).toEqual([])
    await until('the audit log', async () => (await made(id)) > 0)
    expect(await made(id)).toBe(1)
  })

  it('makes nothing that is kept when the first request was refused', async () => {
    const body = { name: 'refused', template_id: template.id, ttl_ms: 1 }
    expect((await post('users/me/workspaces', 'r', body)).status).toBe(400)
    const other = await post('users/me/workspaces', 'r', { ...body, ttl_ms: 3_600_000 })
    expect([other.status, replayed(other)]).toEqual([201, null])
  })

  it('makes one build, also at the same time, and when that is over', async () => {
    const workspace = await ended(await make('built-once'))
    const path = `workspaces/${workspace.id}/builds`
    const body = { transition: 'stop' }
    const answers = await Promise.all([1, 2, 3].map(() => post(path, 'b', body)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(answers.map(replayed).filter((one) => one === 'true')).toHaveLength(2)
    const [id = '', ...others] = await Promise.all(answers.map(idOf))
    expect(others).toEqual([id, id])
    await ended(workspace)
    const again = await post(path, 'b', body)
    expect([again.status, replayed(again), await idOf(again)]).toEqual([201, 'true', id])
    expect((await post(path, 'b', { transition: 'start' })).status).toBe(422)
    const numbers = async () =>
      (await owner.call(listBuilds, { params: { workspace: workspace.id } })).map((one) => one.build_number)
    expect(await numbers()).toEqual([2, 1])
    // The same key for another workspace is another request.
    const neighbour = await ended(await make('built-too'))
    const theirs = await post(`workspaces/${neighbour.id}/builds`, 'b', body)
    expect([theirs.status, replayed(theirs)]).toEqual([201, null])
    expect((await post(path, 'c', body)).status).toBe(201)
    expect(await numbers()).toEqual([3, 2, 1])
  })
})

describe('reading workspaces', () => {
  it('WS-144: timings tell how scripts of the agent ran', async () => {
    const workspace = await ended(await make('timed'))
    const runs = await until('the start script', async () => {
      const timings = await owner.call(getBuildTimings, {
        params: { workspacebuild: workspace.latest_build.id },
      })
      return timings.agent_script_timings.length > 0 ? timings.agent_script_timings : undefined
    })
    expect(runs[0]).toMatchObject({
      stage: 'start',
      status: 'ok',
      exit_code: 0,
      workspace_agent_name: 'main',
    })
  })

  it('WS-167: whether the next start by the schedule would fail for its values', async () => {
    const moving = await importTemplate(owner, 'moving', {
      'template.ts': `${HEAD}export default defineTemplate({ workspace: () => ({ ${AGENTS} }) })`,
    })
    const workspace = await ended(await make('mover', moving.id))
    const mismatch = async () =>
      (await owner.call(resolveAutostart, { params: { workspace: workspace.id } })).parameter_mismatch
    expect(await mismatch()).toBe(false)
    const next = await importTemplate(owner, 'moved', {
      'template.ts': `${HEAD}export default defineTemplate({
        parameters: { size: { type: 'number' } }, workspace: () => ({ ${AGENTS} }) })`,
    })
    const { job } = await owner.call(getTemplateVersion, {
      params: { templateversion: next.active_version_id },
    })
    const version = await owner.call(createTemplateVersion, {
      params: { organization: 'default' },
      body: {
        storage_method: 'file',
        provisioner: 'typescript',
        file_id: job.file_id,
        template_id: moving.id,
      },
    })
    await until('the import', async () => {
      const { job: state } = await owner.call(getTemplateVersion, { params: { templateversion: version.id } })
      return state.completed_at
    })
    await owner.call(setActiveTemplateVersion, { params: { template: moving.id }, body: { id: version.id } })
    expect(await mismatch()).toBe(false)
    await owner.call(setAutomaticUpdates, {
      params: { workspace: workspace.id },
      body: { automatic_updates: 'always' },
    })
    expect(await mismatch()).toBe(true)
  })

  it('WS-151: workspaces are found by the group that they are shared with, and by health', async () => {
    const group = await fixtures.group(database.db, { organization_id })
    const shared = await fixtures.workspace(database.db, {
      owner_id,
      organization_id,
      template_id: template.id,
      group_acl: JSON.stringify({ [group.id]: ['read'] }),
    })
    await fixtures.workspaceBuild(database.db, { workspace: shared })
    const names = async (q: string) =>
      (await owner.call(listWorkspaces, { query: { q } })).workspaces.map((one) => one.name)
    const [{ name: organization } = { name: '' }] = await owner.call(listOrganizations)
    for (const reference of [group.id, group.name, `${organization}/${group.name}`])
      expect(await names(`shared_with_group:${reference}`)).toEqual([shared.name])
    await expect(names('shared_with_group:nobody')).rejects.toMatchObject({ status: 400 })
    const workspace = await ended(await make('healthy'))
    await until('its agent', async () => (await names('name:healthy has-agent:connected')).length > 0)
    expect(await names('name:healthy healthy:true has-agent:timeout')).toEqual([workspace.name])
    expect(await names('name:healthy healthy:false')).toEqual([])
  })

  it('WS-151: agents are listed with the metadata that is asked for, without its scripts', async () => {
    const { db } = database
    const workspace = await fixtures.workspace(db, { owner_id, template_id: template.id })
    const made = await fixtures.workspaceBuild(db, { workspace })
    const agent = await fixtures.workspaceAgent(db, {
      resource: await fixtures.workspaceResource(db, { build: made }),
    })
    for (const key of ['Load', 'disk'])
      await fixtures.workspaceAgentMetadata(db, { agent, key, script: 'secret', value: `${key} 1` })
    const list = async (more: string) => {
      const q = `name:${workspace.name} ${more}`
      const [found] = (await owner.call(listWorkspaces, { query: { q } })).workspaces
      return found?.latest_build.resources[0]?.agents?.[0]?.metadata
    }
    expect(await list('')).toBeUndefined()
    expect(await list('include_agent_metadata:load')).toMatchObject([
      { description: { key: 'Load', script: '' }, result: { value: 'Load 1' } },
    ])
    expect(await list('include_agent_metadata:load include_agent_metadata:disk')).toHaveLength(2)
  })

  it('WS-201: a watcher hears of an agent that takes too long to connect', async () => {
    const waiting = await fixtures.workspace(database.db, { owner_id, template_id: template.id })
    const made = await fixtures.workspaceBuild(database.db, { workspace: waiting })
    const resource = await fixtures.workspaceResource(database.db, { build: made })
    await fixtures.workspaceAgent(database.db, {
      resource,
      created_at: new Date(),
      connection_timeout_seconds: 2,
    })
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/api/v2/workspaces/${waiting.id}/watch-ws`,
      { headers: owner.headers },
    )
    const statuses: string[] = []
    socket.on('message', (data) => {
      const event = JSON.parse(String(data))
      if (event.type === 'data') statuses.push(event.data.latest_build.resources[0].agents[0].status)
    })
    await until('the timeout', () => statuses.includes('timeout'))
    expect(statuses[0]).toBe('connecting')
    socket.close()
  })

  it('WS-189: a cursor that no line can have is refused, not an error of ours', async () => {
    const [workspace] = (await owner.call(listWorkspaces)).workspaces
    await expect(
      owner.call(listBuildLogs, {
        params: { workspacebuild: workspace?.latest_build.id ?? '' },
        query: { after: 1e20 },
      }),
    ).rejects.toMatchObject({ status: 400 })
  })
})
