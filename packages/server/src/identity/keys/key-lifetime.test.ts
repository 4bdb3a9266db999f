import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'
import { newToken } from './api-key-token.ts'
import { dueTouch, endOfKey, restsUntil } from './key-lifetime.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START = new Date('2026-01-01T12:00:00Z')
const at = (ms: number) => new Date(START.getTime() + ms)

const OFF = { sessionMaxLifetime: 0, sessionIdleTimeout: 0, disableSessionExpiryRefresh: false }
const session = {
  login_type: 'password' as const,
  created_at: START,
  last_used: START,
  expires_at: at(DAY_MS),
  lifetime_seconds: DAY_MS / 1000,
}

describe('ID-44: a session slides', () => {
  it('by an hour at least, and a token of a fixed life never does', () => {
    expect(dueTouch(session, OFF, at(HOUR_MS - 1))).toBeUndefined()
    expect(dueTouch(session, OFF, at(2 * HOUR_MS))).toEqual({ expiresAt: at(DAY_MS + 2 * HOUR_MS) })
    for (const login_type of ['token', 'oauth2_provider_app'] as const)
      expect(dueTouch({ ...session, login_type }, OFF, at(2 * HOUR_MS))).toEqual({ expiresAt: undefined })
    expect(dueTouch(session, { ...OFF, disableSessionExpiryRefresh: true }, at(2 * HOUR_MS))).toEqual({
      expiresAt: undefined,
    })
    const short = { ...session, lifetime_seconds: 3_000, expires_at: at(3_000_000) }
    expect(dueTouch(short, OFF, at(2_999_000))).toBeUndefined()
  })

  it('ID-211: never beyond its maximum lifetime, and without a write for each request near it', () => {
    const rules = { ...OFF, sessionMaxLifetime: DAY_MS + 90 * MINUTE_MS }
    const slid = dueTouch(session, rules, at(2 * HOUR_MS))
    expect(slid).toEqual({ expiresAt: at(DAY_MS + 90 * MINUTE_MS) })
    const after = { ...session, expires_at: at(DAY_MS + 90 * MINUTE_MS), last_used: at(2 * HOUR_MS) }
    expect(dueTouch(after, rules, at(2.5 * HOUR_MS))).toBeUndefined()
  })

  it('ID-211: an idle time is noted often enough to be told from use', () => {
    const rules = { ...OFF, sessionIdleTimeout: 30 * MINUTE_MS }
    expect(dueTouch(session, rules, at(3 * MINUTE_MS))).toBeUndefined()
    expect(dueTouch(session, rules, at(3 * MINUTE_MS + 1))).toEqual({ expiresAt: undefined })
    expect(endOfKey(session, rules)).toBe(at(30 * MINUTE_MS).getTime())
    expect(endOfKey({ ...session, last_used: new Date(0) }, rules)).toBe(at(30 * MINUTE_MS).getTime())
    expect(endOfKey({ ...session, login_type: 'token' }, rules)).toBe(at(DAY_MS).getTime())
  })
})

it('ID-43…ID-45: what is due begins to be so right after the key has rested', () => {
  const ms = fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS })
  fc.assert(
    fc.property(
      fc.record({
        login_type: fc.constantFrom('password' as const, 'token' as const),
        created_at: ms.map(at),
        last_used: ms.map(at),
        expires_at: ms.map(at),
        lifetime_seconds: fc.integer({ min: 1, max: (3 * DAY_MS) / 1000 }),
      }),
      fc.record({
        sessionMaxLifetime: fc.constantFrom(0, HOUR_MS, 2 * DAY_MS),
        sessionIdleTimeout: fc.constantFrom(0, 7_777, 30 * MINUTE_MS, 2 * DAY_MS),
        disableSessionExpiryRefresh: fc.boolean(),
      }),
      fc.nat(DAY_MS),
      (key, rules, more) => {
        const last = Math.floor(restsUntil(key, rules))
        expect(dueTouch(key, rules, new Date(last))).toBeUndefined()
        expect(dueTouch(key, rules, new Date(last - more))).toBeUndefined()
        expect(dueTouch(key, rules, new Date(last + 1))).toBeDefined()
        expect(dueTouch(key, rules, new Date(last + 1 + more))).toBeDefined()
      },
    ),
  )
})

describe('ID-211: bounds of sessions', () => {
  let server: TestServer
  let database: Database
  let now = START

  const start = (databaseUrl?: string) =>
    startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_SESSION_MAX_LIFETIME: '48h',
        CODER_SESSION_IDLE_TIMEOUT: '2h',
      },
      clock: { now: () => now },
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
    })

  beforeAll(async () => {
    server = await start()
    database = await openDatabase(server.databaseUrl)
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  const holder = async (login_type: 'password' | 'token', on = () => server) => {
    const { id, token, hashedSecret } = newToken()
    const user = await fixtures.user(database.db, { status: 'active' })
    await fixtures.apiKey(database.db, {
      ...session,
      user,
      id,
      hashed_secret: hashedSecret,
      login_type,
      token_name: login_type === 'token' ? 'ci' : '',
      scopes: ['coder:all'],
      ...(login_type === 'token' ? { expires_at: at(9 * DAY_MS) } : {}),
    })
    return async () => {
      const answer = await fetch(`${on().url}/api/v2/users/me`, {
        headers: { 'Coder-Session-Token': token },
      })
      return answer.status === 200
        ? 200
        : `${answer.status} ${((await answer.json()) as { detail: string }).detail}`
    }
  }

  it('a session in steady use dies at the cap, one that is not used before; a token lives on', async () => {
    now = START
    const [busy, idle, token] = [await holder('password'), await holder('password'), await holder('token')]
    expect([await busy(), await idle(), await token()]).toEqual([200, 200, 200])
    for (let hours = 1; hours < 48; hours += 1) {
      now = at(hours * HOUR_MS)
      expect(await busy(), `${hours} h`).toBe(200)
    }
    expect(await idle()).toBe('401 API key expired at "2026-01-01T14:00:00.000Z".')
    now = at(48 * HOUR_MS)
    expect(await busy()).toBe('401 API key expired at "2026-01-03T12:00:00.000Z".')
    expect(await token()).toBe(200)
  })

  it('a session that is used on one replica is not idle on another that has not heard of it', async () => {
    now = START
    await using other = await start(server.databaseUrl)
    let on = server
    const session = await holder('password', () => on)
    expect(await session()).toBe(200)
    on = other
    expect(await session()).toBe(200)
    now = at(13 * MINUTE_MS)
    on = server
    expect(await session()).toBe(200)
    now = at(2 * HOUR_MS)
    on = other
    expect(await session()).toBe(200)
    now = at(5 * HOUR_MS)
    expect(await session()).toBe('401 API key expired at "2026-01-01T16:00:00.000Z".')
  })
})
