import { timingSafeEqual } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { describeError } from '@slipway/request-log'
import { type Actor, parseAllowListEntry, type RoleOptions, scopeOf, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Precheck, RequestContext } from '../edge/index.ts'
import { INTERNAL_MESSAGE, SIGNED_OUT_MESSAGE } from '../errors/index.ts'
import { parseToken, secretMatches } from './api-key-token.ts'
import { KeyRows } from './key-rows.ts'
import { roleOptions } from './role-options.ts'
import { findKeyWithStanding, type KeyWithStanding, touchKey } from './store/keys.ts'
import { actorOf } from './store/standing.ts'
import { getUser, readableUser, type UserWithOrganizations } from './store/users.ts'

const MAX_ENTRIES = 20_000
const MAX_AGE_MS = 5_000
const HOUR_MS = 3_600_000
const system = systemActor('system_restricted', 'a key is looked up before it is known whose it is')
/** Reading the clock for each request costs more than an age that is a little off. */
const CLOCK_MS = 250

/**
 * Validates the key of each request in full, with the rows from a bounded cache of at most 5 s: expiry,
 * status and scope are judged anew every time, and the rows fall as soon as the change feed speaks of them
 * (ID-61…ID-66, ID-222). Never rejects and never answers.
 */
export class KeyValidator implements Disposable {
  readonly #context: AppContext
  readonly #roleOptions: RoleOptions
  readonly #rows = new KeyRows<KeyWithStanding>({
    max: MAX_ENTRIES,
    ttl: MAX_AGE_MS,
    ttlResolution: CLOCK_MS,
  })
  /** Whole rows of users who have asked for themselves, which is what dashboards and clients do first. */
  readonly #users = new LRUCache<string, UserWithOrganizations>({
    max: MAX_ENTRIES,
    ttl: MAX_AGE_MS,
    ttlResolution: CLOCK_MS,
  })
  /** What follows from rows in the cache, with the secret it was found for; lost with the rows. */
  readonly #accepted = new WeakMap<KeyWithStanding, { readonly secret: Buffer; readonly outcome: Precheck }>()
  readonly #subscription: Disposable
  readonly #onDrop: (userId: string) => void
  #generation = 0

  /** `onDrop` hears of every user whose keys may be worth less than before. */
  constructor(context: AppContext, onDrop: (userId: string) => void) {
    this.#context = context
    this.#roleOptions = roleOptions(context)
    this.#onDrop = onDrop
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set([
        'user',
        'api_key',
        'organization_member',
        'group_member',
        'organization',
        'custom_role',
      ]),
      onEvent: (event) => {
        if (event.kind === 'organization' || event.kind === 'custom_role') this.#clear()
        else this.drop(event.key)
      },
      onReset: () => this.#clear(),
    })
  }

  #clear(): void {
    this.#generation += 1
    this.#rows.clear()
    this.#users.clear()
  }

  /** Forgets what is known of a user's keys; called at once by what changes them on this replica. */
  drop(userId: string): void {
    this.#generation += 1
    this.#rows.drop(userId)
    this.#users.delete(userId)
    this.#onDrop(userId)
  }

  /** Whether a key would still be accepted; trouble with the database ends nobody's session (ID-215). */
  async isLive(keyId: string): Promise<boolean> {
    try {
      const found = await findKeyWithStanding(system, this.#context.database.db, keyId)
      return (
        found !== undefined &&
        found.status !== 'suspended' &&
        found.key.expires_at > this.#context.clock.now()
      )
    } catch (error) {
      this.#context.log.warn('a key could not be looked at again', { error: describeError(error) })
      return true
    }
  }

  /** The user that an actor is, from the same cache. @throws ApiError 404 when the actor may not read itself. */
  async ownUser(actor: Actor): Promise<UserWithOrganizations> {
    const { db, feed } = this.#context.database
    const usable = feed.connected
    const cached = usable ? this.#users.get(actor.id) : undefined
    if (cached !== undefined) return readableUser(actor, cached)
    const generation = this.#generation
    const user = await getUser(actor, db, actor.id)
    if (usable && generation === this.#generation) this.#users.set(actor.id, user)
    return user
  }

  /** Decides what the token is worth (ID-62); at once when this very token was found good on the same rows. */
  validate(token: string | undefined, request: RequestContext): Precheck | Promise<Precheck> {
    if (token === undefined)
      return refused('no-credential', 'Cookie "coder_session_token" or query parameter must be provided.')
    const parsed = parseToken(token)
    if (parsed === undefined) return refused('invalid', 'Invalid API key format: it must be <id>-<secret>.')
    const row = this.#context.database.feed.connected ? this.#rows.get(parsed.id) : undefined
    const known = row === undefined ? undefined : this.#accepted.get(row)
    if (row === undefined || known === undefined || !sameSecret(known.secret, parsed.secret))
      return this.#validateInFull(parsed, request)
    const now = this.#context.clock.now()
    if (row.key.expires_at <= now || this.#touchOf(row, now) !== undefined)
      return this.#validateInFull(parsed, request)
    request.apiKeyId = row.key.id
    return known.outcome
  }

  async #validateInFull(
    parsed: { readonly id: string; readonly secret: string },
    request: RequestContext,
  ): Promise<Precheck> {
    try {
      const found = await this.#load(parsed.id)
      if (found === undefined) return refused('invalid', 'API key is invalid.')
      if (!secretMatches(parsed.secret, found.key.hashed_secret))
        return refused('invalid', 'API key secret is invalid.')
      request.apiKeyId = found.key.id
      const now = this.#context.clock.now()
      if (found.key.expires_at.getTime() <= now.getTime())
        return refused('expired', `API key expired at ${JSON.stringify(found.key.expires_at.toISOString())}.`)
      const fresh = await this.#touch(found, now, request.remoteAddress)
      const outcome = accepted(fresh, this.#roleOptions)
      this.#accepted.set(fresh, { secret: Buffer.from(parsed.secret), outcome })
      return outcome
    } catch (cause) {
      return {
        ok: false,
        status: 500,
        message: INTERNAL_MESSAGE,
        detail: 'Internal error fetching API key by id.',
        reason: 'fault',
        hard: true,
        cause,
      }
    }
  }

  async #load(id: string): Promise<KeyWithStanding | undefined> {
    const usable = this.#context.database.feed.connected
    const cached = usable ? this.#rows.get(id) : undefined
    if (cached !== undefined) return cached
    const generation = this.#generation
    const found = await findKeyWithStanding(system, this.#context.database.db, id)
    // A change that arrived while the row was read may be newer than the row.
    if (found !== undefined && usable && generation === this.#generation) this.#rows.set(id, found)
    return found
  }

  /** What is due to be written of a use: at most once an hour, and nothing for a hot session (ID-43…ID-45). */
  #touchOf({ key }: KeyWithStanding, now: Date): { readonly expiresAt: Date | undefined } | undefined {
    const lifetimeMs = key.lifetime_seconds * 1000
    const slides =
      !this.#context.config.disableSessionExpiryRefresh &&
      key.login_type !== 'token' &&
      key.login_type !== 'oauth2_provider_app' &&
      key.expires_at.getTime() - now.getTime() <= lifetimeMs - HOUR_MS
    if (slides) return { expiresAt: new Date(now.getTime() + lifetimeMs) }
    return now.getTime() - key.last_used.getTime() <= HOUR_MS ? undefined : { expiresAt: undefined }
  }

  async #touch(found: KeyWithStanding, now: Date, remoteAddress: string): Promise<KeyWithStanding> {
    const { key } = found
    const due = this.#touchOf(found, now)
    if (due === undefined) return found
    const { expiresAt } = due
    await touchKey(
      system,
      this.#context.database.db,
      { id: key.id, userId: key.user_id },
      { now, ipAddress: remoteAddress, expiresAt },
    )
    const fresh = { ...found, key: { ...key, last_used: now, expires_at: expiresAt ?? key.expires_at } }
    this.#rows.replace(key.id, found, fresh)
    return fresh
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}

/** Whether this is the secret whose digest was compared before; takes the same time whatever differs. */
function sameSecret(known: Buffer, secret: string): boolean {
  const given = Buffer.from(secret)
  return known.length === given.length && timingSafeEqual(known, given)
}

function refused(reason: 'no-credential' | 'invalid' | 'expired', detail: string): Precheck {
  return { ok: false, status: 401, message: SIGNED_OUT_MESSAGE, detail, reason, hard: false }
}

function accepted(found: KeyWithStanding, options: RoleOptions): Precheck {
  const { key } = found
  const allowList = key.allow_list.map((text) => {
    const entry = parseAllowListEntry(text)
    if (entry === undefined) throw new Error(`stored allow list entry ${JSON.stringify(text)} is not valid`)
    return entry
  })
  return {
    ok: true,
    key: {
      id: key.id,
      userId: key.user_id,
      loginType: key.login_type,
      scopes: key.scopes,
      expiresAt: key.expires_at,
    },
    owner: {
      id: key.user_id,
      username: found.username,
      email: found.email,
      status: found.status,
      siteRoles: found.rbac_roles,
      isSystem: found.is_system,
    },
    actor: actorOf(key.user_id, found, options, scopeOf(key.scopes, allowList)),
  }
}
