import { randomUUID } from 'node:crypto'

import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { missingField, type Validation, validationFailed } from '../errors/index.ts'
import { callbackPath, type SignInProvider } from './provider.ts'
import { GITHUB_DEFAULTS, OIDC_DEFAULTS } from './provider-settings.ts'
import { secretPurpose } from './providers.ts'
import { holdProvider, insertProvider, type ProviderRow, updateProvider } from './store/providers.ts'

/**
 * Keeps a new provider (L-28…L-30).
 *
 * @throws ApiError 403, 409, 400 naming the field that is missing or does not fit the kind.
 */
export async function createProvider(
  context: AppContext,
  actor: Actor,
  asked: contract.CreateIdentityProviderRequest,
): Promise<ProviderRow> {
  if (asked.id === 'oidc' || asked.id === 'github')
    throw validationFailed([
      { field: 'id', detail: `${JSON.stringify(asked.id)} is the provider of the settings` },
    ])
  const id = randomUUID()
  return context.database.transaction((tx) =>
    insertProvider(actor, tx, {
      id,
      name: asked.id,
      kind: asked.kind,
      displayName: asked.display_name ?? '',
      icon: asked.icon ?? '',
      enabled: asked.enabled ?? false,
      settings: settingsOf(asked.kind, undefined, asked),
      clientSecret: sealedSecret(context, id, asked.client_secret),
    }),
  )
}

/** Changes what is given of a provider. @throws ApiError 404, 403, 400 naming the field that does not fit the kind. */
export async function changeProvider(
  context: AppContext,
  actor: Actor,
  name: string,
  asked: contract.UpdateIdentityProviderRequest,
): Promise<{ readonly before: ProviderRow; readonly after: ProviderRow }> {
  return context.database.transaction(async (tx) => {
    const before = await holdProvider(actor, tx, name)
    const after = await updateProvider(actor, tx, before.id, {
      displayName: asked.display_name ?? before.display_name,
      icon: asked.icon ?? before.icon,
      enabled: asked.enabled ?? before.enabled,
      settings: settingsOf(before.kind, before.settings, asked),
      clientSecret:
        asked.client_secret === undefined
          ? (before.client_secret ?? undefined)
          : sealedSecret(context, before.id, asked.client_secret),
    })
    return { before, after }
  })
}

/** Whole settings: what is asked, over what was, over the defaults. @throws ApiError 400. */
function settingsOf(
  kind: ProviderRow['kind'],
  before: ProviderRow['settings'] | undefined,
  asked: contract.UpdateIdentityProviderRequest,
): object {
  const other = kind === 'oidc' ? 'github' : 'oidc'
  if (asked[other] !== undefined)
    throw validationFailed([{ field: other, detail: `the provider is of the kind ${kind}` }])
  const known = typeof before === 'object' && before !== null ? before : {}
  const defaults: object = kind === 'oidc' ? OIDC_DEFAULTS : GITHUB_DEFAULTS
  const whole: Record<string, unknown> = { ...defaults, ...known, ...asked[kind] }
  const faults = [
    ...['client_id', ...(kind === 'oidc' ? ['issuer_url'] : [])]
      .filter((field) => !whole[field])
      .map((field) => missingField(`${kind}.${field}`)),
    ...(kind === 'github' ? accessFaults(whole) : []),
  ]
  if (faults.length > 0) throw validationFailed(faults)
  return whole
}

/** ID-171: it is said who may sign in, and in one way. */
function accessFaults(settings: Readonly<Record<string, unknown>>): Validation[] {
  const named = [settings.allowed_orgs, settings.allowed_teams].map((list) =>
    Array.isArray(list) ? list.length : 0,
  )
  const [orgs = 0, teams = 0] = named
  if (settings.allow_everyone === true && orgs + teams > 0)
    return [
      { field: 'github.allow_everyone', detail: 'cannot be combined with allowed organizations or teams' },
    ]
  if (settings.allow_everyone !== true && orgs === 0)
    return [{ field: 'github.allowed_orgs', detail: 'name an organization, or allow everyone' }]
  return []
}

function sealedSecret(context: AppContext, id: string, secret: string | undefined): Buffer | undefined {
  if (secret === undefined || secret === '') return undefined
  return context.secrets.sealer.seal(Buffer.from(secret), secretPurpose(id))
}

/** A provider as administrators see it: without its secret. */
export function presentProvider(
  context: AppContext,
  provider: SignInProvider,
  row: ProviderRow | undefined,
): contract.IdentityProvider {
  return {
    id: provider.id,
    kind: provider.kind,
    source: provider.source,
    display_name: provider.displayName,
    icon: provider.icon,
    enabled: provider.enabled,
    has_client_secret: provider.clientSecret !== '',
    callback_url: callbackUrl(context, provider),
    ...(provider.kind === 'oidc' ? { backchannel_logout_url: backchannelLogoutUrl(context, provider) } : {}),
    ...(provider.kind === 'oidc' ? { oidc: oidcSettings(provider) } : { github: githubSettings(provider) }),
    ...(row === undefined
      ? {}
      : { created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }),
  }
}

/** Where the provider sends people back to. */
export function callbackUrl(context: AppContext, provider: SignInProvider): string {
  const path = callbackPath(provider)
  const other = provider.kind === 'oidc' ? provider.redirectUrl : ''
  // Operators write the whole address or only where it is.
  if (other.endsWith(path)) return other
  return `${(other === '' ? context.accessUrl() : other).replace(/\/$/, '')}${path}`
}

/** Where the provider tells of sign-outs. */
function backchannelLogoutUrl(context: AppContext, provider: SignInProvider): string {
  return callbackUrl(context, provider).replace(/callback$/, 'backchannel-logout')
}

function oidcSettings(provider: Extract<SignInProvider, { kind: 'oidc' }>): contract.OidcProviderSettings {
  return {
    issuer_url: provider.issuerUrl,
    client_id: provider.clientId,
    scopes: [...provider.scopes],
    auth_url_params: { ...provider.authUrlParams },
    email_domains: [...provider.emailDomains],
    email_domains_public: provider.emailDomainsPublic,
    email_field: provider.emailField,
    username_field: provider.usernameField,
    name_field: provider.nameField,
    allow_signups: provider.allowSignups,
    signups_disabled_text: provider.signupsDisabledText,
    ignore_email_verified: provider.ignoreEmailVerified,
    ignore_userinfo: provider.ignoreUserinfo,
    rp_initiated_logout: provider.rpInitiatedLogout,
  }
}

function githubSettings(
  provider: Extract<SignInProvider, { kind: 'github' }>,
): contract.GithubProviderSettings {
  return {
    client_id: provider.clientId,
    base_url: provider.baseUrl,
    allowed_orgs: [...provider.allowedOrgs],
    allowed_teams: [...provider.allowedTeams],
    allow_everyone: provider.allowEveryone,
    allow_signups: provider.allowSignups,
    device_flow: provider.deviceFlow,
    takes_over_settings: provider.source === 'stored' && provider.plainLinkIds,
  }
}
