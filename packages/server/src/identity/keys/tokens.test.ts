import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createSessionKey,
  createToken,
  deleteKey,
  expireKey,
  getKey,
  getTokenByName,
  getTokenConfig,
  getUser,
  listTokens,
  login,
  logout,
} from '@slipway/contract'
import { fixtures, openDatabase, PASSWORD, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MS_TO_NS = 1_000_000
const me = { params: { user: 'me' } }
const UNLIMITED = { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }

let server: TestServer
let database: Database
let owner: Client
let member: Client

beforeAll(async () => {
  server = await startTestServer({ env: UNLIMITED })
  database = await openDatabase(server.databaseUrl)
  owner = await server.owner()
  member = await server.user('member')
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const idOf = (token: string) => token.split('-')[0] ?? ''
const make = async (client: Client, body: object, user = 'me') => {
  const { key } = await client.call(createToken, { params: { user }, body })
  return { id: idOf(key), holder: new Client({ url: server.url, token: key }) }
}
const keyParams = (keyid: string) => ({ params: { user: 'me', keyid } })

describe('lifetimes of tokens', () => {
  it.each([
    ['7 and 14 for owners', 7, 14, { member: [6], owner: [6, 8, 10] }],
    ['14 and 7 for owners', 14, 7, { member: [6, 8, 10], owner: [6] }],
  ])('ID-49: at most %s days', async (_what, days, ownerDays, allowed) => {
    await using other = await startTestServer({
      env: {
        ...UNLIMITED,
        CODER_MAX_TOKEN_LIFETIME: `${days * 24}h`,
        CODER_MAX_ADMIN_TOKEN_LIFETIME: `${ownerDays * 24}h`,
      },
    })
    const admin = await other.owner()
    await other.user('member')
    for (const [user, fitting] of Object.entries(allowed)) {
      for (const asked of [6, 8, 10, 15]) {
        const made = admin.call(createToken, {
          params: { user },
          body: { lifetime: asked * DAY_MS * MS_TO_NS },
        })
        if (fitting.includes(asked)) await made
        else
          await expect(made, `${user} ${asked}`).rejects.toMatchObject({
            status: 400,
            message: 'Failed to validate create API key request.',
            detail: expect.stringContaining('lifetime must be less than'),
          })
      }
      expect(await admin.call(getTokenConfig, { params: { user } })).toEqual({
        max_token_lifetime: (user === 'owner' ? ownerDays : days) * DAY_MS * MS_TO_NS,
      })
    }
  })

  it('ID-49, ID-214: none, or 0 as some clients write it, is the default, within the maximum', async () => {
    await using other = await startTestServer({ env: { CODER_MAX_ADMIN_TOKEN_LIFETIME: '24h' } })
    const admin = await other.owner()
    for (const [name, body] of [
      ['none', {}],
      ['zero', { lifetime: 0 }],
    ] as const) {
      await admin.call(createToken, { ...me, body: { ...body, token_name: name } })
      const token = await admin.call(getTokenByName, { params: { user: 'me', keyname: name } })
      expect(token.lifetime_seconds).toBe(DAY_MS / 1000)
    }
    await expect(admin.call(createToken, { ...me, body: { lifetime: -1 } })).rejects.toMatchObject({
      status: 400,
      detail: 'lifetime must be positive number greater than 0',
    })
  })
})

describe('names of tokens', () => {
  it('ID-40, ID-48: a name is taken by an expired token too, until that is deleted', async () => {
    const taken = {
      status: 409,
      message: 'A token with name "ci" already exists.',
      validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
    }
    const { id } = await make(owner, { token_name: 'ci' })
    await expect(make(owner, { token_name: 'ci' })).rejects.toMatchObject(taken)
    await owner.call(expireKey, keyParams(id))
    await expect(make(owner, { token_name: 'ci' })).rejects.toMatchObject(taken)
    await make(member, { token_name: 'ci' })
    await owner.call(deleteKey, keyParams(id))
    await make(owner, { token_name: 'ci' })
  })

  it('ID-48: tokens without a name get one each', async () => {
    const someone = await server.user('nameless')
    await make(someone, {})
    await make(someone, { token_name: '' })
    const names = (await someone.call(listTokens, me)).map((token) => token.token_name)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^[a-z]+_[a-z]+\d{2}$/)
  })

  it('ID-51, ID-52: a token is found by its name and by its id, one called tokenconfig only by id', async () => {
    const { id } = await make(owner, { token_name: 'named' })
    expect(await owner.call(getTokenByName, { params: { user: 'me', keyname: 'named' } })).toMatchObject({
      id,
    })
    const odd = await make(owner, { token_name: 'tokenconfig' })
    expect(await owner.call(getTokenConfig, me)).toHaveProperty('max_token_lifetime')
    expect(await owner.call(getKey, keyParams(odd.id))).toMatchObject({ token_name: 'tokenconfig' })
    await expect(
      owner.call(getTokenByName, { params: { user: 'me', keyname: 'absent' } }),
    ).rejects.toMatchObject({ status: 404 })
  })
})

describe('tokens of others', () => {
  it('ID-52: who may read a key finds it under any user, others do not find it', async () => {
    const { id } = await make(member, {})
    expect(await owner.call(getKey, keyParams(id))).toMatchObject({ id })
    const stranger = await server.user('stranger')
    for (const call of [getKey, expireKey, deleteKey])
      await expect(stranger.call(call, keyParams(id))).rejects.toMatchObject({ status: 404 })
    await owner.call(expireKey, keyParams(id))
    await owner.call(deleteKey, keyParams(id))
    await expect(owner.call(getKey, keyParams(id))).rejects.toMatchObject({ status: 404 })
  })

  it('ID-50: include_all lists those of everybody whom the caller may read', async () => {
    await make(member, { token_name: 'of-member' })
    await make(owner, { token_name: 'of-owner' })
    const names = async (client: Client) =>
      (await client.call(listTokens, { ...me, query: { include_all: true } })).map(
        ({ token_name, username }) => `${username} ${token_name}`,
      )
    expect(await names(owner)).toEqual(expect.arrayContaining(['member of-member', 'owner of-owner']))
    expect(await names(member)).toContain('member of-member')
    expect((await names(member)).filter((name) => !name.startsWith('member '))).toEqual([])
    const auditor = await server.user('auditor', ['auditor'])
    expect(await auditor.call(listTokens, { params: { user: 'member' } })).toEqual([])
  })

  it('ID-205: a token for another is 404 where that one is hidden and 403 where not', async () => {
    await expect(make(member, {}, 'owner')).rejects.toMatchObject({ status: 404 })
    const auditor = await server.user('auditor2', ['auditor'])
    const admin = await server.user('useradmin', ['user-admin'])
    for (const client of [auditor, admin]) {
      await expect(make(client, {}, 'member')).rejects.toMatchObject({ status: 403 })
      await expect(client.call(createSessionKey, { params: { user: 'member' } })).rejects.toMatchObject({
        status: 403,
      })
    }
    await make(owner, {}, 'member')
  })

  it('ID-8, RB-45: a system user owns no keys', async () => {
    const system = await fixtures.user(database.db, { username: 'prebuilds', is_system: true })
    for (const call of [
      () => make(owner, {}, system.id),
      () => owner.call(createSessionKey, { params: { user: system.id } }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 403 })
  })
})

describe('the end of a key', () => {
  it('ID-53: a key expires once, is refused as expired, and is listed on demand', async () => {
    const { id, holder } = await make(owner, { token_name: 'ends' })
    await holder.call(getUser, me)
    await owner.call(expireKey, keyParams(id))
    const first = await owner.call(getKey, keyParams(id))
    await owner.call(expireKey, keyParams(id))
    expect(await owner.call(getKey, keyParams(id))).toEqual(first)
    await expect(holder.call(getUser, me)).rejects.toMatchObject({
      status: 401,
      detail: `API key expired at ${JSON.stringify(first.expires_at)}.`,
    })
    const listed = async (query: object) =>
      (await owner.call(listTokens, { ...me, query })).map((key) => key.id)
    expect(await listed({})).not.toContain(id)
    expect(await listed({ include_expired: true })).toContain(id)
  })

  it('ID-34: a sign-out ends the session and the keys of its apps, and no other', async () => {
    const session = await server.user('leaver')
    const app = await make(session, { scope: 'application_connect' })
    const kept = await make(session, { token_name: 'kept' })
    const status = (client: Client) =>
      client.call(getUser, me).then(
        () => 200,
        (error: { readonly status: number }) => error.status,
      )
    // The key is good; it may only do nothing but connect.
    expect(await status(app.holder)).toBe(404)
    await session.call(logout)
    expect(await status(session)).toBe(401)
    expect(await status(app.holder)).toBe(401)
    expect(await status(kept.holder)).toBe(200)
  })
})

describe('the use of a key', () => {
  async function moving() {
    let now = new Date('2026-03-01T12:00:00Z')
    const moved = await startTestServer({ env: UNLIMITED, clock: { now: () => now } })
    const admin = await moved.owner()
    const { session_token } = await moved.anonymous.call(login, {
      body: { email: 'owner@example.com', password: PASSWORD },
    })
    return {
      admin,
      session: { id: idOf(session_token), client: new Client({ url: moved.url, token: session_token }) },
      url: moved.url,
      pass: (ms: number) => {
        now = new Date(now.getTime() + ms)
        return now
      },
      [Symbol.asyncDispose]: () => moved[Symbol.asyncDispose](),
    }
  }

  it('ID-222: a key that is known already ends at its time, with nothing else due that would look at it', async () => {
    await using moved = await moving()
    const { key } = await moved.admin.call(createToken, {
      ...me,
      body: { lifetime: (HOUR_MS / 2) * MS_TO_NS },
    })
    const holder = new Client({ url: moved.url, token: key })
    await holder.call(getUser, me)
    moved.pass(HOUR_MS / 2 - 1)
    await holder.call(getUser, me)
    moved.pass(1)
    await expect(holder.call(getUser, me)).rejects.toMatchObject({
      status: 401,
      detail: expect.stringContaining('API key expired at'),
    })
  })

  it('ID-44: the expiry of a session slides with its use, and that of a token never', async () => {
    await using moved = await moving()
    const { admin, session } = moved
    const { key } = await admin.call(createToken, {
      ...me,
      body: { token_name: 'fixed', lifetime: DAY_MS * MS_TO_NS },
    })
    const token = { id: idOf(key), client: new Client({ url: moved.url, token: key }) }
    const expiry = async ({ id }: { readonly id: string }) =>
      new Date((await admin.call(getKey, keyParams(id))).expires_at).getTime()
    for (const { client } of [session, token]) await client.call(getUser, me)
    const made = await expiry(session)
    const fixed = await expiry(token)

    moved.pass(HOUR_MS - 1000)
    await session.client.call(getUser, me)
    expect(await expiry(session)).toBe(made)
    const later = moved.pass(HOUR_MS)
    for (const { client } of [session, token]) await client.call(getUser, me)
    expect(await expiry(session)).toBe(later.getTime() + DAY_MS)
    expect((await admin.call(getKey, keyParams(session.id))).lifetime_seconds).toBe(DAY_MS / 1000)
    expect(await expiry(token)).toBe(fixed)
  })

  it('ID-43, ID-45: a use is noted once an hour, on the key and on its user', async () => {
    await using moved = await moving()
    const { admin, session } = moved
    const noted = async () => {
      const { last_used } = await admin.call(getKey, keyParams(session.id))
      return new Date(last_used).getTime()
    }
    const first = moved.pass(0).getTime()
    await session.client.call(getUser, me)
    expect(await noted()).toBe(first)
    moved.pass(HOUR_MS - 1000)
    await session.client.call(getUser, me)
    expect(await noted()).toBe(first)
    const later = moved.pass(HOUR_MS).getTime()
    await session.client.call(getUser, me)
    expect(await noted()).toBe(later)
    const user = await admin.call(getUser, { params: { user: 'owner' } })
    expect(new Date(user.last_seen_at).getTime()).toBe(later)
  })

  it('ID-44: nothing slides where the deployment says so', async () => {
    let now = new Date()
    await using other = await startTestServer({
      env: { CODER_DISABLE_SESSION_EXPIRY_REFRESH: 'true' },
      clock: { now: () => now },
    })
    await other.owner()
    const session = await other.user('someone')
    const pass = (hours: number) => {
      now = new Date(now.getTime() + hours * HOUR_MS)
    }
    pass(20)
    await session.call(getUser, me)
    pass(5)
    await expect(session.call(getUser, me)).rejects.toMatchObject({ status: 401 })
  })
})
