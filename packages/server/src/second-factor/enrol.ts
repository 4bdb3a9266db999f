import { type Actor, isAllowed } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { badRequest, conflict } from '../errors/index.ts'
import { hasFactor } from './prove.ts'
import { newRecoveryCodes } from './recovery-codes.ts'
import { sealTotpSecret } from './sealed-totp.ts'
import {
  deletePasskey,
  deleteTotp,
  getFactors,
  insertPasskey,
  insertTotp,
  lockFactors,
  type NewPasskey,
  type PasskeyRow,
  replaceRecoveryCodes,
} from './store/factors.ts'
import { totpStepOf } from './totp.ts'

/** 400 for a code that the new app should not have shown. */
function wrongCode(): Error {
  const detail = 'The code is not right. Check the clock of the device.'
  return badRequest('Incorrect code.', { validations: [{ field: 'totp_code', detail }] })
}

/**
 * Sets an authenticator app up once it has shown a right code.
 *
 * @returns the recovery codes, when this is the first factor of the account.
 * @throws ApiError 400 for a wrong code, 409 when there is an app already, or any factor where `first` says that there is none.
 */
export async function addTotp(
  context: AppContext,
  actor: Actor,
  totp: {
    readonly userId: string
    readonly secret: string
    readonly code: string
    readonly first?: boolean
  },
): Promise<string[]> {
  const now = context.clock.now()
  const step = totpStepOf(totp.secret, totp.code, now)
  if (step === undefined) throw wrongCode()
  const sealedSecret = sealTotpSecret(context, totp.userId, totp.secret)
  return context.database.transaction((tx) =>
    addFactor(actor, tx, totp.userId, totp.first === true, () =>
      insertTotp(actor, tx, { userId: totp.userId, sealedSecret, step, now }),
    ).then(({ recoveryCodes }) => recoveryCodes),
  )
}

/** Registers a passkey that was verified, with recovery codes when it is the first factor. @throws ApiError 409. */
export function addPasskey(
  context: AppContext,
  actor: Actor,
  passkey: NewPasskey,
): Promise<{ readonly added: PasskeyRow; readonly recoveryCodes: string[] }> {
  return context.database.transaction((tx) =>
    addFactor(actor, tx, passkey.userId, false, () => insertPasskey(actor, tx, passkey)),
  )
}

async function addFactor<Added>(
  actor: Actor,
  tx: Db,
  userId: string,
  mustBeFirst: boolean,
  add: () => Promise<Added>,
): Promise<{ readonly added: Added; readonly recoveryCodes: string[] }> {
  await lockFactors(actor, tx, userId)
  const before = await getFactors(actor, tx, userId)
  if (mustBeFirst && hasFactor(before))
    throw conflict('The account has a second factor already. Sign in with it.')
  const added = await add()
  if (hasFactor(before)) return { added, recoveryCodes: [] }
  const { codes, hashed } = newRecoveryCodes()
  await replaceRecoveryCodes(actor, tx, userId, hashed)
  return { added, recoveryCodes: codes }
}

/** What is to be removed. */
export type Removed = { readonly kind: 'totp' } | { readonly kind: 'passkey'; readonly id: string }

/**
 * Removes a factor, and the recovery codes with the last one.
 *
 * @throws ApiError 404, 409 for the last one where the deployment asks for a second factor.
 */
export function removeFactor(
  context: AppContext,
  actor: Actor,
  userId: string,
  removed: Removed,
): Promise<void> {
  return context.database.transaction(async (tx) => {
    await lockFactors(actor, tx, userId)
    if (removed.kind === 'totp') await deleteTotp(actor, tx, userId)
    else await deletePasskey(actor, tx, userId, removed.id)
    if (hasFactor(await getFactors(actor, tx, userId))) return
    if (context.config.requireSecondFactor)
      throw conflict('This deployment asks for a second factor. Set up another one before you remove this.')
    await replaceRecoveryCodes(actor, tx, userId, [])
  })
}

/** Makes new recovery codes for an account with a second factor. @throws ApiError 404, 409 without a factor. */
export function renewRecoveryCodes(context: AppContext, actor: Actor, userId: string): Promise<string[]> {
  return context.database.transaction(async (tx) => {
    await lockFactors(actor, tx, userId)
    if (!hasFactor(await getFactors(actor, tx, userId)))
      throw conflict('Recovery codes are for accounts with a second factor. Set up one first.')
    const { codes, hashed } = newRecoveryCodes()
    await replaceRecoveryCodes(actor, tx, userId, hashed)
    return codes
  })
}

/** Whether this actor may manage second factors of the user: nobody but the user themself, whatever they hold. */
export function managesOwnFactors(actor: Actor, userId: string): boolean {
  return (
    actor.id === userId && isAllowed(actor, 'update_personal', { type: 'user', id: userId, owner: userId })
  )
}
