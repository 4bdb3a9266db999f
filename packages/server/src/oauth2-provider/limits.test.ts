import { expect, it } from 'vitest'

import { OAuthDeployment, pkce } from './deployment.fixture.ts'

const LIMIT = 300

it('OA-B7: a client that guesses from one address is stopped, and other clients are not', async () => {
  await using deployment = await OAuthDeployment.start({
    env: {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'false',
      CODER_PROXY_TRUSTED_HEADERS: 'X-Forwarded-For',
      CODER_PROXY_TRUSTED_ORIGINS: '127.0.0.0/8,::1/128',
    },
  })
  const app = await deployment.app()
  const other = await deployment.app()
  for (const path of ['/oauth2/tokens', '/oauth2/revoke']) {
    let asked = 0
    const guess = (of: typeof app) => {
      const form = {
        grant_type: 'refresh_token',
        refresh_token: 'coder_aaaaaaaaaa_guess',
        token: 'coder_aaaaaaaaaa_guess',
      }
      asked += 1
      // The addresses of one network are one.
      return deployment.form(path, of, form, { 'x-forwarded-for': `2a01:4f8:0:1::${asked.toString(16)}` })
    }
    const statuses = new Set<number>()
    for (let made = 0; made < LIMIT; made += 1) statuses.add((await guess(app)).status)
    expect(statuses).not.toContain(429)
    const refused = await guess(app)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect((await guess(other)).status).not.toBe(429)
  }
})

it('OA-B7, OA-B15: who says to be a public client does not fill up what may wait for it', async () => {
  await using deployment = await OAuthDeployment.start({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'false' },
  })
  const app = await deployment.publicClient()
  const push = () =>
    deployment.form('/oauth2/par', app, { response_type: 'code', code_challenge: pkce().challenge })
  for (let made = 0; made < 60; made += 1) expect((await push()).status).toBe(201)
  expect((await push()).status).toBe(429)
  // Nobody has to prove to be such a client: it tries no more tokens than others.
  const introspect = async (of: typeof app) =>
    (await deployment.form('/oauth2/introspect', of, { token: `${'a'.repeat(10)}-${'b'.repeat(22)}` })).status
  const statuses = new Set<number>()
  for (let made = 0; made < LIMIT; made += 1) statuses.add(await introspect(app))
  expect([...statuses]).toEqual([200])
  expect(await introspect(app)).toBe(429)
  expect(await introspect(await deployment.app())).toBe(200)
})
