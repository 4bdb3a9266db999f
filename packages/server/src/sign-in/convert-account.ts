import type { AppContext } from '../context.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { findUserByEmail, requireNotSuspended } from '../identity/index.ts'
import { signIn } from './actor.ts'
import type { Conversion } from './conversion.ts'
import type { Arrival } from './enter.ts'
import { linkProvider } from './provider.ts'
import { sealTokens } from './sealed-tokens.ts'
import { type AccountRow, convertAccount } from './store/accounts.ts'
import { findUserByLink, saveLink } from './store/links.ts'

/**
 * Ends a conversion: the account signs in at the provider from now on, and its password is gone (ID-177).
 *
 * @param found hears whose account it is before anything is decided, so that refusals are recorded too.
 * @throws ApiError 400 when the address is nobody's, 403 when it is another account's or that one is linked already.
 */
export async function convertToProvider(
  context: AppContext,
  conversion: Conversion,
  { provider, profile, tokens, claims }: Arrival,
  found: (user: AccountRow) => void,
): Promise<AccountRow> {
  return context.database.transaction(async (tx) => {
    const user = await findUserByEmail(signIn, tx, profile.email)
    if (user === undefined)
      throw badRequest('No account has the email address that the provider gave.', {
        detail: 'Both must have the same address for the account to be converted.',
      })
    found(user)
    if (user.id !== conversion.userId || user.login_type !== 'password')
      throw forbidden('The conversion of the account does not belong to this sign-in.', { detail: undefined })
    requireNotSuspended(user)
    const holder = await findUserByLink(signIn, tx, provider.kind, profile.linkedId)
    if (holder !== undefined && holder.id !== user.id)
      throw forbidden('Another account is linked to this identity.', { detail: undefined })
    await convertAccount(signIn, tx, user.id, provider.kind)
    await saveLink(signIn, tx, {
      userId: user.id,
      type: provider.kind,
      linkedId: profile.linkedId,
      provider: linkProvider(provider),
      ...sealTokens(context, { userId: user.id, type: provider.kind }, tokens),
      expiresAt: tokens.expiresAt,
      claims,
    })
    return user
  })
}
