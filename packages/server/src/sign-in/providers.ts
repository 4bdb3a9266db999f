import { isDeepStrictEqual } from 'node:util'

import { Compile } from 'typebox/compile'

import {
  type GithubProviderSettings,
  GithubProviderSettings as GithubSettings,
  OidcProviderSettings,
} from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { AppContext } from '../context.ts'
import { notFound } from '../errors/index.ts'
import { signIn } from './actor.ts'
import { OidcIssuer } from './oidc-issuer.ts'
import type { OidcProvider, SignInProvider } from './provider.ts'
import { GITHUB_DEFAULTS, OIDC_DEFAULTS } from './provider-settings.ts'
import { settingsProviders } from './settings-providers.ts'
import { listProviders, type ProviderRow } from './store/providers.ts'

const oidcSettings = Compile(OidcProviderSettings)
const githubSettings = Compile(GithubSettings)

/**
 * Every way to sign in at a provider: those of the settings, which last as long as the process, and those that are kept
 * here, which are read whenever somebody signs in.
 */
export class Providers implements AsyncDisposable {
  readonly #stopping = new AbortController()
  #discovery: Promise<void> | undefined
  readonly #context: AppContext
  readonly #settings: readonly SignInProvider[]
  /** By the id of the provider; one that is gone or has changed is left out at the next look. */
  #issuers = new Map<string, { readonly provider: OidcProvider; readonly issuer: OidcIssuer }>()

  /** @throws Error with a message for the operator when the settings name a key that cannot be read. */
  constructor(context: AppContext) {
    this.#context = context
    this.#settings = settingsProviders(context.config)
  }

  /** All of them, disabled ones too; those of the settings first. */
  async all(): Promise<SignInProvider[]> {
    const rows = await listProviders(signIn, this.#context.database.db)
    const all = [...this.#settings, ...rows.map((row) => this.fromRow(row))]
    const kept = all.map((provider) => provider.id)
    for (const id of this.#issuers.keys()) if (!kept.includes(id)) this.#issuers.delete(id)
    return all
  }

  /** The one of this id and kind; undefined where there is none, or it is disabled and `disabledToo` does not ask for it. */
  async find<Kind extends SignInProvider['kind']>(
    kind: Kind,
    id: string,
    options: { readonly disabledToo?: boolean } = {},
  ): Promise<Extract<SignInProvider, { kind: Kind }> | undefined> {
    const found =
      this.#settings.find((provider) => provider.id === id) ??
      (await this.all()).find((provider) => provider.id === id)
    if (found === undefined || !isKind(found, kind)) return undefined
    return found.enabled || options.disabledToo === true ? found : undefined
  }

  /** The one of this id of any kind, for those who manage it. @throws ApiError 404. */
  async get(id: string): Promise<SignInProvider> {
    const found = (await this.all()).find((provider) => provider.id === id)
    if (found === undefined) throw notFound()
    return found
  }

  /** The issuer of a provider, which remembers its discovery document and its keys. */
  issuerOf(provider: OidcProvider): OidcIssuer {
    const known = this.#issuers.get(provider.id)
    if (known !== undefined && isDeepStrictEqual(known.provider, provider)) return known.issuer
    const issuer = new OidcIssuer(this.#context, provider, this.#stopping.signal)
    this.#issuers.set(provider.id, { provider, issuer })
    return issuer
  }

  /** Whether people can sign in with this protocol at all. */
  async signsInWith(kind: SignInProvider['kind']): Promise<boolean> {
    return (await this.all()).some((provider) => provider.kind === kind && provider.enabled)
  }

  /**
   * Begins to read the discovery document of the provider of the settings, so that the log tells of a wrong issuer at
   * once; the server works without it (ID-158, ID-220).
   */
  discover(): void {
    this.#discovery ??= this.#discover()
  }

  async #discover(): Promise<void> {
    for (const provider of this.#settings) {
      if (provider.kind !== 'oidc') continue
      try {
        await this.issuerOf(provider).metadata()
      } catch (error) {
        if (this.#stopping.signal.aborted) return
        this.#context.log.warn('the identity provider cannot be reached; sign-ins fail until it can', {
          provider: provider.id,
          issuer: provider.issuerUrl,
          error: describeError(error instanceof Error ? (error.cause ?? error) : error),
        })
      }
    }
  }

  /** A provider as it is stored; disabled when its secret cannot be opened, so that it keeps nobody from others. */
  fromRow(row: ProviderRow): SignInProvider {
    const clientSecret = this.#openSecret(row)
    const common = {
      id: row.name,
      source: 'stored',
      displayName: row.display_name,
      icon: row.icon,
      enabled: row.enabled && clientSecret !== undefined,
      clientSecret: clientSecret ?? '',
    } as const
    switch (row.kind) {
      case 'oidc':
        return {
          ...common,
          kind: 'oidc',
          ...oidcFields(oidcSettings.Parse(withDefaults(OIDC_DEFAULTS, row))),
        }
      case 'github':
        return {
          ...common,
          kind: 'github',
          ...githubFields(githubSettings.Parse(withDefaults(GITHUB_DEFAULTS, row))),
        }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#discovery
  }

  #openSecret(row: ProviderRow): string | undefined {
    if (row.client_secret === null) return ''
    try {
      return this.#context.secrets.sealer.open(row.client_secret, secretPurpose(row.id)).toString()
    } catch (error) {
      this.#context.log.error(
        'the secret of an identity provider cannot be opened; nobody can sign in there',
        {
          provider: row.name,
          error: describeError(error),
        },
      )
      return undefined
    }
  }
}

/** Settings of a row, which an older release may have written without some of them. */
function withDefaults(defaults: object, { settings }: ProviderRow): object {
  return { ...defaults, ...(typeof settings === 'object' && settings !== null ? settings : {}) }
}

/** Binds the sealed secret of a client to its provider. */
export function secretPurpose(id: string): string {
  return `client secret of identity provider ${id}`
}

function oidcFields(
  settings: OidcProviderSettings,
): Omit<OidcProvider, 'id' | 'kind' | 'source' | 'displayName' | 'icon' | 'enabled' | 'clientSecret'> {
  return {
    clientId: settings.client_id,
    clientKey: undefined,
    allowSignups: settings.allow_signups,
    signupsDisabledText: settings.signups_disabled_text,
    issuerUrl: settings.issuer_url,
    scopes: settings.scopes,
    authUrlParams: settings.auth_url_params,
    emailDomains: settings.email_domains,
    emailDomainsPublic: settings.email_domains_public,
    emailField: settings.email_field,
    usernameField: settings.username_field,
    nameField: settings.name_field,
    ignoreEmailVerified: settings.ignore_email_verified,
    ignoreUserinfo: settings.ignore_userinfo,
    rpInitiatedLogout: settings.rp_initiated_logout,
    // What weakens checks is for the settings of the deployment alone.
    accessTokenClaims: false,
    skipIssuerChecks: false,
    emailFallback: false,
    redirectUrl: '',
    redirectAllowedHosts: [],
  }
}

function githubFields(
  settings: GithubProviderSettings,
): Omit<
  Extract<SignInProvider, { kind: 'github' }>,
  'id' | 'kind' | 'source' | 'displayName' | 'icon' | 'enabled' | 'clientSecret'
> {
  return {
    clientId: settings.client_id,
    allowSignups: settings.allow_signups,
    signupsDisabledText: '',
    baseUrl: settings.base_url,
    allowedOrgs: settings.allowed_orgs,
    allowedTeams: settings.allowed_teams,
    allowEveryone: settings.allow_everyone,
    deviceFlow: settings.device_flow,
    plainLinkIds: settings.takes_over_settings,
  }
}

function isKind<Kind extends SignInProvider['kind']>(
  provider: SignInProvider,
  kind: Kind,
): provider is Extract<SignInProvider, { kind: Kind }> {
  return provider.kind === kind
}
