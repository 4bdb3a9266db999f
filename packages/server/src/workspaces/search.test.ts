import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { getUser, listOrganizations, listWorkspaces, WorkspaceStatus } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let organization: { readonly id: string; readonly name: string }
let owner_id: string
let template: Awaited<ReturnType<(typeof fixtures)['template']>>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  organization = (await owner.call(listOrganizations))[0] ?? { id: '', name: '' }
  owner_id = (await owner.call(getUser, { params: { user: 'me' } })).id
  template = await fixtures.template(database.db, { organization_id: organization.id })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

async function workspace(columns: object, build: object = {}) {
  const made = await fixtures.workspace(database.db, { owner_id, template_id: template.id, ...columns })
  return { ...made, build: await fixtures.workspaceBuild(database.db, { workspace: made, ...build }) }
}

async function found(q: string): Promise<string[]> {
  const { workspaces } = await owner.call(listWorkspaces, { query: { q } })
  return workspaces.map((one) => one.name).sort()
}

it('WS-151, WS-185: each status is shown and found', async () => {
  // Nobody takes these jobs, and nobody takes them away.
  const waiting = {
    tags: JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' }),
    started_at: null,
    completed_at: null,
  }
  const running = {
    completed_at: null,
    worker_id: randomUUID(),
    updated_at: new Date(Date.now() + 3_600_000),
  }
  const canceled_at = new Date()
  const states = {
    pending: ['start', waiting],
    starting: ['start', running],
    running: ['start', {}],
    stopping: ['stop', running],
    stopped: ['stop', {}],
    failed: ['start', { error: 'broken' }],
    canceling: ['stop', { ...running, canceled_at }],
    canceled: ['delete', { canceled_at }],
    deleting: ['delete', running],
    deleted: ['delete', {}],
  } as const satisfies Record<WorkspaceStatus, readonly ['start' | 'stop' | 'delete', object]>
  for (const status of WorkspaceStatus.enum) {
    const [transition, job] = states[status]
    await workspace(
      { name: `is-${status}` },
      {
        transition,
        job: await fixtures.provisionerJob(database.db, { organization_id: organization.id, ...job }),
      },
    )
  }
  for (const status of WorkspaceStatus.enum) {
    const { workspaces } = await owner.call(listWorkspaces, { query: { q: `is- status:${status}` } })
    expect(workspaces.map((one) => [one.name, one.latest_build.status])).toEqual([[`is-${status}`, status]])
  }
})

it('WS-151: rest, version, use, sharing, organization and agents are found by their keys', async () => {
  const { db } = database
  const friend = await fixtures.user(db, { username: 'friend' })
  const old = await fixtures.templateVersion(db, { template })
  const used = new Date('2026-03-01T12:00:00Z')
  await workspace({ name: 'key-plain' })
  await workspace({ name: 'key-dormant', dormant_at: new Date() })
  await workspace({ name: 'key-outdated' }, { version: old })
  await workspace({ name: 'key-unused', last_used_at: used })
  await workspace({ name: 'key-shared', user_acl: JSON.stringify({ [friend.id]: ['read'] }) })
  await workspace({ name: 'key-outside' }, { has_external_agent: true })
  for (const [name, columns] of [
    ['key-silent', { created_at: used, connection_timeout_seconds: 1 }],
    ['key-lost', { first_connected_at: used, last_connected_at: used }],
    ['key-new', { connection_timeout_seconds: 0 }],
  ] as const) {
    const { build } = await workspace({ name })
    await fixtures.workspaceAgent(db, {
      resource: await fixtures.workspaceResource(db, { build }),
      ...columns,
    })
  }
  const all = (await found('key-')).length
  expect(all).toBe(9)
  for (const [q, names] of [
    ['dormant:true', ['key-dormant']],
    ['outdated:true', ['key-outdated']],
    ['last_used_before:"2026-03-01T12:00:00Z"', ['key-unused']],
    ['last_used_before:"2026-03-01T11:59:59Z"', []],
    ['shared:true', ['key-shared']],
    ['shared_with_user:friend', ['key-shared']],
    [`shared_with_user:${friend.id}`, ['key-shared']],
    ['shared_with_user:me', []],
    ['has_external_agent:true', ['key-outside']],
    ['has-agent:timeout', ['key-silent']],
    ['has-agent:disconnected', ['key-lost']],
    ['has-agent:connecting,timeout', ['key-new', 'key-silent']],
    ['healthy:false', ['key-lost', 'key-silent']],
    ['template:no-such', []],
  ] as const)
    expect(await found(`key- ${q}`), q).toEqual(names)
  for (const q of [
    'dormant:false',
    `organization:${organization.id}`,
    `organization:${organization.name}`,
    `template:${template.name}`,
    'last_used_after:"2026-03-01T12:00:00Z"',
  ])
    expect(await found(`key- ${q}`), q).toHaveLength(all)
  for (const q of ['outdated:false', 'shared:false', 'has_external_agent:false'])
    expect(await found(`key- ${q}`), q).toHaveLength(all - 1)
})

it('WS-2: paging values that are no numbers from zero are refused', async () => {
  for (const query of ['limit=-1', 'offset=x', 'limit=1.5', 'offset=99999999999', 'after_id=1']) {
    const answer = await fetch(`${server.url}/api/v2/workspaces?${query}`, { headers: owner.headers })
    expect(answer.status, query).toBe(400)
    expect(await answer.json()).toMatchObject({ message: 'Query parameters have invalid values.' })
  }
})
