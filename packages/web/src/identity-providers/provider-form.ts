import type {
  CreateIdentityProviderRequest,
  GithubProviderSettings,
  IdentityProvider,
  IdentityProviderKind,
  OidcProviderSettings,
  UpdateIdentityProviderRequest,
} from '@slipway/contract'

/** A provider as it is edited: lists and parameters are texts. */
export interface ProviderDraft {
  readonly id: string
  readonly kind: IdentityProviderKind
  readonly display_name: string
  readonly icon: string
  readonly enabled: boolean
  readonly client_id: string
  /** Empty keeps the secret that is stored. */
  readonly client_secret: string
  readonly allow_signups: boolean
  // OpenID Connect
  readonly issuer_url: string
  readonly scopes: string
  readonly auth_url_params: string
  readonly email_domains: string
  readonly email_domains_public: boolean
  readonly email_field: string
  readonly username_field: string
  readonly name_field: string
  readonly signups_disabled_text: string
  readonly ignore_email_verified: boolean
  readonly ignore_userinfo: boolean
  readonly rp_initiated_logout: boolean
  // GitHub
  readonly base_url: string
  readonly allow_everyone: boolean
  readonly allowed_orgs: string
  readonly allowed_teams: string
  readonly device_flow: boolean
  readonly takes_over_settings: boolean
}

/** What a new provider begins with: as the settings of the server have it by default. */
export const NEW_PROVIDER: ProviderDraft = {
  id: '',
  kind: 'oidc',
  display_name: '',
  icon: '',
  enabled: false,
  client_id: '',
  client_secret: '',
  allow_signups: true,
  issuer_url: '',
  scopes: 'openid profile email',
  auth_url_params: 'access_type=offline',
  email_domains: '',
  email_domains_public: false,
  email_field: 'email',
  username_field: 'preferred_username',
  name_field: 'name',
  signups_disabled_text: '',
  ignore_email_verified: false,
  ignore_userinfo: false,
  rp_initiated_logout: false,
  base_url: '',
  allow_everyone: false,
  allowed_orgs: '',
  allowed_teams: '',
  device_flow: false,
  takes_over_settings: false,
}

/** The draft of a stored provider. */
export function draftOf(provider: IdentityProvider): ProviderDraft {
  const { oidc, github } = provider
  return {
    ...NEW_PROVIDER,
    id: provider.id,
    kind: provider.kind,
    display_name: provider.display_name,
    icon: provider.icon,
    enabled: provider.enabled,
    ...(oidc === undefined
      ? {}
      : {
          ...oidc,
          scopes: oidc.scopes.join(' '),
          email_domains: oidc.email_domains.join(' '),
          auth_url_params: Object.entries(oidc.auth_url_params)
            .map(([name, value]) => `${name}=${value}`)
            .join('\n'),
        }),
    ...(github === undefined
      ? {}
      : {
          ...github,
          allowed_orgs: github.allowed_orgs.join(' '),
          allowed_teams: github.allowed_teams.join(' '),
        }),
  }
}

/** Entries of a list that is parted by spaces, commas or lines. */
export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((entry) => entry !== '')
}

/** `name=value` lines; what comes after the first sign belongs to the value. */
export function parametersOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf('=')
        return at < 0 ? [line, ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()]
      }),
  )
}

/** A name in lower case with hyphens, such as `acme-sso` for "Acme SSO". */
export function suggestedId(displayName: string): string {
  return displayName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
}

/** What is sent to change a provider. */
export function changeOf(draft: ProviderDraft): UpdateIdentityProviderRequest {
  return {
    display_name: draft.display_name.trim(),
    icon: draft.icon.trim(),
    enabled: draft.enabled,
    ...(draft.client_secret === '' ? {} : { client_secret: draft.client_secret }),
    ...(draft.kind === 'oidc' ? { oidc: oidcOf(draft) } : { github: githubOf(draft) }),
  }
}

/** What is sent to make one. */
export function creationOf(draft: ProviderDraft): CreateIdentityProviderRequest {
  return { id: draft.id.trim(), kind: draft.kind, ...changeOf(draft) }
}

function oidcOf(draft: ProviderDraft): OidcProviderSettings {
  return {
    issuer_url: draft.issuer_url.trim(),
    client_id: draft.client_id.trim(),
    scopes: listOf(draft.scopes),
    auth_url_params: parametersOf(draft.auth_url_params),
    email_domains: listOf(draft.email_domains),
    email_domains_public: draft.email_domains_public,
    email_field: draft.email_field.trim(),
    username_field: draft.username_field.trim(),
    name_field: draft.name_field.trim(),
    allow_signups: draft.allow_signups,
    signups_disabled_text: draft.signups_disabled_text.trim(),
    ignore_email_verified: draft.ignore_email_verified,
    ignore_userinfo: draft.ignore_userinfo,
    rp_initiated_logout: draft.rp_initiated_logout,
  }
}

function githubOf(draft: ProviderDraft): GithubProviderSettings {
  return {
    client_id: draft.client_id.trim(),
    base_url: draft.base_url.trim(),
    allowed_orgs: listOf(draft.allowed_orgs),
    allowed_teams: listOf(draft.allowed_teams),
    allow_everyone: draft.allow_everyone,
    allow_signups: draft.allow_signups,
    device_flow: draft.device_flow,
    takes_over_settings: draft.takes_over_settings,
  }
}
