import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import {
  type AccountChecks,
  findUserById,
  openSession,
  requireNotSuspended,
  requirePasswordSignIn,
  type SignInDelay,
  type UserRow,
} from '../identity/index.ts'
import {
  type ChallengeKind,
  type IssuedChallenge,
  issueChallenge,
  type OpenedChallenge,
  openChallenge,
  spend,
} from './challenges.ts'
import { addTotp } from './enrol.ts'
import { requestOptions, verifyAssertion } from './passkeys.ts'
import { passwordDigest } from './password-digest.ts'
import { type OfferedProof, proveSecondFactor, requireOneProof } from './prove.ts'
import { findPasskey, takePasskeyUse } from './store/factors.ts'
import { newTotpSecret, totpUrl } from './totp.ts'

const guard = systemActor('account_security', 'who signs in has no session yet to act with')

/** What the steps of a sign-in share. */
export interface SignIn {
  readonly context: AppContext
  readonly request: RequestContext
  readonly userAgent: string
  readonly checks: AccountChecks
  readonly delay: SignInDelay
  /** Hears whose account it is before anything is decided, so that failures are recorded too (ID-33). */
  readonly found: (user: UserRow) => void
}

/** The second step of a sign-in with a password. @throws ApiError 400, 401, 429. */
export async function completeLogin(
  signIn: SignIn,
  offered: OfferedProof & { readonly challenge_id: string },
): Promise<string> {
  requireOneProof(offered)
  const { challenge, user } = await goOn(signIn, 'sign in', offered.challenge_id)
  const { context, delay } = signIn
  if (!(await proveSecondFactor(context, delay, user.id, offered, challenge.webauthn)))
    throw new ApiError(401, 'Incorrect second factor.')
  return finish(signIn, challenge, user)
}

/** Begins to set up an authenticator app for an account that must have a second factor. @throws ApiError 401. */
export async function beginLoginEnrolment(
  signIn: SignIn,
  challengeId: string,
): Promise<IssuedChallenge & { readonly secret: string; readonly otpauth_url: string }> {
  const { user } = await goOn(signIn, 'enrol at sign in', challengeId)
  const secret = newTotpSecret()
  return {
    ...issueChallenge(signIn.context, 'confirm at sign in', {
      userId: user.id,
      password: passwordDigest(user),
      secret,
    }),
    secret,
    otpauth_url: totpUrl(secret, user.email, signIn.context.appearance.applicationName),
  }
}

/** Sets it up and signs in. @throws ApiError 400 for a wrong code, 401, 409 when the account has a factor by now. */
export async function completeLoginEnrolment(
  signIn: SignIn,
  offered: { readonly challenge_id: string; readonly totp_code: string },
): Promise<{ readonly token: string; readonly recoveryCodes: string[] }> {
  const { challenge, user } = await goOn(signIn, 'confirm at sign in', offered.challenge_id)
  if (challenge.secret === undefined) throw expired()
  const recoveryCodes = await addTotp(signIn.context, guard, {
    userId: user.id,
    secret: challenge.secret,
    code: offered.totp_code,
    first: true,
  })
  return { token: await finish(signIn, challenge, user), recoveryCodes }
}

/** What a browser asks its passkeys to sign in without a name or a password. */
export async function beginPasskeyLogin(context: AppContext) {
  const { challenge, options } = await requestOptions(context, undefined)
  return { ...issueChallenge(context, 'passkey sign in', { webauthn: challenge }), options }
}

/** Signs in with a passkey alone, whose authenticator has made sure who holds it. @throws ApiError 401, 403. */
export async function completePasskeyLogin(
  signIn: SignIn,
  offered: { readonly challenge_id: string; readonly passkey: NonNullable<OfferedProof['passkey']> },
): Promise<string> {
  const { context } = signIn
  const challenge = openChallenge(context, 'passkey sign in', offered.challenge_id)
  if (challenge?.webauthn === undefined) throw expired()
  const { db } = context.database
  const passkey = await findPasskey(guard, db, Buffer.from(offered.passkey.id, 'base64url'))
  const user = passkey === undefined ? undefined : await findUserById(guard, db, passkey.user_id)
  if (passkey === undefined || user === undefined) throw unknownPasskey()
  signIn.found(user)
  const handle = offered.passkey.response.userHandle
  if (handle !== undefined && handle !== userHandle(user.id)) throw unknownPasskey()
  const use = await verifyAssertion(context, passkey, offered.passkey, {
    challenge: challenge.webauthn,
    userVerification: true,
  })
  if (use === undefined || !(await takePasskeyUse(guard, db, passkey, { ...use, now: context.clock.now() })))
    throw unknownPasskey()
  requirePasswordSignIn(context, user)
  requireNotSuspended(user)
  return finish(signIn, challenge, user)
}

/** Opens the challenge of a sign-in that is under way, for an account that may still sign in. @throws ApiError 401, 403. */
async function goOn(
  signIn: SignIn,
  kind: ChallengeKind,
  challengeId: string,
): Promise<{ readonly challenge: OpenedChallenge; readonly user: UserRow }> {
  const { context } = signIn
  const challenge = openChallenge(context, kind, challengeId)
  if (challenge?.userId === undefined) throw expired()
  const user = await findUserById(guard, context.database.db, challenge.userId)
  if (user === undefined || challenge.password !== passwordDigest(user)) throw expired()
  signIn.found(user)
  requirePasswordSignIn(context, user)
  requireNotSuspended(user)
  return { challenge, user }
}

async function finish(signIn: SignIn, challenge: OpenedChallenge, user: UserRow): Promise<string> {
  const { context, request, userAgent, checks } = signIn
  if (!(await spend(context, challenge))) throw expired()
  const { token, keyId } = await openSession(context, request, user, { loginType: 'password', userAgent })
  await checks.proved(keyId, { bySecondFactor: true })
  return token
}

function userHandle(userId: string): string {
  return Buffer.from(userId.replaceAll('-', ''), 'hex').toString('base64url')
}

function unknownPasskey(): ApiError {
  return new ApiError(401, 'This passkey opens no account here.')
}

function expired(): ApiError {
  return new ApiError(401, 'This sign-in is over. Sign in again.')
}
