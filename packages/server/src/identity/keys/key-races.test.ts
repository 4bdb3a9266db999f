import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createGroup, createOrganization, createToken, getUser, login } from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer, until } from '@slipway/testkit'
import { systemActor } from '../../authz/index.ts'
import type { Database, Db } from '../../database/index.ts'
import { findKeyVersions } from '../store/kept-keys.ts'
import { touchKeys } from '../store/keys.ts'
import { newToken } from './api-key-token.ts'

const HOUR_MS = 3_600_000
const me = { params: { user: 'me' } }

let server: TestServer
let database: Database

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  database = await openDatabase(server.databaseUrl)
  await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/**
 * Asks while a change is made that is committed only when the request waits for it.
 *
 * @param before runs in the change's transaction before it is committed.
 */
async function askDuring<Answer>(
  change: (tx: Db) => Promise<unknown>,
  ask: () => Promise<Answer>,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<Answer> {
  const made = Promise.withResolvers<void>()
  const commit = Promise.withResolvers<void>()
  const changing = database.db.transaction().execute(async (tx) => {
    await change(tx)
    made.resolve()
    await commit.promise
    await before()
  })
  await made.promise
  const asked = ask()
  asked.catch(() => undefined)
  try {
    await until('the request to wait for the change', async () => {
      const { rows } = await sql`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(database.db)
      return rows.length > 0
    })
  } finally {
    commit.resolve()
    await changing
  }
  return asked
}

/** What a new password does. */
const replaceHash = (username: string) => async (tx: Db) => {
  const { id } = await tx
    .updateTable('users')
    .set({ hashed_password: '$pbkdf2-sha256$1$AAAA$AAAA' })
    .where('username', '=', username)
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx.deleteFrom('api_keys').where('user_id', '=', id).execute()
}

const keysOf = (username: string) =>
  database.db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .select('k.id')
    .where('u.username', '=', username)
    .execute()

it('ID-53: a key that is expired while it is used does not slide back into life', async () => {
  const { id, token, hashedSecret } = newToken()
  await fixtures.apiKey(database.db, {
    user: await fixtures.user(database.db, { status: 'active' }),
    id,
    hashed_secret: hashedSecret,
    login_type: 'password',
    scopes: ['coder:all'],
    lifetime_seconds: (24 * HOUR_MS) / 1000,
    expires_at: new Date(Date.now() + 22 * HOUR_MS),
  })
  const ended = new Date(Date.now() - 1_000)
  const answer = await askDuring(
    (tx) => tx.updateTable('api_keys').set({ expires_at: ended }).where('id', '=', id).execute(),
    () => fetch(`${server.url}/api/v2/users/me`, { headers: { 'Coder-Session-Token': token } }),
  )
  expect(answer.status).toBe(401)
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('API key expired') })
  const row = await database.db
    .selectFrom('api_keys')
    .select('expires_at')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  expect(row.expires_at).toEqual(ended)
})

describe('ID-30: a new password ends what is opened in the same moment', () => {
  it('with the old one', async () => {
    await server.user('early')
    await expect(
      askDuring(replaceHash('early'), () =>
        server.anonymous.call(login, { body: { email: 'early@example.com', password: PASSWORD } }),
      ),
    ).rejects.toMatchObject({ status: 401 })
    expect(await keysOf('early')).toEqual([])
  })

  it('with a session that was open', async () => {
    const session = await server.user('minter')
    await session.call(getUser, me)
    await expect(
      askDuring(replaceHash('minter'), () => session.call(createToken, { ...me, body: {} })),
    ).rejects.toMatchObject({ status: 401 })
    expect(await keysOf('minter')).toEqual([])
  })
})

it('ID-222: the digest of a key changes with whatever is kept of it', async () => {
  const user = await fixtures.user(database.db, { status: 'active', login_type: 'oidc' })
  const { id, hashedSecret } = newToken()
  await fixtures.apiKey(database.db, { user, id, hashed_secret: hashedSecret, login_type: 'oidc' })
  const seen = new Set<string | undefined>()
  const look = async () => {
    const reader = systemActor('system_restricted', 'a test compares digests')
    seen.add((await findKeyVersions(reader, database.db, [id])).get(id))
    return seen.size
  }
  expect(await look()).toBe(1)
  expect(await look()).toBe(1)
  await fixtures.userLink(database.db, { user, login_type: 'oidc', oauth_expiry: null })
  expect(await look(), 'a link').toBe(2)
  const link = (oauth_refresh_token: Buffer) =>
    database.db
      .updateTable('user_links')
      .set({ oauth_refresh_token })
      .where('user_id', '=', user.id)
      .execute()
  await link(Buffer.from('sealed'))
  expect(await look(), 'what renews it').toBe(3)
  await database.db.updateTable('users').set({ status: 'suspended' }).where('id', '=', user.id).execute()
  expect(await look(), 'the status').toBe(4)
  await database.db
    .updateTable('api_keys')
    .set({ expires_at: new Date(0) })
    .where('id', '=', id)
    .execute()
  expect(await look(), 'the key').toBe(5)
  const organization = await fixtures.organization(database.db)
  const member = { organization, user }
  await fixtures.organizationMember(database.db, member)
  expect(await look(), 'a membership').toBe(6)
  await database.db
    .updateTable('organization_members')
    .set({ roles: ['organization-auditor'] })
    .where('user_id', '=', user.id)
    .execute()
  expect(await look(), 'a role').toBe(7)
  const group = await fixtures.group(database.db, { organization_id: organization.id })
  await database.db.insertInto('group_members').values({ group_id: group.id, user_id: user.id }).execute()
  expect(await look(), 'a group').toBe(8)
  await database.db
    .updateTable('organizations')
    .set({ shareable_workspace_owners: 'none' })
    .where('id', '=', organization.id)
    .execute()
  expect(await look(), 'what is shared there').toBe(9)
  await database.db.updateTable('users').set({ deleted: true }).where('id', '=', user.id).execute()
  expect(await look(), 'that there is nobody').toBe(10)
})

it('ID-43, ID-222: that keys were used is noted together, and nobody hears of it', async () => {
  const user = await fixtures.user(database.db)
  const now = new Date()
  const make = (expires_at: Date) => fixtures.apiKey(database.db, { user, expires_at })
  const later = new Date(now.getTime() + HOUR_MS)
  const [plain, slid, ended] = [await make(later), await make(later), await make(now)]
  const announced = () =>
    database.db
      .selectFrom('change_log')
      .select(['kind', 'data'])
      .where('key', '=', user.id)
      .where('kind', 'in', ['user', 'api_key'])
      .where('op', '=', 'update')
      .orderBy('id')
      .execute()
  const before = await announced()
  const use = (id: string, expiresAt?: Date) => ({ id, now, ipAddress: '192.0.2.7', expiresAt })
  const note = (...uses: ReturnType<typeof use>[]) =>
    touchKeys(systemActor('system_restricted', 'a test'), database.db, user.id, uses)
  expect(await note(use(plain.id), use(ended.id))).toEqual(new Set([plain.id]))
  const seen = database.db.selectFrom('users').select('last_seen_at').where('id', '=', user.id)
  expect((await seen.executeTakeFirstOrThrow()).last_seen_at).toEqual(now)
  expect(await announced()).toEqual(before)
  const end = new Date(now.getTime() + 2 * HOUR_MS)
  expect(await note(use(slid.id, end))).toEqual(new Set([slid.id]))
  const rows = await database.db
    .selectFrom('api_keys')
    .select(['id', 'expires_at', 'ip_address', 'last_used'])
    .where('user_id', '=', user.id)
    .execute()
  const used = { ip_address: '192.0.2.7', last_used: now }
  expect(rows.find(({ id }) => id === plain.id)).toMatchObject({ ...used, expires_at: later })
  expect(rows.find(({ id }) => id === slid.id)).toMatchObject({ ...used, expires_at: end })
  expect(rows.find(({ id }) => id === ended.id)).not.toMatchObject(used)
  // Others have to know of the new end.
  expect((await announced()).slice(before.length)).toEqual([{ kind: 'api_key', data: { id: slid.id } }])
  await database.db
    .updateTable('users')
    .set({ rbac_roles: ['auditor'] })
    .where('id', '=', user.id)
    .execute()
  expect((await announced()).at(-1)).toMatchObject({ kind: 'user' })
})

it('ID-30: a use that is noted and a new password never wait for each other', async () => {
  const user = await fixtures.user(database.db)
  const key = await fixtures.apiKey(database.db, { user })
  const toucher = systemActor('system_restricted', 'a test')
  const use = { id: key.id, now: new Date(), ipAddress: '127.0.0.1', expiresAt: undefined }
  let toDelete: () => Promise<void> = () => Promise.resolve()
  // Both hold what the other one wants next, unless the use takes the account before the key.
  const held = await askDuring(
    async (tx) => {
      await tx.updateTable('users').set({ hashed_password: 'new' }).where('id', '=', user.id).execute()
      toDelete = async () => {
        await tx.deleteFrom('api_keys').where('user_id', '=', user.id).execute()
      }
    },
    () => touchKeys(toucher, database.db, user.id, [use]),
    () => toDelete(),
  )
  expect(held).toEqual(new Set())
})

it('a write for an organization that is being deleted is told so', async () => {
  const owner = await server.owner()
  const organization = await owner.call(createOrganization, { body: { name: 'passing' } })
  const remove = async (tx: Db): Promise<void> => {
    const row = tx.selectFrom('organizations').select('id').where('id', '=', organization.id)
    await row.forUpdate().execute()
    await tx.updateTable('organizations').set({ deleted: true }).where('id', '=', organization.id).execute()
  }
  const write = () =>
    owner.call(createGroup, { params: { organization: organization.id }, body: { name: 'late' } })
  await expect(askDuring(remove, write)).rejects.toMatchObject({
    status: 409,
    message: 'The organization has been deleted meanwhile.',
  })
})
