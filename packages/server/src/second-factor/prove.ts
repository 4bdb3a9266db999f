import type { PasskeyAssertion } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import type { SignInDelay } from '../identity/index.ts'
import { verifyAssertion } from './passkeys.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { openTotpSecret } from './sealed-totp.ts'
import { type Factors, getFactors, takePasskeyUse, takeRecoveryCode, takeTotpStep } from './store/factors.ts'
import { totpStepOf } from './totp.ts'

const guard = systemActor('account_security', 'a factor is looked at before anybody is signed in')

/** What a client may prove itself with, as it comes. */
export interface OfferedProof {
  readonly totp_code?: string
  readonly recovery_code?: string
  readonly passkey?: PasskeyAssertion
  readonly password?: string
}

/** @throws ApiError 400 when there is not exactly one proof. */
export function requireOneProof(offered: OfferedProof): void {
  const given = [offered.totp_code, offered.recovery_code, offered.passkey, offered.password].filter(
    (proof) => proof !== undefined,
  )
  if (given.length !== 1) throw badRequest('Exactly one proof is needed.')
}

/** The factors of somebody who is not signed in yet. */
export function factorsOf(context: AppContext, userId: string): Promise<Factors> {
  return getFactors(guard, context.database.db, userId)
}

/** Whether there is a second factor; recovery codes alone are none. */
export function hasFactor(factors: Factors): boolean {
  return factors.totp !== undefined || factors.passkeys.length > 0
}

/**
 * Whether a second factor of the user was shown. Each code and each signature counts once, and guesses are slowed down
 * per account (ID-209).
 *
 * @param challenge the WebAuthn challenge that a passkey must have signed.
 * @throws ApiError 429 while guesses are slowed down.
 */
export async function proveSecondFactor(
  context: AppContext,
  delay: SignInDelay,
  userId: string,
  offered: OfferedProof,
  challenge: string | undefined,
): Promise<boolean> {
  const { db } = context.database
  const { passkey: assertion, totp_code: code, recovery_code: recovery } = offered
  if (assertion !== undefined) {
    const { passkeys } = await factorsOf(context, userId)
    const id = Buffer.from(assertion.id, 'base64url')
    const passkey = passkeys.find((candidate) => candidate.credential_id.equals(id))
    if (passkey === undefined || challenge === undefined) return false
    const use = await verifyAssertion(context, passkey, assertion, { challenge, userVerification: false })
    return use !== undefined && takePasskeyUse(guard, db, passkey, { ...use, now: context.clock.now() })
  }
  return delay.guess({ kind: 'second factor', userId }, async () => {
    if (recovery !== undefined) return takeRecoveryCode(guard, db, userId, hashRecoveryCode(recovery))
    if (code === undefined) return false
    const { totp } = await factorsOf(context, userId)
    if (totp === undefined) return false
    const step = totpStepOf(openTotpSecret(context, totp), code, context.clock.now())
    return step !== undefined && takeTotpStep(guard, db, userId, step)
  })
}
