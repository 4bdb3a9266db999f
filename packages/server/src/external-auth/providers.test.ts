import { access } from 'node:fs/promises'

import { describe, expect, it } from 'vitest'

import { parseConfig } from '../config/index.ts'
import { countGitProviders, type Provider, Providers, presentProvider } from './providers.ts'

/** The providers that these variables configure, by number. */
function configured(...members: readonly Readonly<Record<string, string>>[]) {
  const env = members.flatMap((member, n) =>
    Object.entries({ CLIENT_ID: 'client', CLIENT_SECRET: 'secret', ...member }).map(
      ([key, value]) => [`CODER_EXTERNAL_AUTH_${n}_${key}`, value] as const,
    ),
  )
  const parsed = parseConfig([], { CODER_PG_CONNECTION_URL: 'postgres://x/y', ...Object.fromEntries(env) })
  if (parsed.kind !== 'start') throw new Error(JSON.stringify(parsed))
  return parsed.config.externalAuthProviders
}

function one(member: Readonly<Record<string, string>>): Provider {
  const [provider] = new Providers(configured(member)).all
  if (provider === undefined) throw new Error('no provider')
  return provider
}

const UNKNOWN = { AUTH_URL: 'https://sso.example/authorize', TOKEN_URL: 'https://sso.example/token' }

describe('ID-181: a type fills in what the configuration leaves out', () => {
  it.each([
    [
      'github',
      {
        authUrl: 'https://github.com/login/oauth/authorize',
        tokenUrl: 'https://github.com/login/oauth/access_token',
        validateUrl: 'https://api.github.com/user',
        revokeUrl: 'https://api.github.com/applications/client/grant',
        deviceCodeUrl: 'https://github.com/login/device/code',
        appInstallationsUrl: 'https://api.github.com/user/installations',
        scopes: ['repo', 'workflow'],
        displayName: 'GitHub',
      },
    ],
    [
      'gitlab',
      {
        authUrl: 'https://gitlab.com/oauth/authorize',
        tokenUrl: 'https://gitlab.com/oauth/token',
        validateUrl: 'https://gitlab.com/oauth/token/info',
        revokeUrl: 'https://gitlab.com/oauth/revoke',
        scopes: ['write_repository', 'read_api'],
      },
    ],
    [
      'gitea',
      {
        authUrl: 'https://gitea.com/login/oauth/authorize',
        validateUrl: 'https://gitea.com/login/oauth/userinfo',
        revokeUrl: '',
        scopes: ['read:repository', 'write:repository', 'read:user'],
      },
    ],
    [
      'bitbucket-cloud',
      {
        authUrl: 'https://bitbucket.org/site/oauth2/authorize',
        validateUrl: 'https://api.bitbucket.org/2.0/user',
        scopes: ['account', 'repository:write'],
      },
    ],
    ['azure-devops', { validateUrl: '', scopes: ['vso.code_write'] }],
    [
      'slack',
      { revokeUrl: 'https://slack.com/api/auth.revoke', scopes: [], extraTokenKeys: ['authed_user'] },
    ],
  ])('%s', (TYPE, expected) => {
    expect(one({ TYPE })).toMatchObject({ id: TYPE, ...expected })
  })

  it('what people host themselves gets its addresses from AUTH_URL', () => {
    expect(one({ TYPE: 'gitlab', AUTH_URL: 'https://git.corp.example/oauth/authorize' })).toMatchObject({
      authUrl: 'https://git.corp.example/oauth/authorize',
      tokenUrl: 'https://git.corp.example/oauth/token',
      validateUrl: 'https://git.corp.example/oauth/token/info',
      revokeUrl: 'https://git.corp.example/oauth/revoke',
    })
    expect(one({ TYPE: 'gitea', AUTH_URL: 'https://git.corp.example' }).authUrl).toBe(
      'https://git.corp.example/login/oauth/authorize',
    )
    expect(one({ TYPE: 'bitbucket-server', AUTH_URL: 'https://bb.corp.example' })).toMatchObject({
      authUrl: 'https://bb.corp.example/rest/oauth2/latest/authorize',
      tokenUrl: 'https://bb.corp.example/rest/oauth2/latest/token',
      validateUrl: 'https://bb.corp.example/rest/api/latest/inbox/pull-requests/count',
      scopes: ['PUBLIC_REPOS', 'REPO_READ', 'REPO_WRITE'],
    })
    expect(one({ TYPE: 'jfrog', AUTH_URL: 'https://jf.corp.example' })).toMatchObject({
      tokenUrl: 'https://jf.corp.example/access/api/v1/integrations/client/token',
      scopes: ['applied-permissions/user'],
    })
    const entra = 'https://login.microsoftonline.com/tenant/oauth2/authorize'
    expect(one({ TYPE: 'azure-devops-entra', AUTH_URL: entra })).toMatchObject({
      authUrl: entra,
      tokenUrl: 'https://login.microsoftonline.com/tenant/oauth2/token',
    })
  })

  it('a token of a GitHub Enterprise server never goes to github.com', () => {
    const provider = one({ TYPE: 'github', AUTH_URL: 'https://ghe.example/login/oauth/authorize' })
    const addresses = Object.values(provider).filter((value) => /^https:/.test(String(value)))
    expect(addresses.length).toBeGreaterThan(4)
    for (const address of addresses) expect(new URL(String(address)).host).toBe('ghe.example')
  })

  it('what is configured wins', () => {
    expect(
      one({
        TYPE: 'github',
        ID: 'mine',
        SCOPES: 'a b',
        VALIDATE_URL: 'https://x.example/v',
        DISPLAY_NAME: 'M',
      }),
    ).toMatchObject({ id: 'mine', scopes: ['a', 'b'], validateUrl: 'https://x.example/v', displayName: 'M' })
  })

  it('`bitbucket` is the former name of `bitbucket-cloud`', () => {
    expect(one({ TYPE: 'bitbucket' })).toMatchObject({ id: 'bitbucket', displayName: 'BitBucket' })
  })

  it('any other has the name of its type and a key for an icon', () => {
    expect(one({ TYPE: 'sso', ...UNKNOWN })).toMatchObject({
      displayName: 'sso',
      displayIcon: '/emojis/1f511.png',
    })
  })
})

it('ID-181, UI-105: the icon of a known type is one that there is', async () => {
  const icons = new Set(
    [
      'github',
      'gitlab',
      'gitea',
      'bitbucket-cloud',
      'bitbucket-server',
      'azure-devops',
      'slack',
      'jfrog',
    ].map((type) => one({ TYPE: type, AUTH_URL: 'https://git.example/x' }).displayIcon),
  )
  icons.delete('/emojis/1f511.png')
  const files = new URL('../../../web/public/', import.meta.url)
  for (const icon of icons) await access(new URL(`.${icon}`, files))
  expect([...icons]).toEqual(['/icon/git.svg'])
})

describe('ID-180: PKCE', () => {
  it.each([
    ['github', {}, ['S256']],
    ['gitlab', {}, ['S256']],
    ['gitea', {}, ['S256']],
    ['sso', UNKNOWN, ['S256']],
    ['bitbucket-cloud', {}, []],
    ['bitbucket-server', { AUTH_URL: 'https://bb.example' }, []],
    ['jfrog', { AUTH_URL: 'https://jf.example' }, []],
    ['slack', {}, []],
    ['azure-devops', {}, []],
    ['azure-devops-entra', { AUTH_URL: 'https://login.microsoftonline.com/t/oauth2/authorize' }, []],
  ])('%s %j has %j', (TYPE, more, methods) => {
    expect(presentProvider(one({ TYPE, ...more })).code_challenge_methods_supported).toEqual(methods)
  })

  it.each([
    ['none', []],
    ['plain', []],
    ['plain S256', ['S256']],
  ])('PKCE_METHODS=%s means %j', (PKCE_METHODS, methods) => {
    expect(one({ TYPE: 'sso', ...UNKNOWN, PKCE_METHODS }).pkceMethods).toEqual(methods)
    expect(one({ TYPE: 'slack', PKCE_METHODS }).pkceMethods).toEqual(methods)
  })
})

describe('ID-192: addresses', () => {
  it.each([
    ['github', 'https://github.com/a/b.git', true],
    ['github', 'github.com/a/b', true],
    ['github', 'https://github.com', true],
    ['github', 'https://github.com.evil.example/a', false],
    ['github', 'https://githubxcom/a', false],
    ['github', 'https://evil.example/github.com/a', false],
    ['slack', 'https://slack.com', false],
  ])('of %s: %s is matched: %s', (TYPE, address, matched) => {
    expect(one({ TYPE }).matches(address)).toBe(matched)
  })

  it('a pattern that would take for ever elsewhere does not here', () => {
    const provider = one({ TYPE: 'sso', ...UNKNOWN, REGEX: '^(a+)+$' })
    const begun = performance.now()
    expect(provider.matches(`${'a'.repeat(2_000)}!`)).toBe(false)
    expect(performance.now() - begun).toBeLessThan(500)
    expect(() => one({ TYPE: 'sso', ...UNKNOWN, REGEX: '(?=x)' })).toThrow(
      /REGEX of external auth provider "sso"/,
    )
  })

  it('AC-70: providers that know addresses are those that git can ask for', () => {
    expect(
      countGitProviders(configured({ TYPE: 'github' }, { TYPE: 'slack' }, { TYPE: 'sso', ...UNKNOWN })),
    ).toBe(1)
    expect(countGitProviders(configured({ TYPE: 'sso', ...UNKNOWN, REGEX: 'x' }))).toBe(1)
  })
})

it('ID-179: a provider without addresses keeps the server from starting, and says which', () => {
  expect(() => new Providers(configured({ TYPE: 'sso', TOKEN_URL: 'https://x.example/t' }))).toThrow(
    /"sso" needs AUTH_URL/,
  )
  expect(() => new Providers(configured({ TYPE: 'bitbucket-server' }))).toThrow(/needs TOKEN_URL/)
  expect(
    () => new Providers(configured({ TYPE: 'github', DEVICE_FLOW: 'true', CLIENT_SECRET: '' })),
  ).not.toThrow()
})
