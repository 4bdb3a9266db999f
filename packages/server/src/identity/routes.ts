import * as contract from '@slipway/contract'
import { audited, auditedWrite } from '../audit/index.ts'
import { type Actor, actorForUser, PUBLIC_SCOPES } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import {
  type BoundRoute,
  forAnyone,
  forSession,
  lastingAnswer,
  type SessionRequest,
  sessionCookieName,
  setCookie,
} from '../edge/index.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { checkAuthorization, checkWithoutRows } from './authorization/check-authorization.ts'
import { whoAmI } from './authorization/who-am-i.ts'
import { createSessionKey, createToken, type KeyLimiting, maxTokenLifetimeMs } from './keys/create-token.ts'
import { editToken, findToken } from './keys/edit-token.ts'
import type { KeyValidator } from './keys/validate-key.ts'
import { changePassword } from './passwords/change-password.ts'
import { passwordWeakness } from './passwords/password.ts'
import { auditedLogin } from './sessions/audited-login.ts'
import { logIn } from './sessions/log-in.ts'
import type { SignInDelay } from './sessions/sign-in-delay.ts'
import { deleteKey, deleteKeysOfUser, expireKey, getKey, getTokenByName, listTokens } from './store/keys.ts'
import { deleteUser, updateStatus } from './store/user-changes.ts'
import { getUser, listUsers, type UserWithOrganizations, updateProfile } from './store/users.ts'
import type { AccountChecks } from './users/account-checks.ts'
import type { AnnounceAccount } from './users/account-events.ts'
import { createUser, type SignsInWith } from './users/create-user.ts'
import { createFirstUser, firstUserExists } from './users/first-user.ts'
import type { PrepareUserParts } from './users/new-user-parts.ts'
import { presentKey, presentUser } from './users/present.ts'
import { parseUserSearch } from './users/search-users.ts'
import { requireGoodNames } from './users/user-names.ts'

const YEAR_SECONDS = 31_536_000
/** Each of them hashes a password; what is beyond waits no longer than it can (ID-126). */
const LOGIN_LIMIT = { perMinute: 60, atOnce: { limit: 128, resource: 'Password check' } }
const KEY_LOGOUT = { type: 'api_key', action: 'logout' } as const

function isSelf(actor: Actor, { user }: Readonly<Record<string, string>>): boolean {
  return user === 'me' || user === actor.id
}

/** Users, sign-in, keys and authorization checks (ID §1 to §6). */
export function identityRoutes(
  context: AppContext,
  keys: KeyValidator,
  prepareParts: PrepareUserParts,
  account: {
    readonly checks: AccountChecks
    readonly delay: SignInDelay
    readonly signsInWith: SignsInWith
    readonly announce: AnnounceAccount
    readonly limiting: KeyLimiting
    /** Where the browser of this session goes to be signed out at its provider, too. */
    readonly endSessionUrl: (keyId: string) => Promise<string | undefined>
  },
): BoundRoute[] {
  const db = context.database.db
  const resolve = (actor: Parameters<typeof getUser>[0], params: Readonly<Record<string, string>>) =>
    getUser(actor, db, params.user ?? '')

  /** Runs a change of a user with its entry in the audit log; resolves to the user as they are then. */
  const changed = (
    incoming: SessionRequest,
    work: (user: UserWithOrganizations) => Promise<void>,
  ): Promise<UserWithOrganizations> =>
    auditedWrite(
      context,
      incoming,
      'user',
      (id = incoming.params.user ?? '') => getUser(incoming.actor, db, id),
      async (user) => {
        await work(user)
        keys.drop(user.id)
      },
    )
  return [
    forAnyone(contract.getFirstUser, () => firstUserExists(context)),
    forAnyone(contract.createFirstUser, ({ body, context: request, raw, reply }) =>
      audited(context, { context: request, raw, reply }, { type: 'user', action: 'create' }, (draft) =>
        createFirstUser(context, body, prepareParts, (user) => {
          draft.user = user
          draft.after = user
        }),
      ),
    ),
    forAnyone(
      contract.login,
      async ({ body, context: request, reply, raw }) => {
        const incoming = { context: request, raw, reply }
        const userAgent = raw.headers['user-agent'] ?? ''
        const { token } = await auditedLogin(context, incoming, (found) =>
          logIn(context, request, { ...body, userAgent }, { ...account, found }),
        )
        reply.header(
          'Set-Cookie',
          setCookie(sessionCookieName(context.cookies), token, context.cookies, { maxAge: YEAR_SECONDS }),
        )
        return { session_token: token }
      },
      LOGIN_LIMIT,
    ),
    forSession(contract.logout, async (incoming) => {
      const { key, reply } = incoming
      // Whoever holds a key may end it, whatever its scope.
      const upstream = key.loginType === 'oidc' ? await account.endSessionUrl(key.id) : undefined
      const revoker = actorForUser('api_key_revoker', key.userId, 'a sign-out ends the session and its apps')
      await audited(context, incoming, KEY_LOGOUT, (draft) => {
        draft.resourceId = key.userId
        return context.database.transaction((tx) =>
          deleteKeysOfUser(revoker, tx, key.userId, { session: key.id }),
        )
      })
      keys.drop(key.userId)
      reply.header(
        'Set-Cookie',
        setCookie(sessionCookieName(context.cookies), '', context.cookies, { maxAge: -1 }),
      )
      return { message: 'Logged out!', ...(upstream === undefined ? {} : { end_session_url: upstream }) }
    }),
    forAnyone(
      contract.validatePassword,
      async ({ body }) => {
        const weakness = passwordWeakness(body.password)
        return { valid: weakness === undefined, details: weakness ?? '' }
      },
      LOGIN_LIMIT,
    ),
    forSession(contract.listUsers, async ({ actor, query }) => {
      const { users, count } = await listUsers(actor, db, parseUserSearch(query.q ?? ''), {
        limit: query.limit,
        offset: query.offset,
        afterId: query.after_id,
        withGroups: query.include_groups,
      })
      return {
        users: users.map((row) =>
          row.groups === undefined ? presentUser(row) : { ...presentUser(row), groups: row.groups },
        ),
        count,
      }
    }),
    forSession(contract.createUser, (incoming) =>
      audited(context, incoming, { type: 'user', action: 'create' }, async (draft) => {
        const user = await createUser(
          context,
          incoming.actor,
          incoming.body,
          prepareParts,
          account.signsInWith,
        )
        draft.after = user
        await account.announce({ kind: 'created', user, initiator: incoming.owner })
        return presentUser(user)
      }),
    ),
    forSession(
      contract.getUser,
      async ({ actor, params }) =>
        presentUser(
          isSelf(actor, params)
            ? await keys.ownUser(actor)
            : await getUser(actor, db, params.user ?? '', { deletedToo: true }),
        ),
      {},
      ({ actor, params }) => {
        const known = isSelf(actor, params) ? keys.knownUser(actor) : undefined
        return known === undefined ? undefined : lastingAnswer(presentUser(known))
      },
    ),
    forSession(contract.deleteUser, (incoming) =>
      audited(context, incoming, { type: 'user', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const user = await resolve(actor, params)
        draft.before = user
        if (user.id === actor.id) throw forbidden('You cannot delete yourself!', { detail: undefined })
        await context.database.transaction((tx) => deleteUser(actor, tx, user.id))
        keys.drop(user.id)
        await account.announce({ kind: 'deleted', user, initiator: incoming.owner })
        return { message: 'User has been deleted!' }
      }),
    ),
    forSession(contract.updateProfile, async (incoming) =>
      presentUser(
        await changed(incoming, async (user) => {
          const { actor, body } = incoming
          const name = body.name ?? ''
          requireGoodNames(body.username === user.username ? { name } : { username: body.username, name })
          const ownAvatar = user.login_type === 'password' || user.login_type === 'none'
          await updateProfile(actor, db, user, {
            username: body.username,
            name,
            avatarUrl: ownAvatar ? (body.avatar_url ?? '') : user.avatar_url,
          })
        }),
      ),
    ),
    forSession(contract.suspendUser, async (incoming) =>
      presentUser(
        await changed(incoming, async (user) => {
          const { actor } = incoming
          if (user.id === actor.id) throw badRequest('You cannot suspend yourself.')
          await context.database.transaction((tx) => updateStatus(actor, tx, user.id, 'suspended'))
          if (user.status !== 'suspended')
            await account.announce({ kind: 'suspended', user, initiator: incoming.owner })
        }),
      ),
    ),
    forSession(contract.activateUser, async (incoming) =>
      presentUser(
        await changed(incoming, async (user) => {
          await context.database.transaction((tx) => updateStatus(incoming.actor, tx, user.id, 'active'))
          if (user.status !== 'active')
            await account.announce({ kind: 'activated', user, initiator: incoming.owner })
        }),
      ),
    ),
    forSession(
      contract.updatePassword,
      async (incoming) => {
        await changed(incoming, async (user) => {
          await account.checks.requireStepUp(incoming)
          await changePassword(context, incoming.actor, user, incoming.body, account.delay)
        })
        return undefined
      },
      LOGIN_LIMIT,
    ),
    forSession(contract.getLoginType, async ({ actor, params }) => {
      const user = await resolve(actor, params)
      if (user.id !== actor.id) throw forbidden()
      return { login_type: user.login_type }
    }),

    forSession(contract.createSessionKey, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'create' }, async (draft) => {
        const { actor, params, context: request } = incoming
        const user = await resolve(actor, params)
        await account.checks.requireStepUp(incoming)
        const { key, row } = await createSessionKey(
          context,
          { actor, request, key: incoming.key },
          user,
          incoming.raw.headers['user-agent'] ?? '',
          account.limiting,
        )
        draft.after = row
        if (user.id === actor.id) await account.checks.inheritProof(incoming.key.id, row.id)
        return { key }
      }),
    ),
    forSession(contract.createToken, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'create' }, async (draft) => {
        const { actor, params, body, context: request } = incoming
        const user = await resolve(actor, params)
        await account.checks.requireStepUp(incoming)
        const asking = { actor, request, key: incoming.key }
        const { key, row, aiLimits } = await createToken(context, asking, user, body, account.limiting)
        draft.after = aiLimits === undefined ? row : { ...row, ai_limits: aiLimits }
        return { key }
      }),
    ),
    forSession(contract.listTokens, async ({ actor, params, query }) => {
      const user = await resolve(actor, params)
      const rows = await listTokens(actor, db, {
        userId: query.include_all === true ? undefined : user.id,
        includeExpired: query.include_expired ?? false,
        now: context.clock.now(),
      })
      return rows.map(presentKey)
    }),
    forSession(contract.getTokenConfig, async ({ actor, params }) => ({
      max_token_lifetime: maxTokenLifetimeMs(context, await resolve(actor, params)) * 1_000_000,
    })),
    forSession(contract.getTokenByName, async ({ actor, params }) => {
      const user = await resolve(actor, params)
      return presentKey(await getTokenByName(actor, db, user.id, params.keyname ?? ''))
    }),
    forSession(contract.updateToken, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'write' }, async (draft) => {
        const { actor, params, body, key } = incoming
        const user = await resolve(actor, params)
        const token = await findToken(context, actor, user, params.keyname ?? '')
        draft.before = token
        const changed = await editToken(context, { actor, key }, user, token, body, () =>
          account.checks.requireStepUp(incoming),
        )
        keys.drop(user.id)
        draft.after = changed
        return presentKey(changed)
      }),
    ),
    forSession(contract.getKey, async ({ actor, params }) =>
      presentKey(await getKey(actor, db, params.keyid ?? '')),
    ),
    forSession(contract.expireKey, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const key = await getKey(actor, db, params.keyid ?? '')
        draft.before = key
        await expireKey(actor, db, key.id, context.clock.now())
        keys.drop(key.user_id)
        draft.after = await getKey(actor, db, key.id)
        return undefined
      }),
    ),
    forSession(contract.deleteKey, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const key = await getKey(actor, db, params.keyid ?? '')
        draft.before = key
        // A refresh of the same key takes its locks in another order: whichever is given up is tried again.
        await context.database.transaction((tx) => deleteKey(actor, tx, key.id))
        keys.drop(key.user_id)
        return undefined
      }),
    ),

    forAnyone(contract.listScopes, async () => ({ external: [...PUBLIC_SCOPES] })),
    forSession(contract.whoAmI, async ({ actor, key, owner }) => whoAmI(actor, key, owner)),
    forSession(
      contract.checkAuthorization,
      ({ actor, body }) => checkAuthorization(context, actor, body.checks),
      {},
      ({ actor, body }) => checkWithoutRows(actor, body.checks),
    ),
  ]
}
