import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createWorkspace,
  getDefaultWorkspaceQuota,
  getUser,
  getWorkspace,
  getWorkspaceQuota,
  listBuildLogs,
  listOrganizations,
  removeMember,
  type Template,
  updateGroup,
  type Workspace,
  type WorkspaceBuild,
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

/** Costs what its parameter says while it runs, and one credit while it is stopped. */
const TEMPLATE = `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  parameters: { cost: { type: 'number', default: 5, mutable: true } },
  workspace: ({ parameters, workspace }) => ({
    runtime: local(),
    agents: [{ name: 'main' }],
    dailyCost: workspace.transition === 'stop' ? 1 : parameters.cost,
  }),
})`

let server: TestServer
let database: Database
let owner: Client
let template: Template
let organization_id: string
let count = 0

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  await server.builtInTemplate()
  template = await importTemplate(owner, 'costly', { 'template.ts': TEMPLATE })
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
}, 60_000)
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface User {
  readonly id: string
  readonly client: Client
}

/** A user who may spend this much. */
async function user(budget: number): Promise<User> {
  count += 1
  const client = await server.user(`spender-${count}`)
  const { id } = await client.call(getUser, { params: { user: 'me' } })
  if (budget > 0) {
    const group = await fixtures.group(database.db, { organization_id, quota_allowance: budget })
    await owner.call(updateGroup, { params: { group: group.id }, body: { add_users: [id] } })
  }
  return { id, client }
}

const cost = (value: number) => ({ rich_parameter_values: [{ name: 'cost', value: `${value}` }] })
const make = ({ client }: User, value: number, name = 'one'): Promise<Workspace> =>
  client.call(createWorkspace, {
    params: { user: 'me' },
    body: { name, template_id: template.id, ...cost(value) },
  })
const rebuild = ({ client }: User, { id }: Workspace, transition: 'start' | 'stop', value?: number) =>
  client.call(createBuild, {
    params: { workspace: id },
    body: { transition, ...(value === undefined ? {} : cost(value)) },
  })

/** The latest build, once it has ended. */
async function ended({ client }: User, { id }: Workspace): Promise<WorkspaceBuild> {
  return until('the build', async () => {
    const { latest_build } = await client.call(getWorkspace, { params: { workspace: id } })
    return latest_build.job.completed_at === undefined ? undefined : latest_build
  })
}

const quota = ({ id }: User, client = owner) =>
  client.call(getWorkspaceQuota, { params: { organization: 'default', user: id } })

describe('WS-65: what a build costs counts against its owner', () => {
  it('06 row 40, WS-64: bigger and equal starts are refused over quota; stops and smaller starts are not', async () => {
    const spender = await user(10)
    expect(await quota(spender)).toEqual({ budget: 10, credits_consumed: 0 })
    const workspace = await make(spender, 6)
    expect(await ended(spender, workspace)).toMatchObject({ status: 'running', daily_cost: 6 })
    expect(await quota(spender)).toEqual({ budget: 10, credits_consumed: 6 })

    await rebuild(spender, workspace, 'start', 11)
    const refused = await ended(spender, workspace)
    expect(refused).toMatchObject({
      status: 'failed',
      daily_cost: 6,
      job: { error: 'insufficient quota', error_code: 'INSUFFICIENT_QUOTA' },
      resources: [],
    })
    const logs = await spender.client.call(listBuildLogs, { params: { workspacebuild: refused.id } })
    expect(logs.filter(({ stage }) => stage === 'Commit quota').map(({ output }) => output)).toEqual([
      'Build cost       —   11',
      'Budget           —   10',
      'Credits consumed —   0',
      'This build would exceed your quota. Failing.',
    ])
    expect(logs.map(({ stage }) => stage)).not.toContain('Starting workspace')

    // What still runs still costs.
    expect(await quota(spender)).toEqual({ budget: 10, credits_consumed: 6 })
    const second = await make(spender, 5, 'two')
    expect((await ended(spender, second)).job.error_code).toBe('INSUFFICIENT_QUOTA')

    // Back at 6, and then the allowance is taken away.
    await rebuild(spender, workspace, 'start', 6)
    expect(await ended(spender, workspace)).toMatchObject({ status: 'running' })
    await database.db
      .updateTable('groups')
      .set({ quota_allowance: 0 })
      .where('name', '<>', 'Everyone')
      .execute()
    await rebuild(spender, workspace, 'start', 6)
    expect((await ended(spender, workspace)).job.error_code).toBe('INSUFFICIENT_QUOTA')
    await rebuild(spender, workspace, 'start', 5)
    expect(await ended(spender, workspace)).toMatchObject({ status: 'running', daily_cost: 5 })
    await rebuild(spender, workspace, 'stop')
    expect(await ended(spender, workspace)).toMatchObject({ status: 'stopped', daily_cost: 1 })
    expect(await quota(spender)).toEqual({ budget: 0, credits_consumed: 1 })
  }, 60_000)

  it('WS-65: builds at the same time count one another', async () => {
    const spender = await user(10)
    const made = await Promise.all(['a', 'b', 'c', 'd'].map((name) => make(spender, 5, name)))
    const builds = await Promise.all(made.map((workspace) => ended(spender, workspace)))
    expect(builds.map(({ status }) => status).sort()).toEqual(['failed', 'failed', 'running', 'running'])
    expect(await quota(spender)).toEqual({ budget: 10, credits_consumed: 10 })
  }, 60_000)

  it('WS-65: who has no budget makes what costs nothing', async () => {
    const poor = await user(0)
    expect((await ended(poor, await make(poor, 1, 'costs'))).job.error_code).toBe('INSUFFICIENT_QUOTA')
    const free = await make(poor, 0, 'free')
    const build = await ended(poor, free)
    expect(build.status).toBe('running')
    const logs = await poor.client.call(listBuildLogs, { params: { workspacebuild: build.id } })
    expect(logs.map(({ stage }) => stage)).not.toContain('Commit quota')
  }, 60_000)
})

describe('WS-66: the quota of a user', () => {
  it('WS-64: is the sum over the groups of the organization, Everyone included, and over live workspaces', async () => {
    const spender = await user(3)
    const more = await fixtures.group(database.db, { organization_id, quota_allowance: 4 })
    await fixtures.groupMember(database.db, { group: more, user_id: spender.id })
    const foreign = await fixtures.group(database.db, { quota_allowance: 100 })
    await fixtures.groupMember(database.db, { group: foreign, user_id: spender.id })
    await owner.call(updateGroup, { params: { group: organization_id }, body: { quota_allowance: 2 } })
    try {
      const workspace = async (columns: object, costs: readonly number[]) => {
        const row = await fixtures.workspace(database.db, {
          owner_id: spender.id,
          organization_id,
          ...columns,
        })
        for (const daily_cost of costs)
          await fixtures.workspaceBuild(database.db, { workspace: row, daily_cost })
      }
      await workspace({}, [9, 2])
      await workspace({}, [4])
      await workspace({ deleted: true }, [50])
      await workspace({ organization_id: foreign.organization_id }, [60])
      expect(await quota(spender)).toEqual({ budget: 9, credits_consumed: 6 })
      expect(await quota(spender, spender.client)).toEqual({ budget: 9, credits_consumed: 6 })
      for (const reference of ['me', spender.id])
        expect(await spender.client.call(getDefaultWorkspaceQuota, { params: { user: reference } })).toEqual({
          budget: 9,
          credits_consumed: 6,
        })
    } finally {
      await owner.call(updateGroup, { params: { group: organization_id }, body: { quota_allowance: 0 } })
    }
  })

  it('WS-66: also of who has left the organization', async () => {
    const spender = await user(3)
    await owner.call(removeMember, { params: { organization: 'default', user: spender.id } })
    expect(await quota(spender)).toEqual({ budget: 0, credits_consumed: 0 })
  })

  it('RB-68: of whom one may not read, it is as absent as of nobody', async () => {
    const spender = await user(1)
    const stranger = await fixtures.user(database.db)
    for (const id of [stranger.id, '9f0c0a52-8a5e-4b9e-8d3b-4d7c1b1d9e11'])
      await expect(quota({ ...spender, id }, spender.client)).rejects.toMatchObject({ status: 404 })
    const { client } = await user(0)
    // Members of an organization that shares see one another.
    expect(await quota(spender, client)).toMatchObject({ budget: 1 })
    const foreign = await fixtures.organization(database.db)
    await expect(
      client.call(getWorkspaceQuota, { params: { organization: foreign.id, user: 'me' } }),
    ).rejects.toMatchObject({ status: 404 })
  })
})
