import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
} from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { OAuth2TokenResponse } from '@slipway/contract'
import { OAuthDeployment, type TestApp, told } from '../oauth2-provider/deployment.fixture.ts'
import { athOf, signProof } from './proof.fixture.ts'

let deployment: OAuthDeployment
let confidential: TestApp
let native: TestApp
let keys: GenerateKeyPairResult
let thief: GenerateKeyPairResult
let nonce = ''

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  confidential = await deployment.app()
  native = await deployment.publicClient()
  keys = await generateKeyPair('ES256', { extractable: true })
  thief = await generateKeyPair('ES256', { extractable: true })
})
afterAll(() => deployment[Symbol.asyncDispose]())

/** A proof for the token endpoint. */
const proof = (claims: JWTPayload = {}, of = keys) =>
  signProof(of, { htm: 'POST', htu: deployment.url('/oauth2/tokens'), nonce, ...claims })

async function form(
  app: TestApp,
  params: Record<string, string>,
  dpop: string | undefined,
): Promise<Response> {
  const answer = await deployment.form(
    '/oauth2/tokens',
    app,
    params,
    dpop === undefined ? {} : { DPoP: dpop },
  )
  nonce = answer.headers.get('dpop-nonce') ?? nonce
  return answer
}

async function redeem(
  app: TestApp,
  dpop: string | undefined,
  params: Record<string, string> = {},
): Promise<Response> {
  const { code, verifier } = await deployment.code(app, params)
  return form(app, { grant_type: 'authorization_code', code, code_verifier: verifier }, dpop)
}

const refresh = (app: TestApp, refresh_token: string, dpop: string | undefined) =>
  form(app, { grant_type: 'refresh_token', refresh_token }, dpop)

async function tokensOf(answer: Response): Promise<OAuth2TokenResponse & { refresh_token: string }> {
  expect(answer.status).toBe(200)
  return JSON.parse(await answer.text())
}

async function use(token: string, of: GenerateKeyPairResult): Promise<number> {
  const url = deployment.url('/api/v2/users/me')
  const claims = { htm: 'GET', htu: url, nonce, ath: athOf(token) }
  const headers = { Authorization: `DPoP ${token}`, DPoP: await signProof(of, claims) }
  return (await fetch(url, { headers })).status
}

describe('OA-B16, RFC 9449 section 5: proofs at the token endpoint', () => {
  it('asks for a nonce first, and binds the tokens to the key of the proof', async () => {
    const first = await redeem(confidential, await proof({ nonce: undefined as never }))
    expect(first.headers.get('dpop-nonce')).toMatch(/^[\w-]{24}$/)
    expect(await told(first)).toEqual({ status: 400, error: 'use_dpop_nonce' })
    const answer = await redeem(confidential, await proof())
    expect(answer.headers.get('dpop-nonce')).toBeTruthy()
    const tokens = await tokensOf(answer)
    expect(tokens.token_type).toBe('DPoP')
    expect(await use(tokens.access_token, keys)).toBe(200)
    expect(await use(tokens.access_token, thief)).toBe(401)
    expect(await deployment.use(tokens.access_token)).toBe(401)
  })

  it.each<[string, JWTPayload]>([
    ['another method', { htm: 'GET' }],
    ['another endpoint', { htu: 'https://evil.example/oauth2/tokens' }],
    ['another path', { htu: 'http://127.0.0.1/oauth2/par' }],
    ['another time', { iat: 1 }],
  ])('refuses one for %s, and the code is still good', async (_what, claims) => {
    const { code, verifier } = await deployment.code(confidential)
    const params = { grant_type: 'authorization_code', code, code_verifier: verifier }
    expect(await told(await form(confidential, params, await proof(claims)))).toEqual({
      status: 400,
      error: 'invalid_dpop_proof',
    })
    expect((await form(confidential, params, await proof())).status).toBe(200)
  })

  it('refuses one that was used', async () => {
    const used = await proof()
    expect((await redeem(confidential, used)).status).toBe(200)
    expect(await told(await redeem(confidential, used))).toEqual({ status: 400, error: 'invalid_dpop_proof' })
  })

  it('a code that was asked for with a key is redeemed with that key', async () => {
    const dpop_jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
    expect(await told(await redeem(confidential, await proof({}, thief), { dpop_jkt }))).toMatchObject({
      error: 'invalid_dpop_proof',
    })
    expect((await told(await redeem(confidential, undefined, { dpop_jkt }))).status).toBe(400)
    expect((await redeem(confidential, await proof(), { dpop_jkt })).status).toBe(200)
  })

  it('RFC 9449 section 10.1: a pushed request names no other key than the one that is shown', async () => {
    const push = async (dpop_jkt: string) => {
      const htu = deployment.url('/oauth2/par')
      const headers = { DPoP: await proof({ htu }) }
      const params = { response_type: 'code', code_challenge: 'a'.repeat(43), dpop_jkt }
      const answer = await deployment.form('/oauth2/par', confidential, params, headers)
      nonce = answer.headers.get('dpop-nonce') ?? nonce
      return answer
    }
    const own = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
    const other = await calculateJwkThumbprint(await exportJWK(thief.publicKey))
    // The first answer may be but a new nonce.
    await push(own)
    expect((await push(own)).status).toBe(201)
    expect(await told(await push(other))).toEqual({ status: 400, error: 'invalid_request' })
  })

  it('the refresh token of a public client is bound as well, that of a confidential one is not', async () => {
    const bound = await tokensOf(await redeem(native, await proof()))
    for (const dpop of [undefined, await proof({}, thief)])
      expect((await refresh(native, bound.refresh_token, dpop)).status).toBe(400)
    const next = await tokensOf(await refresh(native, bound.refresh_token, await proof()))
    expect([next.token_type, await use(next.access_token, keys)]).toEqual(['DPoP', 200])
    const other = await tokensOf(await redeem(confidential, await proof()))
    const rotated = await tokensOf(await refresh(confidential, other.refresh_token, await proof({}, thief)))
    expect([await use(rotated.access_token, thief), await use(rotated.access_token, keys)]).toEqual([
      200, 401,
    ])
  })

  it('introspection tells the key', async () => {
    const { access_token: token } = await tokensOf(await redeem(confidential, await proof()))
    const answer = await deployment.form('/oauth2/introspect', confidential, { token })
    expect(await answer.json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: await calculateJwkThumbprint(await exportJWK(keys.publicKey)) },
    })
  })
})
