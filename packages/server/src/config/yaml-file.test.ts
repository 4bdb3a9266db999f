import { describe, expect, it } from 'vitest'

import { refusal, start } from './testing.ts'

describe('OP-4: the YAML file', () => {
  it('nests keys by group', () => {
    const yaml = `
networking:
  accessURL: https://a.example
  tls: { minVersion: tls13 }
introspection:
  statsCollection: { usageStats: { enable: false } }
oidc: { scopes: [openid, email], authURLParams: { prompt: login } }
workspace_prebuilds: { failure_hard_limit: 5 }
`
    const { config, sources } = start({ yaml })
    expect(config).toMatchObject({
      accessUrl: 'https://a.example',
      tlsMinVersion: 'tls13',
      usageStatsEnable: false,
      oidcScopes: ['openid', 'email'],
      oidcAuthUrlParams: { prompt: 'login' },
      prebuildsFailureHardLimit: 5,
    })
    expect(sources.get('tlsMinVersion')).toBe('yaml')
  })

  it('refuses every unknown key by its dotted name, with the one that was meant', () => {
    expect(refusal({ yaml: 'networking: { http: { sesionDuration: 1h } }\nqqqqqqqqqq: 1\n' })).toEqual([
      'networking.http.sesionDuration in slipway.yaml: there is no such key; did you mean networking.http.sessionDuration?',
      'qqqqqqqqqq in slipway.yaml: there is no such key',
    ])
  })

  it('refuses several documents, lists, scalars and text that is not YAML', () => {
    expect(refusal({ yaml: 'updateCheck: false\n---\nupdateCheck: true\n' })).toEqual([
      'slipway.yaml: must hold one YAML document only',
    ])
    expect(refusal({ yaml: '- a\n' })).toEqual(['slipway.yaml: must hold keys and values'])
    expect(refusal({ yaml: 'networking: 5\n' })).toEqual([
      'networking in slipway.yaml: must hold further keys',
    ])
    expect(refusal({ yaml: 'a: b: c\n' })).toEqual([expect.stringMatching(/^slipway\.yaml: .* line 1.*\d$/)])
    expect(refusal({ yaml: 'updateCheck: true\nupdateCheck: false\n' })).toHaveLength(1)
    expect(refusal({ yaml: 'updateCheck: { a: b }\n' })).toEqual([
      'updateCheck in slipway.yaml: must be a single value',
    ])
  })

  it('accepts an empty file, one document with a header, and groups without keys', () => {
    for (const yaml of ['', '# nothing\n', '---\n{}\n', 'networking:\n', 'networking: {}\n'])
      expect(start({ yaml }).sources.get('accessUrl')).toBe('')
  })

  it('takes an empty list and null as unset', () => {
    const { config, sources } = start({ yaml: 'oidc: { scopes: [], emailField: null }\n' })
    expect(config.oidcScopes).toEqual(['openid', 'profile', 'email'])
    expect([sources.get('oidcScopes'), sources.get('oidcEmailField')]).toEqual(['default', 'default'])
  })

  it('switches the plain listener off with an empty text only where another one listens', () => {
    expect(refusal({ yaml: 'networking: { http: { httpAddress: "" } }\n' })[0]).toMatch(
      /^--http-address: is empty/,
    )
  })

  it('has no keys for secrets (OP-6)', () => {
    expect(refusal({ yaml: 'oidc: { clientSecret: x }\n' })[0]).toMatch(
      /^oidc\.clientSecret in slipway\.yaml: /,
    )
  })

  it('survives references that would grow without bound', () => {
    const bomb = [
      'a: &a [x, x]',
      ...Array.from('bcdefghij', (key, i) => {
        const before = 'abcdefghi'[i]
        return `${key}: &${key} [*${before}, *${before}, *${before}, *${before}]`
      }),
    ].join('\n')
    expect(refusal({ yaml: bomb }).length).toBeGreaterThan(0)
  })
})
