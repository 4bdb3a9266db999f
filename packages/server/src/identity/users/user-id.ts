import type { Actor } from '../../authz/index.ts'
import type { Db } from '../../context.ts'
import { getUser } from '../store/users.ts'

/**
 * The id of the user that an address names: `me`, an id or a username. A key that may do nothing but what it asks for
 * need not be allowed to read its own user.
 *
 * @throws ApiError 404 for who may not read another user.
 */
export async function userIdOf(actor: Actor, db: Db, reference = ''): Promise<string> {
  return reference === 'me' || reference === actor.id ? actor.id : (await getUser(actor, db, reference)).id
}
