import { type Actor, authorize, mayAssign, SITE_ROLES } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { badRequest, forbidden, missingField, validationFailed } from '../../errors/index.ts'
import { hashPassword } from '../passwords/password.ts'
import { requireStrongPassword } from '../passwords/password-rules.ts'
import { getOrganizations, insertMember } from '../store/organizations.ts'
import { getUser, insertUser, type UserWithOrganizations } from '../store/users.ts'
import type { PrepareUserParts } from './new-user-parts.ts'
import { requireGoodNames } from './user-names.ts'

/** What is asked of a new user (ID-15). */
export interface UserRequest {
  readonly username: string
  readonly email?: string
  readonly name?: string
  readonly password?: string
  readonly login_type?: string
  readonly user_status?: 'active' | 'dormant' | 'suspended'
  readonly organization_ids?: readonly string[]
  readonly organization_id?: string
  readonly service_account?: boolean
  readonly roles?: readonly string[]
}

/** Whether people can sign in with this protocol. */
export type SignsInWith = (type: 'github' | 'oidc') => Promise<boolean>

/** Makes a user with their memberships in one transaction (ID-7, ID-15). @throws ApiError as ID-16 lists. */
export async function createUser(
  context: AppContext,
  actor: Actor,
  asked: UserRequest,
  prepareParts: PrepareUserParts,
  signsInWith: SignsInWith,
): Promise<UserWithOrganizations> {
  // Nobody makes the server hash passwords without the right to make users.
  authorize(actor, 'create', { type: 'user' })
  const name = (asked.name ?? '').trim()
  requireGoodNames({ username: asked.username, name })
  const serviceAccount = asked.service_account ?? false
  const loginType = await checkedLoginType(context, asked, serviceAccount, signsInWith)
  const organizationIds = [
    ...new Set([
      ...(asked.organization_ids ?? []),
      ...(asked.organization_id === undefined ? [] : [asked.organization_id]),
    ]),
  ]
  if (organizationIds.length === 0)
    throw badRequest('User must be a member of at least one organization.', {
      validations: [{ field: 'organization_ids', detail: 'at least one organization is required' }],
    })
  if (loginType === 'password') requireStrongPassword(asked.password ?? '')
  const roles = asked.roles ?? []
  const beyond = roles.find((role) => Object.hasOwn(SITE_ROLES, role) && !mayAssign(actor, role, undefined))
  if (beyond !== undefined)
    throw forbidden(`not authorized to assign role ${JSON.stringify(beyond)}`, { detail: undefined })
  const organizations = await getOrganizations(actor, context.database.db, organizationIds)
  const hashedPassword = loginType === 'password' ? await hashPassword(asked.password ?? '') : ''
  const storeParts = await prepareParts()
  return context.database.transaction(async (tx) => {
    const user = await insertUser(actor, tx, {
      username: asked.username,
      email: serviceAccount ? '' : (asked.email ?? ''),
      name,
      hashedPassword,
      loginType,
      status: asked.user_status ?? 'dormant',
      siteRoles: roles,
      isServiceAccount: serviceAccount,
    })
    for (const organization of organizations)
      await insertMember(actor, tx, { organizationId: organization.id, userId: user.id })
    await storeParts(actor, tx, user.id)
    return getUser(actor, tx, user.id)
  })
}

async function checkedLoginType(
  context: AppContext,
  asked: UserRequest,
  serviceAccount: boolean,
  signsInWith: SignsInWith,
): Promise<'password' | 'none' | 'github' | 'oidc'> {
  const type = asked.login_type || (serviceAccount ? 'none' : 'password')
  if (serviceAccount) {
    if (asked.password) throw badRequest('A service account cannot have a password.')
    if (asked.email) throw badRequest('A service account cannot have an email address.')
    if (type !== 'none') throw badRequest('A service account must have the login type "none".')
    return 'none'
  }
  if (type !== 'password' && asked.password)
    throw badRequest('Password cannot be set for a login type other than "password".')
  if (type === 'none')
    throw badRequest('The login type "none" is only for service accounts: set service_account.')
  const provided = type === 'github' || type === 'oidc' ? type : undefined
  if (provided !== undefined && !(await signsInWith(provided)))
    throw badRequest(`Login type ${JSON.stringify(provided)} is not configured.`)
  if (provided === undefined && type !== 'password')
    throw badRequest(`Unsupported login type ${JSON.stringify(type)}.`)
  if (!asked.email) throw validationFailed([missingField('email')])
  if (provided !== undefined) return provided
  if (context.config.disablePasswordAuth)
    throw forbidden('Password authentication is disabled.', { detail: undefined })
  return 'password'
}
