import type { ExternalAuthLinkProvider } from '@slipway/contract'
import { notFound } from '../errors/index.ts'
import { LinearRegExp, RegExpSyntaxError, StepBudget } from '../linear-regexp/index.ts'
import { type ConfiguredProvider, typeDefaults } from './known-types.ts'

const KEY_ICON = '/emojis/1f511.png'
/** Some milliseconds: enough for any sensible pattern on the longest address. */
const MATCH_STEPS = 1_000_000

/** A provider with all that its configuration and its type say. Empty addresses stand for what it does not offer. */
export interface Provider {
  readonly id: string
  readonly type: string
  readonly clientId: string
  readonly clientSecret: string
  readonly authUrl: string
  readonly tokenUrl: string
  readonly validateUrl: string
  readonly revokeUrl: string
  readonly deviceCodeUrl: string
  readonly appInstallUrl: string
  readonly appInstallationsUrl: string
  readonly displayName: string
  readonly displayIcon: string
  readonly scopes: readonly string[]
  /** Members of the token answer that are kept beside the token. */
  readonly extraTokenKeys: readonly string[]
  readonly noRefresh: boolean
  readonly deviceFlow: boolean
  readonly pkceMethods: readonly string[]
  /** Where token requests have the client's secret. */
  readonly secretPlace: 'form' | 'header' | 'unknown'
  /** Origin that the provider sends users back to; empty for that of the deployment. */
  readonly redirectOrigin: string
  /** Whether an address, such as that of a git remote, is this provider's. */
  matches(address: string): boolean
}

/** The providers of the configuration; fixed while the server runs. */
export class Providers {
  readonly all: readonly Provider[]

  /** @throws Error with a message for the operator when addresses are missing that no default gives. */
  constructor(configured: readonly ConfiguredProvider[]) {
    this.all = configured.map(resolved)
  }

  find(id: string): Provider | undefined {
    return this.all.find((provider) => provider.id === id)
  }

  /** @throws ApiError 404 when no provider has exactly this id (ID-149). */
  get(id: string): Provider {
    const provider = this.find(id)
    if (provider === undefined) throw notFound()
    return provider
  }
}

function resolved(given: ConfiguredProvider): Provider {
  const defaults = typeDefaults(given)
  const or = (value: string, otherwise: string | undefined): string => value || (otherwise ?? '')
  const regex = or(given.regex, defaults.regex)
  const pattern = patternOf(given.id, regex)
  const provider: Provider = {
    id: given.id,
    type: given.type,
    clientId: given.clientId,
    clientSecret: given.clientSecret,
    // Self-hosted ones name their host here; a path makes it the address itself.
    authUrl: hasPath(given.authUrl) ? given.authUrl : or(defaults.authUrl ?? '', given.authUrl),
    tokenUrl: or(given.tokenUrl, defaults.tokenUrl),
    validateUrl: or(given.validateUrl, defaults.validateUrl),
    revokeUrl: or(given.revokeUrl, defaults.revokeUrl),
    deviceCodeUrl: or(given.deviceCodeUrl, defaults.deviceCodeUrl),
    appInstallUrl: given.appInstallUrl,
    appInstallationsUrl: or(given.appInstallationsUrl, defaults.appInstallationsUrl),
    displayName: or(given.displayName, defaults.displayName) || given.type || given.id,
    displayIcon: or(given.displayIcon, defaults.displayIcon) || KEY_ICON,
    scopes: given.scopes.length > 0 ? given.scopes : (defaults.scopes ?? []),
    extraTokenKeys: given.extraTokenKeys.length > 0 ? given.extraTokenKeys : (defaults.extraTokenKeys ?? []),
    noRefresh: given.noRefresh,
    deviceFlow: given.deviceFlow,
    pkceMethods: (given.pkceMethods ?? defaults.pkceMethods).includes('S256') ? ['S256'] : [],
    secretPlace: defaults.secretPlace ?? 'form',
    redirectOrigin: URL.parse(given.redirectUrl)?.origin ?? '',
    matches: (address) => pattern?.matches(address, new StepBudget(MATCH_STEPS)) === true,
  }
  for (const [key, value] of [
    ['TOKEN_URL', provider.tokenUrl],
    ...(provider.deviceFlow
      ? [['DEVICE_CODE_URL', provider.deviceCodeUrl]]
      : [['AUTH_URL', provider.authUrl]]),
  ] as const)
    if (value === '')
      throw new Error(
        `external auth provider ${JSON.stringify(provider.id)} needs ${key}: its type ${JSON.stringify(provider.type)} has no default for it`,
      )
  return provider
}

/** Workspaces choose what is matched, so the time must be bounded. */
function patternOf(id: string, regex: string): LinearRegExp | undefined {
  if (regex === '') return undefined
  try {
    return new LinearRegExp(regex)
  } catch (error) {
    if (!(error instanceof RegExpSyntaxError)) throw error
    throw new Error(
      `the REGEX of external auth provider ${JSON.stringify(id)} cannot be used: ${error.message}`,
    )
  }
}

function hasPath(url: string): boolean {
  return !['', '/'].includes(URL.parse(url)?.pathname ?? '')
}

/** A provider as clients see it (ID-183). */
export function presentProvider(provider: Provider): ExternalAuthLinkProvider {
  return {
    id: provider.id,
    type: provider.type,
    device: provider.deviceFlow,
    display_name: provider.displayName,
    display_icon: provider.displayIcon,
    allow_refresh: !provider.noRefresh,
    allow_validate: provider.validateUrl !== '',
    supports_revocation: provider.revokeUrl !== '',
    code_challenge_methods_supported: [...provider.pkceMethods],
  }
}

/** How many of the configured providers can answer git when it asks for credentials (AC-70). */
export function countGitProviders(configured: readonly ConfiguredProvider[]): number {
  return configured.filter((given) => given.regex !== '' || typeDefaults(given).regex !== undefined).length
}
