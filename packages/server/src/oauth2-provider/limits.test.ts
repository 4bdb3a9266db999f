import { expect, it } from 'vitest'

import { OAuthDeployment } from './deployment.fixture.ts'

const LIMIT = 300

it('OA-B7: a client that guesses from one address is stopped, and other clients are not', async () => {
  await using deployment = await OAuthDeployment.start({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'false' },
  })
  const app = await deployment.app()
  const other = await deployment.app()
  for (const path of ['/oauth2/tokens', '/oauth2/revoke']) {
    const guess = (of: typeof app) =>
      deployment.form(path, of, {
        grant_type: 'refresh_token',
        refresh_token: 'coder_aaaaaaaaaa_guess',
        token: 'coder_aaaaaaaaaa_guess',
      })
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
