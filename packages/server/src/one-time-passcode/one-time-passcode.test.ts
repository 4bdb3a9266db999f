import { createHash } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  changePasswordWithOneTimePasscode,
  createToken,
  getUser,
  listAuditLogs,
  login,
  requestOneTimePasscode,
  suspendUser,
} from '@slipway/contract'
import {
  FakeMailServer,
  fixtures,
  openDatabase,
  PASSWORD,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const NEW_PASSWORD = 'Another-Password-2026!'
const MINUTE = 60_000
const me = { params: { user: 'me' } }

let mail: FakeMailServer
let server: TestServer
let database: Database
let owner: Client
let now = Date.now()

beforeAll(async () => {
  mail = await FakeMailServer.start()
  server = await startTestServer({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_ACCESS_URL: 'https://slipway.example.com',
      CODER_EMAIL_SMARTHOST: mail.smarthost,
      CODER_EMAIL_FROM: 'Slipway <slipway@example.com>',
    },
    clock: { now: () => new Date(now) },
  })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await mail[Symbol.asyncDispose]()
})

const ask = (email: string, at = server) => at.anonymous.call(requestOneTimePasscode, { body: { email } })
const redeem = (email: string, one_time_passcode: string, password = NEW_PASSWORD) =>
  server.anonymous.call(changePasswordWithOneTimePasscode, { body: { email, one_time_passcode, password } })
/** Of the passcodes; accounts are told of other things as well. */
const received = (email: string) =>
  mail.received.filter(({ to, raw }) => to.includes(email) && raw.includes('Subject: Reset your password'))
const PASSCODE = /passcode: ([0-9a-f-]{36})/

/** Asks for a code and reads it in the message. */
async function codeFor(email: string): Promise<string> {
  const before = received(email).length
  await ask(email)
  const message = await until('the message', async () => received(email)[before])
  const [, code = ''] = PASSCODE.exec(message.raw.replaceAll('=\r\n', '')) ?? []
  return code
}

const rowOf = (email: string) =>
  database.db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirstOrThrow()

describe('ID-35: a one-time passcode', () => {
  it('comes by mail, with a link, and opens a new password; everything else of the user ends', async () => {
    const client = await server.user('forgetful')
    const { key } = await client.call(createToken, { ...me, body: {} })
    const code = await codeFor('forgetful@example.com')
    const [message] = received('forgetful@example.com')
    const text = message?.raw.replaceAll('=\r\n', '').replaceAll('=3D', '=') ?? ''
    expect(message?.from).toBe('slipway@example.com')
    expect(text).toContain(
      `https://slipway.example.com/reset-password/change?otp=${code}&email=forgetful%40example.com`,
    )
    expect(text).toMatch(/^Subject: Reset your password for Slipway\r$/m)
    expect(text).toMatch(/multipart\/alternative/)
    await redeem('Forgetful@Example.com', code)
    for (const ended of [client, new Client({ url: server.url, token: key })])
      await expect(ended.call(getUser, me)).rejects.toMatchObject({ status: 401 })
    await server.anonymous.call(login, { body: { email: 'forgetful@example.com', password: NEW_PASSWORD } })
    await expect(redeem('forgetful@example.com', code)).rejects.toMatchObject({ status: 400 })
    const { audit_logs } = await owner.call(listAuditLogs, {
      query: { q: 'username:forgetful resource_type:user', limit: 10, offset: 0 },
    })
    expect(audit_logs.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['write', 'request_password_reset']),
    )
    expect(JSON.stringify(audit_logs)).not.toContain(code)
  })

  it('test 53, OP-68: is stored as its SHA-256', async () => {
    await server.user('stored')
    const code = await codeFor('stored@example.com')
    const { hashed_one_time_passcode } = await rowOf('stored@example.com')
    expect(hashed_one_time_passcode).toEqual(createHash('sha256').update(code).digest())
  })

  it('is answered alike for everybody, and made for nobody who has no use for one (ID-213)', async () => {
    const { db } = database
    await fixtures.user(db, { username: 'elsewhere', login_type: 'oidc' })
    await server.user('banned')
    await owner.call(suspendUser, { params: { user: 'banned' } })
    for (const email of ['nobody@example.com', 'elsewhere@example.com', 'banned@example.com', 'x'])
      expect(await ask(email)).toBeUndefined()
    // Requests are worked off in order, so those before are done when this one is.
    await server.user('last')
    await codeFor('last@example.com')
    for (const email of ['elsewhere@example.com', 'banned@example.com']) {
      expect(received(email)).toEqual([])
      expect((await rowOf(email)).hashed_one_time_passcode).toBeNull()
    }
  })

  it('is not sent again within a minute', async () => {
    await server.user('impatient')
    const first = await codeFor('impatient@example.com')
    await ask('impatient@example.com')
    await server.user('behind')
    await codeFor('behind@example.com')
    expect(received('impatient@example.com')).toHaveLength(1)
    now += MINUTE
    const second = await codeFor('impatient@example.com')
    await expect(redeem('impatient@example.com', first)).rejects.toMatchObject({ status: 400 })
    await redeem('impatient@example.com', second)
  })

  it('is refused where passwords are off', async () => {
    await using off = await startTestServer({ env: { CODER_DISABLE_PASSWORD_AUTH: 'true' } })
    await expect(ask('owner@example.com', off)).rejects.toMatchObject({ status: 403 })
  })

  it('ID-32: a dormant user may have one', async () => {
    await fixtures.user(database.db, { username: 'sleepy', status: 'dormant' })
    await redeem('sleepy@example.com', await codeFor('sleepy@example.com'))
  })
})

describe('ID-36: with a passcode', () => {
  const WRONG = { status: 400, message: 'Incorrect email or one-time passcode.' }

  it('a weak password is refused first, and the former one last', async () => {
    await server.user('picky')
    const code = await codeFor('picky@example.com')
    for (const [email, passcode] of [
      ['nobody@example.com', 'x'],
      ['picky@example.com', code],
    ] as const)
      await expect(redeem(email, passcode, 'weak')).rejects.toMatchObject({
        status: 400,
        validations: [{ field: 'password' }],
      })
    await expect(redeem('picky@example.com', code, PASSWORD)).rejects.toMatchObject({
      status: 400,
      validations: [{ field: 'password', detail: 'New password cannot match old password.' }],
    })
    await redeem('picky@example.com', code)
  })

  it('an unknown user, a wrong code, none, and one of another user get one answer', async () => {
    await server.user('first')
    await server.user('second')
    const code = await codeFor('first@example.com')
    for (const [email, passcode] of [
      ['nobody@example.com', code],
      ['first@example.com', 'wrong'],
      ['second@example.com', code],
      ['owner@example.com', code],
    ] as const)
      await expect(redeem(email, passcode)).rejects.toMatchObject(WRONG)
    await redeem('first@example.com', code)
  })

  it('it is over after 20 minutes', async () => {
    await server.user('late')
    const code = await codeFor('late@example.com')
    now += 20 * MINUTE
    await expect(redeem('late@example.com', code)).rejects.toMatchObject(WRONG)
  })

  it('ID-213: five wrong tries end it, also when they come at once', async () => {
    await server.user('guessed')
    const code = await codeFor('guessed@example.com')
    await Promise.allSettled(Array.from({ length: 5 }, () => redeem('guessed@example.com', 'wrong')))
    await expect(redeem('guessed@example.com', code)).rejects.toMatchObject(WRONG)
    now += MINUTE
    await redeem('guessed@example.com', await codeFor('guessed@example.com'))
  })

  it.each([
    ['is suspended', 'dozing', { status: 'suspended' }],
    ['signs in elsewhere', 'moved', { login_type: 'oidc', hashed_password: '' }],
  ] as const)('ID-213: a code opens nothing any more for who %s by now', async (_what, name, change) => {
    await server.user(name)
    const email = `${name}@example.com`
    const code = await codeFor(email)
    await database.db.updateTable('users').set(change).where('email', '=', email).execute()
    await expect(redeem(email, code)).rejects.toMatchObject(WRONG)
  })

  it('one code changes one password, however many try at once', async () => {
    await server.user('racer')
    const code = await codeFor('racer@example.com')
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map((number) => redeem('racer@example.com', code, `Another-Password-${number}!`)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('ID-209: it ends the delay that guesses of others have caused', async () => {
    await server.user('victim')
    const signIn = (password: string) =>
      server.anonymous.call(login, { body: { email: 'victim@example.com', password } })
    for (let count = 0; count < 5; count += 1) await signIn('wrong-password-1').catch(() => undefined)
    await expect(signIn(PASSWORD)).rejects.toMatchObject({ status: 429 })
    await redeem('victim@example.com', await codeFor('victim@example.com'))
    await signIn(NEW_PASSWORD)
  })
})
