import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { decodeProtectedHeader, exportJWK } from 'jose'
import { generate } from 'selfsigned'
import { describe, expect, it } from 'vitest'

import { createUser, getAuthMethods, getOidcClaims, getUser } from '@slipway/contract'
import {
  CookieBrowser,
  fixtures,
  IdentityProvider,
  openDatabase,
  startTestServer,
  type TestServer,
  until,
} from '@slipway/testkit'

const CALLBACK = '/api/v2/users/oidc/callback'
const me = { params: { user: 'me' } }
const PERSON = { email: 'kim@corp.example', email_verified: true, preferred_username: 'kim', name: 'Kim' }

type IdpOptions = Parameters<typeof IdentityProvider.start>[0]

/** A provider and a server that uses it under these settings. */
async function setUp(env: Record<string, string> = {}, options: IdpOptions = {}) {
  const steps = new AsyncDisposableStack()
  const idp = steps.use(await IdentityProvider.start(options))
  const server = steps.use(
    await startTestServer({ env: { ...idp.env(env), CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }),
  )
  idp.allowRedirect(`${server.url}${CALLBACK}`)
  idp.person('kim', PERSON)
  return { idp, server, [Symbol.asyncDispose]: () => steps.disposeAsync() }
}

async function signIn(server: TestServer) {
  const browser = new CookieBrowser()
  return { browser, end: await browser.signIn(server.url) }
}

describe('ID-163, ID-203: the first account', () => {
  it('is the owner, also when several people sign in at once; their names are their own', async () => {
    await using test = await setUp({ CODER_OIDC_ALLOW_SIGNUPS: 'false' })
    const { idp, server } = test
    const backs: [CookieBrowser, string][] = []
    for (const name of ['ann', 'bob', 'cat', 'dan', 'eve']) {
      idp.person(name, { ...PERSON, email: `${name}@corp.example`, preferred_username: name })
      const browser = new CookieBrowser()
      const at = await browser.follow(`${server.url}${CALLBACK}`, (url) => url.searchParams.has('code'))
      backs.push([browser, at.location])
    }
    const ends = await Promise.all(backs.map(([browser, back]) => browser.visit(back)))
    expect(ends.map(({ status }) => status).toSorted()).toEqual([307, 403, 403, 403, 403])
    const winner = backs[ends.findIndex(({ status }) => status === 307)]?.[0]
    expect((await winner?.client(server.url).call(getUser, me))?.roles).toMatchObject([{ name: 'owner' }])
  })

  it('ID-163: says to others what the operator wants said', async () => {
    await using test = await setUp({
      CODER_OIDC_ALLOW_SIGNUPS: 'false',
      CODER_OIDC_SIGNUPS_DISABLED_TEXT:
        'Ask <helpdesk> for an account.\n\n**Now**, [there](https://help.example/?a&b) or [here](javascript:x).',
    })
    const owner = await test.server.owner()
    const { end } = await signIn(test.server)
    expect(end.status).toBe(403)
    expect(end.text).toContain('Signups are disabled')
    expect(end.text).toContain('<p>Ask &#60;helpdesk&#62; for an account.</p>')
    const link = '<a href="https://help.example/?a&#38;b" rel="noreferrer">there</a>'
    expect(end.text).toContain(`<p><strong>Now</strong>, ${link} or [here](javascript:x).</p>`)
    // ID-15: an account that an administrator has made is entered.
    await owner.call(createUser, {
      body: {
        ...{ username: 'kim', email: 'KIM@corp.example', login_type: 'oidc' },
        organization_ids: ['00000000-0000-0000-0000-000000000000'],
      },
    })
    const { browser, end: entered } = await signIn(test.server)
    expect(entered.status).toBe(307)
    expect((await browser.client(test.server.url).call(getUser, me)).status).toBe('active')
    await expect(
      owner.call(createUser, {
        body: {
          ...{ username: 'lee', email: 'lee@corp.example', login_type: 'github' },
          organization_ids: ['00000000-0000-0000-0000-000000000000'],
        },
      }),
    ).rejects.toMatchObject({ status: 400 })
  })
})

describe('ID-162: domains', () => {
  it('L-S1, row 43: only exactly those that are listed get in, and the page does not list them', async () => {
    await using test = await setUp({ CODER_OIDC_EMAIL_DOMAIN: '@Corp.Example,other.example' })
    const { idp, server } = test
    await server.owner()
    for (const email of [
      'kim@evil-corp.example',
      'kim@corp.example.evil',
      'kim@sub.corp.example',
      '"a@corp.example"@evil.example',
    ]) {
      idp.person(email, { ...PERSON, email })
      const { end } = await signIn(server)
      expect(end.status, email).toBe(email.startsWith('"') ? 400 : 403)
      expect(end.text).not.toContain('other.example')
    }
    idp.person('kim', { ...PERSON, email: 'kim@CORP.example' })
    expect((await signIn(server)).end.status).toBe(307)
  })
})

describe('ID-158, ID-220: the issuer', () => {
  it('may be down when the server starts; sign-ins fail until it is there, and passwords work', async () => {
    await using test = await setUp({}, { down: true })
    const { idp, server } = test
    expect((await server.anonymous.call(getAuthMethods)).oidc.enabled).toBe(true)
    await server.owner()
    const failed = await signIn(server)
    expect(failed.end.status).toBe(500)
    expect(failed.end.text).not.toContain('127.0.0.1')
    expect(failed.end.headers.get('content-type')).toContain('text/html')
    expect(failed.end.text).toContain(failed.end.headers.get('x-coder-request-id') ?? 'no id')
    await idp.up()
    expect((await signIn(server)).end.status).toBe(307)
    // What is known of it survives a short outage; the sign-in itself needs it.
    await idp.down()
    expect((await new CookieBrowser().visit(`${server.url}${CALLBACK}`)).status).toBe(307)
  })

  it('ID-220: may change its keys while the server runs', async () => {
    await using test = await setUp()
    expect((await signIn(test.server)).end.status).toBe(307)
    await test.idp.rotateKey('second')
    // An unknown key is looked up at once, but not at every forged token.
    const keys = test.idp.count('/jwks')
    await until('a sign-in under the new key', async () => (await signIn(test.server)).end.status === 307)
    expect(test.idp.count('/jwks')).toBe(keys + 1)
  })

  it('must be the one that was configured', async () => {
    await using idp = await IdentityProvider.start()
    await using server = await startTestServer({
      env: idp.env({ CODER_OIDC_ISSUER_URL: idp.issuer.replace('127.0.0.1', 'localhost') }),
    })
    expect((await signIn(server)).end.status).toBe(500)
  })

  it('may be another one where the operator says so', async () => {
    await using test = await setUp({ CODER_DANGEROUS_OIDC_SKIP_ISSUER_CHECKS: 'true' })
    test.idp.tamper = async (answer) => ({
      ...answer,
      id_token: await test.idp.sign(answer.id_token, { iss: 'https://tenant.example' }),
    })
    expect((await signIn(test.server)).end.status).toBe(307)
  })

  it('may do without PKCE, which is used where it is known, and without userinfo', async () => {
    await using test = await setUp({}, { pkce: false, userinfo: false })
    const start = await new CookieBrowser().visit(`${test.server.url}${CALLBACK}`)
    expect(new URL(start.location).searchParams.get('code_challenge_method')).toBe('S256')
    expect((await signIn(test.server)).end.status).toBe(307)
    expect(test.idp.count('/me')).toBe(0)
  })

  it('ID-154: one that knows challenges of another kind only gets none', async () => {
    await using idp = await IdentityProvider.start({ pkce: false })
    const path = '/.well-known/openid-configuration'
    const document = Object(await (await fetch(`${idp.issuer}${path}`)).json())
    const body = JSON.stringify({ ...document, code_challenge_methods_supported: ['plain'] })
    idp.staged = (asked) => (asked === path ? { status: 200, body } : undefined)
    await using server = await startTestServer({ env: { ...idp.env({}) } })
    const start = await new CookieBrowser().visit(`${server.url}${CALLBACK}`)
    expect(start.status).toBe(307)
    const asked = new URL(start.location).searchParams
    expect([asked.get('client_id'), asked.has('code_challenge')]).toEqual(['slipway', false])
    expect(asked.has('code_challenge_method')).toBe(false)
  })
})

describe('ID-160: sources of claims', () => {
  it('the ID token alone', async () => {
    await using test = await setUp({ CODER_OIDC_IGNORE_USERINFO: 'true' })
    test.idp.tamper = async (answer) => ({
      ...answer,
      id_token: await test.idp.sign(answer.id_token, { ...PERSON, name: 'From the token' }),
    })
    const { browser } = await signIn(test.server)
    expect((await browser.client(test.server.url).call(getUser, me)).name).toBe('From the token')
    expect(test.idp.count('/me')).toBe(0)
  })

  it('the access token below the ID token', async () => {
    await using test = await setUp({ CODER_OIDC_ACCESS_TOKEN_CLAIMS: 'true' })
    test.idp.tamper = async (answer) => ({
      ...answer,
      access_token: await test.idp.sign(answer.id_token, { ...PERSON, name: 'Access', groups: ['a'] }),
      id_token: await test.idp.sign(answer.id_token, { ...PERSON, name: 'ID' }),
    })
    const { browser } = await signIn(test.server)
    const { claims } = await browser.client(test.server.url).call(getOidcClaims)
    expect(claims).toMatchObject({ name: 'ID', groups: ['a'] })
    test.idp.tamper = (answer) => ({ ...answer, access_token: 'opaque' })
    expect((await signIn(test.server)).end.status).toBe(400)
  })
})

describe('ID-161, ID-162: settings of the mapping', () => {
  it('other claims, and addresses that nobody has verified', async () => {
    await using test = await setUp({
      CODER_OIDC_EMAIL_FIELD: 'mail',
      CODER_OIDC_USERNAME_FIELD: 'nickname',
      CODER_OIDC_NAME_FIELD: 'preferred_username',
      CODER_OIDC_IGNORE_EMAIL_VERIFIED: 'true',
      CODER_OIDC_SCOPES: 'openid,profile,email,groups',
      CODER_OIDC_AUTH_URL_PARAMS: '{"access_type":"online","prompt":"login"}',
    })
    const { idp, server } = test
    idp.tamper = async (answer) => ({
      ...answer,
      id_token: await idp.sign(answer.id_token, { mail: 'mail@corp.example' }),
    })
    idp.person('kim', { nickname: 'kimmy', preferred_username: 'Kim of Corp', email: 'other@corp.example' })
    const start = new URL((await new CookieBrowser().visit(`${server.url}${CALLBACK}`)).location)
    expect(Object.fromEntries(start.searchParams)).toMatchObject({
      ...{ scope: 'openid profile email groups', access_type: 'online', prompt: 'login' },
    })
    const { browser } = await signIn(server)
    expect(await browser.client(server.url).call(getUser, me)).toMatchObject({
      ...{ email: 'mail@corp.example', username: 'kimmy', name: 'Kim of Corp' },
    })
  })
})

describe('ID-158: how the client proves itself', () => {
  it('with the secret in the form, where the issuer wants that', async () => {
    await using test = await setUp({}, { authMethod: 'client_secret_post' })
    expect((await signIn(test.server)).end.status).toBe(307)
  })

  it('with a key and its certificate', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'slipway' }], {
      keySize: 2048,
    })
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-oidc-key-'))
    try {
      const files = { key: path.join(folder, 'key.pem'), cert: path.join(folder, 'cert.pem') }
      await writeFile(files.key, key)
      await writeFile(files.cert, cert)
      const clientKey = { ...(await exportJWK(new X509Certificate(cert).publicKey)), use: 'sig' }
      await using test = await setUp(
        {
          CODER_OIDC_CLIENT_SECRET: '',
          CODER_OIDC_CLIENT_KEY_FILE: files.key,
          CODER_OIDC_CLIENT_CERT_FILE: files.cert,
        },
        { authMethod: 'private_key_jwt', clientKey },
      )
      expect((await signIn(test.server)).end.status).toBe(307)
      const assertion = test.idp.forms.at(-1)?.get('client_assertion') ?? ''
      const digest = new X509Certificate(cert).fingerprint.replaceAll(':', '')
      expect(decodeProtectedHeader(assertion)).toMatchObject({
        alg: 'RS256',
        x5t: Buffer.from(digest, 'hex').toString('base64url'),
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('a key that cannot be read stops the server with its name', async () => {
    await expect(
      setUp({
        CODER_OIDC_CLIENT_SECRET: '',
        CODER_OIDC_CLIENT_KEY_FILE: '/nowhere/key.pem',
        CODER_OIDC_CLIENT_CERT_FILE: '/nowhere/cert.pem',
      }),
    ).rejects.toThrow('--oidc-client-key-file: /nowhere/key.pem cannot be read as PEM')
  })
})

describe('ID-156: several hosts', () => {
  it('people come back to the host that they came by, if it is listed', async () => {
    await using test = await setUp({ CODER_OIDC_REDIRECT_ALLOWED_HOSTS: 'LOCALHOST,other.example:8443' })
    const { idp, server } = test
    const port = new URL(server.url).port
    const other = `http://localhost:${port}`
    idp.allowRedirect(`${other}${CALLBACK}`)
    const browser = new CookieBrowser()
    const start = await browser.visit(`${other}${CALLBACK}`)
    expect(new URL(start.location).searchParams.get('redirect_uri')).toBe(`${other}${CALLBACK}`)
    const end = await browser.follow(
      start.location,
      (url) => url.origin === other && url.pathname !== CALLBACK,
    )
    expect(end.status).toBe(307)
    expect(browser.cookie(other, 'oauth_redirect_uri')).toBeUndefined()

    const refused = await new CookieBrowser().visit(`${server.url}${CALLBACK}`)
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('OIDC login is not permitted from this host.')
  })

  it('and a flow that was begun on another host is not ended here', async () => {
    await using test = await setUp({ CODER_OIDC_REDIRECT_ALLOWED_HOSTS: 'localhost,127.0.0.1' })
    const { server } = test
    const browser = new CookieBrowser()
    await browser.visit(`${server.url}${CALLBACK}`)
    const state = browser.cookie(server.url, 'oauth_state') ?? ''
    for (const cookie of ['', encodeURIComponent(`http://localhost:1${CALLBACK}`)]) {
      browser.setCookie(server.url, 'oauth_redirect_uri', cookie)
      const answer = await browser.visit(`${server.url}${CALLBACK}?code=x&state=${state}`)
      expect(answer.status).toBe(400)
      expect(answer.text).toContain('started on another host')
    }
  })

  it('but always to the redirect URL where there is one', async () => {
    await using test = await setUp({
      CODER_OIDC_REDIRECT_ALLOWED_HOSTS: 'localhost',
      CODER_OIDC_REDIRECT_URL: 'https://sign-in.example',
    })
    const start = await new CookieBrowser().visit(`${test.server.url}${CALLBACK}`)
    expect(new URL(start.location).searchParams.get('redirect_uri')).toBe(
      `https://sign-in.example${CALLBACK}`,
    )
  })
})

describe('ID-169, ID-170: links of another issuer', () => {
  it('are reset when the server starts, so that people link again by address', async () => {
    await using test = await setUp({ CODER_OIDC_ALLOW_SIGNUPS: 'false' })
    const { server } = test
    await server.owner()
    await using database = await openDatabase(server.databaseUrl)
    const { db } = database
    const user = await fixtures.user(db, { username: 'kim', email: 'kim@corp.example', login_type: 'oidc' })
    await fixtures.userLink(db, { user, linked_id: 'https://old.example||kim' })
    const stored = await fixtures.userLink(db, { linked_id: 'https://stored.example||x', provider: 'stored' })
    expect((await signIn(server)).end.status).toBe(403)
    await server.stop()
    await server.start()
    test.idp.allowRedirect(`${server.url}${CALLBACK}`)
    expect((await signIn(server)).end.status).toBe(307)
    const links = await db.selectFrom('user_links').select(['user_id', 'linked_id']).execute()
    expect(links).toContainEqual({ user_id: user.id, linked_id: `${test.idp.issuer}||kim` })
    expect(links).toContainEqual({ user_id: stored.user_id, linked_id: 'https://stored.example||x' })
  })

  it('stay where tokens may be of any issuer', async () => {
    await using test = await setUp({ CODER_DANGEROUS_OIDC_SKIP_ISSUER_CHECKS: 'true' })
    await test.server.owner()
    await using database = await openDatabase(test.server.databaseUrl)
    const linked_id = 'https://tenant.example||kim'
    await fixtures.userLink(database.db, { linked_id })
    await test.server.stop()
    await test.server.start()
    expect(await database.db.selectFrom('user_links').select('linked_id').execute()).toEqual([{ linked_id }])
  })

  it('ID-169: are passed over where the operator wants it so, and stay what they are', async () => {
    await using test = await setUp({
      CODER_DANGEROUS_OIDC_EMAIL_FALLBACK: 'true',
      CODER_OIDC_REPAIR_LINKS: 'false',
      CODER_OIDC_ALLOW_SIGNUPS: 'false',
    })
    await test.server.owner()
    await using database = await openDatabase(test.server.databaseUrl)
    const { db } = database
    const user = await fixtures.user(db, { username: 'kim', email: 'kim@corp.example', login_type: 'oidc' })
    await fixtures.userLink(db, { user, linked_id: 'https://old.example||kim' })
    expect((await signIn(test.server)).end.status).toBe(307)
    const link = await db.selectFrom('user_links').select('linked_id').executeTakeFirstOrThrow()
    expect(link.linked_id).toBe('https://old.example||kim')
    test.idp.person('nobody', { ...PERSON, email: 'nobody@corp.example' })
    expect((await signIn(test.server)).end.status).toBe(403)
  })
})
