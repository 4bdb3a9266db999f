import type { GithubProviderSettings, OidcProviderSettings } from '@slipway/contract'

/** What a setting is when nobody gives it: as without the setting of the deployment of that name. */
export const OIDC_DEFAULTS: Omit<OidcProviderSettings, 'issuer_url' | 'client_id'> = {
  scopes: ['openid', 'profile', 'email'],
  auth_url_params: { access_type: 'offline' },
  email_domains: [],
  email_domains_public: false,
  email_field: 'email',
  username_field: 'preferred_username',
  name_field: 'name',
  allow_signups: true,
  signups_disabled_text: '',
  ignore_email_verified: false,
  ignore_userinfo: false,
  rp_initiated_logout: false,
}

/** The same of GitHub, where nobody gets in unless it is said who. */
export const GITHUB_DEFAULTS: Omit<GithubProviderSettings, 'client_id'> = {
  base_url: '',
  allowed_orgs: [],
  allowed_teams: [],
  allow_everyone: false,
  allow_signups: false,
  device_flow: false,
  takes_over_settings: false,
}
