import {
  type ExternalAuth as Connection,
  type DeleteExternalAuthByIDResponse,
  type ExternalAuthLink,
  type ListUserExternalAuthResponse,
  NEVER,
} from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { exchangeDeviceCode, TokenEndpointError, type TokenSet } from '../oauth-flow/index.ts'
import type { ExternalAuth } from './external-auth.ts'
import { flowClient, listInstallations, ProviderError, revokeToken } from './provider-api.ts'
import { type Provider, presentProvider } from './providers.ts'
import { deleteLink, type LinkRow, listLinks, saveLink } from './store.ts'
import { keptOf, openTokens, sealTokens } from './tokens.ts'

/** All providers, and the caller's connections, each refreshed and validated on the way (ID-183). */
export async function listConnections(
  context: AppContext,
  external: ExternalAuth,
  actor: Actor,
): Promise<ListUserExternalAuthResponse> {
  const links = await listLinks(actor, context.database.db, actor.id)
  return {
    providers: external.providers.all.map(presentProvider),
    links: await Promise.all(links.map((link) => presentLink(external, link))),
  }
}

async function presentLink(external: ExternalAuth, link: LinkRow): Promise<ExternalAuthLink> {
  const provider = external.providers.find(link.provider_id)
  if (provider === undefined) return linkOf(link, 'The provider is not configured any more.')
  try {
    const checked = await external.check(provider, link)
    return linkOf(checked.link, checked.authenticated ? undefined : checked.reason)
  } catch (error) {
    // One provider that is away must not hide the others.
    if (!(error instanceof ProviderError)) throw error
    return linkOf(link, error.message)
  }
}

function linkOf(link: LinkRow, problem: string | undefined): ExternalAuthLink {
  return {
    provider_id: link.provider_id,
    created_at: link.created_at.toISOString(),
    updated_at: link.updated_at.toISOString(),
    has_refresh_token: link.has_refresh_token,
    expires: link.expires_at?.toISOString() ?? NEVER,
    authenticated: problem === undefined,
    validate_error: problem ?? '',
  }
}

/** The caller's connection to one provider (ID-184). @throws ApiError 500 when the provider cannot be asked. */
export async function getConnection(
  context: AppContext,
  external: ExternalAuth,
  actor: Actor,
  provider: Provider,
): Promise<Connection> {
  return orFailed('Failed to ask the provider about the connection.', async () => {
    const checked = await external.find(actor, provider, actor.id)
    const connected = checked?.authenticated === true
    const installations = connected
      ? await listInstallations(context.outbound, provider, checked.tokens.accessToken)
      : undefined
    return {
      authenticated: connected,
      device: provider.deviceFlow,
      display_name: provider.displayName,
      supports_revocation: provider.revokeUrl !== '',
      user: connected ? checked.user : null,
      app_installable: installations !== undefined,
      installations: installations ?? [],
      app_install_url: provider.appInstallUrl,
    }
  })
}

/**
 * Removes the caller's connection, then takes its token back at the provider where that is possible (ID-185). The
 * connection is gone even when the provider does not answer.
 *
 * @throws ApiError 404 without a connection.
 */
export async function disconnect(
  context: AppContext,
  actor: Actor,
  provider: Provider,
): Promise<DeleteExternalAuthByIDResponse> {
  const link = await deleteLink(actor, context.database.db, { user_id: actor.id, provider_id: provider.id })
  if (link === undefined) throw notFound()
  if (provider.revokeUrl === '') return { token_revoked: false }
  try {
    await revokeToken(context.outbound, provider, openTokens(context, link))
    return { token_revoked: true }
  } catch (error) {
    context.log.warn('a token could not be revoked', { provider: provider.id, error: describeError(error) })
    return {
      token_revoked: false,
      token_revocation_error:
        error instanceof ProviderError ? error.message : 'The stored token could not be read.',
    }
  }
}

/** Stores what a provider has given to the caller, in place of an earlier connection (ID-187). */
export async function connect(
  context: AppContext,
  actor: Actor,
  provider: Provider,
  answer: TokenSet,
): Promise<void> {
  const key = { user_id: actor.id, provider_id: provider.id }
  await saveLink(
    actor,
    context.database.db,
    key,
    sealTokens(context, key, keptOf(provider, answer), answer.expiresAt),
  )
}

/**
 * Connects the caller once they have entered the code of a device at the provider (ID-186).
 *
 * @throws ApiError 400 with the provider's error code as detail, such as `authorization_pending`.
 */
export async function connectDevice(
  context: AppContext,
  actor: Actor,
  provider: Provider,
  deviceCode: string,
): Promise<void> {
  let answer: TokenSet
  try {
    answer = await exchangeDeviceCode(context.outbound, flowClient(provider), deviceCode, context.clock.now())
  } catch (error) {
    if (!(error instanceof TokenEndpointError)) throw error
    throw error.status === 0 || error.status >= 500
      ? new ApiError(500, 'Failed to exchange the device code.', { detail: error.message, cause: error })
      : badRequest('Failed to exchange device code.', { detail: error.code ?? error.message, cause: error })
  }
  await connect(context, actor, provider, answer)
}

/** Runs what needs an answer of a provider. @throws ApiError 500 with this message when there is none. */
export async function orFailed<T>(message: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    throw new ApiError(500, message, { detail: error.message, cause: error })
  }
}
