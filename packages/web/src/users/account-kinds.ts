import type { getAuthMethods, ResponseOf } from '@slipway/contract'

/** How a new account comes in; programs do not sign in, but have tokens. */
export type AccountKind = 'password' | 'oidc' | 'github' | 'service'

interface KindChoice {
  readonly id: AccountKind
  readonly label: string
  readonly about: string
}

/** Kinds of accounts that can be made here: those whose way to sign in is open, and service accounts. */
export function accountKinds(methods: ResponseOf<typeof getAuthMethods> | undefined): readonly KindChoice[] {
  const kinds: readonly (KindChoice & { readonly open: boolean })[] = [
    {
      id: 'password',
      label: 'Password',
      about: 'An account that signs in with a password',
      open: methods?.password.enabled !== false,
    },
    {
      id: 'oidc',
      label: 'OpenID Connect',
      about: 'An account for somebody who signs in at the OpenID Connect provider with this address',
      open: methods?.providers.some(({ kind }) => kind === 'oidc') === true,
    },
    {
      id: 'github',
      label: 'GitHub',
      about: 'An account for somebody who signs in at GitHub with this address',
      open: methods?.providers.some(({ kind }) => kind === 'github') === true,
    },
    {
      id: 'service',
      label: 'Service account',
      about: 'An account for a program: it acts by tokens and cannot sign in',
      open: true,
    },
  ]
  return kinds.filter(({ open }) => open)
}
