import { createHash } from 'node:crypto'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  getKey,
  getSignInDelay,
  listAuditLogs,
  login,
  resetSignInDelay,
  updatePassword,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

const FREE = 5

let server: TestServer
let database: Database
let owner: Client
let now = Date.now()

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_PROXY_TRUSTED_HEADERS: 'X-Forwarded-For',
      CODER_PROXY_TRUSTED_ORIGINS: '127.0.0.0/8',
    },
    clock: { now: () => new Date(now) },
  })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const signIn = (name: string, password = PASSWORD, at = server) =>
  at.anonymous.call(login, { body: { email: `${name}@example.com`, password } })
const wrong = (name: string, at = server) =>
  expect(signIn(name, 'wrong-password-1', at)).rejects.toMatchObject({ status: 401 })
const delayed = (name: string, password?: string, at = server) =>
  expect(signIn(name, password, at)).rejects.toMatchObject({ status: 429 })

it('ID-209: 30 wrong passwords from 30 addresses are slowed down, alike whether there is such an account', async () => {
  await server.user('attacked')
  const answersFor = async (email: string) => {
    const answers: { status: number; retryAfter: string | null; body: string }[] = []
    for (let address = 1; address <= 30; address += 1) {
      const answer = await fetch(`${server.url}/api/v2/users/login`, {
        method: 'POST',
        headers: { 'X-Forwarded-For': `203.0.113.${address}` },
        body: JSON.stringify({ email, password: 'wrong-password-1' }),
      })
      answers.push({
        status: answer.status,
        retryAfter: answer.headers.get('retry-after'),
        body: await answer.text(),
      })
    }
    return answers
  }
  const known = await answersFor('attacked@example.com')
  expect(known.map(({ status }) => status)).toEqual([
    ...Array.from({ length: FREE }, () => 401),
    ...Array.from({ length: 25 }, () => 429),
  ])
  expect(await answersFor('nobody@example.com')).toEqual(known)
  // Not even the right password passes while the delay is running, or it could be found meanwhile.
  await delayed('attacked')
})

it('ID-209: the delay doubles with each wrong password, up to a quarter of an hour, and ends by itself', async () => {
  await server.user('doubled')
  for (let count = 1; count < FREE; count += 1) await wrong('doubled')
  for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    await wrong('doubled')
    now += seconds * 1_000 - 1
    await delayed('doubled')
    now += 1
  }
  await signIn('doubled')
  await wrong('doubled')
  await signIn('doubled')
})

it('ID-209: an hour without a wrong password forgets them', async () => {
  await server.user('forgotten')
  for (let count = 1; count < FREE; count += 1) await wrong('forgotten')
  now += 61 * 60_000
  for (let count = 1; count < FREE; count += 1) await wrong('forgotten')
  await signIn('forgotten')
})

it('ID-209: many at once are not more than one after the other', async () => {
  await server.user('flooded')
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 20 }, () => signIn('flooded', 'wrong-password-1')),
  ])
  const statuses = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.status)
  expect(statuses.filter((status) => status === 401)).toHaveLength(FREE)
  expect(statuses.filter((status) => status === 429)).toHaveLength(20 - FREE)
})

it('ID-209: holds on every replica', async () => {
  await server.user('elsewhere')
  await using other = await startTestServer({
    databaseUrl: server.databaseUrl,
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' },
    clock: { now: () => new Date(now) },
  })
  for (let count = 1; count <= FREE; count += 1) await wrong('elsewhere', count % 2 === 0 ? server : other)
  await delayed('elsewhere')
  await delayed('elsewhere', PASSWORD, other)
})

it('ID-209: an administrator sees and ends it, nobody else; it is in the audit log', async () => {
  const member = await server.user('locked')
  const admin = await server.user('useradmin', ['user-admin'])
  const of = { params: { user: 'locked' } }
  for (let count = 1; count <= FREE; count += 1) await wrong('locked')
  await delayed('locked')
  const shown = await admin.call(getSignInDelay, of)
  expect(shown).toEqual({ failures: FREE, delayed_until: new Date(now + 1_000).toISOString() })
  for (const route of [getSignInDelay, resetSignInDelay] as const) {
    await expect(member.call(route, of)).rejects.toMatchObject({ status: 403 })
    await expect(member.call(route, { params: { user: 'owner' } })).rejects.toMatchObject({ status: 404 })
  }
  await expect(admin.call(resetSignInDelay, { params: { user: 'owner' } })).rejects.toMatchObject({
    status: 403,
  })
  await admin.call(resetSignInDelay, of)
  expect(await admin.call(getSignInDelay, of)).toEqual({ failures: 0 })
  await signIn('locked')
  const { audit_logs } = await owner.call(listAuditLogs, {
    query: { q: 'username:locked action:login', limit: 10, offset: 0 },
  })
  expect(audit_logs.map(({ status_code }) => status_code).slice(0, 2)).toEqual([201, 429])
  const resets = await owner.call(listAuditLogs, {
    query: { q: 'username:useradmin resource_type:user action:write', limit: 1, offset: 0 },
  })
  expect(resets.audit_logs[0]).toMatchObject({
    resource_target: 'locked',
    additional_fields: { sign_in_delay: 'reset' },
  })
})

it('ID-209: the old password of a session that was stolen cannot be guessed either', async () => {
  const client = await server.user('stolen')
  const change = () =>
    client.call(updatePassword, {
      params: { user: 'me' },
      body: { old_password: 'wrong-password-1', password: 'Another-Password-2026!' },
    })
  for (let count = 1; count <= FREE; count += 1) await expect(change()).rejects.toMatchObject({ status: 400 })
  await expect(change()).rejects.toMatchObject({ status: 429 })
})

it('ID-209: what was typed is nowhere to be read', async () => {
  await wrong('secretive')
  const digest = createHash('sha256').update('password secretive@example.com').digest()
  const row = await database.db
    .selectFrom('sign_in_failures')
    .selectAll()
    .where('account', '=', digest)
    .executeTakeFirst()
  expect(row?.failures).toBe(1)
  const rows = await database.db.selectFrom('sign_in_failures').selectAll().execute()
  expect(rows.some(({ account }) => account.includes(Buffer.from('secretive')))).toBe(false)
})

it('ID-43, ID-105: the address that a trusted proxy names is that of the session and of what is recorded', async () => {
  await server.user('remote')
  const answer = await fetch(`${server.url}/api/v2/users/login`, {
    method: 'POST',
    headers: { 'X-Forwarded-For': '6.6.6.6, 198.51.100.7:4711' },
    body: JSON.stringify({ email: 'remote@example.com', password: PASSWORD }),
  })
  const { session_token: token } = Object(await answer.json())
  const { audit_logs } = await owner.call(listAuditLogs, { query: { q: 'username:remote action:login' } })
  expect(audit_logs[0]?.ip).toBe('198.51.100.7')
  const keyid = token.slice(0, 10)
  const address = async () => (await owner.call(getKey, { params: { user: 'remote', keyid } })).last_used_ip
  expect(await address()).toBe('198.51.100.7')
  const useFrom = (from: string) =>
    fetch(`${server.url}/api/v2/users/me`, {
      headers: { 'Coder-Session-Token': token, 'X-Forwarded-For': from },
    })
  await useFrom('203.0.113.9')
  await useFrom('203.0.113.10')
  // The first use is noted, and others only after an hour.
  expect(await address()).toBe('203.0.113.9')
  now += 3_600_001
  await useFrom('2001:db8::9')
  expect(await address()).toBe('2001:db8::9')
})

it('ID-209: rows that are over are purged', async () => {
  const account = createHash('sha256').update('long ago').digest()
  await fixtures.signInFailure(database.db, { account, last_failure_at: new Date(now - 2 * 3_600_000) })
  await server.stop()
  await server.start()
  await expect
    .poll(() =>
      database.db.selectFrom('sign_in_failures').select('account').where('account', '=', account).execute(),
    )
    .toEqual([])
})
