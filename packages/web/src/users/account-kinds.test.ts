import { expect, it } from 'vitest'

import { accountKinds } from './account-kinds.ts'

const METHODS = {
  password: { enabled: true },
  github: { enabled: false, default_provider_configured: false },
  oidc: { enabled: false, signInText: '', iconUrl: '' },
  providers: [],
}
const provider = (kind: 'oidc' | 'github') => ({
  id: kind,
  kind,
  display_name: kind,
  icon: '',
  url: '/',
  email_domains: [],
})

it('UI-1401: accounts are made for the ways to sign in that are open', () => {
  const ids = (methods: Parameters<typeof accountKinds>[0]) => accountKinds(methods).map(({ id }) => id)
  expect(ids(undefined)).toEqual(['password', 'service'])
  expect(ids(METHODS)).toEqual(['password', 'service'])
  expect(ids({ ...METHODS, password: { enabled: false }, providers: [provider('oidc')] })).toEqual([
    'oidc',
    'service',
  ])
  expect(ids({ ...METHODS, providers: [provider('github'), provider('oidc')] })).toEqual([
    'password',
    'oidc',
    'github',
    'service',
  ])
})
