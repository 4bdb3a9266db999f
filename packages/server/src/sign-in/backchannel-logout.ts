import { createHash } from 'node:crypto'

import { audited } from '../audit/index.ts'
import { actorForUser } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import type { RequestContext } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { findUserById } from '../identity/index.ts'
import { signIn } from './actor.ts'
import type { CallbackRequest, SignInParts } from './callback.ts'
import type { LogoutToken } from './oidc-issuer.ts'
import { oidcLinkedId } from './oidc-profile.ts'
import type { OidcProvider } from './provider.ts'
import { endLink, findUserByLink } from './store/links.ts'
import {
  deleteOidcSessions,
  findOidcSessionKeys,
  findUntiedSessions,
  spendLogoutToken,
} from './store/oidc-sessions.ts'

/** A request of a provider. */
export interface LogoutRequest extends Omit<CallbackRequest, 'query'> {
  readonly context: RequestContext
  readonly bytes: Buffer
}

/** Somebody whose sessions end: all, or those of these keys. */
interface Ending {
  readonly userId: string
  readonly keys: readonly string[] | 'all'
}

/**
 * Ends the sessions that a provider says are over (OpenID Connect Back-Channel Logout 1.0): those of its session `sid`,
 * or all of a subject, whose tokens of the provider are given up then too. Tokens that people made stay. That nobody has
 * such a session is no failure.
 *
 * @throws ApiError 400 as section 2.8 has it for a token that does not hold or has been used, 500 when the keys of the
 * provider cannot be read.
 */
export async function backchannelLogout(
  parts: SignInParts,
  provider: OidcProvider | undefined,
  request: LogoutRequest,
): Promise<undefined> {
  const { context, keys } = parts
  request.reply.headers({ 'Cache-Control': 'no-store', Pragma: 'no-cache' })
  if (provider === undefined) throw refused('There is no such provider.')
  const given = new URLSearchParams(request.bytes.toString()).getAll('logout_token')
  const [text] = given
  if (text === undefined || given.length > 1) throw refused('Send exactly one logout_token.')
  const token = await verified(parts, provider, text)
  const digest = createHash('sha256').update(`${provider.id} ${token.issuer} ${token.id}`).digest()
  const ended = await context.database.transaction(async (tx) => {
    // A failure gives the token back, so that the provider can send it again.
    if (!(await spendLogoutToken(signIn, tx, digest, token.expiresAt)))
      throw refused('The logout_token has been used.')
    const endings = await endingsOf(tx, token)
    for (const ending of endings) await end(context, tx, ending)
    return endings
  })
  for (const ending of ended) {
    keys.drop(ending.userId)
    await audited(context, request, { type: 'api_key', action: 'logout' }, async (draft) => {
      const user = await findUserById(signIn, context.database.db, ending.userId)
      if (user !== undefined) draft.user = user
      draft.resourceId = ending.userId
      draft.additionalFields = { backchannel_logout: provider.id }
    })
  }
  return undefined
}

async function verified(
  { providers }: SignInParts,
  provider: OidcProvider,
  text: string,
): Promise<LogoutToken> {
  try {
    return await providers.issuerOf(provider).verifyLogoutToken(text)
  } catch (error) {
    if (error instanceof ApiError && error.status === 400) throw refused(error.detail ?? error.message)
    throw error
  }
}

/** Section 2.7. */
async function endingsOf(tx: Db, { issuer, subject, sid }: LogoutToken): Promise<Ending[]> {
  const owner =
    subject === undefined
      ? undefined
      : (await findUserByLink(signIn, tx, 'oidc', oidcLinkedId(issuer, subject)))?.id
  if (sid === undefined) return owner === undefined ? [] : [{ userId: owner, keys: 'all' }]
  const byUser = new Map<string, string[]>()
  for (const { keyId, userId } of await findOidcSessionKeys(signIn, tx, { issuer, sid, subject }))
    byUser.set(userId, [...(byUser.get(userId) ?? []), keyId])
  // Of a session that was opened before its provider's name for it was kept nobody can say that it is not the one.
  if (byUser.size === 0 && owner !== undefined) {
    const untied = await findUntiedSessions(signIn, tx, owner)
    if (untied.length > 0) byUser.set(owner, untied)
  }
  return [...byUser].map(([userId, keys]) => ({ userId, keys }))
}

async function end({ clock }: AppContext, tx: Db, { userId, keys }: Ending): Promise<void> {
  const revoker = actorForUser(
    'api_key_revoker',
    userId,
    'the identity provider says that the session is over',
  )
  await deleteOidcSessions(revoker, tx, userId, keys)
  if (keys === 'all') await endLink(signIn, tx, { userId, type: 'oidc' }, clock.now())
}

/** Section 2.8. */
function refused(why: string): ApiError {
  return new ApiError(400, 'The logout token is refused.', {
    detail: why,
    headers: { 'Cache-Control': 'no-store' },
    body: { error: 'invalid_request', error_description: why },
  })
}
