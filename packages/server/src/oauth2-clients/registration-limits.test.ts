import { describe, expect, it } from 'vitest'

import { fixtures, openDatabase, startTestServer, type TestServerOptions, until } from '@slipway/testkit'

async function open(options: TestServerOptions = {}) {
  await using steps = new AsyncDisposableStack()
  const server = steps.use(await startTestServer(options))
  const { db } = steps.use(await openDatabase(server.databaseUrl))
  await fixtures.oauth2ProviderSettings(db, { dynamic_client_registration_enabled: true })
  const owned = steps.move()
  return {
    server,
    db,
    register: (body: object = {}, headers: Readonly<Record<string, string>> = {}, to = server.url) =>
      fetch(`${to}/oauth2/register`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ redirect_uris: ['https://e.com/cb'], ...body }),
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const statusesOf = (answers: readonly Response[]): number[] => answers.map(({ status }) => status).sort()

describe('OA-B7: floods of registrations', () => {
  it('twenty an hour from one address, then 429 that says when to come back', async () => {
    const clock = { at: Date.parse('2026-03-01T10:00:00Z'), now: () => new Date(clock.at) }
    await using opened = await open({ clock })
    const answers = await Promise.all(Array.from({ length: 25 }, () => opened.register()))
    expect(statusesOf(answers)).toEqual([...Array<number>(20).fill(201), ...Array<number>(5).fill(429)])
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.headers.get('retry-after')).toBe('3600')
    expect(await refused?.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: 'Too many clients have registered from this address',
    })
    // What is refused for its metadata does not count.
    clock.at += 2 * 3_600_000
    for (let count = 0; count < 25; count += 1)
      expect((await opened.register({ redirect_uris: [] })).status).toBe(400)
    expect((await opened.register()).status).toBe(201)
  })

  it('the deployment as a whole, counted by all replicas', async () => {
    const env = {
      CODER_OAUTH2_REGISTRATION_RATE_LIMIT: '5',
      CODER_OAUTH2_REGISTRATION_RATE_LIMIT_PER_ADDRESS: '0',
    }
    await using opened = await open({ env })
    await using replica = await startTestServer({ env, databaseUrl: opened.server.databaseUrl })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        opened.register({}, {}, at % 2 ? replica.url : opened.server.url),
      ),
    )
    expect(statusesOf(answers)).toEqual([...Array<number>(5).fill(201), ...Array<number>(7).fill(429)])
  })

  it('no more clients than the cap wait to be authorised, whatever the rate', async () => {
    await using opened = await open({
      env: {
        CODER_OAUTH2_REGISTRATION_RATE_LIMIT: '0',
        CODER_OAUTH2_REGISTRATION_RATE_LIMIT_PER_ADDRESS: '0',
        CODER_OAUTH2_MAX_UNUSED_CLIENTS: '4',
      },
    })
    const answers = await Promise.all(Array.from({ length: 12 }, () => opened.register()))
    expect(statusesOf(answers)).toEqual([...Array<number>(4).fill(201), ...Array<number>(8).fill(429)])
    expect(answers.find(({ status }) => status === 429)?.headers.has('retry-after')).toBe(true)
    const { client_id } = Object(await answers.find(({ status }) => status === 201)?.json())
    await opened.db
      .updateTable('oauth2_provider_apps')
      .set({ first_authorized_at: new Date() })
      .where('id', '=', String(client_id))
      .execute()
    expect((await opened.register()).status).toBe(201)
    expect((await opened.register()).status).toBe(429)
  })

  it('requests for one client from one address, by the minute', async () => {
    await using opened = await open()
    const answers = await Promise.all(
      Array.from({ length: 70 }, () =>
        fetch(`${opened.server.url}/oauth2/clients/0b0e0c0a-0000-4000-8000-000000000000`),
      ),
    )
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(10)
    expect(await refused[0]?.json()).toMatchObject({ error: 'temporarily_unavailable' })
    expect(refused[0]?.headers.has('retry-after')).toBe(true)
  })

  it('rate limits that are switched off are off', async () => {
    await using opened = await open({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
    const answers = await Promise.all(Array.from({ length: 30 }, () => opened.register()))
    expect(statusesOf(answers)).toEqual(Array(30).fill(201))
  })

  it('L-39: clients that nobody has authorised within thirty days are removed, and no others', async () => {
    const day = 24 * 3_600_000
    await using opened = await open()
    const { db, server } = opened
    const old = new Date(Date.now() - 31 * day)
    const recent = new Date(Date.now() - 29 * day)
    const app = (name: string, created_at: Date, more: object) =>
      fixtures.oauth2ProviderApp(db, { name, created_at, ...more })
    await app('old', old, { dynamically_registered: true })
    await app('old document', old, { metadata_url: 'https://e.com/c.json' })
    await app('recent', recent, { dynamically_registered: true })
    await app('used', old, { dynamically_registered: true, first_authorized_at: old })
    await app('of an administrator', old, {})
    await server.stop()
    await server.start()
    const names = async () =>
      (await db.selectFrom('oauth2_provider_apps').select('name').execute()).map(({ name }) => name)
    await until('the old ones are gone', async () => !(await names()).some((name) => name.startsWith('old')))
    expect((await names()).sort()).toEqual(['of an administrator', 'recent', 'used'])
  })
})

describe('OA-B19: who may register, and where to', () => {
  it('only with a token of the deployment, where it asks for one', async () => {
    await using opened = await open({ env: { CODER_OAUTH2_REGISTRATION_TOKENS: 'first-token,second-token' } })
    for (const [authorization, status] of [
      ['', 401],
      ['Bearer ', 401],
      ['Bearer third-token', 401],
      ['Basic second-token', 401],
      ['Bearer first-token,second-token', 401],
      ['Bearer second-token', 201],
      ['bearer first-token', 201],
    ] as const) {
      const answer = await opened.register({}, authorization === '' ? {} : { authorization })
      expect([authorization, answer.status]).toEqual([authorization, status])
      if (status === 401) expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
    }
  })

  it('only to hosts that are allowed', async () => {
    await using opened = await open({
      env: { CODER_OAUTH2_REDIRECT_ALLOWED_HOSTS: 'app.example,*.corp.example' },
    })
    for (const [uri, status] of [
      ['https://app.example/cb', 201],
      ['https://a.b.corp.example/cb', 201],
      ['https://corp.example/cb', 400],
      ['https://evilcorp.example/cb', 400],
      ['https://app.example.evil.example/cb', 400],
      ['http://localhost/cb', 201],
      ['vscode://ext', 201],
    ] as const)
      expect([uri, (await opened.register({ redirect_uris: [uri] })).status]).toEqual([uri, status])
  })
})
