import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type CallInput, Client } from '@slipway/client'
import { createIdentityProvider, createToken, getUser, logout } from '@slipway/contract'
import { CookieBrowser, OidcDeployment } from '@slipway/testkit'
import { sealIdToken } from './end-session.ts'

let deployment: OidcDeployment
const me = { params: { user: 'me' } }

beforeAll(async () => {
  deployment = await OidcDeployment.start({ CODER_OIDC_RP_INITIATED_LOGOUT: 'true' })
  deployment.idp.allowPostLogout(`${deployment.server.url}/login`)
})
afterAll(() => deployment[Symbol.asyncDispose]())

/** Signs out, and takes the way that the answer shows. */
async function signOut(client: Client): Promise<URL | undefined> {
  const { message, end_session_url: url } = await client.call(logout)
  expect(message).toBe('Logged out!')
  await expect(client.call(getUser, me)).rejects.toMatchObject({ status: 401 })
  return url === undefined ? undefined : new URL(url)
}

describe('ID-220: RP-initiated logout', () => {
  it('who signs out is sent to the provider, which ends the session and sends them to the sign-in page', async () => {
    const { idp, server } = deployment
    const person = await deployment.arrive()
    const url = await signOut(person.client)
    expect(`${url?.origin}${url?.pathname}`).toBe(`${idp.issuer}/session/end`)
    const hint = url?.searchParams.get('id_token_hint') ?? ''
    expect(JSON.parse(Buffer.from(hint.split('.')[1] ?? '', 'base64url').toString()).sub).toBe(person.subject)
    expect(url?.searchParams.get('post_logout_redirect_uri')).toBe(`${server.url}/login`)
    const page = await person.browser.visit(url?.href ?? '')
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const end = await person.browser.visit(`${idp.issuer}/session/end/confirm`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
    })
    expect([end.status, end.location]).toEqual([303, `${server.url}/login`])
  })

  it('the proof is sealed, and goes with the session', async () => {
    const { database } = deployment
    const person = await deployment.arrive()
    const rows = () =>
      database.db.selectFrom('oidc_sessions').selectAll().where('subject', '=', person.subject).execute()
    const [row] = await rows()
    expect(row?.provider).toBe('')
    expect(row?.id_token?.toString('latin1')).not.toContain('eyJ')
    await signOut(person.client)
    expect(await rows()).toEqual([])
  })

  it('other sessions and tokens know no such way', async () => {
    expect(await signOut(await deployment.server.user('with-password'))).toBeUndefined()
    const person = await deployment.arrive()
    const { key } = await person.client.call(createToken, { ...me, body: { token_name: 'script' } })
    expect(await signOut(new Client({ url: deployment.server.url, token: key }))).toBeUndefined()
  })

  it('a token that is too long for an address is not kept', () => {
    const context = { secrets: { sealer: { seal: () => Buffer.from('sealed') } } }
    expect(sealIdToken(context, 'key', 'x'.repeat(4_096))).toBeDefined()
    expect(sealIdToken(context, 'key', 'x'.repeat(4_097))).toBeUndefined()
    expect(sealIdToken(context, 'key', undefined)).toBeUndefined()
  })

  it('a provider of the dashboard ends them only where that is wished', async () => {
    const { owner, idp, server } = deployment
    for (const [id, wished] of [
      ['ends', true],
      ['stays', false],
    ] as const) {
      const body: CallInput<typeof createIdentityProvider>['body'] = {
        id,
        kind: 'oidc',
        enabled: true,
        client_secret: idp.env().CODER_OIDC_CLIENT_SECRET ?? '',
        oidc: {
          issuer_url: idp.issuer,
          client_id: idp.env().CODER_OIDC_CLIENT_ID ?? '',
          ...(wished ? { rp_initiated_logout: true } : {}),
        },
      }
      await owner.call(createIdentityProvider, { body })
      const callback = `/api/v2/users/oidc/${id}/callback`
      idp.allowRedirect(`${server.url}${callback}`)
      deployment.stranger()
      const browser = new CookieBrowser()
      await browser.signIn(server.url, callback)
      const url = await signOut(browser.client(server.url))
      expect(url?.searchParams.has('id_token_hint') ?? false, id).toBe(wished)
    }
  })

  it('a provider that is gone keeps nobody from signing out', async () => {
    const { idp } = deployment
    const person = await deployment.arrive()
    await idp.down()
    try {
      // Its document is known still, so that there is a way; whoever takes it finds nobody there.
      expect((await signOut(person.client))?.origin).toBe(idp.issuer)
    } finally {
      await idp.up()
    }
  })
})
