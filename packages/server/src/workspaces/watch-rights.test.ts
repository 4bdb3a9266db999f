import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { getUser, listOrganizations, suspendUser, updateGroup } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

let server: TestServer
let database: Database
let owner: Client
let organization_id: string
let count = 0

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl, { maxConnections: 2 })
  owner = await server.owner()
  organization_id = (await owner.call(listOrganizations))[0]?.id ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Message {
  readonly type?: string
  readonly build_id?: string
}

async function watch(client: Client, path: string) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers: client.headers })
  const messages: Message[] = []
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await new Promise((resolve) => socket.on('open', resolve))
  return { messages, closed, [Symbol.dispose]: () => socket.terminate() }
}

/** A workspace that is shared with a group, and a user in it. */
async function shared() {
  const { db } = database
  count += 1
  const friend = await server.user(`friend-${count}`)
  const { id } = await friend.call(getUser, { params: { user: 'me' } })
  const group = await fixtures.group(db, { organization_id })
  const members = (body: object) => owner.call(updateGroup, { params: { group: group.id }, body })
  await members({ add_users: [id] })
  const template = await fixtures.template(db, {
    organization_id,
    group_acl: JSON.stringify({ [organization_id]: ['read', 'use'] }),
  })
  const workspace = await fixtures.workspace(db, {
    template,
    group_acl: JSON.stringify({ [group.id]: ['read'] }),
  })
  await fixtures.workspaceBuild(db, { workspace })
  return { friend, id, workspace, members }
}

async function endBuild(workspace_id: string): Promise<string> {
  const { db } = database
  const job = await fixtures.provisionerJob(db, {
    organization_id,
    started_at: null,
    completed_at: null,
    tags: JSON.stringify({ scope: 'organization', owner: '', only: 'nobody' }),
  })
  const build = await fixtures.workspaceBuild(db, { workspace_id, job })
  const now = new Date()
  await db
    .updateTable('provisioner_jobs')
    .set({ started_at: now, completed_at: now })
    .where('id', '=', job.id)
    .execute()
  return build.id
}

it('WS-202, RB-137: who leaves the group that a workspace is shared with is told so once, and nothing more', async () => {
  const { friend, id, workspace, members } = await shared()
  using watcher = await watch(friend, `/api/v2/workspaces/${workspace.id}/watch-ws`)
  const types = () => watcher.messages.map(({ type }) => type)
  await until('the workspace', () => types().includes('data'))
  await members({ remove_users: [id] })
  await watcher.closed
  expect(types().filter((type) => type === 'error')).toHaveLength(1)
  expect(types().at(-1)).toBe('error')
})

it('WS-203, RB-137: builds are told by the rights of now, not by those of the beginning', async () => {
  const { friend, id, workspace, members } = await shared()
  using own = await watch(friend, '/api/experimental/watch-all-workspacebuilds')
  using all = await watch(owner, '/api/experimental/watch-all-workspacebuilds')
  const told = (watcher: { readonly messages: readonly Message[] }, build: string) =>
    watcher.messages.some(({ build_id }) => build_id === build)
  const first = await endBuild(workspace.id)
  await until('the first build', () => told(own, first))
  await members({ remove_users: [id] })
  const second = await endBuild(workspace.id)
  await until('the second build', () => told(all, second))
  await members({ add_users: [id] })
  const third = await endBuild(workspace.id)
  await until('the third build', () => told(own, third))
  expect(told(own, second)).toBe(false)
})

it('ID-215: who is suspended watches nothing any more', async () => {
  const { friend, id, workspace } = await shared()
  using one = await watch(friend, `/api/v2/workspaces/${workspace.id}/watch-ws`)
  using all = await watch(friend, '/api/experimental/watch-all-workspacebuilds')
  await owner.call(suspendUser, { params: { user: id } })
  await endBuild(workspace.id)
  await Promise.all([one.closed, all.closed])
})
