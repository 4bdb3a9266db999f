import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createToken, deleteUser, getUser, listMembers } from '@slipway/contract'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

let server: TestServer
let database: Database
let owner: Client

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const remove = (client: Client, user: string) => client.call(deleteUser, { params: { user } })

it('ID-19: who owns a workspace stays, also when the caller cannot see it', async () => {
  await server.user('holder')
  const { id, organization_ids } = await owner.call(getUser, { params: { user: 'holder' } })
  const workspace = await fixtures.workspace(database.db, {
    owner_id: id,
    organization_id: organization_ids[0] ?? '',
  })
  const admin = await server.user('useradmin', ['user-admin'])
  for (const client of [owner, admin])
    await expect(remove(client, 'holder')).rejects.toMatchObject({ status: 417 })
  await database.db.updateTable('workspaces').set({ deleted: true }).where('id', '=', workspace.id).execute()
  await remove(admin, 'holder')
})

it('ID-19: only who administers users deletes them', async () => {
  await server.user('stays')
  const auditor = await server.user('auditor', ['auditor'])
  await expect(remove(auditor, 'stays')).rejects.toMatchObject({ status: 403 })
  await expect(remove(await server.user('stranger'), 'stays')).rejects.toMatchObject({ status: 404 })
  await expect(remove(owner, 'me')).rejects.toMatchObject({
    status: 403,
    message: 'You cannot delete yourself!',
  })
})

it('ID-3, ID-19: with a user go keys and memberships, and name and address are free again', async () => {
  const session = await server.user('leaver')
  const { id } = await session.call(getUser, { params: { user: 'me' } })
  await session.call(createToken, { params: { user: 'me' }, body: {} })
  await remove(owner, 'leaver')
  await expect(session.call(getUser, { params: { user: 'me' } })).rejects.toMatchObject({ status: 401 })
  const { db } = database
  for (const table of ['api_keys', 'organization_members', 'git_ssh_keys'] as const)
    expect(await db.selectFrom(table).select('user_id').where('user_id', '=', id).execute()).toEqual([])
  const members = await owner.call(listMembers, { params: { organization: 'default' } })
  expect(members.map(({ username }) => username)).not.toContain('leaver')

  await server.user('leaver')
  expect((await owner.call(getUser, { params: { user: 'leaver' } })).id).not.toBe(id)
  expect(await owner.call(getUser, { params: { user: id } })).toMatchObject({ username: 'leaver' })
})

it('ID-19: nothing is attached to a deleted user', async () => {
  const user = await fixtures.user(database.db, { deleted: true })
  await expect(fixtures.apiKey(database.db, { user })).rejects.toThrow(/has been deleted meanwhile/)
  await expect(
    database.db.insertInto('user_links').values({ user_id: user.id, login_type: 'github' }).execute(),
  ).rejects.toThrow(/has been deleted meanwhile/)
})

it('ID-19: nor to one who is being deleted', async () => {
  const { db } = database
  const user = await fixtures.user(db)
  const added = await db.transaction().execute(async (tx) => {
    await tx.selectFrom('users').select('id').where('id', '=', user.id).forUpdate().execute()
    await tx.updateTable('users').set({ deleted: true }).where('id', '=', user.id).execute()
    const adding = fixtures.apiKey(db, { user }).then(
      () => 'added',
      (error: Error) => error.message,
    )
    await until('the other waits', async () => {
      const { rows } = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        db,
      )
      return rows.length > 0
    })
    return { adding }
  })
  expect(await added.adding).toMatch(/has been deleted meanwhile/)
})

it('ID-6: what became of a user is kept', async () => {
  await server.user('history')
  const { id } = await owner.call(getUser, { params: { user: 'history' } })
  await remove(owner, 'history')
  const { db } = database
  const statuses = await db
    .selectFrom('user_status_changes')
    .select('new_status')
    .where('user_id', '=', id)
    .orderBy('id')
    .execute()
  expect(statuses.map((row) => row.new_status)).toEqual(['dormant', 'active'])
  expect(await db.selectFrom('user_deletions').selectAll().where('user_id', '=', id).execute()).toHaveLength(
    1,
  )
})
