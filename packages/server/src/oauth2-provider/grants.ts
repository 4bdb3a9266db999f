import type { OAuth2ProviderGrant } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import { baseUrl, requireSession, type SessionIncoming } from '../edge/index.ts'
import { invalidClient, invalidOAuthRequest, notFound } from '../errors/index.ts'
import { activateOnUse, getUser } from '../identity/index.ts'
import { isUuid } from '../search/index.ts'
import { type OAuth2Visit, recordEvent } from './audit-events.ts'
import { forgetTokens, type ProviderParts } from './parts.ts'
import { deleteGrantOfUser, deleteGrantsOfApp, type GrantOfUser, listGrants } from './store/grants.ts'

type Asking = SessionIncoming<never>

/** The grants of a user, as the user's page shows them (OA-B10). @throws ApiError 404, 403. */
export async function grantsOf(
  { context }: ProviderParts,
  { actor, params }: Pick<Asking, 'actor' | 'params'>,
): Promise<OAuth2ProviderGrant[]> {
  const { db } = context.database
  const user = await userOf(context.database, actor, params)
  return (await listGrants(actor, db, user.id, context.clock.now())).map(present)
}

/** Ends one grant of a user and all that was issued from it (OA-B10). @throws ApiError 404, 403. */
export async function endOneGrant(
  parts: ProviderParts,
  incoming: Pick<Asking, 'actor' | 'owner' | 'params' | 'context' | 'raw'>,
): Promise<undefined> {
  const { context } = parts
  const { actor, owner, params } = incoming
  const id = params.oauth2grant ?? ''
  const user = await userOf(context.database, actor, params)
  if (!isUuid(id)) throw notFound()
  const grant = await context.database.transaction((tx) => deleteGrantOfUser(actor, tx, user.id, id))
  forgetTokens(parts, user.id)
  await recordEvent(context, incoming, {
    event: 'grant_revoked',
    client: { id: grant.app_id, name: grant.app_name, icon: grant.app_icon },
    user: owner,
    grantedBy: user.id === owner.id ? undefined : user,
    scopes: grant.scopes,
    grantId: grant.id,
  })
}

/**
 * Ends everything that the caller has granted to an app (OA-75); none is no fault.
 *
 * @throws OAuthError 400 without a client id, 401 for a client that does not exist; ApiError 401 without a session.
 */
export async function endGrantsOfApp(
  parts: ProviderParts,
  visit: OAuth2Visit,
  clientId: string | undefined,
): Promise<undefined> {
  const { context, clients, keys } = parts
  if (clientId === undefined) throw invalidOAuthRequest('Missing client_id parameter')
  const client = await clients.find(clientId, visit.context.remoteAddress)
  if (client === undefined) throw invalidClient()
  // OA-3: after the client.
  const { actor, owner } = await requireSession(
    visit.context,
    baseUrl(visit.context, context.config.accessUrl),
    (accepted) => activateOnUse(context, keys, accepted),
  )
  const ended = await context.database.transaction((tx) => deleteGrantsOfApp(actor, tx, owner.id, client.id))
  if (ended.length === 0) return
  forgetTokens(parts, owner.id)
  const scopes = [...new Set(ended.flatMap((grant) => grant.scopes))].sort()
  await recordEvent(context, visit, { event: 'grants_revoked', client, user: owner, scopes })
}

async function userOf(
  { db }: ProviderParts['context']['database'],
  actor: Actor,
  { user = '' }: Readonly<Record<string, string>>,
) {
  return getUser(actor, db, user === 'me' ? actor.id : user)
}

function present(grant: GrantOfUser): OAuth2ProviderGrant {
  return {
    id: grant.id,
    app_id: grant.app_id,
    app_name: grant.app_name,
    app_icon: grant.app_icon,
    self_registered: grant.self_registered,
    scopes: grant.scopes,
    resource: grant.resource ?? '',
    first_authorized_at: grant.first_authorized_at.toISOString(),
    created_at: grant.created_at.toISOString(),
    last_used_at: grant.last_used_at.toISOString(),
    ip_address: grant.ip_address,
  }
}
