import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  activateUser,
  createToken,
  getLoginType,
  getUser,
  login,
  suspendUser,
  updatePassword,
  validatePassword,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

const NEW_PASSWORD = 'Another-Password-2026!'
const me = { params: { user: 'me' } }

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

const signIn = (email: string, password = PASSWORD, at = server) =>
  at.anonymous.call(login, { body: { email, password } })
const change = (client: Client, user: string, password: string, old?: string) =>
  client.call(updatePassword, {
    params: { user },
    body: { password, ...(old === undefined ? {} : { old_password: old }) },
  })

describe('signing in with a password', () => {
  it('ID-31, ID-46: gives a cookie of a year, whatever the case of the address', async () => {
    const answer = await fetch(`${server.url}/api/v2/users/login`, {
      method: 'POST',
      body: JSON.stringify({ email: 'OWNER@Example.COM', password: PASSWORD }),
    })
    expect(answer.status).toBe(201)
    const { session_token } = (await answer.json()) as { session_token: string }
    const cookie = answer.headers.getSetCookie().find((one) => one.startsWith('coder_session_token=')) ?? ''
    expect(cookie).toContain(`coder_session_token=${session_token};`)
    for (const part of ['Path=/', 'HttpOnly', 'Max-Age=31536000', 'SameSite=Lax'])
      expect(cookie.toLowerCase()).toContain(part.toLowerCase())
  })

  it('ID-32: a wrong password, an unknown user and one of another login type get one answer', async () => {
    await fixtures.user(database.db, { email: 'sso@example.com', login_type: 'oidc', hashed_password: '' })
    for (const [email, password] of [
      ['owner@example.com', 'wrong-password-1'],
      ['nobody@example.com', PASSWORD],
      ['sso@example.com', PASSWORD],
      ['sso@example.com', ''.padEnd(3)],
    ] as const)
      await expect(signIn(email, password)).rejects.toMatchObject({
        status: 401,
        message: 'Incorrect email or password.',
      })
  })

  it('ID-32: where passwords are off, only who knows one hears of it, and owners are no exception', async () => {
    await using off = await startTestServer()
    await off.owner()
    await off.stop()
    await using closed = await startTestServer({
      env: { CODER_DISABLE_PASSWORD_AUTH: 'true' },
      databaseUrl: off.databaseUrl,
    })
    await expect(signIn('owner@example.com', PASSWORD, closed)).rejects.toMatchObject({
      status: 403,
      message: 'Password authentication is disabled.',
    })
    await expect(signIn('owner@example.com', 'wrong-password-1', closed)).rejects.toMatchObject({
      status: 401,
    })
  })

  it('ID-2, ID-9: a dormant user becomes active by it, a suspended one is told', async () => {
    await server.user('sleepy')
    const status = async () => (await owner.call(getUser, { params: { user: 'sleepy' } })).status
    await database.db
      .updateTable('users')
      .set({ status: 'dormant' })
      .where('username', '=', 'sleepy')
      .execute()
    expect(await status()).toBe('dormant')
    await signIn('sleepy@example.com')
    expect(await status()).toBe('active')

    await owner.call(suspendUser, { params: { user: 'sleepy' } })
    await expect(signIn('sleepy@example.com')).rejects.toMatchObject({
      status: 401,
      message: 'Your account is suspended. Contact an admin to reactivate your account.',
    })
    await expect(signIn('sleepy@example.com', 'wrong-password-1')).rejects.toMatchObject({
      message: 'Incorrect email or password.',
    })
    await owner.call(activateUser, { params: { user: 'sleepy' } })
    await signIn('sleepy@example.com')
  })
})

describe('ID-30: changing a password', () => {
  it('ends every session and every token', async () => {
    const first = await server.user('changer')
    const second = new Client({
      url: server.url,
      token: (await signIn('changer@example.com')).session_token,
    })
    const { key } = await first.call(createToken, { ...me, body: {} })
    const token = new Client({ url: server.url, token: key })
    for (const client of [second, token]) await client.call(getUser, me)
    await change(first, 'me', NEW_PASSWORD, PASSWORD)
    for (const client of [first, second, token])
      await expect(client.call(getUser, me)).rejects.toMatchObject({ status: 401 })
    await signIn('changer@example.com', NEW_PASSWORD)
  })

  it('needs the old one of oneself, a strong one, and a new one', async () => {
    const someone = await server.user('someone')
    const refusals = [
      [NEW_PASSWORD, undefined, 'old_password'],
      [NEW_PASSWORD, 'wrong-password-1', 'old_password'],
      ['weak', PASSWORD, 'password'],
      [PASSWORD, PASSWORD, 'password'],
    ] as const
    for (const [password, old, field] of refusals)
      await expect(change(someone, 'me', password, old)).rejects.toMatchObject({
        status: 400,
        validations: [expect.objectContaining({ field })],
      })
    await someone.call(getUser, me)
  })

  it('of others is for who administers users, and that of owners for owners', async () => {
    await server.user('target')
    const stranger = await server.user('stranger')
    const auditor = await server.user('auditor', ['auditor'])
    for (const client of [stranger, auditor])
      await expect(change(client, 'target', NEW_PASSWORD)).rejects.toMatchObject({ status: 404 })
    const admin = await server.user('useradmin', ['user-admin'])
    await expect(change(admin, 'target', NEW_PASSWORD, 'wrong-password-1')).rejects.toMatchObject({
      status: 400,
      validations: [expect.objectContaining({ field: 'old_password' })],
    })
    await change(admin, 'target', NEW_PASSWORD)
    await signIn('target@example.com', NEW_PASSWORD)
    await expect(change(admin, 'owner', NEW_PASSWORD)).rejects.toMatchObject({ status: 400 })
    await signIn('owner@example.com')
  })

  it('is not for who has none', async () => {
    const robot = await fixtures.user(database.db, {
      email: '',
      is_service_account: true,
      login_type: 'none',
    })
    await expect(change(owner, robot.id, NEW_PASSWORD)).rejects.toMatchObject({ status: 400 })
  })
})

it('ID-29: anybody may ask how strong a password is', async () => {
  const ask = (password: string) => server.anonymous.call(validatePassword, { body: { password } })
  expect(await ask(NEW_PASSWORD)).toEqual({ valid: true, details: '' })
  expect(await ask('weak')).toEqual({ valid: false, details: expect.stringContaining('insecure password') })
})

it('ID-21: how somebody signs in is their own matter', async () => {
  expect(await owner.call(getLoginType, me)).toEqual({ login_type: 'password' })
  await server.user('private')
  await expect(owner.call(getLoginType, { params: { user: 'private' } })).rejects.toMatchObject({
    status: 403,
  })
})
