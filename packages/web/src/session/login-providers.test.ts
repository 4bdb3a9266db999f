import { expect, it } from 'vitest'

import { type AuthProvider, providerHref, providerLabel, providerOfEmail } from './login-providers.tsx'

const provider = (more: Partial<AuthProvider>): AuthProvider => ({
  id: 'corp',
  kind: 'oidc',
  display_name: 'Corp',
  icon: '',
  url: '/api/v2/users/oidc/corp/callback',
  email_domains: [],
  ...more,
})

it('L-34: a provider leads back to where the visitor was going', () => {
  const href = providerHref(provider({}), '/@me/dev?tab=a&b=c')
  expect(new URL(href, 'https://x.test').searchParams.get('redirect')).toBe('/@me/dev?tab=a&b=c')
})

it('UI-601: a name gets a verb, a sentence of the operator stays', () => {
  expect(providerLabel(provider({}))).toBe('Continue with Corp')
  expect(providerLabel(provider({ display_name: 'Sign in with Okta' }))).toBe('Sign in with Okta')
  expect(providerLabel(provider({ kind: 'github', display_name: 'github' }))).toBe('Continue with GitHub')
})

it('L-28: an address leads to the provider of its domain', () => {
  const corp = provider({ email_domains: ['@Corp.test', 'corp.example'] })
  const providers = [provider({ id: 'other' }), corp]
  expect(providerOfEmail(providers, 'ada@corp.TEST ')).toBe(corp)
  expect(providerOfEmail(providers, '"a@b"@corp.example')).toBe(corp)
  expect(providerOfEmail(providers, 'ada@notcorp.test')).toBeUndefined()
  expect(providerOfEmail(providers, 'ada')).toBeUndefined()
  expect(providerOfEmail(providers, 'ada@')).toBeUndefined()
})
