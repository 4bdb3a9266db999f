import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { conflict } from '../errors/index.ts'
import { alternativeUsername, generatedUsername } from './profile.ts'
import { isUsernameTaken } from './store/accounts.ts'

const ALTERNATIVES = 10

/**
 * A username that nobody has: the one that is wished for, else one like it, else a generated one (ID-163).
 *
 * @throws ApiError 403 without `user:read`, 409 when no free one is found.
 */
export async function freeUsername(actor: Actor, tx: Db, wished: string): Promise<string> {
  let name = wished
  for (let tried = 0; tried <= ALTERNATIVES; tried += 1) {
    if (!(await isUsernameTaken(actor, tx, name))) return name
    name = tried < ALTERNATIVES / 2 ? alternativeUsername(wished) : generatedUsername()
  }
  throw conflict('Failed to generate a unique username.', {
    detail: `Too many accounts are called like ${JSON.stringify(wished)}.`,
  })
}
