import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { OAuthError } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { invalidMetadata } from './client-metadata.ts'
import { oauthSecretMatches } from './client-secret.ts'
import { readRegistration } from './read-registration.ts'
import { deleteClient } from './store/apps.ts'
import { findClientById, type OAuthClient } from './store/clients.ts'
import { holdClient, updateClient } from './store/registrations.ts'

const actor = systemActor('system_oauth', 'clients manage their own registration with a token of their own')

/**
 * The client that a registration access token opens (RFC 7592). Nothing tells a client that does not exist from one whose
 * token is another.
 *
 * @throws OAuthError 400 `invalid_client_id`, 401 and 403 `invalid_token`.
 */
export async function openRegistration(
  context: AppContext,
  clientId: string,
  authorization: string | undefined,
): Promise<OAuthClient> {
  if (!isUuid(clientId)) throw new OAuthError(400, 'invalid_client_id', 'The client_id must be a UUID')
  const token = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (token === undefined)
    throw invalidToken('Send the registration access token as a bearer token in the Authorization header')
  const client = await findClientById(actor, context.database.db, clientId)
  if (client !== undefined && !client.dynamically_registered)
    throw new OAuthError(403, 'invalid_token', 'The client did not register itself')
  const hash = client?.registration_access_token
  if (client === undefined || hash == null || !oauthSecretMatches(token, hash))
    throw invalidToken('The registration access token is invalid')
  return client
}

/**
 * Replaces the metadata of a client (OA-39, OA-40).
 *
 * @returns the client before and after.
 * @throws OAuthError 400 `invalid_client_metadata`, 401 `invalid_token` when it was removed in the meantime.
 */
export async function replaceRegistration(
  context: AppContext,
  client: OAuthClient,
  bytes: Buffer,
): Promise<{ readonly before: OAuthClient; readonly after: OAuthClient }> {
  const metadata = readRegistration(context, bytes, client.id)
  return context.database.transaction(async (tx) => {
    const before = await holdClient(actor, tx, client.id)
    if (before === undefined) throw invalidToken('The registration access token is invalid')
    const { client_type, ...changes } = metadata
    const method = before.token_endpoint_auth_method
    // A row whose type and method disagree may keep both; nothing changes a type (OA-40).
    if (metadata.token_endpoint_auth_method !== method && client_type !== before.client_type)
      throw invalidMetadata(
        `token_endpoint_auth_method cannot change from ${method} to ${metadata.token_endpoint_auth_method}: it would make the client another type`,
      )
    return { before, after: await updateClient(actor, tx, client.id, changes) }
  })
}

/**
 * Removes a client with all that was issued to it (OA-41).
 *
 * @throws OAuthError 401 `invalid_token` when it is gone already.
 */
export async function removeRegistration(context: AppContext, client: OAuthClient): Promise<void> {
  const removed = await context.database.transaction((tx) => deleteClient(actor, tx, client.id))
  if (removed === undefined) throw invalidToken('The registration access token is invalid')
}

function invalidToken(description: string): OAuthError {
  return new OAuthError(401, 'invalid_token', description, {
    headers: { 'WWW-Authenticate': 'Bearer realm="coder", error="invalid_token"' },
  })
}
