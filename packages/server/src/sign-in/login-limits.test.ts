import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startTestServer, type TestServer, until } from '@slipway/testkit'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

/** Asks until it is refused for its number; how often it was not. */
async function passedBeforeLimit(method: string, path: string): Promise<number> {
  await until('a window with room', () => Date.now() % 60_000 < 50_000)
  for (let passed = 0; passed < 100; passed += 1) {
    const answer = await fetch(`${server.url}/api/v2/${path}`, {
      method,
      // Nothing that is worth a look at a password.
      ...(method === 'GET' ? { redirect: 'manual' } : { body: '{}' }),
    })
    const { message } = (await answer.json().catch(() => ({}))) as { message?: string }
    if (answer.status !== 429) continue
    expect(message).toMatch(/^You've been rate limited for sending more than \d+ requests in 1m0s\.$/)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    return passed
  }
  return Number.POSITIVE_INFINITY
}

describe('ID-37, ID-123: in a minute', () => {
  it.each([
    ['POST', 'users/login'],
    ['POST', 'users/validate-password'],
    ['POST', 'users/otp/request'],
    ['POST', 'users/otp/change-password'],
    ['PUT', 'users/me/password'],
    ['POST', 'users/me/convert-login'],
    ['GET', 'users/oauth2/github/device'],
    ['GET', 'users/oauth2/github/callback'],
    ['GET', 'users/oidc/callback'],
  ])('%s /api/v2/%s is answered 60 times, whatever comes of it', async (method, path) => {
    expect(await passedBeforeLimit(method, path)).toBe(60)
  })

  it('a file is taken 12 times', async () => {
    expect(await passedBeforeLimit('POST', 'files')).toBe(12)
  })
})
