import { randomBytes, timingSafeEqual } from 'node:crypto'

import { errors as joseErrors, jwtVerify, SignJWT } from 'jose'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { ensureSecret } from '../secrets/index.ts'
import type { LinkedType } from './store/links.ts'

/** Cookie that holds a conversion until its owner comes back from the provider (ID-176). */
export const CONVERSION_COOKIE = 'coder_oauth_convert_jwt'
/** How long a conversion may take, in seconds. */
export const CONVERSION_SECONDS = 300
const PREFIX = 'convert-'

/** An account that is on its way from a password to a provider. */
export interface Conversion {
  readonly state: string
  readonly userId: string
  readonly to: LinkedType
  readonly expiresAt: Date
}

/** Whether a state belongs to a conversion. */
export function isConversionState(state: string): boolean {
  return state.startsWith(PREFIX)
}

/** Begins a conversion; the token goes into {@link CONVERSION_COOKIE}. */
export async function beginConversion(
  context: AppContext,
  userId: string,
  to: LinkedType,
): Promise<{ readonly conversion: Conversion; readonly token: string; readonly createdAt: Date }> {
  const createdAt = new Date(Math.floor(context.clock.now().getTime() / 1000) * 1000)
  const expiresAt = new Date(createdAt.getTime() + CONVERSION_SECONDS * 1000)
  const conversion = { state: `${PREFIX}${randomBytes(16).toString('hex')}`, userId, to, expiresAt }
  const token = await new SignJWT({ from_login_type: 'password', to_login_type: to })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(context.deploymentId)
    .setSubject(conversion.state)
    .setAudience(userId)
    .setIssuedAt(createdAt)
    .setExpirationTime(expiresAt)
    .sign(await signingKey(context))
  return { conversion, token, createdAt }
}

/**
 * The conversion that a cookie speaks of (ID-177).
 *
 * @throws ApiError 400 without a cookie, for one that another deployment has signed or whose time is over, 403 for one
 * that is of another state or provider.
 */
export async function openConversion(
  context: AppContext,
  token: string | undefined,
  expected: { readonly state: string; readonly to: LinkedType },
): Promise<Conversion> {
  if (token === undefined || token === '')
    throw badRequest('The conversion of the account cannot go on.', {
      detail: `The cookie ${CONVERSION_COOKIE} is missing. Start the conversion again.`,
    })
  const { payload } = await jwtVerify(token, await signingKey(context), {
    algorithms: ['HS256'],
    currentDate: context.clock.now(),
    requiredClaims: ['iss', 'sub', 'aud', 'exp'],
  }).catch((error: unknown) => {
    if (!(error instanceof joseErrors.JOSEError)) throw error
    throw badRequest('The conversion of the account cannot go on.', {
      detail: 'It took too long, or was not started here. Start it again.',
      cause: error,
    })
  })
  const { iss, sub = '', aud, exp = 0, from_login_type: from, to_login_type: to } = payload
  if (
    iss !== context.deploymentId ||
    !sameText(sub, expected.state) ||
    typeof aud !== 'string' ||
    from !== 'password' ||
    (to !== 'oidc' && to !== 'github') ||
    to !== expected.to
  )
    throw forbidden('The conversion of the account does not belong to this sign-in.', { detail: undefined })
  return { state: sub, userId: aud, to, expiresAt: new Date(exp * 1000) }
}

function signingKey({ database, secrets }: AppContext): Promise<Buffer> {
  return ensureSecret(
    systemActor('crypto_key_rotator', 'the deployment makes the keys that it lacks'),
    database.db,
    'oauth_convert',
    randomBytes(32),
    secrets.keySealer,
  )
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
