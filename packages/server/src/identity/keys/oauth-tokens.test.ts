import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  expireKey,
  getUser,
  listTokens,
  removeMember,
  suspendUser,
  updateGroup,
  updateUserRoles,
  whoAmI,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { fixtures, openDatabase, startTestServer, type TestServer, until } from '@slipway/testkit'
import type { Database } from '../../database/index.ts'
import { newToken } from './api-key-token.ts'
import { audienceOf } from './oauth-tokens.ts'

const ACCESS_URL = 'https://slip.example'
const MCP = `${ACCESS_URL}/api/experimental/mcp/http`
const stack = new AsyncDisposableStack()
const lines: string[] = []
const linesOfOther: Record<string, unknown>[] = []
let server: TestServer
let other: TestServer
let database: Database
let member: Client
let userId: string

beforeAll(async () => {
  const env = { CODER_ACCESS_URL: ACCESS_URL, CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' }
  server = stack.use(
    await startTestServer({
      env,
      log: createLogger({ level: 'debug', sink: { write: (line) => void lines.push(line) } }),
    }),
  )
  other = stack.use(
    await startTestServer({
      env,
      databaseUrl: server.databaseUrl,
      log: createLogger({
        level: 'debug',
        sink: { write: (line) => void linesOfOther.push(JSON.parse(line)) },
      }),
    }),
  )
  database = stack.use(await openDatabase(server.databaseUrl, { maxConnections: 2 }))
  await server.owner()
  member = await server.user('member')
  userId = (await member.call(getUser, { params: { user: 'me' } })).id
})
afterAll(() => stack.disposeAsync())

/** An access token of an app as the token endpoint would have issued it. */
async function issued(
  columns: { user_id?: string; audience?: string; expires_at?: Date; scopes?: string[] } = {},
): Promise<string> {
  const { id, token, hashedSecret } = newToken()
  const key = await fixtures.apiKey(database.db, {
    id,
    hashed_secret: hashedSecret,
    user_id: userId,
    login_type: 'oauth2_provider_app',
    scopes: ['coder:all'],
    ...columns,
  })
  await fixtures.oauth2ProviderAppToken(database.db, { key })
  return token
}

const me = (token: string | undefined, of = server, path = '/api/v2/users/me') =>
  fetch(`${of.url}${path}`, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } })
const METADATA = `resource_metadata="${ACCESS_URL}/.well-known/oauth-protected-resource"`

describe('OA-79: the audience of a token', () => {
  it.each([
    ['none', undefined],
    ['the access URL', ACCESS_URL],
    ['in capitals, with the default port and a slash', 'HTTPS://Slip.Example:443/'],
    ['with dot segments and a fragment', `${ACCESS_URL}/a/../#x`],
  ])('%s is accepted', async (_what, audience) => {
    const token = await issued(audience === undefined ? {} : { audience })
    expect((await me(token)).status).toBe(200)
    // From memory as from the database.
    expect((await me(token)).status).toBe(200)
  })

  it.each([
    ['another host', 'https://other.example'],
    ['another scheme', 'http://slip.example'],
    ['another port', `${ACCESS_URL}:8443`],
    ['a path below it', `${ACCESS_URL}/api/v2`],
    ['a query', `${ACCESS_URL}/?x`],
    ['a user', 'https://slip.example@evil.example'],
    ['no URL at all', 'urn:slip'],
  ])('ID-70: %s is 403 and its detail goes to the log alone', async (_what, audience) => {
    const token = await issued({ audience })
    for (let round = 0; round < 2; round += 1) {
      const answer = await me(token)
      expect(answer.status).toBe(403)
      expect(answer.headers.get('www-authenticate')).toBe(
        `Bearer realm="coder", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token", ${METADATA}`,
      )
      expect(await answer.json()).toEqual({ message: 'Token audience validation failed' })
    }
    const said = lines.filter((line) => line.includes('audience of a token'))
    expect(said.some((line) => JSON.parse(line).audience === audience)).toBe(true)
    expect(lines.join('\n')).not.toContain(token.slice(11))
  })

  it('ID-70: a key of an app that no grant stands behind is for nothing', async () => {
    const { id, token, hashedSecret } = newToken()
    await fixtures.apiKey(database.db, {
      id,
      hashed_secret: hashedSecret,
      user_id: userId,
      login_type: 'oauth2_provider_app',
      scopes: ['coder:all'],
    })
    expect((await me(token)).status).toBe(403)
  })

  it('a mismatch is nobody where a route takes anybody', async () => {
    const owner = (await (await server.owner()).call(getUser, { params: { user: 'me' } })).id
    const metrics = async (audience: string) =>
      (await me(await issued({ user_id: owner, audience }), server, '/metrics')).status
    expect(await metrics(ACCESS_URL)).toBe(200)
    expect(await metrics('https://other.example')).toBe(404)
  })

  it('ID-70, ID-222: a change is known to all replicas soon', async () => {
    const token = await issued({ audience: ACCESS_URL })
    for (const one of [server, other]) expect((await me(token, one)).status).toBe(200)
    const set = (audience: string) =>
      database.db.updateTable('api_keys').set({ audience }).where('id', '=', token.slice(0, 10)).execute()
    await set('https://other.example')
    for (const one of [server, other])
      await until('the change to be known', async () => (await me(token, one)).status === 403)
    await set(ACCESS_URL)
    for (const one of [server, other])
      await until('the way back', async () => (await me(token, one)).status === 200)
  })

  it('ID-222, 01 row 52: soon all replicas know of a key that ended, a suspension and a lost role', async () => {
    const owner = await server.owner()
    const there = async (client: Client, path = '/api/v2/users/me') =>
      (await fetch(`${other.url}${path}`, { headers: client.headers })).status
    // Sooner than what is kept would be read again anyway.
    const soon = { timeout: 2_000, interval: 20 }
    // The first use is noted, which is a change as well.
    const known = (client: Client) =>
      until('the key to be known', async () => {
        linesOfOther.length = 0
        expect(await there(client)).toBe(200)
        const line = await until('its line', () =>
          linesOfOther.find(({ api_key_id }) => api_key_id !== undefined),
        )
        return line.statements === 0
      })
    const ended = await server.user('ended')
    await known(ended)
    const keyid = ended.headers['Coder-Session-Token']?.slice(0, 10) ?? ''
    await owner.call(expireKey, { params: { user: 'ended', keyid } })
    await expect.poll(() => there(ended), soon).toBe(401)
    const auditor = await server.user('formerly', ['auditor'])
    await known(auditor)
    expect(await there(auditor, '/api/v2/audit')).toBe(200)
    await owner.call(updateUserRoles, { params: { user: 'formerly' }, body: { roles: [] } })
    await expect.poll(() => there(auditor, '/api/v2/audit'), soon).toBe(403)
    const inOrganization = { organization: 'default', user: 'formerly' }
    await owner.call(assignMemberRoles, { params: inOrganization, body: { roles: ['organization-auditor'] } })
    await expect.poll(() => there(auditor, '/api/v2/audit'), soon).toBe(200)
    await owner.call(removeMember, { params: inOrganization })
    await expect.poll(() => there(auditor, '/api/v2/audit'), soon).toBe(403)
    expect(await there(auditor)).toBe(200)
    await owner.call(suspendUser, { params: { user: 'formerly' } })
    await expect.poll(() => there(auditor), soon).toBe(401)
  })

  it('RB-5, 02 T7: and of who has come into a group, and who has left it', async () => {
    const owner = await server.owner()
    const [organization_id = ''] = (await member.call(getUser, { params: { user: 'me' } })).organization_ids
    const group = await fixtures.group(database.db, { organization_id })
    const { id } = await fixtures.template(database.db, {
      organization_id,
      group_acl: JSON.stringify({ [group.id]: ['read'] }),
    })
    const checks = { it: { object: { resource_type: 'template', resource_id: id }, action: 'read' } }
    const there = async () => {
      const headers = { ...member.headers, 'Content-Type': 'application/json' }
      const body = JSON.stringify({ checks })
      const answer = await fetch(`${other.url}/api/v2/authcheck`, { method: 'POST', headers, body })
      return Object(await answer.json()).it
    }
    const change = (body: object) => owner.call(updateGroup, { params: { group: group.id }, body })
    const soon = { timeout: 2_000, interval: 20 }
    expect(await there()).toBe(false)
    await change({ add_users: [userId] })
    await expect.poll(there, soon).toBe(true)
    await change({ remove_users: [userId] })
    await expect.poll(there, soon).toBe(false)
  })

  it('follows the rules of RFC 3986 for every address (property)', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,12}$/)
    const address = fc.record({
      scheme: fc.constantFrom('http', 'https'),
      host: fc.array(label, { minLength: 2, maxLength: 4 }).map((labels) => `x${labels.join('.')}.example`),
      segments: fc.array(label, { maxLength: 4 }),
    })
    fc.assert(
      fc.property(address, fc.nat(3), fc.webQueryParameters(), ({ scheme, host, segments }, at, query) => {
        const path = segments.map((segment) => `/${segment}`).join('')
        const own = `${scheme}://${host}${path}`
        const port = scheme === 'http' ? 80 : 443
        const detour = [...segments]
        detour.splice(at, 0, 'detour', '..', '.')
        for (const same of [
          own,
          `${own}/`,
          `${own}#${encodeURIComponent(query)}`,
          `${scheme.toUpperCase()}://${host.toUpperCase()}${path}`,
          `${scheme}://${host}:${port}${path}`,
          `${scheme}://${host}/${detour.join('/')}`,
        ]) {
          expect(audienceOf(same, own), same).toBe('deployment')
          expect(audienceOf(own, same.replace(/#.*$/, '')), same).toBe('deployment')
        }
        for (const different of [
          `${own}/more`,
          `${own}?${query}x`,
          `${scheme}://${host}:8${port}${path}`,
          `${scheme}://more.${host}${path}`,
          `${scheme}://${host}.evil.example${path}`,
          `${scheme}://user@${host}${path}`,
          `${scheme}://${host}\\${path}x`,
        ])
          expect(audienceOf(different, own), different).not.toBe('deployment')
        expect(audienceOf(`${own}/api/experimental/mcp/http/`, `${own}/`)).toBe('mcp')
      }),
      { numRuns: 300 },
    )
  })

  it('compares names in other scripts in one form', () => {
    expect(audienceOf('https://bücher.example', 'https://xn--bcher-kva.example')).toBe('deployment')
  })
})

describe('OA-B2, OA-B3: the MCP server as a resource of its own', () => {
  const MCP_METADATA = `resource_metadata="${ACCESS_URL}/.well-known/oauth-protected-resource/api/experimental/mcp/http"`
  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  }
  const mcp = (headers: Record<string, string> = {}, path = '/api/experimental/mcp/http') =>
    fetch(`${server.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(initialize),
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        ...headers,
      },
    })
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

  it('takes tokens for it, for the access URL and for nothing in particular', async () => {
    for (const audience of [MCP, `${MCP}/`, ACCESS_URL, undefined]) {
      const token = await issued(audience === undefined ? {} : { audience })
      expect((await mcp(bearer(token))).status, audience).toBe(200)
      expect((await mcp(bearer(token), '/api/experimental/mcp/http/sub')).status, audience).toBe(200)
    }
  })

  it('audience confusion: a token for it is refused on the rest of the API, and one for another server by it', async () => {
    const token = await issued({ audience: MCP })
    expect((await mcp(bearer(token))).status).toBe(200)
    for (const path of ['/api/v2/users/me', '/api/v2/workspaces', '/api/v2/auth/whoami'])
      expect((await me(token, server, path)).status, path).toBe(403)
    const foreign = await issued({ audience: 'https://other.example/api/experimental/mcp/http' })
    for (let round = 0; round < 2; round += 1) {
      const answer = await mcp(bearer(foreign))
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
        401,
        `Bearer realm="coder", error="invalid_token", error_description="The access token audience does not match this resource", scope="coder:all", ${MCP_METADATA}`,
      ])
    }
  })

  it('what it refuses is always 401, with the way to its own metadata and a scope', async () => {
    const old = await issued({ expires_at: new Date(Date.now() - 1000) })
    for (const [token, description] of [
      ['aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb', 'The access token is invalid'],
      ['x', 'The access token is invalid'],
      [old, 'The access token has expired'],
    ] as const) {
      const answer = await mcp(bearer(token))
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
        401,
        `Bearer realm="coder", error="invalid_token", error_description="${description}", scope="coder:all", ${MCP_METADATA}`,
      ])
    }
    for (const path of ['/api/experimental/mcp/http', '/api/experimental/mcp/http/sub']) {
      const none = await mcp({}, path)
      expect([none.status, none.headers.get('www-authenticate')]).toEqual([
        401,
        `Bearer realm="coder", scope="coder:all", ${MCP_METADATA}`,
      ])
    }
  })

  it('OA-B5, row 40: it takes no token in a query, whatever kind it is', async () => {
    const token = await issued()
    const session = member.headers['Coder-Session-Token'] ?? ''
    for (const query of [
      `access_token=${token}`,
      `access_token=${session}`,
      `coder_session_token=${session}`,
    ])
      for (const headers of [{}, bearer(token)]) {
        const answer = await mcp(headers, `/api/experimental/mcp/http?${query}`)
        expect(answer.status, query.slice(0, 20)).toBe(401)
        expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"')
      }
    expect((await me(undefined, server, `/api/v2/users/me?access_token=${token}`)).status).toBe(200)
  })

  it('OA-B20: pages of other origins are refused', async () => {
    const token = await issued()
    expect((await mcp({ ...bearer(token), Origin: ACCESS_URL })).status).toBe(200)
    expect((await mcp({ ...bearer(token), Origin: 'https://evil.example' })).status).toBe(403)
  })
})

describe('ID-71, OA-76, OA-78: what a refusal says', () => {
  it('row 39: the scheme in any spelling; a bad token; no token', async () => {
    const token = await issued()
    const ask = (authorization?: string) =>
      fetch(
        `${server.url}/api/v2/users/me`,
        authorization === undefined ? {} : { headers: { authorization } },
      )
    expect((await ask(`bEaReR   ${token} `)).status).toBe(200)
    const bad = await ask('Bearer aaaaaaaaaa-bbbbbbbbbbbbbbbbbbbbbb')
    expect([bad.status, bad.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="coder", error="invalid_token", error_description="The access token is invalid", ${METADATA}`,
    ])
    const none = await ask()
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="coder", ${METADATA}`,
    ])
    const old = await ask(`Bearer ${await issued({ expires_at: new Date(Date.now() - 1000) })}`)
    expect([old.status, old.headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="coder", error="invalid_token", error_description="The access token has expired", ${METADATA}`,
    ])
  })

  it('OA-77: it acts as its user and is not listed among the tokens', async () => {
    const token = await issued()
    const who = await (await me(token, server, '/api/v2/auth/whoami')).json()
    expect(who).toMatchObject({ user_id: userId, login_type: 'oauth2_provider_app' })
    expect((await member.call(whoAmI)).user_id).toBe(userId)
    const listed = await member.call(listTokens, { params: { user: 'me' } })
    expect(listed.map(({ id }) => id)).not.toContain(token.slice(0, 10))
  })

  it('OA-80: use does not extend it', async () => {
    const expires_at = new Date(Date.now() + 60_000)
    const token = await issued({ expires_at })
    expect((await me(token)).status).toBe(200)
    const { expires_at: now } = await database.db
      .selectFrom('api_keys')
      .select('expires_at')
      .where('id', '=', token.slice(0, 10))
      .executeTakeFirstOrThrow()
    expect(now).toEqual(expires_at)
  })

  it('OA-81: the token of a suspended user is 401', async () => {
    const suspended = await fixtures.user(database.db, { status: 'suspended' })
    const { id, token, hashedSecret } = newToken()
    const key = await fixtures.apiKey(database.db, {
      id,
      hashed_secret: hashedSecret,
      user_id: suspended.id,
      login_type: 'oauth2_provider_app',
      scopes: ['coder:all'],
    })
    await fixtures.oauth2ProviderAppToken(database.db, { key })
    expect((await me(token)).status).toBe(401)
  })

  it('RB-121, OA-B6, ID-216: a scope that lacks is named', async () => {
    const token = await issued({ scopes: ['user:read'] })
    const answer = await fetch(`${server.url}/api/v2/users/me/profile`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ username: 'member', name: 'Member' }),
    })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer realm="coder", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token", scope="user:update_personal", ${METADATA}`,
    )
  })
})
