import { createHash } from 'node:crypto'

import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { getUser } from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { newToken } from '../identity/keys/api-key-token.ts'
import { athOf, signProof } from './proof.fixture.ts'

const ACCESS_URL = 'https://slip.example'
const PATH = '/api/v2/users/me'
const stack = new AsyncDisposableStack()
const lines: string[] = []
let server: TestServer
let other: TestServer
let database: Database
let userId: string
let keys: GenerateKeyPairResult

const clock = { offset: 0, now: () => new Date(Date.now() + clock.offset) }

beforeAll(async () => {
  const env = { CODER_ACCESS_URL: ACCESS_URL, CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }
  const log = createLogger({ level: 'debug', sink: { write: (line) => void lines.push(line) } })
  server = stack.use(await startTestServer({ env, clock, log }))
  other = stack.use(await startTestServer({ env, clock, databaseUrl: server.databaseUrl }))
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  const owner = await server.owner()
  userId = (await owner.call(getUser, { params: { user: 'me' } })).id
  keys = await generateKeyPair('ES256', { extractable: true })
})
afterAll(() => stack.disposeAsync())

/** An access token that is bound to a key. */
async function bound(of = keys): Promise<string> {
  const { id, token, hashedSecret } = newToken()
  const key = await fixtures.apiKey(database.db, {
    id,
    hashed_secret: hashedSecret,
    user_id: userId,
    login_type: 'oauth2_provider_app',
    scopes: ['coder:all'],
    dpop_thumbprint: await calculateJwkThumbprint(await exportJWK(of.publicKey)),
  })
  await fixtures.oauth2ProviderAppToken(database.db, { key })
  return token
}

/** A proof for {@link PATH} with this token; what is given is said instead. */
async function proofFor(
  token: string,
  claims: JWTPayload = {},
  { header = {}, signer = keys }: { header?: object; signer?: GenerateKeyPairResult } = {},
): Promise<string> {
  const said = {
    htm: 'GET',
    htu: `${ACCESS_URL}${PATH}`,
    iat: Math.floor(clock.now().getTime() / 1000),
    ath: athOf(token),
    nonce: await nonce(),
    ...claims,
  }
  return signProof(signer, said, header)
}

const ask = (token: string, proof: string | undefined, of = server, path = PATH) =>
  fetch(`${of.url}${path}`, {
    headers: { Authorization: `DPoP ${token}`, ...(proof === undefined ? {} : { DPoP: proof }) },
  })

/** The nonce that the server wants now. */
async function nonce(of = server): Promise<string> {
  const answer = await ask(await anyBound(), undefined, of)
  return answer.headers.get('dpop-nonce') ?? ''
}

let shared: Promise<string> | undefined
function anyBound(): Promise<string> {
  shared ??= bound()
  return shared
}

const challengeOf = (answer: Response) => answer.headers.get('www-authenticate')

describe('OA-B16: a token that is bound to a key', () => {
  it('is good with a proof, on every replica, and each answer has a nonce for the next', async () => {
    const token = await bound()
    for (const one of [server, other]) {
      const answer = await ask(token, await proofFor(token), one)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('dpop-nonce')).toBe(await nonce(other))
    }
    // The scheme in any spelling, the address with a query.
    const answer = await fetch(`${server.url}${PATH}?include=all`, {
      headers: { Authorization: `dpop  ${token}`, DPoP: await proofFor(token) },
    })
    expect(answer.status).toBe(200)
  })

  it('the real client of somebody else finds the nonce by itself', async () => {
    const token = await bound()
    const proof = oauth.DPoP({}, keys)
    // It signs for the address that it asks, which is the access URL to it.
    const through = { [oauth.customFetch]: viaServer, [oauth.allowInsecureRequests]: true, DPoP: proof }
    const request = () =>
      oauth.protectedResourceRequest(token, 'GET', new URL(`${ACCESS_URL}${PATH}`), undefined, null, through)
    const first = await request().catch((error: unknown) => error)
    expect(first).toBeInstanceOf(oauth.WWWAuthenticateChallengeError)
    expect(oauth.isDPoPNonceError(first)).toBe(true)
    expect((await request()).status).toBe(200)
    expect((await request()).status).toBe(200)
  })

  it('a stolen token is worth nothing: as Bearer, as session header, in the query, in a cookie', async () => {
    const token = await bound()
    expect((await ask(token, await proofFor(token))).status).toBe(200)
    const attempts: [string, Record<string, string>][] = [
      [PATH, { Authorization: `Bearer ${token}` }],
      [PATH, { Authorization: `Bearer ${token}`, DPoP: await proofFor(token) }],
      [PATH, { 'Coder-Session-Token': token }],
      [PATH, { Cookie: `coder_session_token=${token}` }],
      [`${PATH}?access_token=${token}`, {}],
      [`${PATH}?coder_session_token=${token}`, { DPoP: await proofFor(token) }],
    ]
    for (const [path, headers] of attempts) {
      const answer = await fetch(`${server.url}${path}`, { headers })
      expect(answer.status, JSON.stringify(headers)).toBe(401)
      expect(challengeOf(answer)).toMatch(/^Bearer .*error="invalid_token".*, DPoP algs="ES256 EdDSA RS256"$/)
    }
  })

  it('with the proof of another key it is refused', async () => {
    const token = await bound()
    const thief = await generateKeyPair('ES256', { extractable: true })
    const answer = await ask(token, await proofFor(token, {}, { signer: thief }))
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toMatch(/^DPoP .*error="invalid_dpop_proof".*algs="ES256 EdDSA RS256"/)
  })

  it('a token that is not bound is none of this scheme', async () => {
    const { id, token, hashedSecret } = newToken()
    await fixtures.apiKey(database.db, {
      id,
      hashed_secret: hashedSecret,
      user_id: userId,
      login_type: 'token',
      scopes: ['coder:all'],
    })
    const answer = await ask(token, await proofFor(token))
    expect([answer.status, challengeOf(answer)]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
    expect(
      (await fetch(`${server.url}${PATH}`, { headers: { Authorization: `Bearer ${token}` } })).status,
    ).toBe(200)
  })

  it('the proof that is shown is not in the log, nor the token', async () => {
    const token = await bound()
    const proof = await proofFor(token)
    await ask(token, proof)
    expect(lines.join('\n')).not.toContain(token.slice(11))
    expect(lines.join('\n')).not.toContain(proof.slice(-40))
  })
})

describe('RFC 9449 section 4.3: a proof is refused', () => {
  it.each<[string, JWTPayload]>([
    ['for another method', { htm: 'POST' }],
    ['for another path', { htu: `${ACCESS_URL}/api/v2/users` }],
    ['for another host', { htu: `https://evil.example${PATH}` }],
    ['for another scheme', { htu: `http://slip.example${PATH}` }],
    ['for an address with a user in it', { htu: `https://me@slip.example${PATH}` }],
    ['without an address', { htu: undefined as never }],
    ['for another token', { ath: athOf('aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb') }],
    ['without the hash of the token', { ath: undefined as never }],
    ['made long ago', { iat: Math.floor(Date.now() / 1000) - 300 }],
    ['made in the future', { iat: Math.floor(Date.now() / 1000) + 300 }],
    ['made a little too long ago', { iat: Math.floor(Date.now() / 1000) - 150 }],
    ['made a little too far in the future', { iat: Math.floor(Date.now() / 1000) + 150 }],
    ['without a time', { iat: undefined as never }],
    ['without an id', { jti: undefined as never }],
    ['with an empty id', { jti: '' }],
    ['with an id that has no end', { jti: 'x'.repeat(2000) }],
    ['with a nonce that is none', { nonce: 1 }],
  ])('%s', async (_what, claims) => {
    const token = await bound()
    const answer = await ask(token, await proofFor(token, claims))
    expect(answer.status).toBe(401)
    expect(challengeOf(answer)).toContain('error="invalid_dpop_proof"')
    expect(answer.headers.get('dpop-nonce')).toBeTruthy()
  })

  it('of another type, with a secret key, with no key, or with a signature of another algorithm', async () => {
    const token = await bound()
    const privateJwk = await exportJWK(keys.privateKey)
    const ps = await generateKeyPair('PS256', { extractable: true })
    const symmetric = await new SignJWT({ htm: 'GET' })
      .setProtectedHeader({
        alg: 'HS256',
        typ: 'dpop+jwt',
        jwk: Object.assign({ kty: 'oct' }, { k: 'AAAA' }),
      })
      .sign(new Uint8Array(32))
    const none = `${Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url')}.e30.`
    for (const proof of [
      await proofFor(token, {}, { header: { typ: 'JWT' } }),
      await proofFor(token, {}, { header: { jwk: privateJwk } }),
      await proofFor(token, {}, { header: { jwk: undefined } }),
      await proofFor(token, {}, { header: { jwk: 'x' } }),
      await proofFor(token, {}, { header: { jwk: { ...(await exportJWK(keys.publicKey)), x: 'AA' } } }),
      await proofFor(token, {}, { header: { alg: 'PS256' }, signer: ps }),
      await proofFor(token, {}, { header: { jwk: { kty: 'RSA', n: 'x'.repeat(9000), e: 'AQAB' } } }),
      await proofFor(token, {}, { header: { jwk: { kty: 'RSA', n: 'x'.repeat(400), e: 'x'.repeat(300) } } }),
      symmetric,
      none,
      'x',
      'x'.repeat(7000),
      `${await proofFor(token)}, ${await proofFor(token)}`,
      (await proofFor(token)).slice(0, -4),
    ]) {
      const answer = await ask(token, proof)
      expect(answer.status, proof.slice(0, 80)).toBe(401)
      expect(challengeOf(answer), proof.slice(0, 80)).toContain('error="invalid_dpop_proof"')
    }
    expect((await ask(token, undefined)).status).toBe(401)
  })

  it('is good in another spelling of the address, and with a clock that is off by a minute and a half', async () => {
    const token = await bound()
    for (const claims of [
      { htu: `HTTPS://SLIP.example:443/api/v2/users/%6De?x=1#y` },
      { iat: Math.floor(Date.now() / 1000) - 90 },
      { iat: Math.floor(Date.now() / 1000) + 90 },
    ])
      expect((await ask(token, await proofFor(token, claims))).status, JSON.stringify(claims)).toBe(200)
  })

  it('is remembered for as long as anybody could take it for fresh, and by its key', async () => {
    const token = await bound()
    const jti = crypto.randomUUID()
    const iat = Math.floor(Date.now() / 1000)
    expect((await ask(token, await proofFor(token, { jti, iat }))).status).toBe(200)
    const hash = createHash('sha256')
      .update(`${await calculateJwkThumbprint(await exportJWK(keys.publicKey))} ${jti}`)
      .digest()
    const { expires_at } = await database.db
      .selectFrom('oauth2_provider_dpop_proofs')
      .select('expires_at')
      .where('hashed_proof', '=', hash)
      .executeTakeFirstOrThrow()
    // An iat is good for two minutes, on a replica whose clock is behind for longer.
    expect(expires_at.getTime()).toBeGreaterThan((iat + 120) * 1000)
    // What another key calls the same is another proof.
    const signer = await generateKeyPair('ES256', { extractable: true })
    const second = await bound(signer)
    expect((await ask(second, await proofFor(second, { jti }, { signer }))).status).toBe(200)
  })

  it.each(['EdDSA', 'RS256'])('%s is as good as ES256', async (alg) => {
    const pair = await generateKeyPair(alg, { extractable: true })
    const token = await bound(pair)
    const proof = await proofFor(token, {}, { header: { alg }, signer: pair })
    expect((await ask(token, proof)).status).toBe(200)
  })

  it('that was used, on whichever replica, also by many at once', async () => {
    const token = await bound()
    const proof = await proofFor(token)
    expect((await ask(token, proof)).status).toBe(200)
    for (const one of [server, other]) {
      const again = await ask(token, proof, one)
      expect([again.status, challengeOf(again)]).toEqual([
        401,
        expect.stringContaining('error="invalid_dpop_proof"'),
      ])
    }
    const fresh = await proofFor(token)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(token, fresh, index % 2 === 0 ? server : other)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('RFC 9449 section 8: the nonce', () => {
  it('is asked for where it is missing, made up or old, and given', async () => {
    const token = await bound()
    for (const wrong of [undefined as never, '', 'AAAA', Buffer.alloc(18).toString('base64url')]) {
      const answer = await ask(token, await proofFor(token, { nonce: wrong }))
      expect([answer.status, challengeOf(answer)]).toEqual([
        401,
        expect.stringMatching(/^DPoP .*error="use_dpop_nonce"/),
      ])
      expect(answer.headers.get('dpop-nonce')).toMatch(/^[\w-]{24}$/)
      expect(answer.headers.get('cache-control')).not.toBe('public')
    }
  })

  it('changes, is good for a while after that, and then no more', async () => {
    const token = await bound()
    const first = await nonce()
    try {
      clock.offset = 60_000
      expect(await nonce()).not.toBe(first)
      expect((await ask(token, await proofFor(token, { nonce: first }))).status).toBe(200)
      clock.offset = 120_000
      // Of a replica whose clock is ahead.
      const ahead = await nonce()
      clock.offset = 60_000
      expect((await ask(token, await proofFor(token, { nonce: ahead }))).status).toBe(200)
      clock.offset = 120_000
      const late = await ask(token, await proofFor(token, { nonce: first }))
      expect([late.status, challengeOf(late)]).toEqual([401, expect.stringContaining('use_dpop_nonce')])
    } finally {
      clock.offset = 0
    }
  })
})

it('proofs that have expired are forgotten', async () => {
  const old = await fixtures.oauth2ProviderDpopProof(database.db, { expires_at: new Date(0) })
  const fresh = await fixtures.oauth2ProviderDpopProof(database.db)
  const has = async (hash: Buffer) =>
    (await database.db
      .selectFrom('oauth2_provider_dpop_proofs')
      .select('expires_at')
      .where('hashed_proof', '=', hash)
      .executeTakeFirst()) !== undefined
  await using _third = await startTestServer({ databaseUrl: server.databaseUrl })
  await until('the old one to go', async () => !(await has(old.hashed_proof)))
  expect(await has(fresh.hashed_proof)).toBe(true)
})

function viaServer(
  url: string,
  { method, headers }: oauth.CustomFetchOptions<string, unknown>,
): Promise<Response> {
  return fetch(url.replace(ACCESS_URL, server.url), { method, headers })
}
