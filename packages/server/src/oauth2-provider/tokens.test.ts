import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openDatabase } from '@slipway/testkit'
import { CALLBACK, OAuthDeployment, pkce, type TestApp, told } from './deployment.fixture.ts'

let deployment: OAuthDeployment
let app: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app()
})
afterAll(() => deployment[Symbol.asyncDispose]())

describe('exchange of a code', () => {
  it('OA-65: gives a pair of tokens that acts as the user', async () => {
    const answer = await deployment.exchange(app, await deployment.code(app))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const body = JSON.parse(await answer.text())
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$/),
      token_type: 'Bearer',
      expires_in: 86_400,
      refresh_token: expect.stringMatching(/^coder_[A-Za-z0-9]{10}_[A-Za-z0-9]{40}$/),
      expiry: expect.stringMatching(/^\d{4}-.*Z$/),
      scope: 'coder:all',
    })
    expect(await deployment.use(body.access_token)).toBe(200)
  })

  it('row 25: Basic, form, both equal, and both different', async () => {
    const basic = { authorization: `Basic ${btoa(`${app.id}:${app.secret}`)}` }
    const send = async (headers: Record<string, string>, credentials: Record<string, string | undefined>) => {
      const { code, verifier } = await deployment.code(app)
      return deployment.form(
        '/oauth2/tokens',
        { ...app, secret: undefined },
        { grant_type: 'authorization_code', code, code_verifier: verifier, ...credentials },
        headers,
      )
    }
    expect((await send(basic, { client_id: undefined })).status).toBe(200)
    expect((await send({}, { client_secret: app.secret })).status).toBe(200)
    expect((await send(basic, { client_secret: app.secret })).status).toBe(200)
    expect(await told(await send(basic, { client_secret: 'coder_other_secret' }))).toEqual({
      status: 400,
      error: 'invalid_request',
    })
  })

  it('row 26: a malformed, unknown or foreign secret is invalid_client with a challenge', async () => {
    const other = await deployment.app()
    for (const secret of ['1234_4321', 'notcoder_1_2', 'coder__x', other.secret]) {
      const answer = await deployment.exchange({ ...app, secret }, await deployment.code(app))
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="coder"')
      expect(await told(answer)).toEqual({ status: 401, error: 'invalid_client' })
    }
  })

  it('OA-54: no client id, and one that nobody has', async () => {
    const unknown = { ...app, id: '00000000-0000-4000-8000-000000000000' }
    const nobody = await deployment.post('/oauth2/tokens', { body: new URLSearchParams({ grant_type: 'x' }) })
    expect(await nobody.json()).toMatchObject({
      error: 'invalid_request',
      error_description: 'Missing client_id parameter',
    })
    expect(await told(await deployment.exchange(unknown, { code: 'x', verifier: 'x' }))).toEqual({
      status: 401,
      error: 'invalid_client',
    })
  })

  it('row 27: needs the redirect URI that was asked with, and belongs to its app', async () => {
    const given = await deployment.code(app, { redirect_uri: CALLBACK })
    expect(await told(await deployment.exchange(app, given))).toEqual({ status: 400, error: 'invalid_grant' })
    const other = await deployment.app()
    expect(await told(await deployment.exchange(other, given, { redirect_uri: CALLBACK }))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
    expect((await deployment.exchange(app, given, { redirect_uri: CALLBACK })).status).toBe(200)
  })

  it('row 28: PKCE is verified always, and a wrong verifier spends the code', async () => {
    const { code, verifier } = await deployment.code(app)
    const send = async (code_verifier: string | undefined) =>
      told(await deployment.exchange(app, { code, verifier }, { code_verifier }))
    expect(await send(undefined)).toEqual({ status: 400, error: 'invalid_grant' })
    expect(await send('tooshort10')).toEqual({ status: 400, error: 'invalid_request' })
    expect(await send(pkce().verifier)).toEqual({ status: 400, error: 'invalid_grant' })
    expect(await send(verifier)).toEqual({ status: 400, error: 'invalid_grant' })
  })

  it('OA-59: a challenge is the hash of its verifier, and a code that was stored without one redeems for nobody', async () => {
    const asked = await deployment.code(app)
    // Who has seen the address has the challenge, and no more.
    expect(
      await told(await deployment.exchange(app, { code: asked.code, verifier: asked.challenge })),
    ).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
    const plain = await deployment.code(app)
    await using database = await openDatabase(deployment.server.databaseUrl, { maxConnections: 1 })
    await database.db
      .updateTable('oauth2_provider_app_codes')
      .set({ code_challenge: '' })
      .where('secret_prefix', '=', plain.code.split('_')[1] ?? '')
      .execute()
    const { error, error_description } = JSON.parse(await (await deployment.exchange(app, plain)).text())
    expect([error, error_description]).toEqual(['invalid_grant', 'The PKCE code verifier is invalid'])
  })

  it('OA-63, OA-B10: a new grant of the same app and user leaves the one before', async () => {
    const first = await deployment.tokens(app)
    const second = await deployment.tokens(app)
    for (const { access_token } of [first, second]) expect(await deployment.use(access_token)).toBe(200)
    expect((await deployment.refresh(app, first.refresh_token)).status).toBe(200)
    expect(await deployment.use(second.access_token)).toBe(200)
  })

  it('L-S9, row 29: of 20 at once exactly one redeems a code, and the replay ends what it got', async () => {
    const code = await deployment.code(app)
    const answers = await Promise.all(Array.from({ length: 20 }, () => deployment.exchange(app, code)))
    const good = answers.filter(({ status }) => status === 200)
    expect(good).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
    const tokens = JSON.parse((await good[0]?.text()) ?? '')
    expect(await deployment.use(tokens.access_token)).toBe(401)
    expect(await told(await deployment.refresh(app, tokens.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
  })

  it('OA-61: a code that comes again ends the tokens that were issued for it', async () => {
    const code = await deployment.code(app)
    const tokens = JSON.parse(await (await deployment.exchange(app, code)).text())
    expect(await deployment.use(tokens.access_token)).toBe(200)
    expect(await told(await deployment.exchange(app, code))).toEqual({ status: 400, error: 'invalid_grant' })
    expect(await deployment.use(tokens.access_token)).toBe(401)
    expect((await deployment.refresh(app, tokens.refresh_token)).status).toBe(400)
  })

  it('row 31: unknown and dropped grants', async () => {
    for (const grant_type of [undefined, 'foobar', 'password', 'client_credentials', 'implicit'])
      expect(await told(await deployment.form('/oauth2/tokens', app, { grant_type }))).toEqual({
        status: 400,
        error: 'unsupported_grant_type',
      })
  })

  it('row 32: the resource is the same in both requests or in none', async () => {
    const resource = 'https://api.example/one'
    const send = async (asked: string | undefined, told: string | undefined) =>
      deployment.exchange(app, await deployment.code(app, { resource: asked }), { resource: told })
    for (const [asked, sent] of [
      [resource, undefined],
      [undefined, resource],
      [resource, 'https://api.example/two'],
    ])
      expect(await told(await send(asked, sent))).toEqual({ status: 400, error: 'invalid_target' })
    expect((await send(resource, resource)).status).toBe(200)
  })

  it('§9: what is missing or malformed is named, in order', async () => {
    const send = async (params: Record<string, string | undefined>, of = app) => {
      const answer = await deployment.form('/oauth2/tokens', of, params)
      const { error, error_description } = JSON.parse(await answer.text())
      return [answer.status, error, error_description]
    }
    const grant_type = 'authorization_code'
    expect(await send({ grant_type })).toEqual([400, 'invalid_request', 'Missing required parameter: code'])
    expect(await send({ grant_type, code: 'x' }, { ...app, secret: undefined })).toEqual([
      400,
      'invalid_request',
      'Missing required parameter: client_secret',
    ])
    expect(await send({ grant_type: 'refresh_token' })).toEqual([
      400,
      'invalid_request',
      'Missing required parameter: refresh_token',
    ])
    expect(await send({ grant_type: 'password', redirect_uri: 'https://evil.example' })).toEqual([
      400,
      'invalid_request',
      expect.stringContaining('redirect_uri'),
    ])
    expect(await send({ grant_type, code: 'x', resource: 'no-uri' })).toEqual([
      400,
      'invalid_request',
      expect.stringContaining('resource'),
    ])
    expect(await send({ grant_type, code: 'coder_x_y' })).toEqual([
      400,
      'invalid_grant',
      'The authorization code is invalid or expired',
    ])
  })

  it('OA-55: secrets, codes and verifiers in the query do not count', async () => {
    const { code, verifier } = await deployment.code(app)
    const query = new URLSearchParams({ code, code_verifier: verifier, client_secret: app.secret ?? '' })
    const answer = await deployment.post(`/oauth2/tokens?${query}`, {
      body: new URLSearchParams({ client_id: app.id, grant_type: 'authorization_code' }),
    })
    expect(await answer.json()).toMatchObject({ error_description: 'Missing required parameter: code' })
  })
})

describe('refresh', () => {
  it('row 34: rotates; the old pair is worth nothing, and the old refresh token ends the family', async () => {
    const first = await deployment.tokens(app)
    const answer = await deployment.refresh(app, first.refresh_token)
    expect(answer.status).toBe(200)
    const second = JSON.parse(await answer.text())
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(await deployment.use(second.access_token)).toBe(200)
    expect(await deployment.use(first.access_token)).toBe(401)
    expect(await told(await deployment.refresh(app, first.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
    expect(await deployment.use(second.access_token)).toBe(401)
    expect((await deployment.refresh(app, second.refresh_token)).status).toBe(400)
  })

  it('OA-B8: a token that was exchanged already ends nothing in the hands of another app', async () => {
    const first = await deployment.tokens(app)
    const second = JSON.parse(await (await deployment.refresh(app, first.refresh_token)).text())
    const other = await deployment.app()
    expect(await told(await deployment.refresh(other, first.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
    expect(await deployment.use(second.access_token)).toBe(200)
  })

  it('row 35: is bound to its app, and a confidential client proves itself', async () => {
    const tokens = await deployment.tokens(app)
    const other = await deployment.app()
    expect(await told(await deployment.refresh(other, tokens.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
    })
    expect(await told(await deployment.refresh({ ...app, secret: undefined }, tokens.refresh_token))).toEqual(
      { status: 401, error: 'invalid_client' },
    )
    expect((await deployment.refresh(app, tokens.refresh_token)).status).toBe(200)
  })

  it('OA-68: a confidential client proves itself, a public one has nothing but the token, and a failed try spends none', async () => {
    const tokens = await deployment.tokens(app)
    const other = await deployment.app()
    for (const secret of [undefined, other.secret, `${app.secret?.slice(0, -1)}_`])
      expect(await told(await deployment.refresh({ ...app, secret }, tokens.refresh_token))).toEqual({
        status: 401,
        error: 'invalid_client',
      })
    expect((await deployment.refresh(app, tokens.refresh_token)).status).toBe(200)
    const native = await deployment.publicClient()
    const own = await deployment.tokens(native)
    expect(
      await told(await deployment.refresh({ ...native, secret: app.secret }, own.refresh_token)),
    ).toEqual({
      status: 401,
      error: 'invalid_client',
    })
    expect((await deployment.refresh(native, own.refresh_token)).status).toBe(200)
  })

  it('of 20 at once exactly one gets a new pair', async () => {
    const { refresh_token } = await deployment.tokens(app)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => deployment.refresh(app, refresh_token)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(19)
  })

  it('L-41, OA-B6: narrows and never widens; the next refresh may have what was granted', async () => {
    const tokens = await deployment.tokens(app, { scope: 'coder:workspaces.access' })
    expect(tokens.scope).toBe('coder:workspaces.access')
    const narrow = await deployment.refresh(app, tokens.refresh_token, { scope: 'workspace:read' })
    const narrowed = JSON.parse(await narrow.text())
    expect(narrowed.scope).toBe('workspace:read')
    expect(await deployment.use(narrowed.access_token, '/api/v2/workspaces')).toBe(200)
    expect(await deployment.use(narrowed.access_token)).not.toBe(200)
    const wide = await deployment.refresh(app, narrowed.refresh_token, { scope: 'workspace:delete' })
    expect(await told(wide)).toEqual({ status: 400, error: 'invalid_scope' })
    const whole = JSON.parse(await (await deployment.refresh(app, narrowed.refresh_token)).text())
    expect(whole.scope).toBe('coder:workspaces.access')
  })

  it('OA-62: keeps the audience; another resource is invalid_target', async () => {
    const resource = deployment.server.url
    const tokens = await deployment.tokens(app, { resource })
    const other = await deployment.refresh(app, tokens.refresh_token, { resource: 'https://other.example' })
    expect(await told(other)).toEqual({ status: 400, error: 'invalid_target' })
    expect((await deployment.refresh(app, tokens.refresh_token, { resource })).status).toBe(200)
  })
})
