import type { AppContext, Db } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import {
  activateInTransaction,
  anyUserExists,
  ensureDefaultOrganization,
  findUserByEmail,
  insertMember,
  insertUser,
  lockFirstUser,
  type PrepareUserParts,
  recordStatusChange,
} from '../identity/index.ts'
import type { TokenSet } from '../oauth-flow/index.ts'
import { signIn } from './actor.ts'
import { findAccount, requireUsable } from './find-account.ts'
import { freeUsername } from './free-username.ts'
import type { ClaimSources } from './oidc-profile.ts'
import type { Profile } from './profile.ts'
import { linkProvider, type SignInProvider } from './provider.ts'
import { sealTokens } from './sealed-tokens.ts'
import { SignInRefused } from './sign-in-error.ts'
import { type AccountRow, mirrorProfile } from './store/accounts.ts'
import { findUserByLink, lockLinkedId, saveLink } from './store/links.ts'

/** Memberships, groups and roles that claims give, brought about in the transaction of a sign-in (ID-165). */
export type SyncClaims = (
  context: AppContext,
  tx: Db,
  user: { readonly userId: string; readonly loginType: 'oidc' | 'github' },
  claims: Readonly<Record<string, unknown>>,
) => Promise<void>

/** Somebody who has shown a provider who they are. */
export interface Arrival {
  readonly provider: SignInProvider
  readonly profile: Profile
  readonly tokens: TokenSet
  readonly claims: ClaimSources
}

/** What a sign-in is made with. */
export interface EnterParts {
  readonly syncClaims: SyncClaims
  readonly prepareParts: PrepareUserParts
}

/** How often a sign-in is tried when another one takes the name or the address first. */
const ATTEMPTS = 3

/**
 * Lets somebody in: finds their account or makes one, links it, takes over what the provider says of them, and runs the
 * syncs, all in one transaction (ID-163…ID-169).
 *
 * @param found hears whose account it is before anything is decided, so that refusals are recorded too.
 * @returns the account, and whether it was made just now.
 * @throws SignInRefused, ApiError: nothing is left behind then.
 */
export async function enter(
  context: AppContext,
  arrival: Arrival,
  parts: EnterParts,
  found: (user: AccountRow) => void,
): Promise<{ readonly user: AccountRow; readonly isNew: boolean }> {
  const { provider, profile } = arrival
  // Making a key pair may take seconds, which no transaction should wait for.
  const looksNew =
    (await findUserByLink(signIn, context.database.db, provider.kind, profile.linkedId)) === undefined &&
    (await findUserByEmail(signIn, context.database.db, profile.email)) === undefined
  const prepared = looksNew ? await parts.prepareParts() : undefined
  const prepareParts: PrepareUserParts = async () => prepared ?? parts.prepareParts()
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { activated, ...entered } = await context.database.transaction((tx) =>
        enterOnce(context, tx, arrival, { ...parts, prepareParts }, found),
      )
      // Written when it is sure, however often the transaction had to run (ID-10).
      if (activated !== undefined) await recordStatusChange(context, activated, 'dormant')
      return entered
    } catch (error) {
      const taken = error instanceof ApiError && error.status === 409
      if (!taken || attempt >= ATTEMPTS) throw error
    }
  }
}

async function enterOnce(
  context: AppContext,
  tx: Db,
  { provider, profile, tokens, claims }: Arrival,
  { syncClaims, prepareParts }: EnterParts,
  found: (user: AccountRow) => void,
): Promise<{ user: AccountRow; isNew: boolean; activated: AccountRow | undefined }> {
  const type = provider.kind
  await lockLinkedId(signIn, tx, profile.linkedId)
  const emailFallback = provider.kind === 'oidc' && provider.emailFallback
  const account = await findAccount(signIn, tx, { type, emailFallback }, profile)
  let user: AccountRow
  if (account.kind === 'nobody') user = await signUp(context, tx, provider, profile, prepareParts)
  else {
    user = account.user
    found(user)
    requireUsable(user, type)
  }
  if (account.kind === 'fallback')
    context.log.warn(
      'a sign-in was let through by its address although the account is linked to another identity',
      {
        user_id: user.id,
        provider: provider.id,
      },
    )
  const activated = user.status === 'dormant' ? await activateInTransaction(context, tx, user.id) : undefined
  await saveLink(signIn, tx, {
    userId: user.id,
    type,
    linkedId: account.kind === 'fallback' ? account.linkedId : profile.linkedId,
    provider: linkProvider(provider),
    ...sealTokens(context, { userId: user.id, type }, tokens),
    expiresAt: tokens.expiresAt,
    claims,
  })
  if (provider.kind === 'oidc')
    await syncClaims(context, tx, { userId: user.id, loginType: 'oidc' }, claims.merged_claims)
  const now = await mirrorProfile(signIn, tx, user.id, profile)
  return { user: now, isNew: account.kind === 'nobody', activated }
}

/**
 * Makes an account (ID-163). The first one of the deployment owns it, and of several at once only one is that (ID-203).
 *
 * @throws SignInRefused 403 where nobody may, ApiError 409 when no free name is found.
 */
async function signUp(
  context: AppContext,
  tx: Db,
  provider: SignInProvider,
  profile: Profile,
  prepareParts: PrepareUserParts,
): Promise<AccountRow> {
  let first = !(await anyUserExists(signIn, tx))
  if (first) {
    await lockFirstUser(signIn, tx)
    first = !(await anyUserExists(signIn, tx))
  }
  if (!first && !provider.allowSignups)
    throw new SignInRefused(
      403,
      'Signups are disabled',
      provider.signupsDisabledText === ''
        ? 'Nobody can make an account by signing in here. Ask your administrator for one.'
        : provider.signupsDisabledText,
      true,
    )
  const storeParts = await prepareParts()
  const organization = await ensureDefaultOrganization(signIn, tx)
  const made = await insertUser(signIn, tx, {
    username: await freeUsername(signIn, tx, profile.username),
    email: profile.email,
    name: profile.name,
    hashedPassword: '',
    loginType: provider.kind,
    status: 'active',
    siteRoles: first ? ['owner'] : [],
    isServiceAccount: false,
  })
  await insertMember(signIn, tx, { organizationId: organization.id, userId: made.id })
  await storeParts(signIn, tx, made.id)
  context.log.info('an account was made by a sign-in', { user_id: made.id, provider: provider.id })
  return made
}
