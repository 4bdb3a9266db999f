import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import {
  createBuild,
  createSessionKey,
  createWorkspace,
  deletePortShare,
  getUser,
  getWorkspace,
  listAgentLogs,
  listPortShares,
  logout,
  openTerminal,
  type Template,
  updateTemplate,
  updateUserRoles,
  upsertPortShare,
  type Workspace,
  watchAgentMetadataWs,
} from '@slipway/contract'
import {
  freePort,
  importTemplate,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

/** Tells what it was asked, tries to sign its visitors in as somebody else, and answers upgrades as its path says. */
const SERVER = (port: number): string => `
const http = require('node:http'), { createHash } = require('node:crypto')
const server = http.createServer((request, response) => {
  if (request.url.startsWith('/stream')) return response.write('begun')
  response.writeHead(200, {
    'content-type': 'application/json', 'service-worker-allowed': '/',
    'set-cookie': ['own=1', 'coder_session_token=evil; Path=/', 'coder_path_app_session_token=evil', 'coder_subdomain_app_session_token_x=evil'],
  })
  response.end(JSON.stringify({ url: request.url, headers: request.headers }))
})
let leaked = ''
server.on('upgrade', (request, socket) => {
  socket.on('error', () => socket.destroy())
  if (request.url.startsWith('/refuse')) {
    socket.on('data', (chunk) => { leaked += chunk })
    socket.write('HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: 7\\r\\n\\r\\nrefused')
    return
  }
  if (request.url.startsWith('/leaked')) return socket.end('HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n<' + leaked + '>')
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSet-Cookie: coder_session_token=evil\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n')
  socket.resume()
})
server.listen(${port}, '127.0.0.1')
`

const templateFile = (port: number): string => `
import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({
    runtime: local(),
    agents: [{
      name: 'main',
      startupScript: ${JSON.stringify(`cat > "$HOME/server.cjs" <<'END'\n${SERVER(port)}\nEND\nnohup ${process.execPath} "$HOME/server.cjs" > "$HOME/server.log" 2>&1 &`)},
      apps: [{ slug: 'mine', displayName: 'mine', url: 'http://localhost:${port}', share: 'owner', subdomain: true }],
    }],
  }),
})
`

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
  await owner.call(updateTemplate, {
    params: { template: template.id },
    body: { max_port_share_level: 'public' },
  })
  workspace = await owner.call(createWorkspace, {
    params: { user: 'me' },
    body: { name: 'dev', template_id: template.id },
  })
  await until('the app', async () => (await ask(PATH, owner)).status === 200)
})
afterAll(() => server[Symbol.asyncDispose]())

const PATH = '/@owner/dev/apps/mine/'
const HOST = 'mine--dev--owner.apps.test'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function ask(
  url: string,
  as?: Client,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { hostname, port: serverPort } = new URL(server.url)
  const sent = httpRequest({ hostname, port: serverPort, path: url, headers: { ...as?.headers, ...headers } })
  sent.end()
  const [response] = await once(sent, 'response')
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await text(response).catch(() => ''),
  }
}

function socketTo(url: string, headers: Readonly<Record<string, string>>): WebSocket {
  return new WebSocket(`${server.url.replace('http', 'ws')}${url}`, { headers: { ...headers } })
}

async function opened(url: string, headers: Readonly<Record<string, string>>): Promise<WebSocket> {
  const socket = socketTo(url, headers)
  await once(socket, 'open')
  return socket
}

const closed = (socket: WebSocket): Promise<unknown> =>
  new Promise((resolve) => socket.once('close', resolve))

describe('what is ours stays here', () => {
  it('AC-197: a key of ours reaches no app, whichever way it came; what is for the app does', async () => {
    const key = owner.headers['Coder-Session-Token'] ?? ''
    const bearer = await ask(PATH, undefined, { Authorization: `Bearer ${key}` })
    expect(bearer.status).toBe(200)
    expect(JSON.parse(bearer.body).headers.authorization).toBeUndefined()
    const proven = await ask(PATH, owner, { Authorization: `DPoP ${key}` })
    expect([proven.status, JSON.parse(proven.body).headers.authorization]).toEqual([200, undefined])
    for (const parameter of ['coder_session_token', 'access_token']) {
      const answer = await ask(`${PATH}x?a=%2F&${parameter}=${key}&b`)
      expect(JSON.parse(answer.body).url, parameter).toBe('/x?a=%2F&b')
    }
    const foreign = { Authorization: 'Bearer of-the-app' }
    const through = await ask(`${PATH}?access_token=of-the-app`, owner, foreign)
    expect(JSON.parse(through.body)).toMatchObject({
      url: '/?access_token=of-the-app',
      headers: { authorization: 'Bearer of-the-app' },
    })
    // A stored ticket needs no key, and one that comes with it is no less ours.
    const ticket = bearer.headers['set-cookie']?.find((line) => line.startsWith('coder_signed_app_token'))
    const again = await ask(PATH, undefined, {
      Cookie: ticket?.split(';')[0] ?? '',
      Authorization: `Bearer ${key}`,
    })
    expect(again.status).toBe(200)
    expect(JSON.parse(again.body).headers.authorization).toBeUndefined()
  })

  it('AC-197: an app sets no cookie that signs its visitors in, and no service worker leaves its path', async () => {
    const answer = await ask(PATH, owner)
    expect(answer.headers['set-cookie']?.filter((line) => line.includes('evil'))).toEqual([])
    expect(answer.headers['set-cookie']).toContain('own=1')
    expect(answer.headers['service-worker-allowed']).toBeUndefined()
    const socket = socketTo(PATH, owner.headers)
    const [[response]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])
    expect(response.headers['set-cookie']).toBeUndefined()
    socket.terminate()
  })

  it('AC-210: an app that does not switch protocols gets nothing more of that connection', async () => {
    const { hostname, port: serverPort } = new URL(server.url)
    const key = `Coder-Session-Token: ${owner.headers['Coder-Session-Token']}`
    const head = (url: string) =>
      `GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n${key}\r\n\r\n`
    const socket = connect(Number(serverPort), hostname)
    socket.write(head(`${PATH}refuse`))
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += String(chunk)
      // As a proxy that uses the connection for its next visitor.
      if (answer.endsWith('refused'))
        socket.write('GET / HTTP/1.1\r\nHost: x\r\nCookie: of-the-next=visitor\r\n\r\n')
    })
    socket.on('error', () => undefined)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer.toLowerCase()).toContain('connection: close')
    const later = connect(Number(serverPort), hostname)
    later.write(head(`${PATH}leaked`))
    expect(await text(later)).toContain('<>')
  })

  it('AC-214: pages of other owners open no WebSockets with the cookies of a visitor', async () => {
    const refused = socketTo('/', { ...owner.headers, Host: HOST, Origin: 'http://x--dev--other.apps.test' })
    const [, response] = await once(refused, 'unexpected-response')
    expect(response.statusCode).toBe(403)
    for (const origin of [`http://${HOST}`, 'http://second--dev--owner.apps.test', 'https://elsewhere.test'])
      (await opened('/', { ...owner.headers, Host: HOST, Origin: origin })).terminate()
  })
})

describe('sign-in', () => {
  it('AC-195: a visitor who is signed out is led to the sign-in page and back to the app', async () => {
    const target = `/api/v2/applications/auth-redirect?${new URLSearchParams({ redirect_uri: `http://${HOST}/x` })}`
    expect(await ask(target)).toMatchObject({
      status: 303,
      headers: { location: `/login?${new URLSearchParams({ redirect: target })}` },
    })
    expect((await ask(target, owner)).headers.location).toContain(`http://${HOST}/x?`)
  })

  it('AC-307: a session gets one key for each host of an app, as long as that is good', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const visitor = await server.user('regular')
    const { id } = await visitor.call(getUser, { params: { user: 'me' } })
    const made = async (): Promise<string[]> =>
      (
        await database.db
          .selectFrom('api_keys')
          .select('id')
          .where('user_id', '=', id)
          .where(sql<boolean>`scopes::text[] = '{coder:application_connect}'`)
          .orderBy('created_at')
          .execute()
      ).map((row) => row.id)
    const visit = async (host: string) => {
      const query = new URLSearchParams({ redirect_uri: `http://${host}/` })
      expect((await ask(`/api/v2/applications/auth-redirect?${query}`, visitor)).status).toBe(303)
    }
    await Promise.all(Array.from({ length: 5 }, () => visit(HOST)))
    for (let i = 0; i < 5; i += 1) await visit(HOST)
    const [first = '', ...others] = await made()
    expect(others).toEqual([])
    await visit('second--dev--owner.apps.test')
    expect(await made()).toHaveLength(2)
    // One that was taken from the session, or ended, is not brought back.
    await database.db.deleteFrom('api_keys').where('id', '=', first).execute()
    await visit(HOST)
    const [, second = '', ...more] = await made()
    expect([second === first, more]).toEqual([false, []])
    await database.db
      .updateTable('api_keys')
      .set({ expires_at: new Date() })
      .where('id', '=', second)
      .execute()
    await visit(HOST)
    expect(await made()).toHaveLength(3)
  })

  it('AC-195: a key is handed to no other port of an app host', async () => {
    const query = new URLSearchParams({ redirect_uri: `http://${HOST}:9999/` })
    expect((await ask(`/api/v2/applications/auth-redirect?${query}`, owner)).status).toBe(400)
  })
})

describe('rights that were taken away', () => {
  const share = () =>
    owner.call(upsertPortShare, {
      params: { workspace: workspace.id },
      body: { agent_name: 'main', port, share_level: 'authenticated', protocol: 'http' },
    })
  const unshare = () =>
    owner.call(deletePortShare, { params: { workspace: workspace.id }, body: { agent_name: 'main', port } })
  const name = (): string => `${port}--main--dev--owner.apps.test`

  /** Sessions of the owner that were last used long ago, until something uses them. */
  async function unused(database: Database) {
    const { key } = await owner.call(createSessionKey, { params: { user: 'me' } })
    const id = key.slice(0, 10)
    const long = new Date('2026-01-01T12:00:00Z')
    return {
      headers: { 'Coder-Session-Token': key },
      backdate: () =>
        database.db.updateTable('api_keys').set({ last_used: long }).where('id', '=', id).execute(),
      isUsed: async () => {
        const row = await database.db
          .selectFrom('api_keys')
          .select('last_used')
          .where('id', '=', id)
          .executeTakeFirstOrThrow()
        return row.last_used.getTime() !== long.getTime()
      },
    }
  }

  it('AC-308: end open connections and answers of an app, and leave those of others', async () => {
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    await share()
    const session = await unused(database)
    const [mine, theirs] = [
      await opened('/', { ...session.headers, Host: name() }),
      await opened('/', { ...other.headers, Host: name() }),
    ]
    const { hostname, port: serverPort } = new URL(server.url)
    const streamed = httpRequest({
      hostname,
      port: serverPort,
      path: '/stream',
      headers: { ...other.headers, Host: name() },
    })
    streamed.end()
    const [response] = await once(streamed, 'response')
    response.on('error', () => undefined).resume()
    const cut = new Promise((resolve) => response.once('close', resolve))
    const gone = closed(theirs)
    await session.backdate()
    await unshare()
    await Promise.all([gone, cut])
    expect(mine.readyState).toBe(WebSocket.OPEN)
    // ID-211: it was looked at before the others, and that is no use of its session.
    expect(await session.isUsed()).toBe(false)
    mine.terminate()
  }, 60_000)

  it('RB-137: end open terminals, and what shows something of the agent', async () => {
    const boss = await server.user('boss', ['owner'])
    const address = boss.address(openTerminal, { params: { workspaceagent: await agentId() } })
    const url = `${address.slice(server.url.length)}?reconnect=6b0c7b0e-4a25-4d0c-9a53-0c3f1b0a3c11`
    await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
    const [silent, typing] = [await unused(database), await unused(database)]
    const stays = await opened(url.replace('3a11', '3a12'), silent.headers)
    const typed = await opened(url.replace('3a11', '3a13'), typing.headers)
    const terminal = await opened(url, boss.headers)
    const agent = { params: { workspaceagent: await agentId() } }
    const shown = await Promise.all(
      [
        boss.address(watchAgentMetadataWs, agent),
        `${boss.address(listAgentLogs, agent)}?follow`,
        `${owner.address(listAgentLogs, agent)}?follow`,
      ].map((address, n) => opened(address.slice(server.url.length), (n < 2 ? boss : owner).headers)),
    )
    const gone = Promise.all([terminal, ...shown.slice(0, 2)].map(closed))
    await silent.backdate()
    await typing.backdate()
    typed.send(JSON.stringify({ data: ' ' }))
    await owner.call(updateUserRoles, { params: { user: 'boss' }, body: { roles: [] } })
    // Events say no more at their end than that it is one.
    expect(await gone).toEqual([1008, 1000, 1008])
    expect(shown[2]?.readyState).toBe(WebSocket.OPEN)
    // ID-211: whoever types uses the session; that the server looks at it is no use.
    await until('the use to be noted', typing.isUsed)
    expect(await silent.isUsed()).toBe(false)
    for (const socket of [stays, typed, ...shown]) socket.terminate()
  }, 60_000)

  it('ID-215: the end of a session ends the connections of apps that were opened with it', async () => {
    const leaver = await server.user('leaver')
    await share()
    const target = new URLSearchParams({ redirect_uri: `http://${name()}/` })
    const back = await ask(`/api/v2/applications/auth-redirect?${target}`, leaver)
    const { pathname, search } = new URL(back.headers.location ?? '')
    const arrived = await ask(`${pathname}${search}`, undefined, { Host: name() })
    const cookie = arrived.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
    const socket = await opened('/', { Host: name(), Cookie: cookie })
    const gone = closed(socket)
    const started = performance.now()
    await leaver.call(logout)
    await gone
    expect(performance.now() - started).toBeLessThan(5_000)
    await unshare()
  })

  it('AC-202, WS-89: a template that allows less takes shares back, and they do not come again', async () => {
    await owner.call(upsertPortShare, {
      params: { workspace: workspace.id },
      body: { agent_name: 'main', port, share_level: 'public', protocol: 'http' },
    })
    expect((await ask('/', undefined, { Host: name() })).status).toBe(200)
    const allow = (level: 'owner' | 'authenticated' | 'public') =>
      owner.call(updateTemplate, { params: { template: template.id }, body: { max_port_share_level: level } })
    await allow('authenticated')
    expect((await ask('/', undefined, { Host: name() })).status).toBe(303)
    expect((await ask('/', other, { Host: name() })).status).toBe(200)
    const shares = () => owner.call(listPortShares, { params: { workspace: workspace.id } })
    expect(await shares()).toMatchObject({ shares: [{ port, share_level: 'authenticated' }] })
    await allow('owner')
    expect(await shares()).toEqual({ shares: [] })
    await allow('public')
    expect(await shares()).toEqual({ shares: [] })
  })
})

it('AC-201, AC-305: an app that is offline says so to those who may know, to programs as JSON', async () => {
  await owner.call(createBuild, { params: { workspace: workspace.id }, body: { transition: 'stop' } })
  await until('the stop', async () => {
    const { latest_build } = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
    return latest_build.status === 'stopped'
  })
  const page = await ask(PATH, owner, { Accept: 'text/html,application/json' })
  expect(page).toMatchObject({ status: 400, headers: { 'content-type': 'text/html; charset=utf-8' } })
  expect(page.body).toContain(`href="${server.url}/@owner/dev"`)
  const json = await ask(PATH, owner, { Accept: 'application/json' })
  expect(json.status).toBe(400)
  expect(JSON.parse(json.body)).toEqual({ message: expect.stringContaining('Workspace Offline') })
  const hidden = await ask(PATH, other)
  expect(hidden.status).toBe(404)
  // UI-607; in the frame of the dashboard, which shows no dashboard, that is a page of its own.
  expect(hidden.body).toContain(`href="${server.url}">Go to the dashboard`)
  const framed = await ask(PATH, other, { 'Sec-Fetch-Dest': 'iframe' })
  expect(framed.body).toContain(`href="${server.url}" target="_blank" rel="noopener">Go to`)
})

it('AC-183: the host of the dashboard is its own, whatever the port, also when it lies under the wildcard', async () => {
  await using below = await startTestServer({
    env: { CODER_ACCESS_URL: 'http://home.apps.test:8443', CODER_WILDCARD_ACCESS_URL: '*.apps.test' },
  })
  const { hostname, port: serverPort } = new URL(below.url)
  for (const Host of ['home.apps.test', 'home.apps.test:8443', 'HOME.apps.test:80']) {
    const sent = httpRequest({ hostname, port: serverPort, path: '/healthz', headers: { Host } })
    sent.end()
    const [response] = await once(sent, 'response')
    response.resume()
    expect([Host, response.statusCode]).toEqual([Host, 200])
  }
})

it('AC-204: path apps can be switched off', async () => {
  await using closed = await startTestServer({ env: { CODER_DISABLE_PATH_APPS: 'true' } })
  expect((await fetch(`${closed.url}${PATH}`)).status).toBe(403)
})

async function agentId(): Promise<string> {
  const { latest_build } = await owner.call(getWorkspace, { params: { workspace: workspace.id } })
  return latest_build.resources[0]?.agents?.[0]?.id ?? ''
}
