import { expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  activateUser,
  createUser,
  getUser,
  listAuditLogs,
  login,
  suspendUser,
  type User,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, until } from '@slipway/testkit'

const DAY_MS = 86_400_000
const AUTOMATIC = { automatic_actor: 'coder', automatic_subsystem: 'dormancy' }

/** A server that looks for unseen users when it starts, some days from now. */
async function startLater(databaseUrl: string, days: number, period?: string) {
  return startTestServer({
    databaseUrl,
    clock: { now: () => new Date(Date.now() + days * DAY_MS) },
    env: period === undefined ? {} : { CODER_DORMANCY_PERIOD: period },
  })
}

it('ID-212, OP-58: who was not seen for the period becomes dormant, with an entry that says who did it', async () => {
  await using server = await startTestServer({ env: { CODER_MAX_ADMIN_TOKEN_LIFETIME: '876600h' } })
  await using database = await openDatabase(server.databaseUrl)
  const { db } = database
  await server.owner()
  const old = new Date(Date.now() - 91 * DAY_MS)
  const backdate = async (id: string, last_seen_at: Date | null) => {
    await db.updateTable('users').set({ created_at: old, last_seen_at }).where('id', '=', id).execute()
    await db.updateTable('user_status_changes').set({ changed_at: old }).where('user_id', '=', id).execute()
  }
  const unseen = await fixtures.user(db, { username: 'unseen' })
  const never = await fixtures.user(db, { username: 'never' })
  const seen = await fixtures.user(db, { username: 'seen' })
  const system = await fixtures.user(db, { username: 'machine', is_system: true })
  const suspended = await fixtures.user(db, { username: 'suspended', status: 'suspended' })
  const fresh = await fixtures.user(db, { username: 'fresh' })
  const activated = await fixtures.user(db, { username: 'activated', status: 'dormant' })
  await backdate(unseen.id, old)
  await backdate(never.id, null)
  await backdate(seen.id, new Date())
  await backdate(system.id, old)
  await backdate(suspended.id, old)
  await backdate(activated.id, old)
  const owner = await server.owner()
  await owner.call(activateUser, { params: { user: 'activated' } })
  await server.stop()
  await server.start()
  const again = new Client({ url: server.url, token: owner.headers['Coder-Session-Token'] })
  const status = async (user: { readonly id: string }) =>
    (await again.call(getUser, { params: { user: user.id } })).status
  await until('the look for unseen users', async () => (await status(unseen)) === 'dormant' || undefined)
  expect(await status(never)).toBe('dormant')
  for (const user of [seen, fresh, activated]) expect(await status(user)).toBe('active')
  expect(await status(suspended)).toBe('suspended')
  const entries = await until('the entries', async () => {
    const { audit_logs } = await again.call(listAuditLogs, {
      query: { q: 'resource_type:user action:write resource_target:unseen', limit: 10, offset: 0 },
    })
    return audit_logs.length > 0 ? audit_logs : undefined
  })
  expect(entries).toEqual([
    expect.objectContaining({
      additional_fields: AUTOMATIC,
      diff: { status: { old: 'active', new: 'dormant', secret: false } },
      user: expect.objectContaining({ id: unseen.id }),
      status_code: 200,
    }),
  ])
})

it('ID-212: a period of 0 is for ever, and an hour is an hour', async () => {
  await using server = await startTestServer()
  await using database = await openDatabase(server.databaseUrl)
  await server.owner()
  const user = await fixtures.user(database.db, { username: 'unseen' })
  const status = async () =>
    (await database.db.selectFrom('users').select('status').where('id', '=', user.id).executeTakeFirst())
      ?.status
  await using never = await startLater(server.databaseUrl, 1_000, '0')
  await using notYet = await startLater(server.databaseUrl, 0, '1h')
  expect(never.url).not.toBe(notYet.url)
  expect(await status()).toBe('active')
  await using hour = await startLater(server.databaseUrl, 1, '1h')
  await until('the look for unseen users', async () => (await status()) === 'dormant' || undefined)
  expect(hour.url).not.toBe('')
})

it('ID §1.2, RB-102: a sign-in and a use of a key each activate a dormant user, with one entry', async () => {
  await using server = await startTestServer()
  await using database = await openDatabase(server.databaseUrl)
  const owner = await server.owner()
  const made = await owner.call(createUser, {
    body: {
      username: 'sleepy',
      email: 'sleepy@example.com',
      password: PASSWORD,
      organization_ids: ['00000000-0000-0000-0000-000000000000'],
    },
  })
  expect(made.status).toBe('dormant')
  const entries = async () => {
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'username:sleepy resource_type:user action:write', limit: 10, offset: 0 },
    })
    return audit_logs
  }
  const { session_token: token } = await server.anonymous.call(login, {
    body: { email: 'sleepy@example.com', password: PASSWORD },
  })
  const client = new Client({ url: server.url, token })
  const self = (): Promise<User> => client.call(getUser, { params: { user: 'me' } })
  expect((await self()).status).toBe('active')
  expect(await entries()).toEqual([
    expect.objectContaining({
      additional_fields: AUTOMATIC,
      diff: { status: { old: 'dormant', new: 'active', secret: false } },
      ip: '127.0.0.1',
    }),
  ])
  await database.db.updateTable('users').set({ status: 'dormant' }).where('id', '=', made.id).execute()
  await until(
    'the change',
    async () => (await owner.call(getUser, { params: { user: made.id } })).status === 'dormant' || undefined,
  )
  await Promise.all([self(), self(), self()])
  expect(await entries()).toHaveLength(2)
  await owner.call(suspendUser, { params: { user: made.id } })
  await expect(self()).rejects.toMatchObject({ status: 401 })
  expect(await entries()).toHaveLength(2)
})
