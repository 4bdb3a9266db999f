import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, notFound } from '../errors/index.ts'
import { getUser } from '../identity/index.ts'

const reader = systemActor('provisionerd', 'whoever may read a membership may name its user')

/**
 * The id of the user that an address or a search names (WS-3): for those who may read the user, and for those who may
 * read one of the user's memberships, such as administrators of an organization.
 *
 * @throws ApiError 404 otherwise.
 */
export async function knownUserId(context: AppContext, actor: Actor, reference: string): Promise<string> {
  const { db } = context.database
  try {
    return (await getUser(actor, db, reference)).id
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error
  }
  const user = await getUser(reader, db, reference === 'me' ? actor.id : reference)
  const readable = user.organization_ids.some((organization) =>
    isAllowed(actor, 'read', { type: 'organization_member', organization, owner: user.id, id: user.id }),
  )
  if (!readable) throw notFound()
  return user.id
}
