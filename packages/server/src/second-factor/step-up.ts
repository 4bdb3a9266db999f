import type { PasskeyRequestOptions, SecondFactorMethod } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import type { KeyOwner, ValidatedKey } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { passwordMatches, type SignInDelay, type UserRow } from '../identity/index.ts'
import { type IssuedChallenge, issueChallenge, openChallenge, spend } from './challenges.ts'
import { PROOF_MS, type SecondFactorChecks, stepUpMethodsOf } from './checks.ts'
import { requestOptions } from './passkeys.ts'
import { factorsOf, hasFactor, type OfferedProof, proveSecondFactor, requireOneProof } from './prove.ts'

/** The session that proves anew who holds it, and whose it is. */
export interface SteppingUp {
  readonly key: Pick<ValidatedKey, 'id'>
  readonly owner: Pick<KeyOwner, 'id'>
  readonly user: UserRow
}

/** What this session may prove itself with now. */
export async function beginStepUp(
  context: AppContext,
  { key, user }: SteppingUp,
): Promise<
  IssuedChallenge & {
    methods: (SecondFactorMethod | 'password')[]
    passkey_options?: PasskeyRequestOptions
  }
> {
  const factors = await factorsOf(context, user.id)
  const asked = factors.passkeys.length === 0 ? undefined : await requestOptions(context, factors.passkeys)
  return {
    ...issueChallenge(context, 'step up', {
      userId: user.id,
      keyId: key.id,
      ...(asked === undefined ? {} : { webauthn: asked.challenge }),
    }),
    methods: stepUpMethodsOf(factors),
    ...(asked === undefined ? {} : { passkey_options: asked.options }),
  }
}

/**
 * Takes the proof; the session is fresh for ten minutes then.
 *
 * @throws ApiError 400 for a wrong one, for a password where there is a second factor, 429 while guesses are slowed down.
 */
export async function completeStepUp(
  context: AppContext,
  parts: { readonly checks: SecondFactorChecks; readonly delay: SignInDelay },
  { key, user }: SteppingUp,
  offered: OfferedProof & { readonly challenge_id?: string },
): Promise<{ valid_until: string }> {
  requireOneProof(offered)
  const { password } = offered
  if (password === undefined) await proveFactor(context, parts.delay, key.id, user.id, offered)
  else await provePassword(context, parts.delay, user, password)
  await parts.checks.proved(key.id, { bySecondFactor: password === undefined })
  return { valid_until: new Date(context.clock.now().getTime() + PROOF_MS).toISOString() }
}

async function provePassword(
  context: AppContext,
  delay: SignInDelay,
  user: UserRow,
  password: string,
): Promise<void> {
  if (hasFactor(await factorsOf(context, user.id)))
    throw badRequest('The password does not do: the account has a second factor.')
  const compare = () => passwordMatches(user.hashed_password, password)
  if (!(await delay.guess({ kind: 'password', email: user.email }, compare))) throw wrong('password')
}

async function proveFactor(
  context: AppContext,
  delay: SignInDelay,
  keyId: string,
  userId: string,
  offered: OfferedProof & { readonly challenge_id?: string },
): Promise<void> {
  const opened =
    offered.passkey === undefined ? undefined : openChallenge(context, 'step up', offered.challenge_id ?? '')
  const own = opened?.keyId === keyId && opened.userId === userId
  if (offered.passkey !== undefined && !own) throw wrong('challenge_id')
  if (!(await proveSecondFactor(context, delay, userId, offered, opened?.webauthn)))
    throw wrong(fieldOf(offered))
  if (opened !== undefined && !(await spend(context, opened))) throw wrong('challenge_id')
}

function fieldOf(offered: OfferedProof): string {
  if (offered.passkey !== undefined) return 'passkey'
  return offered.totp_code === undefined ? 'recovery_code' : 'totp_code'
}

/** Not a 401: the session is as good as before. */
function wrong(field: string): Error {
  return badRequest('The proof was not accepted.', { validations: [{ field, detail: 'not accepted' }] })
}
