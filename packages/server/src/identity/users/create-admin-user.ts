import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { hashPassword } from '../passwords/password.ts'
import { requireStrongPassword } from '../passwords/password-rules.ts'
import { insertMember, listOrganizationIds } from '../store/organizations.ts'
import { insertUser, type UserRow } from '../store/users.ts'
import type { PrepareUserParts } from './new-user-parts.ts'
import { requireGoodNames } from './user-names.ts'

const operator = systemActor('system_restricted', 'whoever has the database in their hands makes an owner')

/**
 * Makes an active owner who administers every organization, for deployments that nobody can get into any more (OP §17.2).
 *
 * @throws ApiError 400 for a name or a weak password, 409 when name or e-mail is taken.
 */
export async function createAdminUser(
  context: AppContext,
  asked: { readonly username: string; readonly email: string; readonly password: string },
  prepareParts: PrepareUserParts,
): Promise<UserRow> {
  requireGoodNames({ username: asked.username, name: '' })
  requireStrongPassword(asked.password)
  const hashedPassword = await hashPassword(asked.password)
  const storeParts = await prepareParts()
  return context.database.transaction(async (tx) => {
    const user = await insertUser(operator, tx, {
      username: asked.username,
      email: asked.email,
      name: '',
      hashedPassword,
      loginType: 'password',
      status: 'active',
      siteRoles: ['owner'],
      isServiceAccount: false,
    })
    for (const organizationId of await listOrganizationIds(operator, tx))
      await insertMember(operator, tx, { organizationId, userId: user.id, roles: ['organization-admin'] })
    await storeParts(operator, tx, user.id)
    return user
  })
}
