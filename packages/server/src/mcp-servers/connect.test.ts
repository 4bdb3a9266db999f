import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import {
  createToken,
  deleteMcpServerConfig,
  disconnectMcpServer,
  getMcpServerConfig,
  getUser,
  listMcpServerConfigs,
  type MCPServerConfig,
  removeMember,
  testMcpServerConfig,
  updateMcpServerConfig,
} from '@slipway/contract'
import { FakeAuthorizationServer, openDatabase, startTestServer, until } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { World } from './world.fixture.ts'

let world: World
let database: Database
let now = Date.now()
const clock = { now: () => new Date(now) }

beforeAll(async () => {
  world = await World.start({ clock })
  database = await openDatabase(world.server.databaseUrl)
  world.protect({ scopes_supported: ['read', 'write'] })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})
beforeEach(() => {
  now = Date.now()
  world.provider.iss = undefined
  world.provider.metadata = {}
  world.provider.lifetime = 3600
  world.provider.registeredMethod = 'none'
})

const oauth = (more: object = {}) => world.create({ auth_type: 'oauth2', ...more })
const read = (client: Client, config: MCPServerConfig) =>
  client.call(getMcpServerConfig, { params: world.params(config) })
const test = (client: Client, config: MCPServerConfig, body = {}) =>
  client.call(testMcpServerConfig, { params: world.params(config), body })
const disconnect = (client: Client, id: string) =>
  client.call(disconnectMcpServer, { params: { mcpServer: id } })
const storedTokens = async (config: MCPServerConfig) =>
  database.db.selectFrom('mcp_server_user_tokens').selectAll().where('config_id', '=', config.id).execute()

it('OA-106: tokens go nowhere but where they were given for', async () => {
  const config = await oauth()
  await world.connect(world.owner, config)
  expect(await test(world.owner, config)).toMatchObject({ ok: true })
  // As for somebody who still works with a config of before a change.
  await database.db
    .updateTable('mcp_server_user_tokens')
    .set({ destination: 'elsewhere' })
    .where('config_id', '=', config.id)
    .execute()
  expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
  expect(await test(world.owner, config)).toMatchObject({ ok: false, error: { code: 'not_connected' } })
})

describe('OA-109, OA-110: connecting', () => {
  it('goes to the authorization server and comes back with a token that calls tools', async () => {
    const config = await oauth()
    const member = await world.server.user('walker')
    expect(await read(member, config)).toMatchObject({ auth_connected: false })
    expect(await test(member, config)).toMatchObject({ ok: false, error: { code: 'not_connected' } })
    await world.connect(member, config)
    expect(await read(member, config)).toMatchObject({ auth_connected: true })
    const called = await test(member, config, { tool: 'echo', arguments: { text: 'hello' } })
    expect(called).toMatchObject({ ok: true, result: { content: [{ text: '{"text":"hello"}' }] } })
    // It is one user's own.
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
  })

  it('sends state, PKCE, scopes and the resource, with cookies for the callback alone', async () => {
    const config = await oauth()
    const browser = world.browser(world.owner)
    const response = await browser.begin(config)
    expect(response.status).toBe(307)
    const target = new URL(response.headers.get('location') ?? '')
    const path = `/api/experimental/mcp/servers/${config.id}/oauth2/callback`
    expect(`${target.origin}${target.pathname}`).toBe(`${world.provider.issuer}/authorize`)
    expect(Object.fromEntries(target.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'read write',
      resource: world.outside.url,
      redirect_uri: `${world.server.url}${path}`,
      state: browser.cookies.get(`mcp_oauth2_state_${config.id}`),
    })
    expect(target.searchParams.get('code_challenge')).toMatch(/^[\w-]{43}$/)
    for (const cookie of response.headers.getSetCookie()) {
      expect(cookie).toMatch(/^mcp_oauth2_(state|verifier)_/)
      for (const part of [`Path=${path}`, 'Max-Age=600', 'HttpOnly', 'SameSite=Lax'])
        expect(cookie).toContain(part)
    }
    await browser.get(await world.provider.allow(target.href))
    const [token] = world.provider.asked('/token').slice(-1)
    expect(Object.fromEntries(new URLSearchParams(token?.body))).toMatchObject({
      grant_type: 'authorization_code',
      resource: world.outside.url,
      redirect_uri: `${world.server.url}${path}`,
    })
  })

  it('answers with a page that tells its opener and closes, and clears the cookies', async () => {
    const config = await oauth()
    const browser = world.browser(world.owner)
    const response = await browser.get(await browser.start(config))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    const page = await response.text()
    expect(page).toContain(
      `postMessage({"type":"mcp-oauth2-complete","serverID":"${config.id}"}, "${world.server.url}")`,
    )
    expect(page).toContain(`<script nonce="${/'nonce-([^']+)'/.exec(policy)?.[1]}">`)
    expect([...browser.cookies.keys()]).toEqual([])
  })

  it('is refused for what nobody connects to, and for a key that may not store a token', async () => {
    const begin = async (config: MCPServerConfig, client = world.owner) =>
      (await world.browser(client).begin(config)).status
    expect(await begin(await oauth({ enabled: false }))).toBe(400)
    expect(await begin(await world.create())).toBe(400)
    const config = await oauth()
    const { key } = await world.owner.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:read'] },
    })
    const narrow = new Client({ url: world.server.url, token: key })
    expect(await begin(config, narrow)).toBe(404)
    const browser = world.browser(world.owner)
    const back = await browser.start(config)
    const asked = world.provider.asked('/token').length
    const narrowBrowser = world.browser(narrow)
    for (const [name, value] of browser.cookies) narrowBrowser.cookies.set(name, value)
    expect((await narrowBrowser.get(back)).status).toBe(403)
    // The code is still there for who may use it.
    expect(world.provider.asked('/token')).toHaveLength(asked)
    expect((await browser.get(back)).status).toBe(200)
  })

  it('refuses answers without a code, with an error, or for another browser', async () => {
    const config = await oauth()
    const callback = `/api/experimental/mcp/servers/${config.id}/oauth2/callback`
    const browser = world.browser(world.owner)
    await browser.begin(config)
    const state = browser.cookies.get(`mcp_oauth2_state_${config.id}`) ?? ''
    const refused = await browser.get(`${callback}?error=access_denied&error_description=You+said+%3Cno%3E`)
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('You said &#60;no&#62;')
    expect((await browser.get(`${callback}?state=${state}`)).status).toBe(400)
    expect((await browser.get(`${callback}?code=x`)).status).toBe(400)
    expect((await browser.get(`${callback}?code=x&state=${state}x`)).status).toBe(400)
    expect((await world.browser(world.owner).get(`${callback}?code=x&state=${state}`)).status).toBe(400)
    expect(await storedTokens(config)).toEqual([])
  })

  it('answers 502 without a word of the authorization server when that gives no token', async () => {
    const config = await oauth()
    const browser = world.browser(world.owner)
    const back = await browser.start(config)
    world.provider.stage('/token', {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'hush' },
    })
    const response = await browser.get(back)
    expect(response.status).toBe(502)
    expect(await response.text()).not.toMatch(/hush|invalid_grant/)
  })

  it('row 52: answers 409 and stores nothing when the config has changed meanwhile', async () => {
    const config = await oauth()
    const browser = world.browser(world.owner)
    const back = await browser.start(config)
    await world.owner.call(updateMcpServerConfig, {
      params: world.params(config),
      body: { oauth2_token_url: `${world.provider.issuer}/token?other` },
    })
    const asked = world.provider.asked('/token').length
    expect((await browser.get(back)).status).toBe(409)
    expect(world.provider.asked('/token')).toHaveLength(asked)
    expect(await storedTokens(config)).toEqual([])
  })

  it('OA-110: uses no code up for a server that was switched off meanwhile', async () => {
    const config = await oauth()
    const browser = world.browser(world.owner)
    const back = await browser.start(config)
    await world.owner.call(updateMcpServerConfig, { params: world.params(config), body: { enabled: false } })
    const asked = world.provider.asked('/token').length
    expect((await browser.get(back)).status).toBe(409)
    expect(world.provider.asked('/token')).toHaveLength(asked)
  })

  it('OA-B24: takes only answers of the issuer, by simple comparison and before the code is used', async () => {
    world.provider.metadata = { authorization_response_iss_parameter_supported: true }
    world.provider.iss = world.provider.issuer
    const config = await oauth()
    await world.connect(world.owner, config)
    const asked = world.provider.asked('/token').length
    for (const iss of [undefined, 'https://evil.example', `${world.provider.issuer}/`]) {
      world.provider.iss = iss
      const browser = world.browser(world.owner)
      expect((await browser.get(await browser.start(config))).status).toBe(400)
    }
    // Nothing of what another server says is shown.
    const browser = world.browser(world.owner)
    await browser.begin(config)
    const callback = `/api/experimental/mcp/servers/${config.id}/oauth2/callback`
    const page = await browser.get(`${callback}?error=x&error_description=hush&iss=https://evil.example`)
    expect([page.status, await page.text()]).toEqual([400, expect.not.stringContaining('hush')])
    expect(world.provider.asked('/token')).toHaveLength(asked)
    // Who does not say that they name themselves must be right when they do.
    world.provider.metadata = {}
    world.provider.iss = undefined
    const silent = await oauth()
    await world.connect(world.owner, silent)
    world.provider.iss = 'https://evil.example'
    const late = world.browser(world.owner)
    expect((await late.get(await late.start(silent))).status).toBe(400)
  })

  it('OA-B24: does not use a client with another authorization server than it is registered with', async () => {
    const config = await oauth()
    const { documents } = world.outside
    const place = '/.well-known/oauth-protected-resource/mcp'
    const before = documents.get(place)
    await using other = await FakeAuthorizationServer.start()
    world.outside.protectedBy(other.issuer)
    const begun = await world.browser(world.owner).begin(config)
    expect(begun.status).toBe(409)
    // An administrator has it discovered again, with a client of its own.
    const changed = await world.owner.call(updateMcpServerConfig, {
      params: world.params(config),
      body: { oauth2_client_id: '', oauth2_auth_url: '', oauth2_token_url: '' },
    })
    expect(changed).toMatchObject({ oauth2_issuer: other.issuer, oauth2_token_url: `${other.issuer}/token` })
    expect(changed.oauth2_client_id).not.toBe(config.oauth2_client_id)
    expect(other.asked('/register')).toHaveLength(1)
    if (before !== undefined) documents.set(place, before)
  })
})

describe('OA-112: whether a user is connected', () => {
  it('is so for all that need no connection', async () => {
    expect(await read(world.owner, await world.create())).toMatchObject({ auth_connected: true })
  })

  it('refreshes a token that is about to end, once for all who ask', async () => {
    world.provider.lifetime = 60
    const config = await oauth()
    await world.connect(world.owner, config)
    const before = world.provider.refreshes.length
    now += 49_000
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: true })
    expect(world.provider.refreshes).toHaveLength(before)
    now += 2_000
    const lists = await Promise.all(
      Array.from({ length: 5 }, () =>
        world.owner.call(listMcpServerConfigs, { params: { organization: world.organization } }),
      ),
    )
    for (const list of lists)
      expect(list.find(({ id }) => id === config.id)).toMatchObject({ auth_connected: true })
    expect(world.provider.refreshes).toHaveLength(before + 1)
    expect(world.provider.refreshes.at(-1)?.get('resource')).toBe(world.outside.url)
    expect(await test(world.owner, config)).toMatchObject({ ok: true })
  })

  it('refreshes once across replicas', async () => {
    world.provider.lifetime = 60
    const config = await oauth()
    await world.connect(world.owner, config)
    await using replica = await startTestServer({
      clock,
      databaseUrl: world.server.databaseUrl,
      env: { CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32' },
    })
    const there = new Client({ url: replica.url, token: world.owner.headers['Coder-Session-Token'] })
    const before = world.provider.refreshes.length
    now += 55_000
    const answers = await Promise.all(
      [world.owner, there, world.owner, there].map((client) => read(client, config)),
    )
    expect(answers.map((answer) => answer.auth_connected)).toEqual([true, true, true, true])
    expect(world.provider.refreshes).toHaveLength(before + 1)
  })

  it('row 51: is not once a refresh is refused for good, and the server is not asked again', async () => {
    world.provider.lifetime = 60
    const config = await oauth()
    await world.connect(world.owner, config)
    now += 120_000
    const before = world.provider.refreshes.length
    world.provider.stage('/token', { status: 400, body: { error: 'invalid_grant' } })
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
    expect(world.provider.refreshes).toHaveLength(before + 1)
    expect(await storedTokens(config)).toMatchObject([{ tokens: null, refresh_failure: 'invalid_grant' }])
    await world.connect(world.owner, config)
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: true })
  })

  it('keeps of the reason of a refusal as much as fits, and tries no more', async () => {
    world.provider.lifetime = 60
    const config = await oauth()
    await world.connect(world.owner, config)
    now += 120_000
    const body = { error: 'bad_refresh_token', error_description: 'no '.repeat(2_000) }
    world.provider.stage('/token', { status: 400, body })
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
    const [row] = await storedTokens(config)
    expect(row?.tokens).toBeNull()
    expect(row?.refresh_failure.length).toBeGreaterThan(0)
    expect(row?.refresh_failure.length).toBeLessThanOrEqual(400)
  })

  it('keeps the token through an outage', async () => {
    world.provider.lifetime = 60
    const config = await oauth()
    await world.connect(world.owner, config)
    now += 120_000
    world.provider.stage('/token', { status: 503, body: {} })
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: true })
  })

  it('refreshes a token that the server does not take any more, and tries once', async () => {
    const config = await oauth()
    await world.connect(world.owner, config)
    world.provider.accessTokens.clear()
    const before = world.provider.refreshes.length
    expect(await test(world.owner, config)).toMatchObject({ ok: true })
    expect(world.provider.refreshes).toHaveLength(before + 1)
    const refuse = world.outside.refuse
    world.outside.refuse = () => ({ status: 401 })
    expect(await test(world.owner, config)).toMatchObject({ ok: false, error: { code: 'unauthorized' } })
    expect(world.provider.refreshes).toHaveLength(before + 2)
    world.outside.refuse = refuse
  })

  it('a refresh never brings back what was disconnected', async () => {
    world.provider.lifetime = 60
    const config = await oauth()
    await world.connect(world.owner, config)
    now += 120_000
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    world.provider.hold = held
    const reading = read(world.owner, config)
    await until('the refresh is under way', async () => world.provider.held > 0)
    await disconnect(world.owner, config.id)
    release()
    world.provider.hold = undefined
    expect(await reading).toMatchObject({ auth_connected: false })
    expect(await storedTokens(config)).toEqual([])
    // What came of it is taken back as well.
    expect(world.provider.accessTokens.size).toBe(0)
  })
})

describe('OA-B24: stepping up', () => {
  it('asks for the union of scopes next time, and gives up when that does not help', async () => {
    const config = await oauth()
    await world.connect(world.owner, config)
    const wanting = (scope: string) => (_headers: unknown, tool: string | undefined) =>
      tool === undefined
        ? undefined
        : {
            status: 403,
            headers: { 'WWW-Authenticate': `Bearer error="insufficient_scope", scope="${scope}"` },
          }
    const refuse = world.outside.refuse
    world.outside.refuse = wanting('admin')
    for (const attempt of [1, 2, 3]) {
      expect(await test(world.owner, config, { tool: 'echo' })).toMatchObject({
        ok: false,
        error: { code: 'insufficient_scope' },
      })
      expect(await read(world.owner, config)).toMatchObject({ auth_connected: attempt === 3 })
      const begun = await world.browser(world.owner).begin(config)
      const { searchParams } = new URL(begun.headers.get('location') ?? '')
      expect(searchParams.get('scope')).toBe('read write admin')
      await world.connect(world.owner, config)
    }
    world.outside.refuse = refuse
    expect(await test(world.owner, config, { tool: 'echo' })).toMatchObject({ ok: true })
  })
})

describe('OA-111: disconnecting', () => {
  it('removes the token and takes it back, refresh token first', async () => {
    world.provider.registeredMethod = 'client_secret_post'
    const config = await oauth()
    await world.connect(world.owner, config)
    expect(await disconnect(world.owner, config.id)).toEqual({ token_revoked: true })
    const [revocation] = world.provider.asked('/revoke').slice(-1)
    expect(new URLSearchParams(revocation?.body).get('token')).toMatch(/^refresh-/)
    expect(revocation?.headers.authorization).toMatch(/^Basic /)
    expect(revocation?.body).not.toContain('client_secret')
    expect(await read(world.owner, config)).toMatchObject({ auth_connected: false })
    expect(await disconnect(world.owner, config.id)).toEqual({ token_revoked: false })
    expect(await disconnect(world.owner, randomUUID())).toEqual({ token_revoked: false })
  })

  it('tries the access token only where refresh tokens cannot be taken back', async () => {
    const config = await oauth()
    const kinds = () =>
      world.provider.asked('/revoke').map(({ body }) => new URLSearchParams(body).get('token_type_hint'))
    await world.connect(world.owner, config)
    let before = kinds().length
    world.provider.stage('/revoke', { status: 400, body: { error: 'unsupported_token_type' } })
    expect(await disconnect(world.owner, config.id)).toEqual({ token_revoked: true })
    expect(kinds().slice(before)).toEqual(['refresh_token', 'access_token'])
    await world.connect(world.owner, config)
    before = kinds().length
    world.provider.stage('/revoke', {
      status: 400,
      body: { error: 'invalid_request', error_description: 'hush' },
    })
    const answer = await disconnect(world.owner, config.id)
    expect(answer).toMatchObject({ token_revoked: false, token_revocation_error: expect.any(String) })
    expect(JSON.stringify(answer)).not.toContain('hush')
    expect(kinds().slice(before)).toEqual(['refresh_token'])
    expect(await storedTokens(config)).toEqual([])
  })

  it('follows redirects of revocations only within the origin and with their method', async () => {
    const config = await oauth()
    await world.connect(world.owner, config)
    world.provider.stage('/revoke', { status: 307, headers: { Location: `${world.outside.origin}/steal` } })
    expect(await disconnect(world.owner, config.id)).toMatchObject({ token_revoked: false })
    await world.connect(world.owner, config)
    world.provider.stage('/revoke', { status: 308, headers: { Location: '/revoke' } })
    expect(await disconnect(world.owner, config.id)).toEqual({ token_revoked: true })
  })

  it('row 53: works for who is not a member any more', async () => {
    const config = await oauth()
    const leaver = await world.server.user('leaver')
    await world.connect(leaver, config)
    const { id } = await leaver.call(getUser, { params: { user: 'me' } })
    await world.owner.call(removeMember, { params: { organization: world.organization, user: id } })
    expect(await disconnect(leaver, config.id)).toEqual({ token_revoked: true })
    expect(await storedTokens(config)).toEqual([])
    expect(world.provider.accessTokens.size).toBe(0)
  })

  it('OA-106: shows a token to no other authorization server than the one that gave it', async () => {
    const config = await oauth()
    await world.connect(world.owner, config)
    await database.db
      .updateTable('mcp_server_user_tokens')
      .set({ destination: 'elsewhere' })
      .where('config_id', '=', config.id)
      .execute()
    const asked = world.provider.asked('/revoke').length
    expect(await disconnect(world.owner, config.id)).toEqual({ token_revoked: false })
    expect(world.provider.asked('/revoke')).toHaveLength(asked)
    expect(await storedTokens(config)).toEqual([])
  })

  it('tokens go with their config', async () => {
    const config = await oauth()
    await world.connect(world.owner, config)
    await world.owner.call(deleteMcpServerConfig, { params: world.params(config) })
    expect(await storedTokens(config)).toEqual([])
  })
})
