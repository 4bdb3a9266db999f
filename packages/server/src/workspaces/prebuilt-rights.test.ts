import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createBuild, getUser } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const PREBUILDS = 'c42fdf75-3097-471c-8c33-fb52454d81c0'
let server: TestServer
let database: Database
let organizationId: string

beforeAll(async () => {
  server = await startTestServer()
  database = await openDatabase(server.databaseUrl)
  const owner = await server.owner()
  await fixtures.user(database.db, {
    id: PREBUILDS,
    username: 'prebuilds',
    email: 'prebuilds@system',
    login_type: 'none',
    is_system: true,
  })
  organizationId = (await owner.call(getUser, { params: { user: 'me' } })).organization_ids[0] ?? ''
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** A started workspace of this user, whose template nobody needs a special right for. */
async function workspaceOf(ownerId: string) {
  const { db } = database
  const template = await fixtures.template(db, { organization_id: organizationId })
  const workspace = await fixtures.workspace(db, { owner_id: ownerId, template })
  await fixtures.workspaceBuild(db, { workspace })
  return workspace.id
}

const build = (client: Client, workspace: string, transition: 'start' | 'stop' | 'delete') =>
  client.call(createBuild, { params: { workspace }, body: { transition } })

it('RB-19: who keeps templates deletes prebuilt workspaces, and no others', async () => {
  const keeper = await server.user('keeper', ['template-admin'])
  const prebuilt = await workspaceOf(PREBUILDS)
  for (const transition of ['start', 'stop'] as const)
    await expect(build(keeper, prebuilt, transition)).rejects.toMatchObject({
      status: 403,
      message: `You do not have permission to ${transition} this workspace.`,
    })
  expect((await build(keeper, prebuilt, 'delete')).transition).toBe('delete')
  const { id } = await (await server.user('somebody')).call(getUser, { params: { user: 'me' } })
  await expect(build(keeper, await workspaceOf(id), 'delete')).rejects.toMatchObject({ status: 403 })
})

it('RB-19: somebody who may do neither is told what they may see', async () => {
  const member = await server.user('member')
  await expect(build(member, await workspaceOf(PREBUILDS), 'delete')).rejects.toMatchObject({ status: 404 })
})
