import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { findUserByEmail } from '../identity/index.ts'
import type { Profile } from './profile.ts'
import { SignInRefused } from './sign-in-error.ts'
import type { AccountRow } from './store/accounts.ts'
import { findLink, findUserByLink, type LinkedType } from './store/links.ts'

/** Whose account a person of a provider has, and how we know. */
export type FoundAccount =
  | { readonly kind: 'linked'; readonly user: AccountRow }
  /** The address is that of an account without a link, which gets one now. */
  | { readonly kind: 'by-email'; readonly user: AccountRow }
  /** The address is that of an account that is linked to somebody else, and the operator lets that through (ID-169). */
  | { readonly kind: 'fallback'; readonly user: AccountRow; readonly linkedId: string }
  | { readonly kind: 'nobody' }

/**
 * Looks an account up: by the key of its link, then by address (ID-168). An address may have been given to another
 * person since: it only counts for an account that no other identity holds.
 *
 * @throws SignInRefused 403 (ApiError for GitHub) when the account with the address is linked to another identity.
 */
export async function findAccount(
  actor: Actor,
  tx: Db,
  who: { readonly type: LinkedType; readonly emailFallback: boolean },
  profile: Pick<Profile, 'linkedId' | 'email'>,
): Promise<FoundAccount> {
  const linked = await findUserByLink(actor, tx, who.type, profile.linkedId)
  if (linked !== undefined) return { kind: 'linked', user: linked }
  const user = await findUserByEmail(actor, tx, profile.email)
  if (user === undefined || user.is_system) return { kind: 'nobody' }
  const link = await findLink(actor, tx, user.id, who.type)
  if (link === undefined || link.linked_id === '') return { kind: 'by-email', user }
  if (who.emailFallback) return { kind: 'fallback', user, linkedId: link.linked_id }
  throw alreadyLinked(who.type)
}

function alreadyLinked(type: LinkedType): Error {
  const title = 'Account already linked'
  const detail =
    'The account with this email address belongs to another identity of the provider. Ask your administrator if it is yours.'
  return type === 'github' ? new ApiError(403, title, { detail }) : new SignInRefused(403, title, detail)
}

/** ID-164, ID-9. @throws SignInRefused 403 for an account that signs in otherwise, and for a suspended one. */
export function requireUsable(user: AccountRow, type: LinkedType): void {
  if (user.login_type !== type)
    throw new SignInRefused(
      403,
      'Incorrect login type',
      user.login_type === 'password'
        ? `Your account signs in with a password. Do that, then convert it to ${nameOf(type)} in your account settings.`
        : `Your account does not sign in with ${nameOf(type)}. Use the way you have signed in before.`,
    )
  if (user.status === 'suspended')
    throw new SignInRefused(
      403,
      'Account suspended',
      'Your account is suspended. Contact an admin to reactivate your account.',
    )
}

function nameOf(type: LinkedType): string {
  return type === 'github' ? 'GitHub' : 'OpenID Connect'
}
