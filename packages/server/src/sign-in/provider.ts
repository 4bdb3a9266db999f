import type { KeyObject, X509Certificate } from 'node:crypto'

/** What every way to sign in at a provider has. */
interface AnyProvider {
  /** `oidc` and `github` for those of the settings, else the name that an administrator gave. */
  readonly id: string
  readonly source: 'settings' | 'stored'
  readonly displayName: string
  readonly icon: string
  readonly enabled: boolean
  readonly clientId: string
  readonly clientSecret: string
  readonly allowSignups: boolean
  /** Text for people who may not make an account. */
  readonly signupsDisabledText: string
}

/** OpenID Connect (ID §11). */
export interface OidcProvider extends AnyProvider {
  readonly kind: 'oidc'
  readonly issuerUrl: string
  /** Signs client assertions, in place of a secret (ID-158). */
  readonly clientKey: { readonly key: KeyObject; readonly certificate: X509Certificate } | undefined
  readonly scopes: readonly string[]
  readonly authUrlParams: Readonly<Record<string, string>>
  readonly emailDomains: readonly string[]
  readonly emailDomainsPublic: boolean
  readonly emailField: string
  readonly usernameField: string
  readonly nameField: string
  readonly ignoreEmailVerified: boolean
  readonly ignoreUserinfo: boolean
  readonly accessTokenClaims: boolean
  readonly skipIssuerChecks: boolean
  readonly emailFallback: boolean
  /** Whether who signs out here is signed out there as well (ID-220). */
  readonly rpInitiatedLogout: boolean
  /** Where the issuer sends people back to, when that is not the access URL; empty for the access URL. */
  readonly redirectUrl: string
  readonly redirectAllowedHosts: readonly string[]
}

/** GitHub and GitHub Enterprise (ID §12). */
export interface GithubProvider extends AnyProvider {
  readonly kind: 'github'
  /** Of a GitHub Enterprise server; empty for github.com. */
  readonly baseUrl: string
  readonly allowedOrgs: readonly string[]
  readonly allowedTeams: readonly string[]
  readonly allowEveryone: boolean
  readonly deviceFlow: boolean
  /** Accounts are known by the bare number of GitHub, as those of the settings are (ID-167). */
  readonly plainLinkIds: boolean
}

/** A way to sign in at a provider. */
export type SignInProvider = OidcProvider | GithubProvider

/** Path of the callback, where a sign-in starts and where it returns to. */
export function callbackPath({ id, kind, source }: Pick<SignInProvider, 'id' | 'kind' | 'source'>): string {
  const base = kind === 'oidc' ? '/api/v2/users/oidc' : '/api/v2/users/oauth2/github'
  return source === 'settings' ? `${base}/callback` : `${base}/${id}/callback`
}

/** How links name the provider: those of the settings have no name. */
export function linkProvider({ id, source }: Pick<SignInProvider, 'id' | 'source'>): string {
  return source === 'settings' ? '' : id
}
