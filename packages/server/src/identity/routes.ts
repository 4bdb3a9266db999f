import * as contract from '@slipway/contract'
import { PUBLIC_SCOPES, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import {
  type BoundRoute,
  forAnyone,
  forSession,
  SESSION_COOKIE,
  sessionCookieName,
  setCookie,
} from '../edge/index.ts'
import { badRequest, forbidden, validationFailed } from '../errors/index.ts'
import { changePassword } from './change-password.ts'
import { checkAuthorization } from './check-authorization.ts'
import { createSessionKey, createToken, maxTokenLifetimeMs } from './create-token.ts'
import { createUser } from './create-user.ts'
import { createFirstUser, firstUserExists } from './first-user.ts'
import { logIn } from './log-in.ts'
import { passwordWeakness } from './password.ts'
import { presentKey, presentUser } from './present.ts'
import { parseUserSearch } from './search-users.ts'
import { deleteKey, deleteKeysOfUser, expireKey, getKey, getTokenByName, listTokens } from './store/keys.ts'
import { deleteUser, getUser, listUsers, updateProfile, updateStatus } from './store/users.ts'
import type { KeyValidator } from './validate-key.ts'

const YEAR_SECONDS = 31_536_000
const LOGIN_LIMIT = { perMinute: 60 }

/** Users, sign-in, keys and authorization checks (ID §1 to §6). */
export function identityRoutes(context: AppContext, keys: KeyValidator): BoundRoute[] {
  const db = context.database.db
  const resolve = (actor: Parameters<typeof getUser>[0], params: Readonly<Record<string, string>>) =>
    getUser(actor, db, params.user ?? '')

  return [
    forAnyone(contract.getFirstUser, () => firstUserExists(context)),
    forAnyone(contract.createFirstUser, ({ body }) => createFirstUser(context, body)),
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
      await deleteKey(systemActor('system_restricted'), db, key.id)
      await deleteKeysOfUser(systemActor('system_restricted'), db, key.userId, {
        onlyApplicationConnect: true,
      })
      keys.drop(key.userId)
      reply.header('Set-Cookie', setCookie(SESSION_COOKIE, '', context.cookies, { maxAge: -1 }))
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
      presentUser(await createUser(context, actor, body)),
    ),
    forSession(contract.getUser, async ({ actor, params }) =>
      presentUser(
        params.user === 'me' || params.user === actor.id
          ? await keys.ownUser(actor)
          : await getUser(actor, db, params.user ?? '', { deletedToo: true }),
      ),
    ),
    forSession(contract.deleteUser, async ({ actor, owner, params }) => {
      const user = await resolve(actor, params)
      requireOwnerFor(user, owner.siteRoles)
      if (user.id === actor.id) throw forbidden('You cannot delete yourself!', { detail: undefined })
      await context.database.transaction((tx) => deleteUser(actor, tx, user.id))
      keys.drop(user.id)
      return { message: 'User has been deleted!' }
    }),
    forSession(contract.updateProfile, async ({ actor, owner, params, body }) => {
      const user = await resolve(actor, params)
      if (user.id !== actor.id) requireOwnerFor(user, owner.siteRoles)
      const name = body.name ?? ''
      if (name !== name.trim() || Buffer.byteLength(name) > 128)
        throw validationFailed([
          { field: 'name', detail: 'must be at most 128 bytes without spaces around it' },
        ])
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
      if (user.rbac_roles.includes('owner'))
        throw badRequest('You cannot suspend a user with the "owner" role. You must remove the role first.')
      await updateStatus(actor, db, user.id, 'suspended')
      keys.drop(user.id)
      return presentUser(await getUser(actor, db, user.id))
    }),
    forSession(contract.activateUser, async ({ actor, owner, params }) => {
      const user = await resolve(actor, params)
      requireOwnerFor(user, owner.siteRoles)
      await updateStatus(actor, db, user.id, 'active')
      keys.drop(user.id)
      return presentUser(await getUser(actor, db, user.id))
    }),
    forSession(
      contract.updatePassword,
      async ({ actor, owner, params, body }) => {
        const user = await resolve(actor, params)
        await changePassword(context, actor, owner.siteRoles.includes('owner'), user, body)
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
      await expireKey(actor, db, key.id)
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
    forSession(contract.checkAuthorization, async ({ actor, body }) =>
      checkAuthorization(actor, body.checks),
    ),
  ]
}

/** RB-125: who administers users has no power over owners. @throws ApiError 403. */
function requireOwnerFor(
  target: { readonly rbac_roles: readonly string[] },
  callerRoles: readonly string[],
): void {
  if (target.rbac_roles.includes('owner') && !callerRoles.includes('owner'))
    throw forbidden('Only an owner may change an owner.', { detail: undefined })
}
