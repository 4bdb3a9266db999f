import { createHook } from 'node:async_hooks'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createFirstUser,
  createUser,
  getUser,
  login,
  requestOneTimePasscode,
  updateProfile,
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

let server: TestServer
let owner: Client
let mail: FakeMailServer

const UNLIMITED = { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }
const ACCOUNT = {
  password: PASSWORD,
  login_type: 'password' as const,
  organization_ids: ['00000000-0000-0000-0000-000000000000'],
}
const me = { params: { user: 'me' } }

beforeAll(async () => {
  mail = await FakeMailServer.start()
  server = await startTestServer({
    env: {
      ...UNLIMITED,
      CODER_ACCESS_URL: 'https://slipway.example.com',
      CODER_EMAIL_SMARTHOST: mail.smarthost,
      CODER_EMAIL_FROM: 'Slipway <slipway@example.com>',
    },
  })
  owner = await server.owner()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await mail[Symbol.asyncDispose]()
})

describe('the first account', () => {
  it('ID-203: of 1,000 who want it at once one gets it, and the deployment has one user', async () => {
    await using fresh = await startTestServer({ env: UNLIMITED })
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, async (_, i) => {
        const ask = () =>
          fetch(`${fresh.url}${createFirstUser.path}`, {
            method: 'POST',
            body: JSON.stringify({ email: `u${i}@example.com`, username: `u${i}`, password: PASSWORD }),
          })
        // On a busy machine a head may take longer than the server waits for it: it was not read then, so it is sent again.
        const answer = await ask().catch((error: unknown) => {
          if (/ECONNRESET/.test(String(Object(error).cause))) return ask()
          throw error
        })
        await answer.arrayBuffer()
        return answer.status
      }),
    )
    expect(answers.filter((status) => status === 201)).toHaveLength(1)
    expect(answers.filter((status) => status === 409)).toHaveLength(999)
    const database = await openDatabase(fresh.databaseUrl)
    await using _closed = database
    const people = await database.db
      .selectFrom('users')
      .select(['username', 'rbac_roles'])
      .where('is_system', '=', false)
      .execute()
    expect(people).toEqual([expect.objectContaining({ rbac_roles: ['owner'] })])
    const organizations = await database.db.selectFrom('organizations').select('id').execute()
    expect(organizations).toHaveLength(1)
  }, 120_000)
})

describe('signing in', () => {
  /** How often a password is hashed meanwhile. */
  async function hashesDuring(work: () => Promise<unknown>): Promise<number> {
    let hashes = 0
    const hook = createHook({
      init: (_id, type) => {
        if (type === 'PBKDF2REQUEST') hashes += 1
      },
    }).enable()
    await work().finally(() => hook.disable())
    return hashes
  }

  it('ID-28: it costs the same work whether there is such an account, and whether it has a password', async () => {
    const database = await openDatabase(server.databaseUrl)
    await using _closed = database
    await server.user('known')
    await fixtures.user(database.db, { email: 'sso@example.com', login_type: 'oidc', hashed_password: '' })
    await fixtures.user(database.db, { email: 'gone@example.com', deleted: true, hashed_password: '' })
    for (const email of [
      'known@example.com',
      'nobody@example.com',
      'sso@example.com',
      'gone@example.com',
      'no address',
    ])
      for (const password of ['wrong-password-1', '', 'x'.repeat(1_000)]) {
        const hashes = await hashesDuring(async () => {
          const answer = await fetch(`${server.url}${login.path}`, {
            method: 'POST',
            body: JSON.stringify({ email, password }),
          })
          // A password that nobody can have is refused for everybody alike.
          expect(answer.status, email).toBe(
            password === 'wrong-password-1' ? 401 : password === '' ? 400 : 401,
          )
        })
        expect([email, password.length, hashes]).toEqual([email, password.length, password === '' ? 0 : 1])
      }
  })

  it('session fixation: what a browser brought is not what it leaves with, and becomes nobody’s', async () => {
    const attacker = await server.user('attacker')
    await server.user('victim')
    const planted = attacker.headers['Coder-Session-Token'] ?? ''
    const madeUp = `${'a'.repeat(10)}-${'b'.repeat(22)}`
    for (const brought of [planted, madeUp]) {
      const answer = await fetch(`${server.url}${login.path}?coder_session_token=${brought}`, {
        method: 'POST',
        headers: { Cookie: `coder_session_token=${brought}`, 'Coder-Session-Token': brought },
        body: JSON.stringify({ email: 'victim@example.com', password: PASSWORD }),
      })
      expect(answer.status, await answer.clone().text()).toBe(201)
      const given = answer.headers
        .getSetCookie()
        .map((cookie) => /^coder_session_token=([^;]+)/.exec(cookie)?.[1])
        .filter(Boolean)
      const { session_token } = (await answer.json()) as { session_token: string }
      expect(given).toEqual([session_token])
      expect(session_token).not.toBe(brought)
      expect(session_token.split('-')[0]).not.toBe(brought.split('-')[0])
      const user = await new Client({ url: server.url, token: session_token }).call(getUser, me)
      expect(user.username).toBe('victim')
    }
    expect((await attacker.call(getUser, me)).username).toBe('attacker')
    await expect(new Client({ url: server.url, token: madeUp }).call(getUser, me)).rejects.toMatchObject({
      status: 401,
    })
  })
})

describe('names that are equal to some programs and not to others', () => {
  // Each is the same as an ASCII text once a program has changed its case or its form.
  const ALIKE = [
    ['the sign of the Kelvin', '\u212aim@example.com'],
    ['a dotless i', 'k\u0131m@example.com'],
    ['an i with a dot in capitals', 'K\u0130M@example.com'],
    ['full-width letters', '\uff4b\uff49\uff4d@example.com'],
    ['a domain in full-width letters', 'kim@\uff45xample.com'],
    ['a domain with a sharp s', 'kim@example.co\u00df'],
    ['a zero-width space', 'kim\u200b@example.com'],
    ['a combining accent', 'kim\u0301@example.com'],
  ] as const

  it.each(ALIKE)('%s makes no second account with an address that looks taken', async (_what, email) => {
    for (const username of ['another', 'kim'])
      await expect(owner.call(createUser, { body: { ...ACCOUNT, email, username } })).rejects.toMatchObject({
        status: 400,
      })
  })

  it('a passcode goes to the address of the account, however it was asked for', async () => {
    await server.user('kim')
    for (const [, email] of ALIKE)
      await server.anonymous.call(requestOneTimePasscode, { body: { email } }).catch(() => undefined)
    await server.anonymous.call(requestOneTimePasscode, { body: { email: 'KIM@example.com' } })
    await until('the message', () => mail.received.length > 0)
    expect(new Set(mail.received.flatMap(({ to }) => to))).toEqual(new Set(['kim@example.com']))
  })

  it('ID-16: the case of a name makes nobody a second somebody', async () => {
    await server.user('twice')
    const outcomes = await Promise.allSettled(
      [
        'TWICE@example.com',
        'Twice@Example.COM',
        'new1@example.com',
        'NEW1@example.com',
        'New1@Example.com',
      ].map((email, i) => owner.call(createUser, { body: { ...ACCOUNT, email, username: `second${i}` } })),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const named = await Promise.allSettled(
      ['sAme', 'same', 'SAME', 'twice', 'TWICE'].map((username, i) =>
        owner.call(createUser, { body: { ...ACCOUNT, email: `case${i}@example.com`, username } }),
      ),
    )
    expect(named.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const username of ['Owner', 'OWNER', 'sAmE'])
      await expect(
        owner.call(updateProfile, { params: { user: 'twice' }, body: { username, name: '' } }),
      ).rejects.toMatchObject({ status: 409 })
    expect((await owner.call(getUser, { params: { user: 'TWICE' } })).username).toBe('twice')
  })
})
