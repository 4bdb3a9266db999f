import type { ExternalAuthAppInstallation, ExternalAuthDevice, ExternalAuthUser } from '@slipway/contract'
import { ApiError } from '../errors/index.ts'
import type { FlowClient } from '../oauth-flow/index.ts'
import { isRateLimited, type Outbound, OutboundError } from '../outbound/index.ts'
import type { Provider } from './providers.ts'
import type { LinkTokens } from './tokens.ts'

/** What a provider says of a token (ID-188). */
export type Validation =
  | { readonly kind: 'valid'; readonly user: ExternalAuthUser | null }
  /** The provider answers nobody at present, so the token is taken to be as good as before. */
  | { readonly kind: 'rate-limited'; readonly status: number }
  | { readonly kind: 'invalid' }

/** A provider that could not be asked, or whose answer says nothing. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
}

/** The provider as the shared flow sees it (ID §10). */
export function flowClient(provider: Provider): FlowClient {
  return {
    name: provider.id,
    clientId: provider.clientId,
    tokenUrl: provider.tokenUrl,
    ...authenticationOf(provider),
    authorizationUrl: provider.authUrl,
    scopes: provider.scopes,
    codeChallengeMethods: provider.pkceMethods,
    authorizationParameters: {},
  }
}

/** Nearly every provider takes the secret in the form; of those that nobody knows, some want the header. */
function authenticationOf(provider: Provider): Pick<FlowClient, 'authentication' | 'otherAuthentication'> {
  const { clientSecret: secret } = provider
  if (secret === '') return { authentication: { method: 'none' } }
  const post = { method: 'client_secret_post', secret } as const
  const basic = { method: 'client_secret_basic', secret } as const
  switch (provider.secretPlace) {
    case 'form':
      return { authentication: post }
    case 'header':
      return { authentication: basic }
    case 'unknown':
      return { authentication: post, otherAuthentication: basic }
  }
}

/** Asks the provider whether a token is still good, and whose it is. @throws ProviderError. */
export async function validateToken(
  outbound: Outbound,
  provider: Provider,
  accessToken: string,
): Promise<Validation> {
  if (provider.validateUrl === '') return { kind: 'valid', user: null }
  const response = await send(outbound, provider, 'ValidateToken', provider.validateUrl, {
    headers: bearer(accessToken),
  })
  if (response.status === 200)
    return {
      kind: 'valid',
      user: provider.type === 'github' ? accountOf(await jsonOf(response)) : null,
    }
  if (isRateLimited(response)) return { kind: 'rate-limited', status: response.status }
  if (response.status === 401 || response.status === 403) return { kind: 'invalid' }
  throw new ProviderError(`${provider.id} answered ${response.status} to the validation of a token`)
}

/** Where the provider's app is installed; undefined when it does not say (ID-184). @throws ProviderError. */
export async function listInstallations(
  outbound: Outbound,
  provider: Provider,
  accessToken: string,
): Promise<ExternalAuthAppInstallation[] | undefined> {
  if (provider.appInstallationsUrl === '') return undefined
  const response = await send(outbound, provider, 'AppInstallations', provider.appInstallationsUrl, {
    headers: bearer(accessToken),
  })
  // Plain OAuth apps, which have no installations, are refused.
  if (response.status !== 200) return undefined
  if (provider.type !== 'github') return []
  const { installations } = await jsonOf(response)
  if (!Array.isArray(installations)) return []
  return installations.flatMap((entry: unknown) => {
    const installation = recordOf(entry)
    const account = accountOf(recordOf(installation.account))
    return account === null
      ? []
      : [{ id: integer(installation.id), account, configure_url: text(installation.html_url) }]
  })
}

/**
 * Takes a token back at the provider (ID-185): the refresh token where there is one, which ends all that came of it.
 *
 * @throws ProviderError when the provider did not do it.
 */
export async function revokeToken(outbound: Outbound, provider: Provider, tokens: LinkTokens): Promise<void> {
  const basic = `Basic ${Buffer.from(`${provider.clientId}:${provider.clientSecret}`).toString('base64')}`
  const github = provider.type === 'github'
  const refresh = tokens.refreshToken !== undefined
  const response = await send(
    outbound,
    provider,
    'Revoke',
    provider.revokeUrl,
    github
      ? {
          method: 'DELETE',
          headers: {
            Accept: 'application/vnd.github+json',
            Authorization: basic,
            'Content-Type': 'application/json',
          },
          body: JSON.stringify({ access_token: tokens.accessToken }),
        }
      : {
          method: 'POST',
          headers: { Accept: 'application/json', ...bearer(tokens.accessToken) },
          body: new URLSearchParams({
            token: tokens.refreshToken ?? tokens.accessToken,
            token_type_hint: refresh ? 'refresh_token' : 'access_token',
            client_id: provider.clientId,
            ...(provider.clientSecret === '' ? {} : { client_secret: provider.clientSecret }),
          }),
        },
  )
  // Slack answers 200 to what it refuses.
  const refused = github ? response.status !== 204 : !response.ok || (await jsonOf(response)).ok === false
  if (refused)
    throw new ProviderError(`${provider.id} answered ${response.status} to the revocation of a token`)
}

/** Begins a device authorization (RFC 8628 section 3.1). @throws ApiError 500 saying why it cannot begin (ID-186). */
export async function startDevice(outbound: Outbound, provider: Provider): Promise<ExternalAuthDevice> {
  const failed = (detail: string, cause?: unknown) =>
    new ApiError(500, 'Failed to authorize device.', { detail, cause })
  let response: Response
  try {
    response = await send(outbound, provider, 'AuthorizeDevice', provider.deviceCodeUrl, {
      method: 'POST',
      headers: { Accept: 'application/json' },
      body: new URLSearchParams({ client_id: provider.clientId, scope: provider.scopes.join(' ') }),
    })
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    throw failed(error.message, error)
  }
  if (isRateLimited(response))
    throw failed(`${provider.id} has had too many requests of this kind. Please try again later.`)
  let answer: Record<string, unknown>
  try {
    answer = recordOf(await response.json())
  } catch (error) {
    throw failed(
      `${provider.id} answered ${response.status} with something that is no JSON. Is the device flow switched on for its app?`,
      error,
    )
  }
  if (typeof answer.error === 'string')
    throw failed(`${answer.error}: ${text(answer.error_description)}`.slice(0, 400))
  const { device_code, user_code, verification_uri } = answer
  if (
    typeof device_code !== 'string' ||
    typeof user_code !== 'string' ||
    typeof verification_uri !== 'string'
  )
    throw failed(`${provider.id} answered ${response.status} without a device code.`)
  return {
    device_code,
    user_code,
    verification_uri,
    expires_in: integer(answer.expires_in),
    // RFC 8628 section 3.2.
    interval: integer(answer.interval) || 5,
  }
}

async function send(
  outbound: Outbound,
  provider: Provider,
  source: 'ValidateToken' | 'AppInstallations' | 'Revoke' | 'AuthorizeDevice',
  address: string,
  init: RequestInit,
): Promise<Response> {
  try {
    return await outbound.fetch({ name: provider.id, source }, address, init)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new ProviderError(error.message, { cause: error })
  }
}

function bearer(accessToken: string): Record<string, string> {
  return { Accept: 'application/json', Authorization: `Bearer ${accessToken}` }
}

/** An account in GitHub's spelling; null without a login. */
function accountOf(account: Record<string, unknown>): ExternalAuthUser | null {
  if (typeof account.login !== 'string') return null
  return {
    id: integer(account.id),
    login: account.login,
    avatar_url: text(account.avatar_url),
    profile_url: text(account.html_url),
    name: text(account.name),
  }
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  try {
    return recordOf(await response.json())
  } catch {
    return {}
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? Number(value) : 0
}
