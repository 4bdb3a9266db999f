import { diffOf, recordEntry } from '../audit/index.ts'
import { systemActor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import { ApiError, ScimError } from '../errors/index.ts'
import {
  defaultOrganization,
  getUser,
  insertMember,
  insertUser,
  type KeyValidator,
  type PrepareUserParts,
  type UserRow,
  updateStatus,
} from '../identity/index.ts'
import { joinsDefaultOrganization } from '../idp-sync/index.ts'
import { freeUsername, realName, usernameFrom } from '../sign-in/index.ts'
import { type DescribedUser, isAddress } from './described-user.ts'
import {
  findMeant,
  getScimUser,
  type ScimUserRow,
  saveScimNames,
  updateScimProfile,
} from './store/scim-users.ts'

/** Whoever holds the secret of the deployment, and nobody who has an account (RB-28). */
export const provisioner = systemActor('scim_provisioner', 'an identity provider says who has an account')

/** How often a new account is tried when a sign-in takes its name or its address first. */
const ATTEMPTS = 3

/** What accounts are provisioned with. */
export interface ScimParts {
  readonly context: AppContext
  readonly keys: KeyValidator
  readonly prepareParts: PrepareUserParts
}

/** For whom an entry of the audit log is written. */
export interface ScimRequest {
  readonly context: RequestContext
  readonly userAgent: string
}

/**
 * Gives somebody an account, who will sign in through the identity provider, or takes over the one that they have.
 *
 * @returns the account, and whether it was made just now.
 * @throws ScimError 400 without a name or an address, 409 for an account that is there already unless the deployment links
 *   those (`--scim-use-legacy`); ApiError 403 for a change of an owner.
 */
export async function provisionUser(
  parts: ScimParts,
  request: ScimRequest,
  described: DescribedUser,
): Promise<{ readonly user: ScimUserRow; readonly isNew: boolean }> {
  const { userName = '' } = described
  if (userName === '') throw new ScimError(400, 'invalidValue', 'userName is missing.')
  const email = described.email ?? (isAddress(userName) ? userName : '')
  if (email === '')
    throw new ScimError(
      400,
      'invalidValue',
      'There is no e-mail address: send one in emails, or an address as userName.',
    )
  for (let attempt = 1; ; attempt += 1)
    try {
      const { db } = parts.context.database
      const meant = await findMeant(provisioner, db, { userName, email })
      if (meant === undefined)
        return { user: await makeUser(parts, request, { ...described, userName, email }), isNew: true }
      if (!parts.context.config.scimUseLegacy)
        throw new ScimError(
          409,
          'uniqueness',
          `There is an account for ${JSON.stringify(userName)} already.`,
          {
            detail: `It has the id ${meant.id}.`,
          },
        )
      return { user: await changeUser(parts, request, meant.id, described), isNew: false }
    } catch (error) {
      const taken = error instanceof ApiError && error.status === 409 && !(error instanceof ScimError)
      if (!taken || attempt === ATTEMPTS) throw error
    }
}

async function makeUser(
  { context, prepareParts }: ScimParts,
  request: ScimRequest,
  described: DescribedUser & { readonly userName: string; readonly email: string },
): Promise<ScimUserRow> {
  const { userName, email, active = true } = described
  const joins = await joinsDefaultOrganization(context)
  // Making a key pair may take seconds, which no transaction should wait for.
  const storeParts = await prepareParts()
  const made = await context.database.transaction(async (tx) => {
    const user = await insertUser(provisioner, tx, {
      username: await freeUsername(provisioner, tx, usernameFrom(userName, email)),
      email,
      name: nameOf(described, { name: '', given_name: null, family_name: null }),
      hashedPassword: '',
      loginType: 'oidc',
      // Active as soon as they sign in.
      status: active ? 'dormant' : 'suspended',
      siteRoles: [],
      isServiceAccount: false,
    })
    if (joins) {
      const { id } = await defaultOrganization(provisioner, tx)
      await insertMember(provisioner, tx, { organizationId: id, userId: user.id })
    }
    await storeParts(provisioner, tx, user.id)
    await saveNames(tx, user.id, described, undefined)
    return user
  })
  await record(context, request, 'create', undefined, made)
  return getScimUser(provisioner, context.database.db, made.id)
}

/**
 * Brings an account to what a provider says of it, and leaves alone what it does not speak of; the username stays, because
 * addresses of workspaces have it. Whoever is suspended is signed out at once.
 *
 * @throws ApiError 404, 403 for a change of an owner; ScimError 409 for a name or an address that another account has.
 */
export async function changeUser(
  { context, keys }: ScimParts,
  request: ScimRequest,
  id: string,
  described: DescribedUser,
): Promise<ScimUserRow> {
  const { before, after } = await context.database.transaction(async (tx) => {
    const known = await getScimUser(provisioner, tx, id)
    const read = (): Promise<UserRow> => getUser(provisioner, tx, id)
    const stored = await read()
    await updateScimProfile(provisioner, tx, known, {
      name: nameOf(described, known),
      email: described.email ?? known.email,
    })
    const status = statusOf(known.status, described.active)
    if (status !== known.status) await updateStatus(provisioner, tx, id, status)
    await saveNames(tx, id, described, known)
    return { before: stored, after: await read() }
  })
  keys.drop(id)
  await record(context, request, 'write', before, after)
  return getScimUser(provisioner, context.database.db, id)
}

/** Who may come back is active as soon as they do. */
function statusOf(status: UserRow['status'], active: boolean | undefined): UserRow['status'] {
  if (active === undefined) return status
  if (!active) return 'suspended'
  return status === 'suspended' ? 'dormant' : status
}

function nameOf(
  { formatted, givenName, familyName }: DescribedUser,
  known: Pick<ScimUserRow, 'name' | 'given_name' | 'family_name'>,
): string {
  if (formatted !== undefined) return formatted
  if (givenName === undefined && familyName === undefined) return known.name
  return realName(`${givenName ?? known.given_name ?? ''} ${familyName ?? known.family_name ?? ''}`)
}

/** What a provider takes away is gone; what it does not speak of stays. */
async function saveNames(
  tx: Db,
  userId: string,
  described: DescribedUser,
  known: ScimUserRow | undefined,
): Promise<void> {
  const kept = (said: string | undefined, before: string | null | undefined): string | undefined =>
    (said ?? before ?? '') || undefined
  await saveScimNames(provisioner, tx, userId, {
    userName: described.userName ?? known?.user_name ?? '',
    externalId: kept(described.externalId, known?.external_id),
    givenName: kept(described.givenName, known?.given_name),
    familyName: kept(described.familyName, known?.family_name),
  })
}

/** RB-102: nobody who has an account has done it. */
function record(
  context: AppContext,
  request: ScimRequest,
  action: 'create' | 'write',
  before: UserRow | undefined,
  after: UserRow,
): Promise<void> {
  return recordEntry(context, {
    type: 'user',
    action,
    user: undefined,
    organizationId: undefined,
    resourceId: after.id,
    target: after.username,
    icon: '',
    diff: diffOf('user', before, after),
    status: action === 'create' ? 201 : 200,
    additionalFields: { automatic_actor: 'coder', automatic_subsystem: 'scim' },
    requestId: request.context.id,
    ip: request.context.remoteAddress,
    userAgent: request.userAgent,
  })
}
