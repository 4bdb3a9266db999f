import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

import type { Config } from '../config/index.ts'
import type { GithubProvider, OidcProvider, SignInProvider } from './provider.ts'

/**
 * The providers of the `CODER_OIDC_*` and `CODER_OAUTH2_GITHUB_*` settings.
 *
 * @throws Error with a message for the operator when the key of the client cannot be read.
 */
export function settingsProviders(config: Config): readonly SignInProvider[] {
  return [...oidcOf(config), ...githubOf(config)]
}

/** ID-158. */
function oidcOf(config: Config): OidcProvider[] {
  if (config.oidcClientId === '' || config.oidcIssuerUrl === '') return []
  return [
    {
      id: 'oidc',
      kind: 'oidc',
      source: 'settings',
      displayName: config.oidcSignInText,
      icon: config.oidcIconUrl,
      enabled: true,
      clientId: config.oidcClientId,
      clientSecret: config.oidcClientSecret,
      clientKey: clientKeyOf(config),
      allowSignups: config.oidcAllowSignups,
      signupsDisabledText: config.oidcSignupsDisabledText,
      issuerUrl: config.oidcIssuerUrl,
      scopes: config.oidcScopes,
      authUrlParams: config.oidcAuthUrlParams,
      emailDomains: config.oidcEmailDomain,
      emailDomainsPublic: false,
      emailField: config.oidcEmailField,
      usernameField: config.oidcUsernameField,
      nameField: config.oidcNameField,
      ignoreEmailVerified: config.oidcIgnoreEmailVerified,
      ignoreUserinfo: config.oidcIgnoreUserinfo,
      accessTokenClaims: config.oidcAccessTokenClaims,
      skipIssuerChecks: config.oidcSkipIssuerChecks,
      emailFallback: config.oidcEmailFallback,
      rpInitiatedLogout: config.oidcRpInitiatedLogout,
      redirectUrl: config.oidcRedirectUrl,
      redirectAllowedHosts: config.oidcRedirectAllowedHosts,
    },
  ]
}

function clientKeyOf(config: Config): OidcProvider['clientKey'] {
  if (config.oidcClientKeyFile === '') return undefined
  const read = <T>(file: string, parse: (bytes: Buffer) => T, flag: string): T => {
    try {
      return parse(readFileSync(file))
    } catch (cause) {
      throw new Error(`${flag}: ${file} cannot be read as PEM`, { cause })
    }
  }
  return {
    key: read(config.oidcClientKeyFile, createPrivateKey, '--oidc-client-key-file'),
    certificate: read(
      config.oidcClientCertFile,
      (bytes) => new X509Certificate(bytes),
      '--oidc-client-cert-file',
    ),
  }
}

/** ID-171. */
function githubOf(config: Config): GithubProvider[] {
  if (config.githubClientId === '') return []
  return [
    {
      id: 'github',
      kind: 'github',
      source: 'settings',
      displayName: 'GitHub',
      icon: '/icon/git.svg',
      enabled: true,
      clientId: config.githubClientId,
      clientSecret: config.githubClientSecret,
      allowSignups: config.githubAllowSignups,
      signupsDisabledText: '',
      baseUrl: config.githubEnterpriseBaseUrl,
      allowedOrgs: config.githubAllowedOrgs,
      allowedTeams: config.githubAllowedTeams,
      allowEveryone: config.githubAllowEveryone,
      deviceFlow: config.githubDeviceFlow,
      plainLinkIds: true,
    },
  ]
}
