import type { Config } from '../config/index.ts'

/** A provider as it is configured (ID-178). */
export type ConfiguredProvider = Config['externalAuthProviders'][number]

/** What a known type fills in where the configuration says nothing. */
interface TypeDefaults {
  readonly authUrl?: string
  readonly tokenUrl?: string
  readonly validateUrl?: string
  readonly revokeUrl?: string
  readonly deviceCodeUrl?: string
  readonly appInstallationsUrl?: string
  readonly apiBaseUrl?: string
  readonly displayName?: string
  readonly displayIcon?: string
  readonly regex?: string
  readonly scopes?: readonly string[]
  readonly extraTokenKeys?: readonly string[]
  readonly pkceMethods: readonly string[]
  /** Where token requests have the client's secret; in the form unless it is said (RFC 6749 section 2.3.1). */
  readonly secretPlace?: 'form' | 'header' | 'unknown'
}

const S256: readonly string[] = ['S256']
/** The dashboard has no marks of companies. */
const GIT_ICON = '/icon/git.svg'

/**
 * The defaults of a provider's type (ID-181). Types that people host themselves take their addresses from the one
 * that users are sent to, so that no token of theirs ever goes to the public service. Types that nobody knows get
 * PKCE, which the former default was without: `PKCE_METHODS=none` switches it off (ID-180).
 */
export function typeDefaults(given: ConfiguredProvider): TypeDefaults {
  const host = URL.parse(given.authUrl)
  switch (knownType(given.type)) {
    case 'github':
      return github(given, host)
    case 'gitlab':
      return gitlab(host)
    case 'gitea':
      return gitea(host)
    case 'bitbucket-cloud':
      return {
        authUrl: 'https://bitbucket.org/site/oauth2/authorize',
        tokenUrl: 'https://bitbucket.org/site/oauth2/access_token',
        validateUrl: 'https://api.bitbucket.org/2.0/user',
        displayName: 'BitBucket',
        displayIcon: GIT_ICON,
        regex: hostPattern('bitbucket.org'),
        scopes: ['account', 'repository:write'],
        pkceMethods: [],
        secretPlace: 'header',
      }
    case 'bitbucket-server':
      return {
        ...(host === null
          ? {}
          : {
              authUrl: `${host.origin}/rest/oauth2/latest/authorize`,
              tokenUrl: `${host.origin}/rest/oauth2/latest/token`,
              validateUrl: `${host.origin}/rest/api/latest/inbox/pull-requests/count`,
              regex: hostPattern(host.host),
            }),
        displayName: 'Bitbucket Server',
        displayIcon: GIT_ICON,
        scopes: ['PUBLIC_REPOS', 'REPO_READ', 'REPO_WRITE'],
        pkceMethods: [],
      }
    case 'azure-devops':
      return {
        authUrl: 'https://app.vssps.visualstudio.com/oauth2/authorize',
        tokenUrl: 'https://app.vssps.visualstudio.com/oauth2/token',
        displayName: 'Azure DevOps',
        displayIcon: GIT_ICON,
        regex: hostPattern('dev.azure.com'),
        scopes: ['vso.code_write'],
        pkceMethods: [],
      }
    case 'azure-devops-entra':
      return {
        // The tenant is the first part of the path.
        ...(host === null
          ? {}
          : { tokenUrl: `${host.origin}/${host.pathname.split('/')[1] ?? ''}/oauth2/token` }),
        displayName: 'Azure DevOps (Entra)',
        displayIcon: GIT_ICON,
        regex: hostPattern('dev.azure.com'),
        pkceMethods: [],
      }
    case 'slack':
      return {
        authUrl: 'https://slack.com/oauth/v2/authorize',
        tokenUrl: 'https://slack.com/api/oauth.v2.access',
        revokeUrl: 'https://slack.com/api/auth.revoke',
        displayName: 'Slack',
        extraTokenKeys: ['authed_user'],
        pkceMethods: [],
      }
    case 'jfrog':
      return {
        ...(host === null
          ? {}
          : {
              authUrl: `${host.origin}/ui/authorization`,
              tokenUrl: `${host.origin}/access/api/v1/integrations/${encodeURIComponent(given.clientId)}/token`,
              validateUrl: `${host.origin}/access/api/v1/system/ping`,
            }),
        displayName: 'JFrog',
        scopes: ['applied-permissions/user'],
        pkceMethods: [],
      }
    case undefined:
      return { pkceMethods: S256, secretPlace: 'unknown' }
  }
}

const KNOWN = [
  'github',
  'gitlab',
  'gitea',
  'bitbucket-cloud',
  'bitbucket-server',
  'azure-devops',
  'azure-devops-entra',
  'slack',
  'jfrog',
] as const

/** A type that the defaults know; `bitbucket` is the former name of `bitbucket-cloud`. */
function knownType(type: string): (typeof KNOWN)[number] | undefined {
  return type === 'bitbucket' ? 'bitbucket-cloud' : KNOWN.find((known) => known === type)
}

function github(given: ConfiguredProvider, host: URL | null): TypeDefaults {
  const own = host !== null && host.host !== 'github.com'
  const origin = own ? host.origin : 'https://github.com'
  const api = given.apiBaseUrl.replace(/\/+$/, '') || (own ? `${origin}/api/v3` : 'https://api.github.com')
  return {
    authUrl: `${origin}/login/oauth/authorize`,
    tokenUrl: `${origin}/login/oauth/access_token`,
    validateUrl: `${api}/user`,
    revokeUrl: `${api}/applications/${encodeURIComponent(given.clientId)}/grant`,
    deviceCodeUrl: `${origin}/login/device/code`,
    appInstallationsUrl: `${api}/user/installations`,
    apiBaseUrl: api,
    displayName: 'GitHub',
    displayIcon: GIT_ICON,
    regex: hostPattern(own ? host.host : 'github.com'),
    scopes: ['repo', 'workflow'],
    pkceMethods: S256,
  }
}

function gitlab(host: URL | null): TypeDefaults {
  const origin = host?.origin ?? 'https://gitlab.com'
  return {
    authUrl: `${origin}/oauth/authorize`,
    tokenUrl: `${origin}/oauth/token`,
    validateUrl: `${origin}/oauth/token/info`,
    revokeUrl: `${origin}/oauth/revoke`,
    apiBaseUrl: `${origin}/api/v4`,
    displayName: 'GitLab',
    displayIcon: GIT_ICON,
    regex: hostPattern(new URL(origin).host),
    scopes: ['write_repository', 'read_api'],
    pkceMethods: S256,
  }
}

function gitea(host: URL | null): TypeDefaults {
  const origin = host?.origin ?? 'https://gitea.com'
  return {
    authUrl: `${origin}/login/oauth/authorize`,
    tokenUrl: `${origin}/login/oauth/access_token`,
    validateUrl: `${origin}/login/oauth/userinfo`,
    displayName: 'Gitea',
    displayIcon: GIT_ICON,
    regex: hostPattern(new URL(origin).host),
    scopes: ['read:repository', 'write:repository', 'read:user'],
    pkceMethods: S256,
  }
}

/** Addresses of this host, with or without a scheme, and nothing that merely begins like it. */
function hostPattern(host: string): string {
  return `^(https?://)?${host.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(/.*)?$`
}
