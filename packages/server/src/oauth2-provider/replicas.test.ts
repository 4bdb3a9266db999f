import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  DEVICE_CODE_GRANT,
  deleteOAuth2App,
  deleteOAuth2AppSecret,
  listOAuth2AppSecrets,
  type OAuth2TokenResponse,
} from '@slipway/contract'
import { openDatabase, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { OAuthDeployment, search, type TestApp } from './deployment.fixture.ts'

const ROUNDS = 20
const AT_ONCE = 6

let deployment: OAuthDeployment
let database: Database
let app: TestApp
let servers: readonly TestServer[]

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  servers = [deployment.server, await deployment.replica()]
  database = await openDatabase(deployment.server.databaseUrl, { maxConnections: 2 })
  app = await deployment.app()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await servers[1]?.[Symbol.asyncDispose]()
  await deployment[Symbol.asyncDispose]()
})

/** The same request many times at once, at each server in turn; resolves to how often which status came. */
async function race(params: Record<string, string | undefined>): Promise<Record<string, number>> {
  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, index) => {
      const server = servers[index % 2]
      if (server === undefined) throw new Error('no server')
      return deployment.formAt(server, '/oauth2/tokens', app, params)
    }),
  )
  return Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([status, of]) => [
      status,
      of?.length ?? 0,
    ]),
  )
}

/** One gets it, and the others are told that they do not. */
const ONE_WINS = { 200: 1, 400: AT_ONCE - 1 }

describe('issue 4: of many at once, at two servers, exactly one wins', () => {
  it('OA-61: a code', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { code, verifier } = await deployment.code(app)
      const grant_type = 'authorization_code'
      expect(await race({ grant_type, code, code_verifier: verifier })).toEqual(ONE_WINS)
    }
  })

  it('OA-66: a refresh token', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { refresh_token } = await deployment.tokens(app)
      expect(await race({ grant_type: 'refresh_token', refresh_token })).toEqual(ONE_WINS)
    }
  })

  it('OA-B12: a device code', async () => {
    const headers = { ...deployment.member.headers }
    for (let round = 0; round < ROUNDS; round += 1) {
      const asked = await deployment.form('/oauth2/device', app, {})
      const { device_code, user_code }: Record<string, string> = JSON.parse(await asked.text())
      const body = search({ user_code, decision: 'allow' })
      await deployment.post('/oauth2/device/decision', { body, headers })
      expect(await race({ grant_type: DEVICE_CODE_GRANT, device_code })).toEqual(ONE_WINS)
    }
  })
})

describe('OA-7, OA-70, OA-71: what ends tokens ends them although they are being refreshed', () => {
  /** Refreshes until it is refused; resolves to the status of that. */
  const refreshOn = async (of: TestApp, tokens: OAuth2TokenResponse): Promise<number> => {
    let { refresh_token } = tokens
    for (let round = 0; ; round += 1) {
      const server = servers[round % 2] ?? deployment.server
      const answer = await deployment.formAt(server, '/oauth2/tokens', of, {
        grant_type: 'refresh_token',
        refresh_token,
      })
      if (answer.status !== 200) return answer.status
      refresh_token = Object(await answer.json()).refresh_token
    }
  }

  const left = async (of: TestApp): Promise<number> => {
    const rows = await database.db
      .selectFrom('oauth2_provider_app_tokens')
      .select('id')
      .where('app_id', '=', of.id)
      .execute()
    return rows.length
  }

  const GRANTS = 16
  const tokensOf = async (of: TestApp): Promise<OAuth2TokenResponse[]> => {
    const all: OAuth2TokenResponse[] = []
    // Of an app and a user there is one code at a time.
    while (all.length < GRANTS) all.push(await deployment.tokens(of))
    return all
  }

  it('a revocation, whichever refresh token of the grant it names', async () => {
    for (let round = 0; round < 2; round += 1) {
      const mine = await deployment.app()
      const ended = await Promise.all(
        (await tokensOf(mine)).map(async (tokens, index) => {
          const refreshed = refreshOn(mine, tokens)
          const server = servers[index % 2] ?? deployment.server
          const revoked = await deployment.formAt(server, '/oauth2/revoke', mine, {
            token: tokens.refresh_token,
          })
          return [revoked.status, await refreshed]
        }),
      )
      expect(ended).toEqual(Array(GRANTS).fill([200, 400]))
      expect(await left(mine)).toBe(0)
    }
  })

  it.each(['secret', 'app'] as const)('the end of their %s', async (what) => {
    for (let round = 0; round < 2; round += 1) {
      const mine = await deployment.app()
      const params = { app: mine.id }
      const [secret] = await deployment.owner.call(listOAuth2AppSecrets, { params })
      const secretID = secret?.id ?? ''
      const refreshed = (await tokensOf(mine)).map((tokens) => refreshOn(mine, tokens))
      const ended =
        what === 'app'
          ? deployment.owner.call(deleteOAuth2App, { params })
          : deployment.owner.call(deleteOAuth2AppSecret, { params: { ...params, secretID } })
      const [, ...statuses] = await Promise.all([ended, ...refreshed])
      for (const status of statuses) expect([400, 401]).toContain(status)
      expect(await left(mine)).toBe(0)
    }
  })
})
