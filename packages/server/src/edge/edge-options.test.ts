import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startTestServer, type TestServer } from '@slipway/testkit'
import { parseConfig } from '../config/index.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({
    env: {
      CODER_ACCESS_URL: 'https://slip.example',
      CODER_SAMESITE_AUTH_COOKIE: 'none',
      CODER_TERMS_OF_SERVICE_URL: 'https://slip.example/terms',
      CODER_STRICT_TRANSPORT_SECURITY: '600',
      CODER_STRICT_TRANSPORT_SECURITY_OPTIONS: 'includesubdomains,PRELOAD',
      CODER_ADDITIONAL_CSP_POLICY: 'frame-src https://docs.example',
      CODER_DANGEROUS_ALLOW_CORS_REQUESTS: 'true',
      CODER_API_RATE_LIMIT: '0',
    },
  })
  await server.owner()
})
afterAll(() => server[Symbol.asyncDispose]())

const get = (path: string, init: RequestInit = {}) =>
  fetch(`${server.url}${path}`, { redirect: 'manual', ...init })

it('ID-46, ID-130: cookies are secure as the access URL is, and may be sent by other sites where that is wanted', async () => {
  const page = await get('/login')
  await page.text()
  const signedIn = await get('/api/v2/users/login', {
    method: 'POST',
    body: JSON.stringify({ email: 'owner@example.com', password: 'SomePassword-2026!' }),
  })
  expect(signedIn.status).toBe(201)
  for (const [answer, name] of [
    [page, 'csrf_token'],
    [signedIn, 'coder_session_token'],
  ] as const) {
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith(`${name}=`)) ?? ''
    for (const part of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=None']) expect(cookie).toContain(part)
  }
  expect(page.headers.get('vary')).toContain('Cookie')
})

it('ID-13: the sign-in page learns of the terms of service', async () => {
  expect(await (await get('/api/v2/users/authmethods')).json()).toMatchObject({
    terms_of_service_url: 'https://slip.example/terms',
  })
})

it('ID-134, ID-136: pages have the headers that the operator wants, answers of the API have none of them', async () => {
  const page = await get('/')
  expect(page.headers.get('strict-transport-security')).toBe('max-age=600; includeSubDomains; preload')
  expect(page.headers.get('content-security-policy')).toMatch(/frame-src [^;]*https:\/\/docs\.example/)
  const answer = await get('/api/v2/buildinfo')
  expect(answer.headers.get('strict-transport-security')).toBeNull()
  expect(answer.headers.get('content-security-policy')).toBeNull()
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
})

it('ID-132: pages of all origins may ask where the operator says so, and never with credentials', async () => {
  const Origin = 'https://elsewhere.example'
  const answer = await get('/api/v2/buildinfo', { headers: { Origin } })
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  const preflight = await get('/api/v2/buildinfo', {
    method: 'OPTIONS',
    headers: { Origin, 'Access-Control-Request-Method': 'GET' },
  })
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-methods')).toBe('OPTIONS, GET')
  expect(preflight.headers.get('access-control-allow-headers')).toBe(
    'Accept, Content-Type, X-LATENCY-CHECK, X-CSRF-TOKEN',
  )
  for (const one of [answer, preflight])
    expect(one.headers.get('access-control-allow-credentials')).toBeNull()
})

it('ID-71: a challenge names the deployment by its access URL, whatever host was asked for', async () => {
  const answer = await get('/api/v2/users/me')
  expect(answer.headers.get('www-authenticate')).toBe(
    'Bearer realm="coder", resource_metadata="https://slip.example/.well-known/oauth-protected-resource"',
  )
})

it('ID-123: a limit of 0 is none', async () => {
  const answer = await get('/api/v2/buildinfo')
  expect([answer.status, answer.headers.get('x-ratelimit-limit')]).toEqual([200, null])
})

describe('what keeps the server from starting', () => {
  it.each([
    ['ID-103', { CODER_PROXY_TRUSTED_ORIGINS: '10.0.0.0/8,nowhere' }],
    ['ID-136', { CODER_STRICT_TRANSPORT_SECURITY_OPTIONS: 'includeSubDomains,forever' }],
    ['ID-46', { CODER_SAMESITE_AUTH_COOKIE: 'strict' }],
  ])('%s: %j', async (_rule, env) => {
    const parsed = parseConfig([], { CODER_CONFIG_DIR: '/nowhere', ...env })
    if (parsed.kind === 'start') await expect(startTestServer({ env })).rejects.toThrow()
  })
})
