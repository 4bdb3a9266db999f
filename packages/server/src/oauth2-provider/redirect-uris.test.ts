import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { OAuthDeployment, pkce, type TestApp, told } from './deployment.fixture.ts'

let deployment: OAuthDeployment
let app: TestApp
const { challenge } = pkce()

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  app = await deployment.app()
})
afterAll(() => deployment[Symbol.asyncDispose]())

describe('where users are redirected to', () => {
  it.each([
    ['port', 'http://localhost1:8081/foo/bar'],
    ['host prefix', 'http://xlocalhost1:8080/foo/bar'],
    ['subdomain', 'http://evil.localhost1:8080/foo/bar'],
    ['host suffix', 'http://localhost1.evil.example:8080/foo/bar'],
    ['path prefix', 'http://localhost1:8080/foo/barx'],
    ['parent path', 'http://localhost1:8080/foo'],
    ['nested path', 'http://localhost1:8080/foo/bar/baz'],
    ['trailing slash', 'http://localhost1:8080/foo/bar/'],
    ['dot segments', 'http://localhost1:8080/foo/../foo/bar'],
    ['encoded', 'http://localhost1:8080/foo/%62ar'],
    ['case of the path', 'http://localhost1:8080/foo/Bar'],
    ['scheme', 'https://localhost1:8080/foo/bar'],
    ['query', 'http://localhost1:8080/foo/bar?x=1'],
    ['empty query', 'http://localhost1:8080/foo/bar?'],
    ['fragment', 'http://localhost1:8080/foo/bar#x'],
    ['empty fragment', 'http://localhost1:8080/foo/bar#'],
    ['user', 'http://localhost1:8080@evil.example/foo/bar'],
    ['user of the host', 'http://evil@localhost1:8080/foo/bar'],
    ['backslash', 'http://evil.example\\@localhost1:8080/foo/bar'],
    ['white space', ' http://localhost1:8080/foo/bar'],
    ['line', 'http://localhost1:8080/foo/bar\r\nSet-Cookie: x=y'],
    ['script', 'javascript:alert(1)'],
    ['relative', '/foo/bar'],
    ['no scheme', '//localhost1:8080/foo/bar'],
  ])('row 20: another redirect URI (%s) is refused and followed by nobody', async (_what, redirect_uri) => {
    for (const method of ['GET', 'POST'] as const) {
      const answer = await deployment.authorize(app, { code_challenge: challenge, redirect_uri }, { method })
      expect(answer.status).toBe(400)
      expect(answer.headers.get('location')).toBeNull()
      expect(await answer.text()).toContain('must exactly match')
    }
  })

  it('row 20: a native client chooses its port, and redeems with the one that it chose', async () => {
    const native = await deployment.publicClient()
    const redirect_uri = 'http://127.0.0.1:65001/cb'
    const code = await deployment.code(native, { redirect_uri })
    const registered = await deployment.exchange(native, code, { redirect_uri: native.redirectUri })
    expect(await told(registered)).toEqual({ status: 400, error: 'invalid_grant' })
    expect((await deployment.exchange(native, code, { redirect_uri })).status).toBe(200)
  })
})
