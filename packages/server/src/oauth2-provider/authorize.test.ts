import { createHash } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Client } from '@slipway/client'
import { createToken, updateOAuth2App } from '@slipway/contract'
import { openDatabase, until } from '@slipway/testkit'
import { CALLBACK, OAuthDeployment, pkce, search, type TestApp, told } from './deployment.fixture.ts'

let deployment: OAuthDeployment
let app: TestApp
const { challenge } = pkce()

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app()
})
afterAll(() => deployment[Symbol.asyncDispose]())

const session = (client = deployment.member) => ({
  cookie: `coder_session_token=${client.headers['Coder-Session-Token']}`,
})

/** A request of a browser, which has a cookie and no header. */
function browse(params: Record<string, string | undefined>, init: RequestInit = {}): Promise<Response> {
  const query = search({ response_type: 'code', client_id: app.id, code_challenge: challenge, ...params })
  return fetch(deployment.url(`/oauth2/authorize?${query}`), {
    redirect: 'manual',
    ...init,
    headers: { ...session(), ...init.headers },
  })
}

/** Codes in the database. */
async function codes() {
  await using database = await openDatabase(deployment.server.databaseUrl)
  return database.db
    .selectFrom('oauth2_provider_app_codes')
    .selectAll()
    .where('app_id', '=', app.id)
    .execute()
}

describe('who asks and who is asked', () => {
  it('row 17: a signed-out visitor goes to the login page and comes back with the query', async () => {
    const path = `/oauth2/authorize?${search({ response_type: 'code', client_id: app.id, state: 'a b&c' })}`
    for (const method of ['GET', 'POST']) {
      const answer = await fetch(deployment.url(path), { method, redirect: 'manual' })
      expect(answer.status).toBe(303)
      const location = new URL(answer.headers.get('location') ?? '', deployment.server.url)
      expect(location.pathname).toBe('/login')
      expect(location.searchParams.get('redirect')).toBe(path)
    }
  })

  it('§8 rows 1 and 2: without a client nobody is asked to sign in', async () => {
    const without = await fetch(deployment.url('/oauth2/authorize?response_type=code'))
    expect(await told(without)).toEqual({ status: 400, error: 'invalid_request' })
    for (const client_id of ['x', '00000000-0000-4000-8000-000000000000']) {
      const path = deployment.url(`/oauth2/authorize?response_type=code&client_id=${client_id}`)
      const post = await fetch(path, { method: 'POST' })
      expect(post.headers.get('www-authenticate')).toBe('Basic realm="coder"')
      expect(await told(post)).toEqual({ status: 401, error: 'invalid_client' })
      const get = await fetch(path)
      expect(get.headers.get('www-authenticate')).toBeNull()
      expect(get.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(await get.text()).toContain('Unknown application')
    }
  })

  it('UI-607, UI-406: pages have the theme that was chosen in the dashboard, and its name in the tab', async () => {
    for (const path of [
      '/oauth2/authorize?response_type=code&client_id=x',
      '/api/v2/users/oidc/callback?code=x',
    ]) {
      const page = async (Cookie: string) =>
        (await fetch(deployment.url(path), { headers: { Cookie, Accept: 'text/html' } })).text()
      expect(await page('a=b; slipway_theme=dark')).toContain('<html lang="en" data-theme="dark">')
      const other = await page('slipway_theme="><script>')
      expect(other).toContain('<html lang="en">')
      expect(other).toMatch(/<title>[^<]+ - Slipway<\/title>/)
    }
  })

  it('row 41, OA-52: an app authorizes no other', async () => {
    const { access_token: token } = await deployment.tokens(app)
    const other = await deployment.app()
    const client = new Client({ url: deployment.server.url, token })
    for (const method of ['GET', 'POST'] as const)
      expect(
        (await deployment.authorize(other, { code_challenge: challenge }, { method, client })).status,
      ).toBe(403)
  })

  it('RB-120: a token that may do less than the app asks for cannot authorize it', async () => {
    const { key } = await deployment.member.call(createToken, {
      params: { user: 'me' },
      body: { scopes: ['workspace:*'] },
    })
    const client = new Client({ url: deployment.server.url, token: key })
    const answer = await deployment.authorize(app, { code_challenge: challenge }, { client })
    expect(answer.status).toBe(403)
  })

  it('AG-B8: a token with limits for AI authorizes no app, whose tokens would have none', async () => {
    const { key } = await deployment.member.call(createToken, {
      params: { user: 'me' },
      body: { ai_limits: { models: ['gpt-*'] } },
    })
    const client = new Client({ url: deployment.server.url, token: key })
    const answer = await deployment.authorize(app, { code_challenge: challenge }, { client })
    expect(answer.status).toBe(403)
  })
})

describe('the consent page', () => {
  it('row 18: is framed by nobody, needs no script and has the token, the names and the way out', async () => {
    const answer = await browse({ state: 'st&te', redirect_uri: CALLBACK, resource: 'https://r.example/x' })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('form-action')
    expect(policy).not.toContain('script')
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('pragma')).toBe('no-cache')
    const text = await answer.text()
    expect(text).not.toContain('<script')
    expect(text).toMatch(/name="csrf_token" value="[^"]{80,}"/)
    for (const part of ['member@example.com', 'https://r.example/x', 'localhost1:8080', 'Do everything'])
      expect(text).toContain(part)
    const cancel = new URL(/href="(http:[^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '')
    expect(`${cancel.origin}${cancel.pathname}`).toBe(CALLBACK)
    expect(cancel.searchParams.get('error')).toBe('access_denied')
    expect(cancel.searchParams.get('state')).toBe('st&te')
  })

  it('OA-47: the framing headers do not leak to the dashboard', async () => {
    const page = await fetch(deployment.url('/workspaces'))
    expect(page.headers.get('x-frame-options')).not.toBe('DENY')
    expect(page.headers.get('content-security-policy') ?? '').not.toContain("frame-ancestors 'none'")
  })

  it('what an app calls itself stays text', async () => {
    const client = await deployment.publicClient({ client_name: '<img src=x onerror=alert(1)>"\'' })
    const answer = await deployment.authorize(
      client,
      { code_challenge: challenge, state: '"><script>alert(1)</script>' },
      { method: 'GET' },
    )
    const text = await answer.text()
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;')
    expect(text).not.toContain('<img src=x')
    expect(text).not.toContain('<script')
    expect(text).toContain('Self-registered, unverified')
    expect(text).toContain('a program on your computer')
  })

  it('row 19: a cookie alone gives no consent, and the token of the form does', async () => {
    const before = (await codes()).length
    const refused = await browse({}, { method: 'POST' })
    expect(refused.status).toBe(400)
    expect(refused.headers.get('content-type')).toContain('text/plain')
    const wrong = await browse({}, { method: 'POST', body: new URLSearchParams({ csrf_token: 'AAAA' }) })
    expect(wrong.status).toBe(400)
    expect((await codes()).length).toBe(before)

    const page = await browse({ state: 's' })
    const [, token = ''] = /name="csrf_token" value="([^"]+)"/.exec(await page.text()) ?? []
    const cookie = page.headers.get('set-cookie')?.split(';')[0] ?? ''
    const answer = await browse(
      { state: 's' },
      {
        method: 'POST',
        headers: { cookie: `${session().cookie}; ${cookie}`, origin: deployment.server.url },
        body: new URLSearchParams({ csrf_token: token, decision: 'allow' }),
      },
    )
    expect(answer.status).toBe(302)
    const location = new URL(answer.headers.get('location') ?? '')
    expect(location.searchParams.get('code')).toMatch(/^coder_/)
    const foreign = await browse(
      {},
      {
        method: 'POST',
        headers: { cookie: `${session().cookie}; ${cookie}`, origin: 'https://evil.example' },
        body: new URLSearchParams({ csrf_token: token }),
      },
    )
    expect(foreign.status).toBe(400)
  })

  it('OA-B14: who declines tells the app so, by a redirect', async () => {
    const answer = await deployment.authorize(
      app,
      { code_challenge: challenge, state: 'x' },
      { body: new URLSearchParams({ decision: 'deny' }) },
    )
    expect(answer.status).toBe(302)
    const location = new URL(answer.headers.get('location') ?? '')
    expect(Object.fromEntries(location.searchParams)).toEqual({
      error: 'access_denied',
      error_description: 'The user has declined the request',
      state: 'x',
      iss: deployment.server.url,
    })
  })

  it('UI-608: who is somebody else signs out and comes back', async () => {
    const other = await deployment.server.user('somebody')
    const answer = await deployment.authorize(
      app,
      { code_challenge: challenge },
      { client: other, body: new URLSearchParams({ decision: 'switch' }) },
    )
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(/^\/login\?redirect=%2Foauth2%2Fauthorize%3F/)
    const after = await deployment.authorize(
      app,
      { code_challenge: challenge },
      { client: other, method: 'GET' },
    )
    expect(after.status).toBe(303)
    // A token that somebody has made is no session to end.
    const { key } = await deployment.member.call(createToken, { params: { user: 'me' }, body: {} })
    const token = new Client({ url: deployment.server.url, token: key })
    const body = new URLSearchParams({ decision: 'switch' })
    const kept = await deployment.authorize(app, { code_challenge: challenge }, { client: token, body })
    expect(await told(kept)).toEqual({ status: 400, error: 'invalid_request' })
    expect(await deployment.use(key)).toBe(200)
  })
})

describe('the request', () => {
  it('row 21, PKCE downgrade: no challenge, a short, a long, a wrong one, plain', async () => {
    const faults: Record<string, string | undefined>[] = [
      { code_challenge: undefined },
      { code_challenge: 'a'.repeat(42) },
      { code_challenge: 'a'.repeat(129) },
      { code_challenge: `${'a'.repeat(42)}+` },
      { code_challenge: challenge, code_challenge_method: 'plain' },
      { code_challenge: challenge, code_challenge_method: 'S512' },
    ]
    for (const params of faults) {
      const post = await deployment.authorize(app, params)
      expect(post.headers.get('location')).toBeNull()
      const { error, error_description } = JSON.parse(await post.text())
      expect([post.status, error]).toEqual([400, 'invalid_request'])
      expect(error_description).toMatch(/^Invalid query params: /)
      const get = await deployment.authorize(app, params, { method: 'GET' })
      expect(get.status).toBe(400)
      expect(await get.text()).toContain('Invalid Query Parameters')
    }
  })

  it('row 22: response_type=token is refused, and needs no PKCE to get there', async () => {
    const get = await deployment.authorize(app, { response_type: 'token' }, { method: 'GET' })
    expect(get.status).toBe(400)
    expect(await get.text()).toContain('Unsupported Response Type')
    const post = await deployment.authorize(app, { response_type: 'token', code_challenge_method: 'plain' })
    expect(post.status).toBe(400)
    expect(await post.json()).toMatchObject({
      error: 'unsupported_response_type',
      error_description: 'Only response_type=code is supported',
    })
    for (const response_type of [undefined, '', 'id_token', 'code token'])
      expect(await told(await deployment.authorize(app, { response_type }))).toEqual({
        status: 400,
        error: 'invalid_request',
      })
  })

  it('row 23, OA-11: the state comes back as it was and is stored as its hash; without one neither', async () => {
    const state = 'a b+c%2F&d=é'
    const answer = await deployment.authorize(app, { code_challenge: challenge, state })
    const location = new URL(answer.headers.get('location') ?? '')
    expect(location.searchParams.get('state')).toBe(state)
    const [stored] = (await codes()).filter(({ redeemed_at }) => redeemed_at === null)
    expect(stored?.state_hash).toBe(createHash('sha256').update(state).digest('hex'))
    const without = await deployment.authorize(app, { code_challenge: challenge })
    expect(without.status).toBe(302)
    expect(new URL(without.headers.get('location') ?? '').searchParams.has('state')).toBe(false)
    const rows = (await codes()).filter(({ redeemed_at }) => redeemed_at === null)
    expect(rows.map(({ state_hash }) => state_hash)).toEqual([null])
  })

  it('OA-45: the state goes back verbatim with a refusal, a cancellation and a decision, and none is made up', async () => {
    const state = ' {"a":"é &=+%2F"} '
    const told = (location: string | null | undefined) => new URL(location ?? '').searchParams
    const page = await (await browse({ state })).text()
    const cancel = /href="([^"]*error=access_denied[^"]*)"/.exec(page)?.[1]?.replaceAll('&amp;', '&')
    expect(told(cancel).getAll('state')).toEqual([state])
    const refused = { code_challenge: challenge, scope: 'nonsense' }
    for (const method of ['GET', 'POST'] as const) {
      const answer = await deployment.authorize(app, { ...refused, state }, { method })
      expect(told(answer.headers.get('location')).getAll('state')).toEqual([state])
    }
    const declined = (params: Record<string, string>) =>
      deployment.authorize(
        app,
        { code_challenge: challenge, ...params },
        { body: new URLSearchParams({ decision: 'deny' }) },
      )
    expect(told((await declined({ state })).headers.get('location')).get('state')).toBe(state)
    const allowed = await deployment.authorize(app, { code_challenge: challenge, state })
    expect(told(allowed.headers.get('location')).getAll('state')).toEqual([state])
    expect(told((await declined({})).headers.get('location')).has('state')).toBe(false)
    const silent = await (await browse({})).text()
    expect(/href="([^"]*error=access_denied[^"]*)"/.exec(silent)?.[1]).not.toContain('state')
  })

  it('OA-43: a state that makes no good address is refused', async () => {
    for (const [length, status] of [
      [4_096, 302],
      [4_097, 400],
    ] as const) {
      const state = 's'.repeat(length)
      expect((await deployment.authorize(app, { code_challenge: challenge, state })).status).toBe(status)
    }
  })

  it('§8 row 7: nobody is redirected to a callback that runs something, whatever is stored', async () => {
    const odd = await deployment.app()
    await using database = await openDatabase(deployment.server.databaseUrl)
    await database.db
      .updateTable('oauth2_provider_apps')
      .set({ callback_url: 'javascript:alert(1)' })
      .where('id', '=', odd.id)
      .execute()
    const page = await until('the change is heard of', async () => {
      const get = await deployment.authorize(odd, { code_challenge: challenge }, { method: 'GET' })
      return get.status === 400 ? get.text() : undefined
    })
    expect(page).toContain('Invalid Callback URL')
    expect(page).not.toContain('javascript:')
    const post = await deployment.authorize(odd, { code_challenge: challenge })
    expect(post.headers.get('location')).toBeNull()
    expect(await told(post)).toEqual({ status: 400, error: 'invalid_request' })
  })

  it('row 24, OA-46: unknown parameters are not looked at', async () => {
    const answer = await deployment.authorize(app, {
      code_challenge: challenge,
      prompt: 'consent',
      nonce: 'n',
      audience: 'x',
    })
    expect(answer.status).toBe(302)
  })

  it('OA-43: a parameter given twice is a fault', async () => {
    for (const name of ['state', 'response_type', 'code_challenge', 'redirect_uri', 'client_id']) {
      const query = search({ response_type: 'code', client_id: app.id, code_challenge: challenge })
      query.append(name, query.get(name) ?? 'x')
      if (query.getAll(name).length < 2) query.append(name, 'x')
      const answer = await fetch(deployment.url(`/oauth2/authorize?${query}`), {
        method: 'POST',
        redirect: 'manual',
        headers: deployment.member.headers,
      })
      expect(await told(answer)).toEqual({ status: 400, error: 'invalid_request' })
    }
  })

  it('§8 row 4, OA-43: it is told as other faults are, after the client is known and the user signed in', async () => {
    for (const fault of ['state=a&state=b', 'scope=a&scope=a', 'resource=x&resource=', 'state=%00']) {
      const path = `/oauth2/authorize?${search({ response_type: 'code', client_id: app.id, code_challenge: challenge })}&${fault}`
      const ask = (method: string, of = path, headers = deployment.member.headers) =>
        fetch(deployment.url(of), { method, redirect: 'manual', headers })
      const page = await ask('GET')
      expect([page.status, page.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
      const text = await page.text()
      expect(text).toContain('Invalid Query Parameters')
      expect(text).toContain(fault.slice(0, fault.indexOf('=')))
      expect(await (await ask('POST')).json()).toEqual({
        error: 'invalid_request',
        // Of the characters that RFC 6749, section 5.2, allows.
        error_description: expect.stringMatching(/^Invalid query params: [ !#-[\]-~]+$/),
      })
      expect((await ask('GET', path, {})).status).toBe(303)
      expect((await ask('POST', path.replace(app.id, 'x'))).status).toBe(401)
    }
  })

  it('OA-43: the resource is an absolute URI without a fragment, and not too long', async () => {
    for (const resource of [
      'api',
      '/x',
      'https://x.example/#',
      'https://x.example/#a',
      `https://x.example/${'a'.repeat(1_024)}`,
    ])
      expect(await told(await deployment.authorize(app, { code_challenge: challenge, resource }))).toEqual({
        status: 400,
        error: 'invalid_request',
      })
  })

  it('OA-B11: a scope that does not exist is told to the app, with state and issuer (mix-up)', async () => {
    for (const method of ['GET', 'POST'] as const) {
      const answer = await deployment.authorize(
        app,
        { code_challenge: challenge, scope: 'workspace:read nonsense', state: 's' },
        { method },
      )
      expect(answer.status).toBe(302)
      const location = new URL(answer.headers.get('location') ?? '')
      expect(location.searchParams.get('error')).toBe('invalid_scope')
      expect(location.searchParams.get('state')).toBe('s')
      expect(location.searchParams.get('iss')).toBe(deployment.server.url)
    }
  })

  it('OA-50: a grant is for what was asked, and for everything only where nothing was', async () => {
    expect((await deployment.tokens(app, { scope: 'workspace:read' })).scope).toBe('workspace:read')
    expect((await deployment.tokens(app)).scope).toBe('coder:all')
  })

  it('OA-B6: an app gets no scope beyond those that it is registered for', async () => {
    const narrow = await deployment.app({ scope: 'workspace:read' })
    const wide = await deployment.authorize(narrow, { code_challenge: challenge, scope: 'coder:all' })
    expect(wide.headers.get('location')).toContain('error=invalid_scope')
    const tokens = await deployment.tokens(narrow)
    expect(tokens.scope).toBe('workspace:read')
    const denied = await fetch(deployment.url('/api/v2/users/me'), {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    })
    expect(denied.status).toBeGreaterThanOrEqual(403)
    expect(denied.headers.get('www-authenticate')).toContain('scope="user:read"')
  })

  it('OA-44, OA-48: every registered redirect URI is good, and keeps its query', async () => {
    const two = await deployment.app({
      redirect_uris: ['https://two.example/cb?keep=a%20b&x', 'com.example.app:/cb'],
    })
    const web = await deployment.authorize(two, {
      code_challenge: challenge,
      redirect_uri: 'https://two.example/cb?keep=a%20b&x',
    })
    expect(web.headers.get('location')).toMatch(/^https:\/\/two\.example\/cb\?keep=a%20b&x&code=coder_/)
    const program = await deployment.authorize(two, {
      code_challenge: challenge,
      redirect_uri: 'com.example.app:/cb',
    })
    expect(program.headers.get('location')).toMatch(/^com\.example\.app:\/cb\?code=coder_/)
  })

  it('OA-49: at most one code of an app and a user can be redeemed', async () => {
    const first = await deployment.code(app)
    const second = await deployment.code(app)
    expect((await deployment.exchange(app, first)).status).toBe(400)
    expect((await deployment.exchange(app, second)).status).toBe(200)
  })
})

describe('remembered consent', () => {
  it('OA-B14: an app that allows it does not ask for the same twice, and revoking forgets', async () => {
    const trusting = await deployment.app({ remember_consent: true })
    const get = (params: Record<string, string>) =>
      deployment.authorize(trusting, { code_challenge: challenge, ...params }, { method: 'GET' })
    const scope = 'workspace:read template:read'
    expect((await get({ scope })).status).toBe(200)
    await deployment.code(trusting, { scope })
    expect((await get({ scope: 'template:read workspace:read' })).status).toBe(302)
    expect((await get({ scope, prompt: 'consent' })).status).toBe(200)
    const pushed = { response_type: 'code', code_challenge: challenge, scope, prompt: 'login consent' }
    const { request_uri }: Record<string, string> = JSON.parse(
      await (await deployment.form('/oauth2/par', trusting, pushed)).text(),
    )
    expect((await get({ request_uri: request_uri ?? '' })).status).toBe(200)
    expect((await get({ scope: 'workspace:read' })).status).toBe(200)
    expect((await get({ scope, resource: 'https://r.example' })).status).toBe(200)
    await fetch(deployment.url(`/oauth2/tokens?client_id=${trusting.id}`), {
      method: 'DELETE',
      headers: deployment.member.headers,
    })
    expect((await get({ scope })).status).toBe(200)
  })

  it('OA-B14: no app that has registered itself has its consent remembered, whatever an administrator sets', async () => {
    const client = await deployment.publicClient()
    await deployment.owner.call(updateOAuth2App, {
      params: { app: client.id },
      body: { name: 'registered', callback_url: client.redirectUri, remember_consent: true },
    })
    await deployment.code(client)
    const again = await deployment.authorize(client, { code_challenge: challenge }, { method: 'GET' })
    expect(again.status).toBe(200)
  })

  it('OA-53: other apps ask every time', async () => {
    await deployment.code(app)
    const again = await deployment.authorize(app, { code_challenge: challenge }, { method: 'GET' })
    expect(again.status).toBe(200)
  })
})
