import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forSession, setCookie } from '../edge/index.ts'
import { ApiError, badRequest, forbidden } from '../errors/index.ts'
import {
  type AccountChecks,
  getUser,
  passwordMatches,
  requireNotSuspended,
  requirePasswordSignIn,
  type SignInDelay,
  type UserRow,
} from '../identity/index.ts'
import { backchannelLogout } from './backchannel-logout.ts'
import { answerCallback, type SignInParts } from './callback.ts'
import { beginConversion, CONVERSION_COOKIE, CONVERSION_SECONDS } from './conversion.ts'
import { startDevice } from './github-api.ts'
import { OIDC_TOKEN_LEFT_MS, oidcToken } from './oidc-token.ts'
import { callbackPath, type SignInProvider } from './provider.ts'
import { upstreamRefresh } from './refresh-upstream.ts'
import { findClaims } from './store/accounts.ts'

/** ID-37. */
const LOGIN_LIMIT = { perMinute: 60 }

/** Signing in at providers, and what it leaves behind (ID §10 to §13). */
export function signInRoutes(
  parts: SignInParts,
  account: { readonly checks: Pick<AccountChecks, 'requireStepUp'>; readonly delay: SignInDelay },
): BoundRoute[] {
  const { context, providers } = parts
  const db = context.database.db
  const refresh = upstreamRefresh(context, providers, parts.syncClaims, OIDC_TOKEN_LEFT_MS)
  const device = async (id: string): Promise<contract.DeviceAuthorization> => {
    const provider = await providers.find('github', id)
    if (provider === undefined || !provider.deviceFlow)
      throw badRequest('GitHub OAuth2 device flow is not enabled.')
    return startDevice(context, provider)
  }
  return [
    forAnyone(contract.getAuthMethods, async () => authMethods(context, await providers.all())),
    forAnyone(
      contract.oidcCallback,
      async (incoming) => {
        await answerCallback(parts, await providers.find('oidc', 'oidc', { disabledToo: true }), incoming)
        return undefined
      },
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.providerOidcCallback,
      async (incoming) => {
        await answerCallback(parts, await storedProvider(parts, 'oidc', incoming), incoming)
        return undefined
      },
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.oidcBackchannelLogout,
      async (incoming) =>
        backchannelLogout(parts, await providers.find('oidc', 'oidc', { disabledToo: true }), incoming),
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.providerOidcBackchannelLogout,
      async (incoming) => {
        const id = incoming.params.identityprovider ?? ''
        return backchannelLogout(parts, await providers.find('oidc', id, { disabledToo: true }), incoming)
      },
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.githubCallback,
      async (incoming) => answerCallback(parts, await providers.find('github', 'github'), incoming),
      LOGIN_LIMIT,
    ),
    forAnyone(
      contract.providerGithubCallback,
      async (incoming) => answerCallback(parts, await storedProvider(parts, 'github', incoming), incoming),
      LOGIN_LIMIT,
    ),
    forAnyone(contract.githubDevice, () => device('github'), LOGIN_LIMIT),
    forAnyone(
      contract.providerGithubDevice,
      ({ params }) => device(params.identityprovider ?? ''),
      LOGIN_LIMIT,
    ),
    forSession(contract.getOidcClaims, async ({ actor }) => {
      const user = await getUser(actor, db, actor.id)
      if (user.login_type !== 'oidc') throw badRequest('User is not an OIDC user.')
      return { claims: mergedClaims(await findClaims(actor, db, actor.id)) }
    }),
    forSession(contract.issueOidcToken, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'create' }, async (draft) => {
        const { actor, params } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        draft.resourceId = user.id
        draft.target = user.username
        draft.additionalFields = { kind: 'oidc_access_token' }
        return oidcToken(parts, refresh, actor, user)
      }),
    ),
    forSession(
      contract.convertLogin,
      (incoming) =>
        audited(context, incoming, { type: 'convert_login', action: 'create' }, async (draft) => {
          const { actor, params, body, reply } = incoming
          const user = await getUser(actor, db, params.user ?? '')
          draft.resourceId = user.id
          draft.target = user.username
          // Nobody turns the account of another one into something that they hold.
          if (user.id !== actor.id) throw forbidden()
          const to = body.to_type
          if (to !== 'oidc' && to !== 'github')
            throw badRequest(`Cannot convert to login type ${JSON.stringify(to)}.`)
          if (!(await providers.signsInWith(to)))
            throw badRequest(`Login type ${JSON.stringify(to)} is not configured.`)
          await requirePassword(context, account.delay, user, body.password)
          await account.checks.requireStepUp(incoming)
          const { conversion, token, createdAt } = await beginConversion(context, user.id, to)
          draft.after = {
            user_id: user.id,
            created_at: createdAt,
            expires_at: conversion.expiresAt,
            from_login_type: user.login_type,
            to_login_type: to,
          }
          reply.header(
            'Set-Cookie',
            setCookie(
              CONVERSION_COOKIE,
              token,
              { ...context.cookies, sameSite: 'lax' },
              { maxAge: CONVERSION_SECONDS },
            ),
          )
          return {
            state_string: conversion.state,
            expires_at: conversion.expiresAt.toISOString(),
            to_type: to,
            user_id: user.id,
          }
        }),
      LOGIN_LIMIT,
    ),
  ]
}

/** A provider by its id in the path, where a test may use a disabled one. */
function storedProvider<Kind extends SignInProvider['kind']>(
  { providers }: SignInParts,
  kind: Kind,
  {
    params,
    query,
  }: {
    readonly params: Readonly<Record<string, string>>
    readonly query: { readonly test?: string; readonly state?: string }
  },
): Promise<Extract<SignInProvider, { kind: Kind }> | undefined> {
  const isTest = query.test !== undefined || query.state?.startsWith('test-') === true
  return providers.find(kind, params.identityprovider ?? '', { disabledToo: isTest })
}

/** ID-13, with every provider beside the two that older clients know. */
function authMethods(
  context: AppContext,
  all: readonly SignInProvider[],
): contract.ResponseOf<typeof contract.getAuthMethods> {
  const { config } = context
  const enabled = all.filter((provider) => provider.enabled)
  const oidc = enabled.find(({ id }) => id === 'oidc')
  return {
    ...(config.termsOfServiceUrl === '' ? {} : { terms_of_service_url: config.termsOfServiceUrl }),
    password: { enabled: !config.disablePasswordAuth },
    github: { enabled: enabled.some(({ id }) => id === 'github'), default_provider_configured: false },
    oidc: {
      enabled: oidc !== undefined,
      signInText: oidc?.displayName ?? 'OpenID Connect',
      iconUrl: oidc?.icon ?? '',
    },
    providers: enabled.map((provider) => ({
      id: provider.id,
      kind: provider.kind,
      display_name: provider.displayName === '' ? provider.id : provider.displayName,
      icon: provider.icon,
      url: callbackPath(provider),
      email_domains:
        provider.kind === 'oidc' && provider.emailDomainsPublic ? [...provider.emailDomains] : [],
    })),
  }
}

function mergedClaims(claims: unknown): Record<string, unknown> {
  const merged: unknown =
    typeof claims === 'object' && claims !== null && 'merged_claims' in claims ? claims.merged_claims : {}
  return typeof merged === 'object' && merged !== null ? { ...merged } : {}
}

/** The password of an account, compared as a sign-in does (ID-176). @throws ApiError 401, 403, 429. */
async function requirePassword(
  context: AppContext,
  delay: SignInDelay,
  user: UserRow,
  password: string,
): Promise<void> {
  const right = await delay.guess({ kind: 'password', email: user.email }, () =>
    passwordMatches(user.hashed_password, password),
  )
  if (!right) throw new ApiError(401, 'Incorrect email or password.')
  requirePasswordSignIn(context, user)
  requireNotSuspended(user)
}
