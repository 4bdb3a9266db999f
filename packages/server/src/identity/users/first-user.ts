import { systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { ApiError, conflict } from '../../errors/index.ts'
import { hashPassword } from '../passwords/password.ts'
import { requireStrongPassword } from '../passwords/password-rules.ts'
import { ensureDefaultOrganization, insertMember } from '../store/organizations.ts'
import { anyUserExists, insertUser, lockFirstUser, type UserRow } from '../store/users.ts'
import type { PrepareUserParts } from './new-user-parts.ts'
import { requireGoodNames } from './user-names.ts'

const setUp = systemActor('system_restricted', 'the first account is made before anybody can sign in')

/** ID-11: clients branch on the status. @throws ApiError 404 while nobody exists. */
export async function firstUserExists(context: AppContext): Promise<{ message: string }> {
  if (await anyUserExists(setUp, context.database.db))
    return { message: 'The initial user has already been created!' }
  throw new ApiError(404, 'The initial user has not been created!')
}

/**
 * Makes the first account, an active owner, and with it the default organization (ID-12). Of several
 * requests at once exactly one succeeds (ID-203).
 *
 * @param onMade hears of the account before it is answered, for the audit log.
 * @throws ApiError 409 when somebody exists, 400 naming the field for a name or a weak password.
 */
export async function createFirstUser(
  context: AppContext,
  request: {
    readonly email: string
    readonly username: string
    readonly password: string
    readonly name?: string
  },
  prepareParts: PrepareUserParts,
  onMade: (user: UserRow) => void,
): Promise<{ user_id: string; organization_id: string }> {
  // Anybody may ask this for ever after, so the answer comes before the costly hash.
  await requireNobody(context.database.db)
  const name = request.name?.trim() ?? ''
  requireGoodNames({ username: request.username, name })
  requireStrongPassword(request.password)
  const hashedPassword = await hashPassword(request.password)
  const storeParts = await prepareParts()
  return context.database.transaction(async (tx) => {
    await lockFirstUser(setUp, tx)
    await requireNobody(tx)
    const organization = await ensureDefaultOrganization(setUp, tx)
    const user = await insertUser(setUp, tx, {
      username: request.username,
      email: request.email,
      name,
      hashedPassword,
      loginType: 'password',
      status: 'active',
      siteRoles: ['owner'],
      isServiceAccount: false,
    })
    await insertMember(setUp, tx, { organizationId: organization.id, userId: user.id })
    await storeParts(setUp, tx, user.id)
    onMade(user)
    return { user_id: user.id, organization_id: organization.id }
  })
}

async function requireNobody(db: AppContext['database']['db']): Promise<void> {
  if (await anyUserExists(setUp, db)) throw conflict('The initial user has already been created.')
}
