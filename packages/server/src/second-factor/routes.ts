import * as contract from '@slipway/contract'
import { type AuditDraft, audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession, type SessionIncoming } from '../edge/index.ts'
import { badRequest, forbidden, notFound } from '../errors/index.ts'
import { getUser, type SignInDelay, type UserRow } from '../identity/index.ts'
import { isUuid } from '../search/index.ts'
import { issueChallenge, type OpenedChallenge, openChallenge, spend } from './challenges.ts'
import type { SecondFactorChecks } from './checks.ts'
import { addPasskey, addTotp, managesOwnFactors, removeFactor, renewRecoveryCodes } from './enrol.ts'
import { creationOptions, verifyRegistration } from './passkeys.ts'
import { secondFactorSignInRoutes } from './sign-in-routes.ts'
import { beginStepUp, completeStepUp } from './step-up.ts'
import { deleteAllFactors, getFactors, type PasskeyRow, renamePasskey } from './store/factors.ts'
import { newTotpSecret, totpUrl } from './totp.ts'

const GUESS_LIMIT = { perMinute: 60 }

type Request = Pick<
  SessionIncoming<contract.Route>,
  'actor' | 'params' | 'context' | 'raw' | 'reply' | 'owner' | 'key'
>

/** Second factors of accounts with a password, and fresh proofs of who holds a session (L-32). */
export function secondFactorRoutes(
  context: AppContext,
  checks: SecondFactorChecks,
  delay: SignInDelay,
): BoundRoute[] {
  const db = context.database.db

  /** The caller's own account. @throws ApiError 403 for another's, 400 for one that signs in elsewhere. */
  const ownAccount = async ({ actor, params }: Request): Promise<UserRow> => {
    const user = await getUser(actor, db, params.user ?? '')
    if (!managesOwnFactors(actor, user.id)) throw forbidden()
    if (user.login_type !== 'password')
      throw badRequest(
        'Second factors are for accounts with a password: yours is protected where you sign in.',
      )
    return user
  }

  /** Runs a change of the caller's factors, of a session that is fresh, with its entry in the audit log. */
  const changing = <Result>(
    incoming: Request,
    what: string,
    work: (user: UserRow, draft: AuditDraft<'user'>) => Promise<Result>,
  ): Promise<Result> =>
    audited(context, incoming, { type: 'user', action: 'write' }, async (draft) => {
      const user = await ownAccount(incoming)
      draft.before = user
      draft.additionalFields = { second_factor: what }
      await checks.requireFreshProof(incoming)
      const result = await work(user, draft)
      draft.after = user
      return result
    })

  /** The challenge that this user was given. @throws ApiError 400. */
  const own = (kind: 'new totp' | 'new passkey', id: string, user: UserRow): OpenedChallenge => {
    const challenge = openChallenge(context, kind, id)
    if (challenge === undefined || challenge.userId !== user.id) throw over()
    return challenge
  }

  return [
    ...secondFactorSignInRoutes(context, checks, delay),
    forSession(contract.getSecondFactors, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      const factors = await getFactors(actor, db, user.id)
      return {
        required: context.config.requireSecondFactor,
        available: user.login_type === 'password',
        totp:
          factors.totp === undefined
            ? { enabled: false }
            : { enabled: true, created_at: factors.totp.created_at.toISOString() },
        passkeys: factors.passkeys.map(presentPasskey),
        recovery_codes_left: factors.recoveryCodes,
      }
    }),
    forSession(contract.resetSecondFactors, (incoming) =>
      audited(context, incoming, { type: 'user', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        draft.before = user
        draft.additionalFields = { second_factor: 'all removed by an administrator' }
        if (user.id === actor.id) throw badRequest('Remove your own factors one by one.')
        await checks.requireStepUp(incoming)
        await context.database.transaction((tx) => deleteAllFactors(actor, tx, user))
        draft.after = user
        return undefined
      }),
    ),
    forSession(contract.beginTotp, async (incoming) => {
      const user = await ownAccount(incoming)
      await checks.requireFreshProof(incoming)
      const secret = newTotpSecret()
      return {
        ...issueChallenge(context, 'new totp', { userId: user.id, secret }),
        secret,
        otpauth_url: totpUrl(secret, user.email, context.appearance.applicationName),
      }
    }),
    forSession(contract.confirmTotp, (incoming) =>
      changing(incoming, 'authenticator app added', async (user) => {
        const { actor, body, key } = incoming
        const challenge = own('new totp', body.challenge_id, user)
        if (challenge.secret === undefined) throw over()
        const recovery_codes = await addTotp(context, actor, {
          userId: user.id,
          secret: challenge.secret,
          code: body.totp_code,
        })
        await spend(context, challenge)
        await checks.proved(key.id, { bySecondFactor: true })
        return { recovery_codes }
      }),
    ),
    forSession(contract.deleteTotp, (incoming) =>
      changing(incoming, 'authenticator app removed', async (user) => {
        await removeFactor(context, incoming.actor, user.id, { kind: 'totp' })
        return undefined
      }),
    ),
    forSession(contract.beginPasskey, async (incoming) => {
      const user = await ownAccount(incoming)
      await checks.requireFreshProof(incoming)
      const { passkeys } = await getFactors(incoming.actor, db, user.id)
      const { challenge, options } = await creationOptions(context, user, passkeys)
      return { ...issueChallenge(context, 'new passkey', { userId: user.id, webauthn: challenge }), options }
    }),
    forSession(contract.createPasskey, (incoming) =>
      changing(incoming, 'passkey added', async (user) => {
        const { actor, body, key } = incoming
        const challenge = own('new passkey', body.challenge_id, user)
        const registered =
          challenge.webauthn === undefined
            ? undefined
            : await verifyRegistration(context, body.passkey, challenge.webauthn)
        if (registered === undefined)
          throw badRequest('The passkey was not accepted.', {
            validations: [{ field: 'passkey', detail: 'not an answer to what was asked' }],
          })
        if (!(await spend(context, challenge))) throw over()
        const { added, recoveryCodes } = await addPasskey(context, actor, {
          ...registered,
          userId: user.id,
          name: body.name,
          now: context.clock.now(),
        })
        await checks.proved(key.id, { bySecondFactor: true })
        return { passkey: presentPasskey(added), recovery_codes: recoveryCodes }
      }),
    ),
    forSession(contract.renamePasskey, (incoming) =>
      changing(incoming, 'passkey renamed', async (user) => {
        const { actor, body, params } = incoming
        const id = requireUuid(params.passkey)
        return presentPasskey(await renamePasskey(actor, db, user.id, id, body.name))
      }),
    ),
    forSession(contract.deletePasskey, (incoming) =>
      changing(incoming, 'passkey removed', async (user) => {
        const id = requireUuid(incoming.params.passkey)
        await removeFactor(context, incoming.actor, user.id, { kind: 'passkey', id })
        return undefined
      }),
    ),
    forSession(contract.createRecoveryCodes, (incoming) =>
      changing(incoming, 'recovery codes renewed', async (user) => ({
        recovery_codes: await renewRecoveryCodes(context, incoming.actor, user.id),
      })),
    ),
    forSession(contract.beginStepUp, async (incoming) =>
      beginStepUp(context, { ...incoming, user: await ownAccount(incoming) }),
    ),
    forSession(
      contract.stepUp,
      async (incoming) =>
        completeStepUp(
          context,
          { checks, delay },
          { ...incoming, user: await ownAccount(incoming) },
          incoming.body,
        ),
      GUESS_LIMIT,
    ),
  ]
}

function presentPasskey(row: PasskeyRow): contract.Passkey {
  return {
    id: row.id,
    name: row.name,
    created_at: row.created_at.toISOString(),
    ...(row.last_used_at === null ? {} : { last_used_at: row.last_used_at.toISOString() }),
    backed_up: row.backed_up,
  }
}

function requireUuid(text: string | undefined): string {
  if (text === undefined || !isUuid(text)) throw notFound()
  return text
}

function over(): Error {
  return badRequest('This challenge is over. Begin again.', {
    validations: [{ field: 'challenge_id', detail: 'over, used, or for something else' }],
  })
}
