import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Outbound } from '../outbound/index.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import { exchangeCode, exchangeDeviceCode, refreshTokens, type TokenClient } from './token-endpoint.ts'

const outbound = new Outbound(new Registry(), Date.now)
const now = new Date('2026-01-01T00:00:00Z')
let server: Server
let staged: { status: number; headers?: Record<string, string>; body: string }
let asked: { form: Record<string, string>; authorization: string | undefined }
let tokenUrl: string

beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      asked = {
        form: Object.fromEntries(new URLSearchParams(body)),
        authorization: request.headers.authorization,
      }
      response
        .writeHead(staged.status, { 'Content-Type': 'application/json', ...staged.headers })
        .end(staged.body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const clientWith = (authentication: ClientAuthentication): TokenClient => ({
  name: 'x',
  clientId: 'client:1',
  tokenUrl,
  authentication,
  tokenParameters: { resource: 'r' },
})
const client = (): TokenClient => clientWith({ method: 'client_secret_post', secret: 's' })
const refresh = () => refreshTokens(outbound, client(), 'old', now)

describe('RFC 6749: what is sent', () => {
  it('a code with its verifier and the redirect URI, and the secret in the form', async () => {
    staged = { status: 200, body: '{"access_token":"a"}' }
    await exchangeCode(outbound, client(), { code: 'c', redirectUri: 'https://x', codeVerifier: 'v' }, now)
    expect(asked.form).toEqual({
      ...{ grant_type: 'authorization_code', code: 'c', redirect_uri: 'https://x', code_verifier: 'v' },
      ...{ client_id: 'client:1', client_secret: 's', resource: 'r' },
    })
  })

  it('the secret in a header, encoded as section 2.3.1 says', async () => {
    await refreshTokens(outbound, clientWith({ method: 'client_secret_basic', secret: 'a b&ü' }), 'old', now)
    expect(asked.form).toEqual({ grant_type: 'refresh_token', refresh_token: 'old', resource: 'r' })
    expect(Buffer.from(asked.authorization?.slice(6) ?? '', 'base64').toString()).toBe(
      'client%3A1:a+b%26%C3%BC',
    )
  })

  it('a device code, for a client without a secret', async () => {
    await exchangeDeviceCode(outbound, clientWith({ method: 'none' }), 'd', now)
    expect(asked.form).toMatchObject({ client_id: 'client:1', device_code: 'd' })
    expect(asked.form).not.toHaveProperty('client_secret')
  })
})

describe('what comes back', () => {
  it('tokens with their end', async () => {
    staged = {
      status: 200,
      body: '{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r","id_token":"i","extra":1}',
    }
    expect(await refresh()).toEqual({
      ...{ accessToken: 'a', tokenType: 'Bearer', refreshToken: 'r', idToken: 'i' },
      expiresAt: new Date('2026-01-01T00:01:00Z'),
      raw: expect.objectContaining({ extra: 1 }),
    })
  })

  it('tokens that never end, and ends that are texts or nonsense', async () => {
    for (const [given, expected] of [
      ['null', undefined],
      ['0', undefined],
      ['-5', undefined],
      ['"3600"', new Date('2026-01-01T01:00:00Z')],
      ['"soon"', undefined],
      ['1e300', undefined],
    ]) {
      staged = { status: 200, body: `{"access_token":"a","expires_in":${given}}` }
      expect((await refresh()).expiresAt, String(given)).toEqual(expected)
    }
  })

  it('a form, as older servers send it', async () => {
    staged = {
      status: 200,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'access_token=a&scope=repo&token_type=bearer',
    }
    expect(await refresh()).toMatchObject({ accessToken: 'a', tokenType: 'bearer' })
  })

  it.each([
    [
      { status: 400, body: '{"error":"invalid_grant","error_description":"gone"}' },
      true,
      'invalid_grant: gone',
    ],
    [{ status: 200, body: '{"error":"bad_refresh_token"}' }, true, 'bad_refresh_token'],
    [{ status: 401, body: 'no' }, true, 'the token endpoint answered 401'],
    [{ status: 503, body: '{"error":"server_error"}' }, false, 'server_error'],
    [{ status: 429, body: '' }, false, 'the token endpoint answered 429'],
    [{ status: 403, headers: { 'Retry-After': '5' }, body: '' }, false, 'the token endpoint answered 403'],
    [
      { status: 302, headers: { Location: 'https://evil.example' }, body: '' },
      false,
      'the token endpoint answered 302',
    ],
    [{ status: 200, body: '<html>' }, false, 'the token endpoint gave no access token'],
    [{ status: 200, body: '[]' }, false, 'the token endpoint gave no access token'],
  ])('%j is a refusal: %j', async (answer, refused, message) => {
    staged = answer
    await expect(refresh()).rejects.toMatchObject({ refused, message, status: answer.status })
  })

  it('nothing, when nobody is there', async () => {
    const nowhere = { ...client(), tokenUrl: 'http://127.0.0.1:1/token' }
    await expect(refreshTokens(outbound, nowhere, 'old', now)).rejects.toMatchObject({
      status: 0,
      refused: false,
    })
  })
})
