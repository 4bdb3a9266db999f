import * as contract from '@slipway/contract'
import { actorForUser, PUBLIC_SCOPES } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forSession, sessionCookieName, setCookie } from '../edge/index.ts'
import { badRequest, forbidden } from '../errors/index.ts'
import { changePassword } from './change-password.ts'
import { checkAuthorization } from './check-authorization.ts'
import { createSessionKey, createToken, maxTokenLifetimeMs } from './create-token.ts'
import { createUser } from './create-user.ts'
import { createFirstUser, firstUserExists } from './first-user.ts'
import { logIn } from './log-in.ts'
import type { PrepareUserParts } from './new-user-parts.ts'
import { passwordWeakness } from './password.ts'
import { presentKey, presentUser } from './present.ts'
import { parseUserSearch } from './search-users.ts'
import { deleteKey, deleteKeysOfUser, expireKey, getKey, getTokenByName, listTokens } from './store/keys.ts'
import { deleteUser, updateStatus } from './store/user-changes.ts'
import { getUser, listUsers, updateProfile } from './store/users.ts'
import { requireGoodNames } from './user-names.ts'
import type { KeyValidator } from './validate-key.ts'

const YEAR_SECONDS = 31_536_000
const LOGIN_LIMIT = { perMinute: 60 }

/** Users, sign-in, keys and authorization checks (ID §1 to §6). */
export function identityRoutes(
  context: AppContext,
  keys: KeyValidator,
  prepareParts: PrepareUserParts,
): BoundRoute[] {
  const db = context.database.db
  const resolve = (actor: Parameters<typeof getUser>[0], params: Readonly<Record<string, string>>) =>
    getUser(actor, db, params.user ?? '')

  return [
    forAnyone(contract.getFirstUser, () => firstUserExists(context)),
    forAnyone(contract.createFirstUser, ({ body }) => createFirstUser(context, body, prepareParts)),
    forAnyone(
      contract.login,
      async ({ body, context: request, reply, raw }) => {
        const { token } = await logIn(context, request, {
          ...body,
          userAgent: raw.headers['user-agent'] ?? '',
        })
        reply.header(
          'Set-Cookie',
          setCookie(sessionCookieName(context.cookies), token, context.cookies, { maxAge: YEAR_SECONDS }),
        )
        return { session_token: token }
      },
      LOGIN_LIMIT,
    ),
    forSession(contract.logout, async ({ key, reply }) => {
      // Whoever holds a key may end it, whatever its scope.
      const revoker = actorForUser('api_key_revoker', key.userId, 'a sign-out ends the session and its apps')
      await deleteKeysOfUser(revoker, db, key.userId, { session: key.id })
      keys.drop(key.userId)
      reply.header(
        'Set-Cookie',
        setCookie(sessionCookieName(context.cookies), '', context.cookies, { maxAge: -1 }),
      )
      return { message: 'Logged out!' }
    }),
    forAnyone(contract.getAuthMethods, async () => ({
      ...(context.config.termsOfServiceUrl === ''
        ? {}
        : { terms_of_service_url: context.config.termsOfServiceUrl }),
      password: { enabled: !context.config.disablePasswordAuth },
      github: { enabled: false, default_provider_configured: false },
      oidc: { enabled: false, signInText: 'OpenID Connect', iconUrl: '' },
    })),
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
      })
      return { users: users.map(presentUser), count }
    }),
    forSession(contract.createUser, async ({ actor, body }) =>
      presentUser(await createUser(context, actor, body, prepareParts)),
    ),
    forSession(contract.getUser, async ({ actor, params }) =>
      presentUser(
        params.user === 'me' || params.user === actor.id
          ? await keys.ownUser(actor)
          : await getUser(actor, db, params.user ?? '', { deletedToo: true }),
      ),
    ),
    forSession(contract.deleteUser, async ({ actor, params }) => {
      const user = await resolve(actor, params)
      if (user.id === actor.id) throw forbidden('You cannot delete yourself!', { detail: undefined })
      await context.database.transaction((tx) => deleteUser(actor, tx, user.id))
      keys.drop(user.id)
      return { message: 'User has been deleted!' }
    }),
    forSession(contract.updateProfile, async ({ actor, params, body }) => {
      const user = await resolve(actor, params)
      const name = body.name ?? ''
      requireGoodNames(body.username === user.username ? { name } : { username: body.username, name })
      const ownAvatar = user.login_type === 'password' || user.login_type === 'none'
      await updateProfile(actor, db, user, {
        username: body.username,
        name,
        avatarUrl: ownAvatar ? (body.avatar_url ?? '') : user.avatar_url,
      })
      keys.drop(user.id)
      return presentUser(await getUser(actor, db, user.id))
    }),
    forSession(contract.suspendUser, async ({ actor, params }) => {
      const user = await resolve(actor, params)
      if (user.id === actor.id) throw badRequest('You cannot suspend yourself.')
      await context.database.transaction((tx) => updateStatus(actor, tx, user.id, 'suspended'))
      keys.drop(user.id)
      return presentUser(await getUser(actor, db, user.id))
    }),
    forSession(contract.activateUser, async ({ actor, params }) => {
      const user = await resolve(actor, params)
      await context.database.transaction((tx) => updateStatus(actor, tx, user.id, 'active'))
      keys.drop(user.id)
      return presentUser(await getUser(actor, db, user.id))
    }),
    forSession(
      contract.updatePassword,
      async ({ actor, params, body }) => {
        const user = await resolve(actor, params)
        await changePassword(context, actor, user, body)
        keys.drop(user.id)
        return undefined
      },
      LOGIN_LIMIT,
    ),
    forSession(contract.getLoginType, async ({ actor, params }) => {
      const user = await resolve(actor, params)
      if (user.id !== actor.id) throw forbidden()
      return { login_type: user.login_type }
    }),

    forSession(contract.createSessionKey, async ({ actor, params, context: request }) =>
      createSessionKey(context, actor, request, await resolve(actor, params)),
    ),
    forSession(contract.createToken, async ({ actor, params, body, context: request }) =>
      createToken(context, actor, request, await resolve(actor, params), body),
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
    forSession(contract.getKey, async ({ actor, params }) =>
      presentKey(await getKey(actor, db, params.keyid ?? '')),
    ),
    forSession(contract.expireKey, async ({ actor, params }) => {
      const key = await getKey(actor, db, params.keyid ?? '')
      await expireKey(actor, db, key.id, context.clock.now())
      keys.drop(key.user_id)
      return undefined
    }),
    forSession(contract.deleteKey, async ({ actor, params }) => {
      const key = await getKey(actor, db, params.keyid ?? '')
      await deleteKey(actor, db, key.id)
      keys.drop(key.user_id)
      return undefined
    }),

    forAnyone(contract.listScopes, async () => ({ external: [...PUBLIC_SCOPES] })),
    forSession(contract.checkAuthorization, ({ actor, body }) =>
      checkAuthorization(context, actor, body.checks),
    ),
  ]
}
