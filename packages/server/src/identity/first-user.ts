import type { AppContext } from '../context.ts'
import { ApiError, conflict } from '../errors/index.ts'
import { hashPassword } from './password.ts'
import { requireStrongPassword } from './password-rules.ts'
import { ensureDefaultOrganization, insertMember } from './store/organizations.ts'
import { anyUserExists, insertUser, lockFirstUser, signInActor } from './store/users.ts'

/** ID-11: clients branch on the status. @throws ApiError 404 while nobody exists. */
export async function firstUserExists(context: AppContext): Promise<{ message: string }> {
  if (await anyUserExists(signInActor, context.database.db))
    return { message: 'The initial user has already been created!' }
  throw new ApiError(404, 'The initial user has not been created!')
}

/**
 * Makes the first account, an active owner, and with it the default organization (ID-12). Of several
 * requests at once exactly one succeeds (ID-203).
 *
 * @throws ApiError 409 when somebody exists, 400 for a weak password.
 */
export async function createFirstUser(
  context: AppContext,
  request: {
    readonly email: string
    readonly username: string
    readonly password: string
    readonly name?: string
  },
): Promise<{ user_id: string; organization_id: string }> {
  requireStrongPassword(request.password)
  const hashedPassword = await hashPassword(request.password)
  return context.database.transaction(async (tx) => {
    await lockFirstUser(signInActor, tx)
    if (await anyUserExists(signInActor, tx)) throw conflict('The initial user has already been created.')
    const organization = await ensureDefaultOrganization(signInActor, tx)
    const user = await insertUser(signInActor, tx, {
      username: request.username,
      email: request.email,
      name: request.name?.trim() ?? '',
      hashedPassword,
      loginType: 'password',
      status: 'active',
      siteRoles: ['owner'],
      isServiceAccount: false,
    })
    await insertMember(signInActor, tx, { organizationId: organization.id, userId: user.id, roles: [] })
    return { user_id: user.id, organization_id: organization.id }
  })
}
