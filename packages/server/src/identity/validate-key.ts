import { LRUCache } from 'lru-cache'

import { describeError } from '@slipway/request-log'
import { type Actor, parseAllowListEntry, type RoleOptions, scopeOf, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Dpop } from '../dpop/index.ts'
import { type Credential, isMcpEndpoint, type Precheck, type RequestContext } from '../edge/index.ts'
import { INTERNAL_MESSAGE } from '../errors/index.ts'
import { parseToken, sameSecret, secretMatches } from './api-key-token.ts'
import { KeyBatches } from './key-batches.ts'
import { dueTouch, endOfKey, type SessionRules } from './key-lifetime.ts'
import { KeyRenewal } from './key-renewal.ts'
import { KeyRows } from './key-rows.ts'
import {
  isFor,
  notBound,
  type OAuthToken,
  oauthTokenOf,
  refused,
  refusedProof,
  wrongAudience,
} from './oauth-tokens.ts'
import { roleOptions } from './role-options.ts'
import { findKeysWithStanding, findKeyVersions, type KeyWithStanding, touchKey } from './store/keys.ts'
import { actorOf } from './store/standing.ts'
import { getUser, readableUser, type UserWithOrganizations } from './store/users.ts'
import {
  endedForGood,
  noLink,
  notRefreshed,
  providerOf,
  type UpstreamRefresh,
  upstreamHasEnded,
} from './upstream-session.ts'

const MAX_ENTRIES = 20_000
const MAX_AGE_MS = 5_000
const system = systemActor('system_restricted', 'a key is looked up before it is known whose it is')
/** Reading the clock for each request costs more than an age that is a little off. */
const CLOCK_MS = 250

/** What follows from a row, and whether somebody has asked since the row was last compared with the database. */
interface Known {
  readonly secret: string
  readonly outcome: Accepted
  /** What holds for the token of an OAuth2 app and no other. */
  readonly oauth: OAuthToken | undefined
  asked: boolean
}

type Accepted = Extract<Precheck, { ok: true }>

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
  readonly #accepted = new WeakMap<KeyWithStanding, Known>()
  readonly #renewal: KeyRenewal<KeyWithStanding>
  readonly #batches: KeyBatches
  readonly #subscription: Disposable
  readonly #onDrop: (userId: string | undefined) => void
  readonly #refreshUpstream: UpstreamRefresh
  readonly #proofs: Pick<Dpop, 'verifyProof'>
  readonly #lifetimes: SessionRules
  #generation = 0

  /** `onDrop` hears of every user whose keys may be worth less than before; of nobody when they may be anybody's. */
  constructor(
    context: AppContext,
    parts: {
      readonly onDrop: (userId: string | undefined) => void
      readonly refreshUpstream: UpstreamRefresh
      readonly proofs: Pick<Dpop, 'verifyProof'>
    },
  ) {
    this.#context = context
    const { sessionMaxLifetime, sessionIdleTimeout, disableSessionExpiryRefresh } = context.config
    this.#lifetimes = { sessionMaxLifetime, sessionIdleTimeout, disableSessionExpiryRefresh }
    this.#roleOptions = roleOptions(context)
    this.#onDrop = parts.onDrop
    this.#refreshUpstream = parts.refreshUpstream
    this.#proofs = parts.proofs
    this.#batches = new KeyBatches((ids) => findKeysWithStanding(system, context.database.db, ids))
    this.#renewal = new KeyRenewal(
      {
        asked: (id) => this.#asked(id),
        versions: (ids) => findKeyVersions(system, context.database.db, ids),
        // While the feed is cut off, rows grow old (ID-222).
        renew: (id, row) => context.database.feed.connected && this.#rows.renew(id, row),
        forget: (id, row) => this.#rows.forget(id, row),
        failed: (error) =>
          context.log.warn('keys in memory could not be compared with the database', {
            error: describeError(error),
          }),
      },
      MAX_ENTRIES,
    )
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set([
        'user',
        'user_link',
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
      onReset: () => {
        this.#clear()
        this.#onDrop(undefined)
      },
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

  /** Forgets what is known of everybody's keys; called at once by what changes whole organizations on this replica. */
  dropAll(): void {
    this.#clear()
  }

  /** Whether a key would still be accepted; trouble with the database ends nobody's session (ID-215). */
  async isLive(keyId: string): Promise<boolean> {
    try {
      const found = await this.#batches.load(keyId)
      return (
        found !== undefined &&
        found.status !== 'suspended' &&
        endOfKey(found.key, this.#lifetimes) > this.#context.clock.now().getTime()
      )
    } catch (error) {
      this.#context.log.warn('a key could not be looked at again', { error: describeError(error) })
      return true
    }
  }

  /** The user that an actor is, where the cache knows it. @throws ApiError 404 when the actor may not read itself. */
  knownUser(actor: Actor): UserWithOrganizations | undefined {
    const cached = this.#context.database.feed.connected ? this.#users.get(actor.id) : undefined
    return cached === undefined ? undefined : readableUser(actor, cached)
  }

  /** The same from the database, where the cache does not know it. @throws ApiError 404. */
  async ownUser(actor: Actor): Promise<UserWithOrganizations> {
    const known = this.knownUser(actor)
    if (known !== undefined) return known
    const { db, feed } = this.#context.database
    const usable = feed.connected
    const generation = this.#generation
    const user = await getUser(actor, db, actor.id)
    if (usable && generation === this.#generation) this.#users.set(actor.id, user)
    return user
  }

  /** Decides what the credential is worth (ID-62); at once when this very token was found good on the same rows. */
  validate(credential: Credential | undefined, request: RequestContext): Precheck | Promise<Precheck> {
    if (credential === undefined)
      return refused('no-credential', 'Cookie "coder_session_token" or query parameter must be provided.')
    if (request.queryTokens.length > 0 && isMcpEndpoint(request.route))
      return refused('invalid', 'Tokens are not accepted in the query of this address: send a header.')
    const token = typeof credential === 'string' ? credential : credential.token
    const parsed = parseToken(token)
    if (parsed === undefined) return refused('invalid', 'Invalid API key format: it must be <id>-<secret>.')
    const row = this.#context.database.feed.connected ? this.#rows.get(parsed.id) : undefined
    const known = row === undefined ? undefined : this.#accepted.get(row)
    if (row === undefined || known === undefined || !sameSecret(known.secret, parsed.secret))
      return this.#validateInFull(parsed, credential, request)
    const now = this.#context.clock.now()
    if (
      endOfKey(row.key, this.#lifetimes) <= now.getTime() ||
      (row.upstream !== undefined && upstreamHasEnded(row.upstream, now)) ||
      dueTouch(row.key, this.#lifetimes, now) !== undefined
    )
      return this.#validateInFull(parsed, credential, request)
    request.apiKeyId = row.key.id
    known.asked = true
    return known.oauth === undefined && typeof credential === 'string'
      ? known.outcome
      : this.#onRequest(known, credential, request)
  }

  /** The row of a key that somebody used since the last call. */
  #asked(id: string): KeyWithStanding | undefined {
    const row = this.#rows.get(id)
    const known = row === undefined ? undefined : this.#accepted.get(row)
    if (known?.asked !== true) return undefined
    known.asked = false
    return row
  }

  async #validateInFull(
    parsed: { readonly id: string; readonly secret: string },
    credential: Credential,
    request: RequestContext,
  ): Promise<Precheck> {
    try {
      const found = await this.#load(parsed.id)
      if (found === undefined) return refused('invalid', 'API key is invalid.')
      if (!secretMatches(parsed.secret, found.key.hashed_secret))
        return refused('invalid', 'API key secret is invalid.')
      request.apiKeyId = found.key.id
      const now = this.#context.clock.now()
      const end = endOfKey(found.key, this.#lifetimes)
      if (end <= now.getTime())
        return refused('expired', `API key expired at ${JSON.stringify(new Date(end).toISOString())}.`)
      const linked = await this.#withUpstream(found, now)
      if ('ok' in linked) return linked
      const fresh = await this.#touch(linked, now, request.remoteAddress)
      if (fresh === undefined) {
        // The key was ended while this request was looked at: what it is now decides.
        this.#rows.forget(linked.key.id, linked)
        return await this.#validateInFull(parsed, credential, request)
      }
      const known: Known = {
        secret: parsed.secret,
        outcome: accepted(fresh, this.#roleOptions, this.#lifetimes),
        oauth: oauthTokenOf(fresh, this.#context.accessUrl()),
        asked: true,
      }
      this.#accepted.set(fresh, known)
      return await this.#onRequest(known, credential, request)
    } catch (cause) {
      return fault(cause)
    }
  }

  /** What a good token is worth on this request: where it was found, what it is for, and who must hold a key for it. */
  #onRequest(
    { outcome, oauth }: Known,
    credential: Credential,
    request: RequestContext,
  ): Precheck | Promise<Precheck> {
    const proven = typeof credential !== 'string'
    const token = proven ? credential.token : credential
    const { key } = outcome
    if (oauth === undefined) return proven ? notBound() : outcome
    if (
      request.queryTokens.includes(token) &&
      // ID-202: they may be kept out of the query of a URL.
      this.#context.config.allowQueryTokens === 'no-oauth'
    )
      return refused(
        'invalid',
        'Tokens of OAuth2 apps are not accepted in the query of a URL: send a header.',
      )
    if (!isFor(oauth.audience, request.route)) {
      this.#context.log.debug('the audience of a token is not what it is used for', {
        request_id: request.id,
        api_key_id: key.id,
        audience: oauth.resource ?? '',
      })
      return wrongAudience(request.route)
    }
    if (oauth.thumbprint === null) return proven ? notBound() : outcome
    if (!proven)
      return refused(
        'unproven',
        'The token is bound to a key: send it as "Authorization: DPoP" with a proof in the header DPoP.',
      )
    return refusedProof(this.#proofs, request, { id: key.id, thumbprint: oauth.thumbprint }, credential).then(
      (refusal) => refusal ?? outcome,
      fault,
    )
  }

  /** ID-65: a session from a login provider lives as long as that lets it; resolves to the refusal where it does not. */
  async #withUpstream(
    found: KeyWithStanding,
    now: Date,
  ): Promise<KeyWithStanding | Extract<Precheck, { ok: false }>> {
    const loginType = providerOf(found.key.login_type)
    if (loginType === undefined) return found
    const { upstream } = found
    if (upstream === undefined) return noLink()
    if (!upstreamHasEnded(upstream, now)) return found
    if (!upstream.refreshes) return endedForGood(loginType, upstream)
    const outcome = await this.#refreshUpstream({ userId: found.key.user_id, loginType })
    if (outcome.kind !== 'fresh') return notRefreshed(loginType, outcome)
    const fresh = { ...found, upstream: { ...upstream, expiresAt: outcome.expiresAt } }
    this.#rows.replace(found.key.id, found, fresh)
    return fresh
  }

  async #load(id: string): Promise<KeyWithStanding | undefined> {
    const usable = this.#context.database.feed.connected
    const cached = usable ? this.#rows.get(id) : undefined
    if (cached !== undefined) return cached
    const generation = this.#generation
    const found = await this.#batches.load(id)
    // A change that arrived while the row was read may be newer than the row.
    if (found !== undefined && usable && generation === this.#generation) {
      this.#rows.set(id, found)
      this.#renewal.kept(id)
    }
    return found
  }

  /** Writes what is due of a use; resolves to nothing when the key has been ended meanwhile. */
  async #touch(
    found: KeyWithStanding,
    now: Date,
    remoteAddress: string,
  ): Promise<KeyWithStanding | undefined> {
    const { key } = found
    const due = dueTouch(key, this.#lifetimes, now)
    if (due === undefined) return found
    const { expiresAt } = due
    const holds = await touchKey(
      system,
      this.#context.database.db,
      { id: key.id, userId: key.user_id },
      { now, ipAddress: remoteAddress, expiresAt },
    )
    if (!holds) return undefined
    const fresh = { ...found, key: { ...key, last_used: now, expires_at: expiresAt ?? key.expires_at } }
    this.#rows.replace(key.id, found, fresh)
    return fresh
  }

  [Symbol.dispose](): void {
    this.#renewal[Symbol.dispose]()
    this.#subscription[Symbol.dispose]()
  }
}

function fault(cause: unknown): Precheck {
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

function accepted(found: KeyWithStanding, options: RoleOptions, lifetimes: SessionRules): Accepted {
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
      tokenName: key.token_name,
      scopes: key.scopes,
      expiresAt: new Date(endOfKey(key, lifetimes)),
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
