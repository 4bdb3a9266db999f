import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { getAuthMethods, getUser, githubDevice } from '@slipway/contract'
import {
  CookieBrowser,
  FakeGithub,
  type GithubPerson,
  openDatabase,
  PASSWORD,
  startTestServer,
  type TestServer,
} from '@slipway/testkit'
import type { Database } from '../database/index.ts'

const CALLBACK = '/api/v2/users/oauth2/github/callback'
const me = { params: { user: 'me' } }

let github: FakeGithub
beforeAll(async () => {
  github = await FakeGithub.start()
})
afterAll(() => github[Symbol.asyncDispose]())
beforeEach(() => {
  github.staged = undefined
})

let people = 1000
function person(given: Partial<GithubPerson> = {}): GithubPerson {
  people += 1
  return {
    id: people,
    login: `gopher_${people}`,
    name: 'A Gopher',
    avatar_url: 'https://avatars.example/1',
    emails: [
      { email: `private${people}@example.com`, primary: false, verified: true },
      { email: `gopher${people}@example.com`, primary: true, verified: true },
    ],
    orgs: [{ login: 'Acme', state: 'active' }],
    ...given,
  }
}

async function signIn(server: TestServer, who: GithubPerson) {
  github.visitor = who
  const browser = new CookieBrowser()
  const end = await browser.signIn(server.url, CALLBACK)
  return { browser, end }
}

const limits = { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: 'true' }

describe('ID-171…ID-173: the web flow', () => {
  let server: TestServer
  let database: Database
  beforeAll(async () => {
    server = await startTestServer({
      env: { ...github.env(limits), CODER_OAUTH2_GITHUB_ALLOWED_ORGS: 'acme,other' },
    })
    database = await openDatabase(server.databaseUrl)
    await server.owner()
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  it('makes an account under the number of GitHub; an underscore becomes a hyphen', async () => {
    const who = person()
    const { browser, end } = await signIn(server, who)
    expect(end).toMatchObject({ status: 307, location: `${server.url}/` })
    expect(await browser.client(server.url).call(getUser, me)).toMatchObject({
      ...{ username: `gopher-${who.id}`, email: `gopher${who.id}@example.com`, name: 'A Gopher' },
      ...{ login_type: 'github', status: 'active', avatar_url: 'https://avatars.example/1' },
    })
    const link = await database.db
      .selectFrom('user_links as l')
      .innerJoin('users as u', 'u.id', 'l.user_id')
      .select(['l.linked_id', 'l.oauth_access_token', 'u.github_com_user_id'])
      .where('l.linked_id', '=', String(who.id))
      .executeTakeFirstOrThrow()
    // ID-173: the numbers of another server are not those of github.com.
    expect(link.github_com_user_id).toBeNull()
    const tokens = github.requests.flatMap(({ headers }) => headers.authorization?.slice(7) ?? [])
    expect(tokens).not.toHaveLength(0)
    for (const token of tokens) expect(link.oauth_access_token?.toString('latin1')).not.toContain(token)
  })

  it('asks for its scopes, with PKCE', async () => {
    const { location } = await new CookieBrowser().visit(`${server.url}${CALLBACK}`)
    const asked = new URL(location)
    expect(`${asked.origin}${asked.pathname}`).toBe(`${github.url}/login/oauth/authorize`)
    expect(asked.searchParams.get('scope')).toBe('read:user read:org user:email')
    expect(asked.searchParams.get('code_challenge_method')).toBe('S256')
  })

  it('ID-172: only active members of an allowed organization get in; others go back to the sign-in page', async () => {
    for (const orgs of [
      [],
      [{ login: 'acme', state: 'pending' as const }],
      [{ login: 'acme-evil', state: 'active' as const }],
    ]) {
      const { end, browser } = await signIn(server, person({ orgs }))
      expect(end.status).toBe(401)
      const target = new URL(end.location, server.url)
      expect(target.pathname).toBe('/login')
      expect(target.searchParams.get('message')).toBe(
        "You aren't a member of the authorized Github organizations!",
      )
      expect(end.text).toContain('href="/login?message=')
      expect(target.searchParams.get('redirect')).toBe('/')
      expect(browser.cookie(server.url, 'coder_session_token')).toBeUndefined()
    }
  })

  it('ID-172: finds an organization on the third page', async () => {
    const orgs = Array.from({ length: 250 }, (_, index) => ({
      login: `org${index}`,
      state: 'active' as const,
    }))
    const { end } = await signIn(server, person({ orgs: [...orgs, { login: 'other', state: 'active' }] }))
    expect(end.status).toBe(307)
  })

  it('ID-172: the primary address must be verified', async () => {
    const emails = [
      { email: 'verified@example.com', primary: false, verified: true },
      { email: 'unverified@example.com', primary: true, verified: false },
    ]
    const { end } = await signIn(server, person({ emails }))
    expect(end.status).toBe(400)
    expect(end.text).toContain('Your primary email must be verified on GitHub!')
    expect((await signIn(server, person({ emails: [] }))).end.status).toBe(400)
  })

  it('ID-172: an account without a number is an error of GitHub', async () => {
    expect((await signIn(server, person({ id: 0 }))).end.status).toBe(500)
  })

  it('ID-168: an address that another account at GitHub has now does not open the first one', async () => {
    const first = person()
    await signIn(server, first)
    github.visitor = person({ emails: first.emails })
    const browser = new CookieBrowser()
    const start = await browser.visit(`${server.url}${CALLBACK}`)
    const back = await browser.visit(start.location)
    const answer = await browser.visit(back.location, { headers: { Accept: 'application/json' } })
    expect(answer.status).toBe(403)
    expect(JSON.parse(answer.text).message).toBe('Account already linked')
  })

  it('ID-151: a refusal at GitHub is told in its words', async () => {
    github.visitor = undefined
    const end = await new CookieBrowser().signIn(server.url, CALLBACK)
    expect(end.status).toBe(400)
    expect(end.text).toContain('The user has denied your application access.')
  })

  it('a failing API is a fault and signs nobody out or in', async () => {
    github.staged = (path) => (path === '/api/v3/user' ? { status: 502, body: 'bad gateway' } : undefined)
    const { end, browser } = await signIn(server, person())
    expect(end.status).toBe(500)
    expect(browser.cookie(server.url, 'coder_session_token')).toBeUndefined()
    github.staged = (path) =>
      path === '/login/oauth/access_token' ? { status: 200, body: 'x'.repeat(2_000_000) } : undefined
    expect((await signIn(server, person())).end.status).toBe(500)
  })

  it('ID-13, ID-174, ID-175: the sign-in page learns of it, and there is no device flow', async () => {
    expect(await server.anonymous.call(getAuthMethods)).toMatchObject({
      github: { enabled: true, default_provider_configured: false },
      oidc: { enabled: false },
      providers: [{ id: 'github', url: CALLBACK }],
    })
    await expect(server.anonymous.call(githubDevice)).rejects.toMatchObject({ status: 400 })
  })

  it('ID-151: what is not configured says so', async () => {
    const answer = await fetch(`${server.url}/api/v2/users/oidc/callback`)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ message: 'The oauth2 method requested is not configured!' })
  })
})

describe('ID-172: teams', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({
      env: {
        ...github.env(limits),
        CODER_OAUTH2_GITHUB_ALLOWED_ORGS: 'acme',
        CODER_OAUTH2_GITHUB_ALLOWED_TEAMS: 'acme/core,elsewhere/core',
      },
    })
    await server.owner()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each([
    ['of an allowed one', [{ org: 'Acme', slug: 'Core' }], 307],
    ['of another one of that organization', [{ org: 'acme', slug: 'sales' }], 401],
    ['of one of that name in an organization that is not allowed', [{ org: 'elsewhere', slug: 'core' }], 401],
    ['of none', [], 401],
  ])('members %s', async (_who, teams, status) => {
    expect((await signIn(server, person({ teams }))).end.status).toBe(status)
  })
})

describe('ID-163: accounts are made only where that is allowed', () => {
  it('but the first one owns the deployment, also of several at once', async () => {
    await using server = await startTestServer({
      env: {
        ...github.env(),
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: 'true',
      },
    })
    // Everybody is asked before anybody comes back.
    const backs: [CookieBrowser, string][] = []
    for (let one = 0; one < 8; one += 1) {
      github.visitor = person()
      const browser = new CookieBrowser()
      const start = await browser.visit(`${server.url}${CALLBACK}`)
      backs.push([browser, (await browser.visit(start.location)).location])
    }
    const ends = await Promise.all(backs.map(([browser, back]) => browser.visit(back)))
    expect(ends.map(({ status }) => status).toSorted()).toEqual([
      307,
      ...Array.from({ length: 7 }, () => 403),
    ])
    const winner = backs[ends.findIndex(({ status }) => status === 307)]?.[0]
    expect((await winner?.client(server.url).call(getUser, me))?.roles).toMatchObject([{ name: 'owner' }])
    const refused = ends.find(({ status }) => status === 403)
    expect(refused?.text).toContain('Signups are disabled')
  })
})

describe('ID-174: the device flow', () => {
  it('shows a code, is asked again and again, and ends with a session', async () => {
    await using server = await startTestServer({
      env: {
        ...github.env(limits),
        CODER_OAUTH2_GITHUB_ALLOWED_ORGS: 'acme',
        CODER_OAUTH2_GITHUB_DEVICE_FLOW: 'true',
      },
    })
    await server.owner()
    const who = person()
    github.visitor = who
    github.deviceAnswer = 'authorization_pending'
    const browser = new CookieBrowser()
    const start = await browser.visit(`${server.url}${CALLBACK}?redirect=/templates`)
    expect(start.status).toBe(307)
    const page = new URL(start.location, server.url)
    expect(page.pathname).toBe('/login/device')
    const state = page.searchParams.get('state') ?? ''
    const device = await server.anonymous.call(githubDevice)
    expect(device).toMatchObject({ user_code: 'ABCD-1234', expires_in: 899, interval: 5 })
    const ask = async (visitor = browser) => {
      const answer = await visitor.visit(
        `${server.url}${CALLBACK}?code=${device.device_code}&state=${state}`,
        {
          headers: { Accept: 'application/json' },
        },
      )
      return { status: answer.status, body: JSON.parse(answer.text) }
    }
    expect((await ask(new CookieBrowser())).status).toBe(401)
    for (const _ of [1, 2])
      expect(await ask()).toMatchObject({ status: 400, body: { detail: 'authorization_pending' } })
    github.deviceAnswer = 'access_denied'
    expect(await ask()).toMatchObject({ status: 500 })
    github.deviceAnswer = 'allowed'
    github.visitor = person({ orgs: [] })
    expect(await ask()).toMatchObject({ status: 401, body: { message: 'Unauthorized' } })
    const again = await browser.visit(`${server.url}${CALLBACK}?redirect=/templates`)
    const next = new URL(again.location, server.url).searchParams.get('state') ?? ''
    const second = await server.anonymous.call(githubDevice)
    github.visitor = who
    const end = await browser.visit(`${server.url}${CALLBACK}?code=${second.device_code}&state=${next}`)
    expect(end.status).toBe(200)
    expect(JSON.parse(end.text)).toEqual({ redirect_url: '/templates' })
    expect((await browser.client(server.url).call(getUser, me)).username).toBe(`gopher-${who.id}`)
    const metrics = await fetch(`${server.url}/metrics`, { headers: (await server.owner()).headers })
    const text = await metrics.text()
    expect(text).toMatch(
      /coderd_oauth2_external_requests_total\{name="github",source="AuthorizeDevice",status_code="200"\} 2/,
    )
    expect(text).toMatch(
      /coderd_oauth2_external_requests_rate_limit_remaining\{name="github",resource="core"\} 59/,
    )
  })

  it('ID-177: converts an account, however often the page has to ask', async () => {
    await using server = await startTestServer({
      env: {
        ...github.env(limits),
        CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: 'true',
        CODER_OAUTH2_GITHUB_DEVICE_FLOW: 'true',
      },
    })
    await server.owner()
    const client = await server.user('kim')
    github.visitor = person({ emails: [{ email: 'kim@example.com', primary: true, verified: true }] })
    const browser = new CookieBrowser()
    const token = String(client.headers['Coder-Session-Token'])
    browser.setCookie(server.url, 'coder_session_token', token)
    const begun = await browser.visit(`${server.url}/api/v2/users/me/convert-login`, {
      method: 'POST',
      headers: { 'Coder-Session-Token': token },
      body: JSON.stringify({ to_type: 'github', password: PASSWORD }),
    })
    const { state_string: state } = JSON.parse(begun.text)
    await browser.visit(`${server.url}${CALLBACK}?oidc_merge_state=${state}`)
    const device = await server.anonymous.call(githubDevice)
    const ask = async () =>
      (await browser.visit(`${server.url}${CALLBACK}?code=${device.device_code}&state=${state}`)).status
    github.deviceAnswer = 'authorization_pending'
    for (const _ of [1, 2]) expect(await ask()).toBe(400)
    github.deviceAnswer = 'allowed'
    expect(await ask()).toBe(200)
    expect(browser.cookie(server.url, 'coder_oauth_convert_jwt')).toBeUndefined()
    const converted = await (await server.owner()).call(getUser, { params: { user: 'kim' } })
    expect(converted.login_type).toBe('github')
  })

  it('says why it cannot start', async () => {
    await using server = await startTestServer({
      env: {
        ...github.env(limits),
        CODER_OAUTH2_GITHUB_ALLOWED_ORGS: 'acme',
        CODER_OAUTH2_GITHUB_DEVICE_FLOW: 'true',
      },
    })
    const failure = () => server.anonymous.call(githubDevice)
    github.staged = () => ({ status: 429, body: 'slow down' })
    await expect(failure()).rejects.toMatchObject({
      status: 500,
      detail: expect.stringContaining('rate limit'),
    })
    github.staged = () => ({ status: 200, body: '<html>' })
    await expect(failure()).rejects.toMatchObject({ status: 500, detail: 'GitHub answered 200.' })
  })
})
