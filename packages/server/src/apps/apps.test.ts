import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createWorkspace,
  deletePortShare,
  getAppHost,
  getUser,
  getWorkspace,
  suspendUser,
  type Template,
  updateTemplate,
  upsertPortShare,
  type Workspace,
} from '@slipway/contract'
import {
  fixtures,
  freePort,
  importTemplate,
  makeTenant,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import { type Answer, templateFile, visitor } from './apps.fixture.ts'

let server: TestServer
let owner: Client
let other: Client
let template: Template
let workspace: Workspace
let port: number

beforeAll(async () => {
  server = await startTestServer({
    env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_WILDCARD_ACCESS_URL: '*.apps.test' },
  })
  owner = await server.owner()
  other = await server.user('other')
  port = await freePort()
  template = await importTemplate(owner, 'web', { 'template.ts': templateFile(port) })
  workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  await until('the agent', async () => {
    const current = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    const agent = current.latest_build.resources[0]?.agents?.[0]
    return agent?.status === 'connected' && agent.lifecycle_state === 'ready'
  })
  await until('the app', async () => (await ask(path('mine'), { as: owner })).status === 200)
})
afterAll(() => server[Symbol.asyncDispose]())

const { open, ask } = visitor(() => server.url)
const path = (slug: string): string => `/@owner/dev/apps/${slug}/`
const host = (slug: string): string => `${slug}--dev--owner.apps.test`

/** The cookie pair of this name that an answer sets. */
function cookie(answer: Answer, name: RegExp): string | undefined {
  return answer.headers['set-cookie']?.find((line) => name.test(line))?.split(';')[0]
}

it('AC-184: whoever is signed in is told where apps live, with the port of the access URL', async () => {
  expect(await other.call(getAppHost)).toEqual({ host: `*.apps.test:${new URL(server.url).port}` })
  await expect(server.anonymous.call(getAppHost)).rejects.toMatchObject({ status: 401 })
})

describe('an app under a path', () => {
  it('AC-180, AC-211: is reached with its slash, and a missing one is added', async () => {
    expect(await ask('/@owner/dev/apps/mine?a=1', { as: owner })).toMatchObject({
      status: 307,
      headers: { location: '/@owner/dev/apps/mine/?a=1' },
    })
    for (const base of [
      '/@owner/dev/apps/mine/',
      '/%40owner/dev/apps/mine/',
      '/@owner/dev.main/apps/mine/',
      `/@${workspace.owner_id}/${workspace.id}/apps/mine/`,
    ]) {
      const answer = await ask(`${base}below/it?q=%2F`, { as: owner })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body)).toMatchObject({ method: 'GET', url: '/below/it?q=%2F' })
    }
  })

  it('AC-180: @me, ports, names that are not UTF-8 and unknown slugs are not found', async () => {
    for (const url of ['/@me/dev/apps/mine/', `/@owner/dev/apps/${port}/`, '/@owner/dev/apps/none/'])
      expect((await ask(url, { as: owner })).status, url).toBe(404)
    expect((await ask('/@owner/dev/apps/%ff/', { as: owner })).status).toBeLessThan(500)
  })

  it('AC-194: a visitor without a session is led to the sign-in page and back', async () => {
    expect(await ask('/@owner/dev/apps/mine/x?y=1')).toMatchObject({
      status: 303,
      headers: { location: `/login?${new URLSearchParams({ redirect: '/@owner/dev/apps/mine/x?y=1' })}` },
    })
  })

  it('ID-60, AC-197, AC-212: what is ours stays here, forwarding headers are ours, the rest arrives as sent', async () => {
    const token = owner.headers['Coder-Session-Token'] ?? ''
    const answer = await ask(path('mine'), {
      as: owner,
      method: 'POST',
      body: 'payload',
      headers: {
        Cookie: `mine=1; coder_session_token=${token}; coder_signed_app_token=x; theirs=2; oauth_state=s`,
        'X-Forwarded-For': '6.6.6.6',
        'X-Real-Ip': '6.6.6.6',
        'True-Client-Ip': '6.6.6.6',
        'CF-Connecting-IP': '6.6.6.6',
        Forwarded: 'for=6.6.6.6',
        'X-Thing': 'kept',
      },
    })
    const { headers, body, method } = JSON.parse(answer.body)
    expect({ method, body }).toEqual({ method: 'POST', body: 'payload' })
    expect(headers.cookie).toBe('mine=1; theirs=2')
    expect(headers['coder-session-token']).toBeUndefined()
    expect(headers['x-forwarded-for']).toBe('127.0.0.1')
    expect(headers['x-forwarded-proto']).toBe('http')
    expect(headers['x-thing']).toBe('kept')
    expect(JSON.stringify(headers)).not.toContain('6.6.6.6')
  })

  it('AC-190, AC-191: a ticket stands for the session for a minute, for this app only, and cannot be forged', async () => {
    const first = await ask(path('mine'), { as: owner })
    const ticket = cookie(first, /^coder_signed_app_token=/)
    expect(cookie(first, /^own=/)).toBe('own=1')
    const line = first.headers['set-cookie']?.find((one) => one.startsWith('coder_signed'))
    expect(line).toMatch(/; HttpOnly/)
    expect(line).toContain('; Path=/@owner/dev/apps/mine/; Max-Age=60')
    expect(decodeJwt(ticket?.split('=')[1] ?? '')).toEqual({
      request: {
        access_method: 'path',
        base_path: path('mine'),
        app_prefix: '',
        username_or_id: 'owner',
        workspace_name_or_id: 'dev',
        agent_name_or_id: '',
        app_slug_or_port: 'mine',
      },
      user_id: workspace.owner_id,
      visitor_id: workspace.owner_id,
      workspace_id: workspace.id,
      agent_id: expect.any(String),
      app_url: `http://localhost:${port}`,
      cors_behavior: 'simple',
      exp: expect.any(Number),
    })
    expect((await ask(path('mine'), { headers: { Cookie: `${ticket}` } })).status).toBe(200)
    expect((await ask(path('below'), { headers: { Cookie: `${ticket}` } })).status).toBe(303)
    const forged = `${ticket?.slice(0, -6)}AAAAAA`
    expect((await ask(path('mine'), { headers: { Cookie: forged } })).status).toBe(303)
  })

  it('AC-192, AC-193: the session of this way of access decides, and not what else came with the request', async () => {
    const withCookie = (name: string, session: Client, as: Client) =>
      ask(path('mine'), { as, headers: { Cookie: `${name}=${session.headers['Coder-Session-Token']}` } })
    expect((await withCookie('coder_path_app_session_token', owner, other)).status).toBe(200)
    const refused = await withCookie('coder_path_app_session_token', other, owner)
    expect(refused.status).toBe(404)
    expect(cookie(refused, /^coder_signed_app_token=/)).toBeUndefined()
    // Of another way of access: nobody looks at it here.
    const subdomain = `coder_subdomain_app_session_token_${createHash('sha256').update('*.apps.test').digest('hex').slice(0, 32)}`
    expect((await withCookie(subdomain, other, owner)).status).toBe(200)
    const nonsense = { Cookie: 'coder_path_app_session_token=nonsense' }
    expect((await ask(path('mine'), { as: owner, headers: nonsense })).status).toBe(303)
  })

  it('AC-192: no ticket is given for an app whose agent has never been connected', async () => {
    const { id, organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const { names } = await makeTenant(database, { ownerId: id, organizationId: organization_ids[0] ?? '' })
    const agent = await database.db
      .updateTable('workspace_agents')
      .set({ first_connected_at: null, last_connected_at: null })
      .where('id', '=', names.workspaceagent ?? '')
      .returningAll()
      .executeTakeFirstOrThrow()
    const { slug } = await fixtures.workspaceApp(database.db, { agent, url: `http://localhost:${port}` })
    const answer = await ask(`/@owner/${names.workspacename}/apps/${slug}/`, { as: owner })
    expect(answer.status).toBe(404)
    expect(answer.body).toContain('Application Unavailable')
    expect(cookie(answer, /^coder_signed_app_token=/)).toBeUndefined()
  })

  it('AC-§9.3: is for its owner alone, whatever it is shared as', async () => {
    for (const slug of ['mine', 'ours', 'known', 'all']) {
      expect((await ask(path(slug), { as: owner })).status, slug).toBe(200)
      expect((await ask(path(slug), { as: other })).status, slug).toBe(404)
      expect((await ask(path(slug))).status, slug).toBe(303)
    }
  })

  it('AC-210, AC-211: the path of its URL comes before, and its query is added once', async () => {
    expect(JSON.parse((await ask(`${path('below')}x`, { as: owner })).body).url).toBe('/base/x')
    expect(await ask(path('query'), { as: owner })).toMatchObject({
      status: 307,
      headers: { location: `${path('query')}?folder=%2Fhome` },
    })
    expect((await ask(`${path('query')}?folder=1`, { as: owner })).status).toBe(200)
  })

  it('AC-213: one that nothing answers for, or that breaks off, is said so', async () => {
    expect((await ask(path('silent'), { as: owner })).status).toBe(400)
    expect((await ask(`${path('mine')}cut`, { as: owner })).body).toBe('(cut)')
  })

  it('AC-210: a stream arrives as it is written, and WebSockets pass', async () => {
    const stream = await open(`${path('mine')}stream`, { as: owner })
    const [chunk] = await once(stream, 'data')
    expect(String(chunk)).toBe('data: first\n\n')
    stream.destroy()
    expect(await echo(path('mine'), {})).toBe('hello')
    expect(await echo('/', { Host: host('mine') })).toBe('hello')
  })
})

async function echo(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${url}`, {
    headers: { ...owner.headers, ...headers },
  })
  await once(socket, 'open')
  socket.send('hello')
  const [data] = await once(socket, 'message')
  socket.terminate()
  return String(data)
}

describe('an app under a host name', () => {
  it('AC-181, AC-183: is found by its label; a bad label and the logout label are answered', async () => {
    for (const name of [
      host('mine'),
      host('mine').toUpperCase(),
      'tag---mine--dev--owner.apps.test',
      'mine--main--dev--owner.apps.test:8443',
    ])
      expect((await ask('/x', { as: owner, host: name })).status, name).toBe(200)
    expect((await ask('/x', { as: owner, host: 'nonsense.apps.test' })).status).toBe(400)
    expect((await ask('/x', { as: owner, host: 'coder-logout.apps.test' })).status).toBe(303)
    expect((await ask('/healthz', { host: 'deep.label.apps.test' })).body).toBe('OK')
  })

  it('AC-§9.3: a suspended visitor is as one who is not signed in', async () => {
    const leaver = await server.user('suspended-visitor')
    await owner.call(suspendUser, { params: { user: 'suspended-visitor' } })
    expect((await ask('/', { as: leaver, host: host('all') })).status).toBe(200)
    expect((await ask('/', { as: leaver, host: host('known') })).status).toBe(404)
  })

  it('RB-7: a visitor who is dormant has to sign in first, which makes them active', async () => {
    const sleeper = await server.user('sleeper')
    const session = { headers: sleeper.headers }
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    expect((await ask('/', { ...session, host: host('known') })).status).toBe(200)
    await database.db
      .updateTable('users')
      .set({ status: 'dormant' })
      .where('username', '=', 'sleeper')
      .execute()
    await until(
      'the change to be known',
      async () => (await ask('/', { ...session, host: host('known') })).status === 303,
    )
    expect((await ask('/', { ...session, host: host('all') })).status).toBe(200)
    const redirect = `/api/v2/applications/auth-redirect?${new URLSearchParams({ redirect_uri: `http://${host('known')}/` })}`
    const away = await ask(redirect, session)
    expect(away.headers.location).toBe(`/login?${new URLSearchParams({ redirect })}`)
    // As the page of the sign-in does.
    expect((await ask('/api/v2/users/me', session)).status).toBe(200)
    expect((await ask('/', { ...session, host: host('known') })).status).toBe(200)
  })

  it('AC-§9.3: sharing decides who reaches it', async () => {
    const stranger = await server.user('outsider')
    const expected = {
      mine: [200, 404, 303],
      ours: [200, 200, 303],
      known: [200, 200, 303],
      all: [200, 200, 200],
    }
    for (const [slug, [own, member, nobody]] of Object.entries(expected)) {
      expect((await ask('/', { as: owner, host: host(slug) })).status, slug).toBe(own)
      expect((await ask('/', { as: stranger, host: host(slug) })).status, slug).toBe(member)
      expect((await ask('/', { host: host(slug) })).status, slug).toBe(nobody)
    }
  })

  it('AC-194…AC-196: signing in leads to the dashboard and back with a cookie for apps only', async () => {
    const away = await ask('/deep?a=1&b&c=%20d', { host: host('mine') })
    expect(away.status).toBe(303)
    const redirect = new URL(away.headers.location ?? '')
    expect(redirect.pathname).toBe('/api/v2/applications/auth-redirect')
    expect(redirect.searchParams.get('redirect_uri')).toBe(`http://${host('mine')}/deep?a=1&b&c=%20d`)
    const back = await ask(`${redirect.pathname}${redirect.search}`, { as: owner })
    expect(back.status).toBe(303)
    const target = new URL(back.headers.location ?? '')
    expect(target.host).toBe(host('mine'))
    const arrived = await ask(`${target.pathname}${target.search}`, { host: host('mine') })
    expect(arrived).toMatchObject({
      status: 303,
      headers: { location: '/deep?a=1&b&c=%20d' },
    })
    expect(arrived.headers['set-cookie']?.[0]).toMatch(/HttpOnly/i)
    expect(arrived.headers['set-cookie']?.[0]).toMatch(/Domain=\.apps\.test/i)
    const session = cookie(arrived, /^coder_subdomain_app_session_token_/)
    expect((await ask('/deep', { host: host('mine'), headers: { Cookie: `${session}` } })).status).toBe(200)
    const key = session?.split('=')[1] ?? ''
    const api = await ask('/api/v2/users/me', { headers: { 'Coder-Session-Token': key } })
    expect([401, 403, 404]).toContain(api.status)
  })

  it('AC-195, AC-196: a redirect to elsewhere and a changed hand-over are refused', async () => {
    for (const uri of ['http://evil.test/', server.url, 'http://x.apps.test@evil.test/', 'javascript:1', ''])
      expect(
        (
          await ask(`/api/v2/applications/auth-redirect?${new URLSearchParams({ redirect_uri: uri })}`, {
            as: owner,
          })
        ).status,
        uri,
      ).toBe(400)
    const query = 'coder_application_connect_api_key_35e783=eyJhbGciOiJub25lIn0.e30.'
    expect((await ask(`/?${query}`, { host: host('mine') })).status).toBe(400)
    expect((await ask(`${path('mine')}?${query}`, { as: owner })).status).toBe(400)
  })

  it('AC-214: pages of other apps of the owner may read it, all others may not', async () => {
    const friend = `http://${host('all')}`
    const preflight = await ask('/x', {
      host: host('mine'),
      method: 'OPTIONS',
      headers: {
        Origin: friend,
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'x-a',
      },
    })
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': friend,
        'access-control-allow-credentials': 'true',
        'access-control-allow-headers': 'x-a',
      },
    })
    const read = await ask('/x', { as: owner, host: host('mine'), headers: { Origin: friend } })
    expect(read.headers['access-control-allow-origin']).toBe(friend)
    expect(read.headers.vary).toBe('Accept, Origin')
    for (const origin of ['http://evil.test', 'http://x--dev--other.apps.test', 'null']) {
      const foreign = await ask('/x', { as: owner, host: host('mine'), headers: { Origin: origin } })
      expect(foreign.headers['access-control-allow-origin'], origin).toBeUndefined()
      expect(foreign.headers.vary).toBe('Accept')
    }
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { cors_behavior: 'passthru' },
    })
    const passed = await ask('/x', { as: owner, host: host('mine'), headers: { Origin: 'http://evil.test' } })
    expect(passed.headers['access-control-allow-origin']).toBe('*')
    await owner.call(updateTemplate, { params: { template: template.id }, body: { cors_behavior: 'simple' } })
  })
})

describe('a port', () => {
  const name = (): string => `${port}--main--dev--owner.apps.test`

  it("AC-200, AC-202: is its owner's until it is shared, within what the template allows", async () => {
    expect((await ask('/', { as: owner, host: name() })).status).toBe(200)
    expect((await ask('/', { as: other, host: name() })).status).toBe(404)
    const share = (level: 'organization' | 'authenticated' | 'public', agent = 'Main') =>
      owner.call(upsertPortShare, {
        params: { workspace: workspace.id },
        body: { agent_name: agent, port, share_level: level, protocol: 'http' },
      })
    await expect(share('public', 'nobody')).rejects.toMatchObject({ status: 400 })
    await owner.call(updateTemplate, {
      params: { template: template.id },
      body: { max_port_share_level: 'authenticated' },
    })
    await expect(share('public')).rejects.toMatchObject({ status: 400 })
    await share('authenticated')
    expect((await ask('/', { as: other, host: name() })).status).toBe(200)
    expect((await ask('/', { host: name() })).status).toBe(303)
    const body = { agent_name: 'Main', port }
    await owner.call(deletePortShare, { params: { workspace: workspace.id }, body })
    await expect(
      owner.call(deletePortShare, { params: { workspace: workspace.id }, body }),
    ).rejects.toMatchObject({ status: 404 })
    expect((await ask('/', { as: other, host: name() })).status).toBe(404)
  })

  it('AC-213: one that speaks no HTTPS is said so, with the way to its other form', async () => {
    const answer = await ask('/deep?a=1', { as: owner, host: `${port}s--main--dev--owner.apps.test` })
    expect(answer.status).toBe(502)
    expect(answer.body).toContain(`href="http://${name()}/deep?a=1"`)
  })

  it('AC-311: one that is shared as HTTPS answers under its `s` form, and the other leads there', async () => {
    const params = { workspace: workspace.id }
    const share = { agent_name: 'Main', port }
    await owner.call(upsertPortShare, {
      params,
      body: { ...share, share_level: 'authenticated', protocol: 'https' },
    })
    const answer = await ask('/deep?a=1', { as: other, host: name() })
    expect(answer).toMatchObject({
      status: 307,
      headers: { location: `http://${port}s--main--dev--owner.apps.test/deep?a=1` },
    })
    await owner.call(deletePortShare, { params, body: share })
  })

  it('AC-210, AC-154: a port with an `s` is asked over TLS, by TLS 1.2 at least', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-tls-'))
    const files = [join(folder, 'key.pem'), join(folder, 'cert.pem')] as const
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=app'],
        ...['-keyout', files[0], '-out', files[1]],
      ],
      { stdio: 'ignore' },
    )
    const [key, cert] = await Promise.all(files.map((file) => readFile(file)))
    const app = createServer({ key, cert }, (request, response) => response.end(request.headers.host))
    app.listen(0, '127.0.0.1')
    await once(app, 'listening')
    const address = app.address()
    const tlsPort = typeof address === 'object' && address !== null ? address.port : 0
    const secure = `${tlsPort}s--main--dev--owner.apps.test`
    expect(await ask('/', { as: owner, host: secure })).toMatchObject({ status: 200, body: secure })
    const plain = await ask('/', { as: owner, host: `${tlsPort}--main--dev--owner.apps.test` })
    expect(plain.status).toBe(502)
    expect(plain.body).toContain(`href="http://${secure}/"`)
    app.close()
    await rm(folder, { recursive: true })
  })

  it('AC-210: a port below 9 or one that nobody listens on is an error page', async () => {
    const answer = await ask('/', { as: owner, host: `${await freePort()}--main--dev--owner.apps.test` })
    expect(answer.status).toBe(502)
    expect(answer.headers['content-type']).toMatch(/html/)
  })
})

it('AC-104, WS-270: who uses an app of the template is noted by the minute, and what goes through the tunnel', async () => {
  expect(await ask('/', { as: other, host: host('all') })).toMatchObject({ status: 200 })
  expect(await ask('/', { host: host('all') })).toMatchObject({ status: 200 })
  await ask('/', { as: owner, host: `${port}--main--dev--owner.apps.test` })
  const { owner_id, id } = workspace
  // What is still under way is stored with the end of the server.
  await server.stop()
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const apps = await database.db.selectFrom('workspace_app_stats').selectAll().execute()
  const slugs = new Set(apps.map(({ slug }) => slug))
  expect(slugs).toContain('mine')
  expect(slugs).not.toContain(String(port))
  expect(new Set(apps.map(({ template_id }) => template_id))).toEqual(new Set([template.id]))
  const [visitor] = await database.db
    .selectFrom('users')
    .select('id')
    .where('username', '=', 'other')
    .execute()
  expect(apps.some(({ slug, user_id }) => slug === 'all' && user_id === visitor?.id)).toBe(true)
  const named = await database.db.selectFrom('template_used_apps').selectAll().execute()
  expect(named.find(({ slug }) => slug === 'mine')).toMatchObject({
    template_id: template.id,
    display_name: 'mine',
  })
  const minutes = await database.db
    .selectFrom('workspace_agent_stats as s')
    .innerJoin('agents_with_workspace as a', 'a.id', 's.agent_id')
    .selectAll('s')
    .where('a.workspace_id', '=', id)
    .execute()
  expect(minutes.every(({ user_id }) => user_id === owner_id)).toBe(true)
  for (const column of ['rx_bytes', 'tx_bytes'] as const)
    expect(minutes.reduce((sum, minute) => sum + minute[column], 0)).toBeGreaterThan(10_000)
})
