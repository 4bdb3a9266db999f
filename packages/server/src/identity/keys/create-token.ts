import { randomInt } from 'node:crypto'

import type { LoginType, UpsertAPIKeyAILimitsRequest } from '@slipway/contract'
import {
  type Actor,
  ALLOW_ALL,
  type AllowListEntry,
  containsAllowList,
  covers,
  formatAllowListEntry,
  normalizeAllowList,
  requestedScopes,
} from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import type { RequestContext, ValidatedKey } from '../../edge/index.ts'
import { ApiError, badRequest, forbidden, SIGNED_OUT_MESSAGE } from '../../errors/index.ts'
import { type ApiKeyRow, holdKeyAsker, insertKey } from '../store/keys.ts'
import { getUser, type UserRow } from '../store/users.ts'
import { newToken } from './api-key-token.ts'

const MS_TO_NS = 1_000_000
const NAMING_ATTEMPTS = 8
/** Use extends no key by less than an hour (ID-44). */
const NEVER_EXTENDED_SECONDS = 3_600

/** What is asked of a new token. */
export interface TokenRequest {
  /** In nanoseconds as on the wire; clients that always write it send 0 for none of their own. */
  readonly lifetime?: number
  readonly token_name?: string
  readonly scope?: string
  readonly scopes?: string[]
  readonly allow_list?: string[]
  readonly ai_limits?: UpsertAPIKeyAILimitsRequest
}

/** Limits of tokens that other features keep. */
export interface KeyLimiting {
  /** @throws ApiError 403 for a token that must make no others. */
  requireUnlimited(tx: Db, asking: { readonly id: string; readonly user_id: string }): Promise<void>
  /** Gives a token that the transaction makes its limits; resolves to them. @throws ApiError 403. */
  limitNewKey(
    actor: Actor,
    tx: Db,
    key: { readonly id: string; readonly user_id: string },
    limits: UpsertAPIKeyAILimitsRequest,
  ): Promise<object>
}

/** A key that was just made: its secret, which nobody can read again, and its row. */
export interface IssuedKey {
  readonly key: string
  readonly row: ApiKeyRow
  /** What it may do at the AI gateway; undefined for no limits. */
  readonly aiLimits: object | undefined
}

/** The longest lifetime of a token of this user, in milliseconds; owners have their own limit (ID-49). */
export function maxTokenLifetimeMs(context: AppContext, user: Pick<UserRow, 'rbac_roles'>): number {
  return user.rbac_roles.includes('owner')
    ? context.config.maxAdminTokenLifetime
    : context.config.maxTokenLifetime
}

/** Who asks for a key, and with which one. */
interface Asking {
  readonly actor: Actor
  readonly request: RequestContext
  readonly key: Pick<ValidatedKey, 'id'>
}

/**
 * Makes a named token with scopes and allow list (ID-48, ID-49, ID-77, ID-84).
 *
 * @throws ApiError 400 naming the field, 401 when the key that asks was ended meanwhile, 403 for system users or without
 * the right, 409 on a taken name.
 */
export async function createToken(
  context: AppContext,
  asking: Asking,
  user: UserRow,
  asked: TokenRequest,
  limiting: KeyLimiting,
): Promise<IssuedKey> {
  const scopes = requestedScopes(asked.scopes, asked.scope)
  const allowList = normalizeAllowList(asked.allow_list)
  requireWithinOwnScope(asking.actor, scopes, allowList)
  const maximum = maxTokenLifetimeMs(context, user)
  const lifetimeMs =
    asked.lifetime === undefined || asked.lifetime === 0
      ? Math.min(context.config.defaultTokenLifetime, maximum)
      : checkedLifetime(asked.lifetime / MS_TO_NS, maximum)
  const named = asked.token_name !== undefined && asked.token_name !== ''
  const make = () =>
    issue(context, asking, user, {
      loginType: 'token',
      lifetimeMs,
      tokenName: asked.token_name || generatedName(),
      scopes,
      allowList: allowList.map(formatAllowListEntry),
      aiLimits: asked.ai_limits,
      limiting,
    })
  for (let attempt = 1; ; attempt += 1)
    try {
      return await make()
    } catch (error) {
      // A name that nobody chose is nobody's fault.
      if (named || attempt === NAMING_ATTEMPTS || !(error instanceof ApiError && error.status === 409))
        throw error
    }
}

/** Makes a key for a command line that signed in through the browser (ID-47); never sets a cookie. */
export async function createSessionKey(
  context: AppContext,
  asking: Asking,
  user: UserRow,
  userAgent: string,
  limiting: KeyLimiting,
): Promise<IssuedKey> {
  requireWithinOwnScope(asking.actor, ['coder:all'], ALLOW_ALL)
  return issue(context, asking, user, {
    loginType: 'password',
    lifetimeMs: context.config.defaultTokenLifetime,
    tokenName: '',
    scopes: ['coder:all'],
    allowList: ['*:*'],
    userAgent,
    limiting,
  })
}

/**
 * Makes a key that can only connect to workspace apps, for the host of an app (AC-195). It ends when the key that it
 * comes from does, and with the session at the login provider that stands behind that (L-S2). Use extends it as it
 * extends a session, unless that would go beyond a bound that the other key has.
 */
export async function createAppConnectKey(
  context: AppContext,
  actor: Actor,
  request: RequestContext,
  opener: Pick<ValidatedKey, 'id' | 'userId' | 'expiresAt' | 'loginType'>,
): Promise<IssuedKey> {
  requireWithinOwnScope(actor, ['coder:application_connect'], ALLOW_ALL)
  const user = await getUser(actor, context.database.db, opener.userId)
  const fixed = opener.loginType === 'token' || opener.loginType === 'oauth2_provider_app'
  const lifetimeMs = opener.expiresAt.getTime() - context.clock.now().getTime()
  return issue(context, { actor, request, key: opener }, user, {
    // One of a token ends with it, whatever becomes of a session that it did not come from.
    loginType: fixed ? 'password' : opener.loginType,
    lifetimeMs,
    ...(fixed || context.config.sessionMaxLifetime > 0
      ? { lifetimeSeconds: Math.min(NEVER_EXTENDED_SECONDS, wholeSeconds(lifetimeMs)) }
      : {}),
    tokenName: '',
    scopes: ['coder:application_connect'],
    allowList: ['*:*'],
  })
}

/** A credential makes no other that may do more than itself (RB-120). @throws ApiError 403. */
export function requireWithinOwnScope(
  actor: Actor,
  scopes: readonly string[],
  allowList: readonly AllowListEntry[],
): void {
  if (covers(actor.scope.names, scopes) && containsAllowList(actor.scope.allowList, allowList)) return
  throw forbidden('The new key would be allowed more than the one that asks for it.', { detail: undefined })
}

async function issue(
  context: AppContext,
  asking: Asking,
  user: UserRow,
  key: {
    readonly loginType: LoginType
    readonly lifetimeMs: number
    /** By how much use extends it; its lifetime where that is left out. */
    readonly lifetimeSeconds?: number
    readonly tokenName: string
    readonly scopes: readonly string[]
    readonly allowList: readonly string[]
    /** Program that asks, for sessions (ID-210). */
    readonly userAgent?: string
    readonly aiLimits?: UpsertAPIKeyAILimitsRequest | undefined
    /** Left out for keys that cannot ask models. */
    readonly limiting?: KeyLimiting
  },
): Promise<IssuedKey> {
  if (user.is_system) throw forbidden('System users cannot own API keys.', { detail: undefined })
  const made = newToken()
  const now = context.clock.now()
  const { actor, request } = asking
  return context.database.transaction(async (tx) => {
    if (!(await holdKeyAsker(actor, tx, { userId: actor.id, keyId: asking.key.id })))
      throw new ApiError(401, SIGNED_OUT_MESSAGE, { detail: 'API key is invalid.' })
    await key.limiting?.requireUnlimited(tx, { id: asking.key.id, user_id: actor.id })
    const row = await insertKey(actor, tx, {
      id: made.id,
      hashedSecret: made.hashedSecret,
      userId: user.id,
      loginType: key.loginType,
      now,
      expiresAt: new Date(now.getTime() + key.lifetimeMs),
      lifetimeSeconds: key.lifetimeSeconds ?? wholeSeconds(key.lifetimeMs),
      tokenName: key.tokenName,
      scopes: key.scopes,
      allowList: key.allowList,
      ipAddress: request.remoteAddress,
      userAgent: key.userAgent ?? '',
    })
    const aiLimits =
      key.aiLimits === undefined ? undefined : await key.limiting?.limitNewKey(actor, tx, row, key.aiLimits)
    return { key: made.token, row, aiLimits }
  })
}

/** Never none, which would be stored as a day (ID-40). */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1000))
}

/** A lifetime in milliseconds within its bounds (ID-49). @throws ApiError 400 on `lifetime`. */
export function checkedLifetime(lifetimeMs: number, maximumMs: number): number {
  if (lifetimeMs > 0 && lifetimeMs <= maximumMs) return lifetimeMs
  const detail =
    lifetimeMs <= 0
      ? 'lifetime must be positive number greater than 0'
      : `lifetime must be less than ${maximumMs / 3_600_000}h`
  throw badRequest('Failed to validate create API key request.', {
    detail,
    validations: [{ field: 'lifetime', detail }],
  })
}

const ADJECTIVES = ['brave', 'calm', 'eager', 'gentle', 'keen', 'lively', 'proud', 'quiet', 'swift', 'wise']
const SURNAMES = [
  'curie',
  'darwin',
  'euler',
  'franklin',
  'gauss',
  'hopper',
  'lovelace',
  'noether',
  'pascal',
  'turing',
]

function generatedName(): string {
  return `${ADJECTIVES[randomInt(ADJECTIVES.length)]}_${SURNAMES[randomInt(SURNAMES.length)]}${randomInt(10, 100)}`
}
