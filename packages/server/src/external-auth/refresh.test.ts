import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { getExternalAuth, listExternalAuths } from '@slipway/contract'
import {
  connectTo,
  FakeGitProvider,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'

let fake: FakeGitProvider
let server: TestServer
let other: TestServer
let member: Client
/** How far the clocks of the servers are ahead, in milliseconds. */
let ahead = 0

beforeAll(async () => {
  fake = await FakeGitProvider.start()
  const common = {
    clock: { now: () => new Date(Date.now() + ahead) },
    env: {
      ...fake.settings(0, { EXTRA_TOKEN_KEYS: 'team' }),
      ...fake.settings(1, { ID: 'never', NO_REFRESH: 'true' }),
      ...fake.settings(2, { ID: 'github', TYPE: 'github' }),
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
    },
  }
  server = await startTestServer(common)
  member = await server.user('member')
  other = await startTestServer({ ...common, databaseUrl: server.databaseUrl })
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await fake[Symbol.asyncDispose]()
})
beforeEach(() => {
  fake.lifetime = 3_600
  fake.extra = {}
})
afterEach(() => {
  ahead = 0
  fake.requests.length = 0
})

const onOther = () => new Client({ url: other.url, token: member.headers['Coder-Session-Token'] })
const get = (client = member, id = 'fake') => client.call(getExternalAuth, { params: { externalauth: id } })
const link = async (id = 'fake') =>
  (await member.call(listExternalAuths)).links.find(({ provider_id }) => provider_id === id)

/** Connects, and lets the token expire. */
async function expired(): Promise<void> {
  await connectTo(member, fake)
  ahead += 2 * 3_600_000
  fake.requests.length = 0
}

/** The stored row. */
async function row() {
  await using database = await openDatabase(server.databaseUrl)
  return database.db
    .selectFrom('external_auth_links')
    .selectAll()
    .where('provider_id', '=', 'fake')
    .executeTakeFirstOrThrow()
}

async function change(columns: Record<string, unknown>): Promise<void> {
  await using database = await openDatabase(server.databaseUrl)
  await database.db
    .updateTable('external_auth_links')
    .set(columns)
    .where('provider_id', '=', 'fake')
    .execute()
}

describe('when tokens are refreshed', () => {
  it('ID-189: an expired token is refreshed, and one that is good is not', async () => {
    await connectTo(member, fake)
    await get()
    expect(fake.refreshes).toBe(0)
    ahead = 2 * 3_600_000
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(1)
    await get()
    expect(fake.refreshes).toBe(1)
  })

  it('L-35: a token that is about to expire is refreshed before it does', async () => {
    await connectTo(member, fake)
    ahead = 56 * 60_000
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(1)
    expect(new Date((await link())?.expires ?? 0).getTime()).toBeGreaterThan(Date.now() + ahead + 3_000_000)
  })

  it('L-35: a provider that is away keeps nobody from a token that is still good', async () => {
    await connectTo(member, fake)
    ahead = 56 * 60_000
    fake.stage('/token', { status: 403 })
    expect((await get()).authenticated).toBe(true)
    // It is not asked again for a while.
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(1)
  })

  it('ID-189: with NO_REFRESH an expired token is the end', async () => {
    await connectTo(member, fake, { id: 'never' })
    expect((await get(member, 'never')).authenticated).toBe(true)
    ahead = 2 * 3_600_000
    expect((await get(member, 'never')).authenticated).toBe(false)
    expect(fake.refreshes).toBe(0)
    expect((await link('never'))?.validate_error).toBe('token expired and refreshing is disabled')
  })

  it('ID-190: an answer without a refresh token leaves the old one in use', async () => {
    await expired()
    fake.stage('/token', { status: 200, body: { access_token: fake.accessTokens.at(-1), expires_in: 60 } })
    expect((await get()).authenticated).toBe(true)
    expect((await link())?.has_refresh_token).toBe(true)
    ahead += 3_600_000
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(2)
  })

  it('ID-190: new tokens are stored before they are validated', async () => {
    await expired()
    const before = await row()
    fake.stage('/user', { status: 500 })
    await expect(get()).rejects.toMatchObject({ status: 500 })
    const after = await row()
    expect(after.generation).toBe(before.generation + 1)
    expect(after.refresh_lease).toBeNull()
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(1)
  })

  it('ID-188: a rate limit of the validation after a refresh keeps the link and its new refresh token', async () => {
    await expired()
    fake.stage('/user', { status: 429 })
    expect((await get()).authenticated).toBe(true)
    expect(await link()).toMatchObject({ authenticated: true, has_refresh_token: true })
    ahead += 2 * 3_600_000
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(2)
  })
})

it.each([
  ['github', true],
  ['fake', false],
])('ID-188: %s may know a refreshed token a moment late: %s', async (id, patient) => {
  await connectTo(member, fake, { id })
  ahead = 2 * 3_600_000
  fake.stage('/user', { status: 401 }, { status: 401 })
  expect((await get(member, id)).authenticated).toBe(patient)
  // Nothing is left for other tests.
  await get(member, id)
  await get(member, id)
})

it('ID-183: tokens whose key is gone are no connection, and connecting again replaces them', async () => {
  await connectTo(member, fake)
  await change({ tokens: Buffer.from('sealed with another key') })
  expect(await link()).toMatchObject({
    authenticated: false,
    validate_error: expect.stringContaining('cannot be read'),
  })
  await connectTo(member, fake)
  expect((await get()).authenticated).toBe(true)
})

describe('refreshes that fail', () => {
  it.each([
    { status: 400, body: { error: 'invalid_grant' } },
    { status: 401, body: { error: 'unauthorized' } },
    { status: 200, body: { error: 'bad_refresh_token' } },
    { status: 503, body: { error: 'unauthorized_client' } },
  ])('ID-189: %j is for good: the refresh token is erased and not tried again', async (answer) => {
    await expired()
    fake.stage('/token', answer)
    expect((await get()).authenticated).toBe(false)
    expect(await link()).toMatchObject({ authenticated: false, has_refresh_token: false })
    expect((await link())?.validate_error).toMatch(/could not be refreshed: ./)
    await get()
    expect(fake.refreshes).toBe(1)
    expect(await connectTo(member, fake)).toBe('/external-auth/fake?redirected=true')
    expect((await get()).authenticated).toBe(true)
  })

  it('ID-189: a long reason is cut', async () => {
    await expired()
    fake.stage('/token', {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'x'.repeat(2_000) },
    })
    await get()
    expect((await row()).refresh_failure.length).toBe(400)
  })

  it.each([{ status: 500 }, { status: 429 }, { status: 503, body: { error: 'temporarily_unavailable' } }])(
    'ID-189: %j passes: it is tried again at once',
    async (answer) => {
      await expired()
      fake.stage('/token', answer, answer)
      expect((await get()).authenticated).toBe(true)
      expect(fake.refreshes).toBe(3)
    },
  )

  it('ID-189: 403 is an error that may pass', async () => {
    await expired()
    fake.stage('/token', { status: 403 })
    await expect(get()).rejects.toMatchObject({ status: 500 })
    expect((await row()).refresh_lease).toBeNull()
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(2)
  })
})

describe('refreshes at the same time', () => {
  it('ID-191: 20 readers on two replicas cause one refresh', async () => {
    await expired()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => get(i % 2 === 0 ? member : onOther())),
    )
    expect(answers.map(({ authenticated }) => authenticated)).toEqual(answers.map(() => true))
    expect(fake.refreshes).toBe(1)
  })

  it('ID-191: a refresh goes on when who asked for it has gone (L-35)', async () => {
    await expired()
    fake.stage('/token', { status: 500 })
    const before = await row()
    const gone = new AbortController()
    const asked = member.call(getExternalAuth, { params: { externalauth: 'fake' }, signal: gone.signal })
    await until('the first try', () => fake.refreshes === 1)
    gone.abort()
    await expect(asked).rejects.toThrow()
    await until('the new token', async () => (await row()).generation === before.generation + 1)
  })

  it('ID-191: who waits for another replica takes what that one stores', async () => {
    await expired()
    const { generation } = await row()
    await change({
      refresh_lease: '11111111-1111-4111-8111-111111111111',
      refresh_lease_until: new Date(Date.now() + 60_000),
    })
    const waiting = get()
    // Another replica has refused tokens to store, for want of a token that could be sealed here.
    await change({
      refresh_lease: null,
      refresh_lease_until: null,
      generation: generation + 1,
      refresh_failure: 'invalid_grant',
      has_refresh_token: false,
    })
    expect((await waiting).authenticated).toBe(false)
    expect(fake.refreshes).toBe(0)
  })

  it('ID-191: the lease of a replica that is gone is taken over', async () => {
    await expired()
    await change({
      refresh_lease: '11111111-1111-4111-8111-111111111111',
      refresh_lease_until: new Date(Date.now() - 1_000),
    })
    expect((await get()).authenticated).toBe(true)
    expect(fake.refreshes).toBe(1)
  })

  it('ID-191: who connects again while a refresh runs keeps the tokens of the connection', async () => {
    await expired()
    fake.stage('/token', { status: 500 }, { status: 500 })
    const refreshing = get()
    await until('the second try', () => fake.refreshes === 2)
    await connectTo(member, fake)
    const connected = await row()
    expect((await refreshing).authenticated).toBe(true)
    expect((await row()).tokens.equals(connected.tokens)).toBe(true)
  })
})

it('ID-191: two people refresh their tokens apart', async () => {
  await expired()
  ahead = 0
  const second = await server.user('second')
  await connectTo(second, fake)
  ahead = 2 * 3_600_000
  expect((await Promise.all([get(), get(second)])).every(({ authenticated }) => authenticated)).toBe(true)
  expect(fake.refreshes).toBe(2)
})
