import { connect } from 'node:net'

import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'

import { route } from '@slipway/contract'
import { until } from '@slipway/testkit'
import { isAllowed, SCOPE_ALL } from '../authz/index.ts'
import { forAnyone, forPage, forSession } from './bind.ts'
import type { Precheck } from './precheck.ts'
import { start } from './testing.ts'

const page = forPage(
  route('GET /callback/{provider}', { id: 'callback', tag: 'Test', responses: { 200: null } }),
  async ({ owner, params, reply }) => {
    if (params.provider === 'broken') throw new Error('the driver said: password authentication failed')
    await reply.type('text/html').send(`<p>${owner.username}</p>`)
    return undefined
  },
)
const visited = forAnyone(
  route('GET /api/v2/visited', {
    id: 'visited',
    tag: 'Test',
    security: 'optional',
    responses: { 200: Type.String() },
  }),
  async ({ visitor }) => visitor()?.owner.username ?? 'nobody',
)

const soft: Precheck = {
  ok: false,
  status: 401,
  message: 'You are signed out or your session has expired. Please sign in again to continue.',
  detail: 'API key expired at "2026-01-01T00:00:00.000Z".',
  reason: 'expired',
  hard: false,
}
const refused: Precheck = {
  ...soft,
  message: 'Could not refresh expired OpenID Connect token. Try re-authenticating to resolve this issue.',
  hard: true,
}
const fault: Precheck = {
  ok: false,
  status: 500,
  message: 'An internal error occurred. Please try again or contact the system administrator.',
  detail: 'Internal error fetching API key by id.',
  reason: 'fault',
  hard: true,
  cause: new Error('connect ECONNREFUSED 10.0.0.5:5432'),
}
const inactive = (status: 'dormant' | 'suspended'): Precheck => ({
  ok: true,
  key: {
    id: 'k',
    userId: 'u',
    loginType: 'password',
    tokenName: '',
    scopes: [],
    expiresAt: new Date(8.64e15),
    holdsUntil: 8.64e15,
  },
  owner: { id: 'u', username: 'u', email: '', status, siteRoles: [], isSystem: false },
  actor: {
    id: 'u',
    type: 'user',
    name: 'u',
    roles: [],
    groups: [],
    scope: SCOPE_ALL,
  },
})

describe('ID-69: addresses that people open', () => {
  const open = (url: string, headers: Record<string, string> = {}) =>
    fetch(url, { headers, redirect: 'manual' })

  it('lead who is not signed in to the login page, with the reason and the way back', async () => {
    const { url } = await start({ routes: [page] })
    const answer = await open(`${url}/callback/github?code=a&state=b`)
    expect(answer.status).toBe(303)
    const location = new URL(answer.headers.get('location') ?? '', url)
    expect(location.pathname).toBe('/login')
    expect(location.searchParams.get('redirect')).toBe('/callback/github?code=a&state=b')
    expect(location.searchParams.get('message')).toContain('signed out')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await (await open(`${url}/callback/github`, { 'Coder-Session-Token': 'other' })).text()).toBe(
      '<p>other</p>',
    )
  })

  it.each([
    ['an expired key', soft],
    ['a refused upstream refresh', refused],
    ['a dormant user, who stays so', inactive('dormant')],
    ['a suspended user', inactive('suspended')],
  ])('%s leads there too', async (_what, outcome) => {
    const { url } = await start({ routes: [page], validate: () => outcome })
    const answer = await open(`${url}/callback/github`)
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/login\?message=.+&redirect=%2Fcallback%2Fgithub$/),
    ])
  })

  it('a failure of ours is a page with its status, and no trip to the login page', async () => {
    const { url } = await start({ routes: [page], validate: () => fault })
    const answer = await open(`${url}/callback/github`, { Cookie: 'coder_session_token=x' })
    const text = await answer.text()
    expect(answer.status).toBe(500)
    expect(answer.headers.get('content-type')).toContain('text/html')
    expect([answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual([null, null])
    expect(text).toContain('Try again')
    expect(text).not.toContain('ECONNREFUSED')
  })

  it('so is what a handler throws, without its text and without any script', async () => {
    const { url } = await start({ routes: [page] })
    const answer = await open(`${url}/callback/broken`, { 'Coder-Session-Token': 'other' })
    const text = await answer.text()
    expect(answer.status).toBe(500)
    expect(text).not.toContain('driver')
    expect(text).toContain(answer.headers.get('x-coder-request-id'))
    expect(text).not.toMatch(/<script|\son\w+=/i)
    const policy = answer.headers.get('content-security-policy') ?? ''
    const nonce = /style-src 'nonce-([^']+)'/.exec(policy)?.[1]
    expect(text).toContain(`<style nonce="${nonce}">`)
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
  })
})

describe('ID-69: routes that anybody may use', () => {
  it.each([
    ['nobody', undefined, 200],
    ['an expired key', soft, 200],
    ['a refused upstream refresh', refused, 401],
    ['a failure of ours', fault, 500],
  ])('%s', async (_what, outcome, status) => {
    const { url } = await start({
      routes: [visited],
      validate: (_token, context) => outcome ?? context.precheck,
    })
    const answer = await fetch(`${url}/api/v2/visited`)
    const text = await answer.text()
    expect(answer.status).toBe(status)
    if (status === 200) expect(text).toBe('nobody')
    expect(text).not.toContain('ECONNREFUSED')
  })

  it('ID-68: who is not active is told so, and who is signed in is known', async () => {
    const { url } = await start({
      routes: [visited],
      validate: () => inactive('suspended'),
    })
    const answer = await fetch(`${url}/api/v2/visited`)
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({
      message: 'User is not active (status = "suspended"). Contact an admin to reactivate your account.',
    })
    const other = await start({ routes: [visited] })
    const known = await fetch(`${other.url}/api/v2/visited`, { headers: { 'Coder-Session-Token': 'boss' } })
    expect(await known.text()).toBe('boss')
  })
})

describe('ID-126: work that is dear', () => {
  const waiting: (() => void)[] = []
  const dear = forAnyone(
    route('POST /api/v2/dear', { id: 'dear', tag: 'Test', responses: { 200: Type.String() } }),
    () => new Promise<string>((resolve) => waiting.push(() => resolve('done'))),
    { atOnce: { limit: 2, resource: 'Hashing' } },
  )

  it('beyond the maximum is refused at once, and taken again when one has ended, and not when its client has left', async () => {
    const { url, lines } = await start({ routes: [dear] })
    const post = (signal?: AbortSignal) =>
      fetch(`${url}/api/v2/dear`, { method: 'POST', ...(signal === undefined ? {} : { signal }) })
    const leaver = new AbortController()
    const [first, second] = [post(), post(leaver.signal).catch(() => undefined)]
    await until('both to run', () => waiting.length === 2)
    const third = await post()
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await third.json()).toEqual({
      message: 'Hashing is currently at capacity. Please try again later.',
    })
    leaver.abort()
    await second
    await until('the line of who left', () =>
      lines.some((line) => line.status_code === 499 && line.path === '/api/v2/dear'),
    )
    expect((await post()).status).toBe(503)
    waiting[1]?.()
    const fourth = until('a place', async () => {
      const asked = post()
      const refusal = await Promise.race([asked, until('it to run', () => waiting.length === 3)])
      return refusal === true ? asked : undefined
    })
    await until('a third to run', () => waiting.length === 3)
    for (const end of waiting) end()
    expect((await first).status).toBe(200)
    expect((await fourth).status).toBe(200)
  })

  it('01 row 39: what fails gives its place back', async () => {
    const failing = forAnyone(
      dear.route,
      async () => {
        throw new Error('the driver said: no')
      },
      { atOnce: { limit: 1, resource: 'Hashing' } },
    )
    const { url } = await start({ routes: [failing] })
    for (let round = 0; round < 3; round += 1) {
      const answer = await fetch(`${url}/api/v2/dear`, { method: 'POST' })
      expect([answer.status, await answer.json()]).toEqual([
        500,
        { message: expect.any(String), detail: expect.stringContaining('Reference: ') },
      ])
    }
  })

  it('a body that does not come holds no place', async () => {
    waiting.length = 0
    const { url, asked } = await start({ routes: [dear] })
    const { port, hostname } = new URL(url)
    const slow = [1, 2, 3].map(() => connect(Number(port), hostname))
    for (const socket of slow)
      socket.write('POST /api/v2/dear HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{')
    await until('them to arrive', () => asked.length === 3)
    const prompt = fetch(`${url}/api/v2/dear`, { method: 'POST' })
    await until('it to run', () => waiting.length === 1)
    waiting[0]?.()
    expect((await prompt).status).toBe(200)
    for (const socket of slow) socket.destroy()
  })
})

describe('ID-142, RB-79: the record of decisions', () => {
  const checked = forSession(
    route('GET /api/v2/checked', { id: 'checked', tag: 'Test', responses: { 200: Type.String() } }),
    async ({ actor, raw }) => {
      const times = Number(raw.search.get('times') ?? 1)
      for (let i = 0; i < times; i += 1) {
        isAllowed(actor, 'read', { type: 'workspace', organization: 'o', owner: actor.id, id: 'w\r\nx: y' })
        isAllowed(actor, 'create', { type: 'template', anyOrganization: true })
      }
      return 'ok'
    },
  )
  const ask = async (
    version: string,
    headers: Record<string, string>,
    times = 1,
    recordDecisions = false,
  ) => {
    const { url } = await start({ routes: [checked], version, recordDecisions })
    const answer = await fetch(`${url}/api/v2/checked?times=${times}`, {
      headers: { 'Coder-Session-Token': 'other', ...headers },
    })
    expect(answer.status).toBe(200)
    return answer.headers.get('x-authz-checks')
  }

  it('comes on demand from a development build, and never from a release', async () => {
    const expected =
      'organization:o::owner:other::id:w??x: y::workspace.read=false; organization:any::template.create=false'
    expect(await ask('v0.0.0', { 'x-record-authz-checks': 'true' })).toBe(expected)
    expect(await ask('v2.36.0-devel+1', { 'x-authz-checks': 'true' })).toBe(expected)
    expect(await ask('v0.0.0', {}, 1, true)).toBe(expected)
    expect(await ask('v0.0.0', {})).toBeNull()
    expect(await ask('v0.0.0', { 'x-record-authz-checks': 'false' })).toBeNull()
    expect(await ask('v2.36.0-rc.1', { 'x-record-authz-checks': 'true' })).toBeNull()
    expect(await ask('v2.36.0', { 'x-record-authz-checks': 'true' }, 1, true)).toBeNull()
  })

  it('02 T39: is not kept where nobody asks for it, however long a connection lasts', async () => {
    const kept = forAnyone(
      route('GET /api/v2/kept', { id: 'kept', tag: 'Test', responses: { 200: Type.String() } }),
      async ({ context }) => (context.decisions === undefined ? 'nothing' : 'decisions'),
    )
    const { url } = await start({ routes: [kept], version: 'v0.0.0' })
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`${url}/api/v2/kept`, { headers })).text()
    expect(await ask({})).toBe('nothing')
    expect(await ask({ 'x-record-authz-checks': '1' })).toBe('decisions')
  })

  it('is cut at 2000 bytes, and says so; nothing decided is nil', async () => {
    const long = await ask('v0.0.0', { 'x-record-authz-checks': 'true' }, 5_000)
    expect(long).toHaveLength(2_011)
    expect(long).toMatch(/<truncated>$/)
    expect(await ask('v0.0.0', { 'x-record-authz-checks': 'true' }, 0)).toBe('nil')
  })
})

describe('slow and silent clients', () => {
  it('a body that does not arrive ends its connection, and nobody else notices', async () => {
    const { url } = await start({ bodyTimeout: 200 })
    const { port } = new URL(url)
    const socket = connect(Number(port), '127.0.0.1')
    let closed = false
    socket.on('close', () => {
      closed = true
    })
    socket.on('error', () => undefined)
    socket.write('POST /api/v2/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{')
    await until('the end', () => closed)
    const answer = await fetch(`${url}/api/v2/notes`, { method: 'POST', body: '{"text":"quick"}' })
    expect(answer.status).toBe(200)
  })

  it('nor does an app, once it has answered, wait for ever for the rest of an upload', async () => {
    const claim = () => ({
      route: 'SUBDOMAIN_APP',
      serve: async (_request: unknown, reply: FastifyReply) => void (await reply.code(404).send('no')),
    })
    const { url } = await start({ bodyTimeout: 200, apps: { claim } })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let closed = false
    socket.on('close', () => {
      closed = true
    })
    socket.on('error', () => undefined).resume()
    socket.write('POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{')
    await until('the end', () => closed)
  })

  it('OP-27: a head that does not arrive is waited for as long as slow tunnels need, and load balancers keep their connections', async () => {
    const { server } = await start()
    expect(server.server.headersTimeout).toBe(60_000)
    expect(server.server.keepAliveTimeout).toBe(75_000)
    expect(server.server.requestTimeout).toBe(0)
  })
})
