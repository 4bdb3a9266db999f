import { LRUCache } from 'lru-cache'

import { describeError } from '@slipway/request-log'
import { type Actor, systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import type { Dpop } from '../../dpop/index.ts'
import { type Credential, isMcpEndpoint, type Precheck, type RequestContext } from '../../edge/index.ts'
import { INTERNAL_MESSAGE } from '../../errors/index.ts'
import { roleOptions } from '../authorization/role-options.ts'
import {
  endedForGood,
  endOfUpstream,
  noLink,
  notRefreshed,
  providerOf,
  type UpstreamRefresh,
} from '../sessions/upstream-session.ts'
import { findKeysWithStanding, findKeyVersions } from '../store/kept-keys.ts'
import { touchKeys } from '../store/keys.ts'
import { getUser, readableUser, type UserWithOrganizations } from '../store/users.ts'
import { parseToken, sameSecret, secretMatches } from './api-key-token.ts'
import { KeyBatches } from './key-batches.ts'
import { dueTouch, endOfKey, type SessionRules } from './key-lifetime.ts'
import { KeyRenewal } from './key-renewal.ts'
import { KeyRows } from './key-rows.ts'
import { KeyTouches } from './key-touches.ts'
import { endOfRow, type KeptKey, type Known, knownOf } from './known-key.ts'
import { isFor, notBound, oauthTokenOf, refused, refusedProof, wrongAudience } from './oauth-tokens.ts'
import { SharedSubjects } from './shared-subjects.ts'

const MAX_ENTRIES = 20_000
const MAX_AGE_MS = 5_000
const system = systemActor(
  'system_restricted',
  'a key is looked up, with its owner and the grant of an app behind it, before it is known whose it is',
)
/** How long a connection stays whose key could not be judged, before that is tried again. */
const ASKED_AGAIN_MS = 15_000
/** Reading the clock for each request costs more than an age that is a little off. */
const CLOCK_MS = 250

/**
 * Validates the key of each request in full, with the rows from a bounded cache of at most 5 s: expiry,
 * status and scope are judged anew every time, and the rows fall as soon as the change feed speaks of them
 * (ID-61…ID-66, ID-222). Never rejects and never answers.
 */
export class KeyValidator implements Disposable {
  readonly #context: AppContext
  readonly #rows = new KeyRows<KeptKey>({ max: MAX_ENTRIES, ttl: MAX_AGE_MS })
  readonly #subjects: SharedSubjects
  /** Whole rows of users who have asked for themselves, which is what dashboards and clients do first. */
  readonly #users = new LRUCache<string, UserWithOrganizations>({
    max: MAX_ENTRIES,
    ttl: MAX_AGE_MS,
    ttlResolution: CLOCK_MS,
  })
  readonly #renewal: KeyRenewal<KeptKey>
  readonly #batches: KeyBatches
  readonly #touches: KeyTouches
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
    this.#subjects = new SharedSubjects(roleOptions(context), MAX_ENTRIES)
    this.#onDrop = parts.onDrop
    this.#refreshUpstream = parts.refreshUpstream
    this.#proofs = parts.proofs
    this.#batches = new KeyBatches((ids) => findKeysWithStanding(system, context.database.db, ids))
    this.#touches = new KeyTouches((userId, uses) => touchKeys(system, context.database.db, userId, uses))
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
        else if (event.kind === 'api_key' && typeof event.data.id === 'string')
          this.#dropKey(event.key, event.data.id)
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

  /** Forgets one key that has changed; what is known of others of its user holds. */
  #dropKey(userId: string, id: string): void {
    this.#generation += 1
    this.#rows.dropKey(id)
    this.#onDrop(userId)
  }

  /** Forgets what is known of everybody's keys; called at once by what changes whole organizations on this replica. */
  dropAll(): void {
    this.#clear()
  }

  /**
   * Until when, in Unix milliseconds, a key would be accepted if nothing happens; what has passed for one that is not.
   * Trouble with the database or a login provider ends nobody's session (ID-215): it is to be asked for again soon.
   */
  async holdsUntil(keyId: string): Promise<number> {
    const now = this.#context.clock.now()
    try {
      const found = await this.#batches.load(keyId)
      if (found === undefined || found.standing.status === 'suspended') return 0
      if (endOfKey(found.key, this.#lifetimes) <= now.getTime()) return 0
      const linked = await this.#withUpstream({ ...found, known: undefined }, now)
      if (!('ok' in linked)) return endOfRow(linked, this.#lifetimes)
      if (linked.status === 401) return 0
    } catch (error) {
      this.#context.log.warn('a key could not be looked at again', { error: describeError(error) })
    }
    return now.getTime() + ASKED_AGAIN_MS
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

  /**
   * Decides what the credential is worth (ID-62); at once when this very token was found good on the same rows.
   *
   * @param isUse false where only an open connection is looked at again: that extends no session (ID-211).
   */
  validate(
    credential: Credential | undefined,
    request: RequestContext,
    isUse = true,
  ): Precheck | Promise<Precheck> {
    if (credential === undefined)
      return refused('no-credential', 'Cookie "coder_session_token" or query parameter must be provided.')
    if (request.queryTokens.length > 0 && isMcpEndpoint(request.route))
      return refused('invalid', 'Tokens are not accepted in the query of this address: send a header.')
    const token = typeof credential === 'string' ? credential : credential.token
    const parsed = parseToken(token)
    if (parsed === undefined) return refused('invalid', 'Invalid API key format: it must be <id>-<secret>.')
    const known = this.#context.database.feed.connected ? this.#rows.get(parsed.id)?.known : undefined
    if (
      known === undefined ||
      !sameSecret(known.secret, parsed.secret) ||
      this.#context.clock.now().getTime() > known.holdsUntil
    )
      return this.#validateInFull(parsed, credential, request, isUse)
    request.apiKeyId = known.outcome.key.id
    known.asked = true
    return known.oauth === undefined && typeof credential === 'string'
      ? known.outcome
      : this.#onRequest(known, credential, request)
  }

  /** The row of a key that somebody used since the last call. */
  #asked(id: string): KeptKey | undefined {
    const row = this.#rows.get(id)
    if (row?.known?.asked !== true) return undefined
    row.known.asked = false
    return row
  }

  async #validateInFull(
    parsed: { readonly id: string; readonly secret: string },
    credential: Credential,
    request: RequestContext,
    isUse: boolean,
  ): Promise<Precheck> {
    try {
      const found = await this.#find(parsed.id)
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
      const fresh = isUse ? await this.#touch(linked, now, request.remoteAddress) : linked
      if (fresh === undefined) {
        // The key was ended while this request was looked at: what it is now decides.
        this.#rows.forget(linked.key.id, linked)
        return await this.#validateInFull(parsed, credential, request, isUse)
      }
      fresh.known = knownOf(fresh, parsed.secret, {
        subject: this.#subjects.subjectOf(fresh),
        oauth: oauthTokenOf(fresh, this.#context.accessUrl()),
        lifetimes: this.#lifetimes,
      })
      return await this.#onRequest(fresh.known, credential, request)
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
  async #withUpstream(found: KeptKey, now: Date): Promise<KeptKey | Extract<Precheck, { ok: false }>> {
    const loginType = providerOf(found.key.login_type)
    if (loginType === undefined) return found
    const { upstream } = found
    if (upstream === undefined) return noLink()
    if (endOfUpstream(upstream) > now.getTime()) return found
    if (!upstream.refreshes) return endedForGood(loginType, upstream)
    const outcome = await this.#refreshUpstream({ userId: found.key.user_id, loginType })
    if (outcome.kind !== 'fresh') return notRefreshed(loginType, outcome)
    const fresh = { ...found, upstream: { ...upstream, expiresAt: outcome.expiresAt }, known: undefined }
    this.#rows.replace(found.key.id, found, fresh)
    return fresh
  }

  /** The row of a key, read anew where a session has been idle here for too long: another replica may know better. */
  async #find(id: string): Promise<KeptKey | undefined> {
    const found = await this.#load(id)
    if (found?.known === undefined || this.#lifetimes.sessionIdleTimeout <= 0) return found
    if (endOfKey(found.key, this.#lifetimes) > this.#context.clock.now().getTime()) return found
    this.#rows.forget(id, found)
    return this.#load(id)
  }

  async #load(id: string): Promise<KeptKey | undefined> {
    const usable = this.#context.database.feed.connected
    const cached = usable ? this.#rows.get(id) : undefined
    if (cached !== undefined) return cached
    const generation = this.#generation
    const found = await this.#batches.load(id)
    if (found === undefined) return undefined
    const row = { ...this.#subjects.share(found), known: undefined }
    // A change that arrived while the row was read may be newer than the row.
    if (usable && generation === this.#generation) {
      this.#rows.set(id, row)
      this.#renewal.kept(id)
    }
    return row
  }

  /** Writes what is due of a use; resolves to nothing when the key has been ended meanwhile. */
  async #touch(found: KeptKey, now: Date, remoteAddress: string): Promise<KeptKey | undefined> {
    const { key } = found
    const due = dueTouch(key, this.#lifetimes, now)
    if (due === undefined) return found
    const { expiresAt } = due
    const holds = await this.#touches.note(key.user_id, {
      id: key.id,
      now,
      ipAddress: remoteAddress,
      expiresAt,
    })
    if (!holds) return undefined
    const fresh = {
      ...found,
      key: { ...key, last_used: now, expires_at: expiresAt ?? key.expires_at },
      known: undefined,
    }
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
