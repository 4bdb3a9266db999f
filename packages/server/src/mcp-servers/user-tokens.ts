import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { describeError } from '@slipway/request-log'
import { actorForUser, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { TokenEndpointError, type TokenSet } from '../oauth-flow/index.ts'
import { grantedScope, renew } from './oauth/authorize.ts'
import { scopeUnion } from './oauth/challenge.ts'
import type { Guarded } from './oauth/http.ts'
import { revoke } from './oauth/revoke.ts'
import { destinationOf, oauthClientOf } from './oauth-client.ts'
import { openTokens, sealTokens, type UserTokens } from './sealed.ts'
import type { ConfigRow } from './store/configs.ts'
import {
  endRefresh,
  findTokens,
  listTokens,
  noteChallenge,
  type RefreshOutcome,
  type StoredTokens,
  type TokenRow,
  takeRefreshLease,
} from './store/tokens.ts'

/** Tokens that end within this time count as ended (OA-112). */
const EARLY_MS = 10_000
/** Much longer than a refresh may take: a lease that is older belongs to a replica that is gone. */
const LEASE_SECONDS = 60
const PATIENCE_MS = 20_000
const POLL_MS = { first: 50, longest: 500 }
const SAVE_TRIES = 5
const MAX_REASON = 400
/** Connections in a row after which a server that still wants more is not believed any more (OA-B24). */
const MAX_STEP_UPS = 3

/** Codes with which an authorization server refuses a refresh for good (OA-112). */
const PERMANENT = new Set(['invalid_grant', 'bad_refresh_token'])

const reader = systemActor('chatd', 'MCP servers are called with the tokens of the user they are called for')

/** What a user may call a server with. */
export interface UsableTokens {
  readonly row: TokenRow
  readonly tokens: UserTokens
}

/**
 * The tokens that users have for MCP servers (OA-112). Each is refreshed at most once at a time among all replicas, because
 * many authorization servers take a refresh token only once. A refresh belongs to no request: it goes on when who
 * asked for it has gone, or the new tokens would be lost with the old ones.
 */
export class UserTokenKeeper implements AsyncDisposable {
  readonly #context: AppContext
  readonly #guarded: Guarded
  readonly #running = new Map<string, Promise<TokenRow | undefined>>()
  readonly #closed = new AbortController()

  constructor(context: AppContext, guarded: Guarded) {
    this.#context = context
    this.#guarded = guarded
  }

  /** Ids of those of these configs that a user can use without connecting first (OA-112). */
  async connected(userId: string, configs: readonly ConfigRow[]): Promise<ReadonlySet<string>> {
    const oauth = configs.filter((config) => config.auth_type === 'oauth2')
    const ids = oauth.map(({ id }) => id)
    const rows = await listTokens(reader, this.#context.database.db, userId, ids)
    const usable = await Promise.all(
      rows.map(async (row) => {
        const config = oauth.find((one) => one.id === row.config_id && isFor(one, row))
        const tokens = config === undefined ? undefined : await this.#usable(config, row)
        return tokens !== undefined && !wantsStepUp(tokens.row) ? [row.config_id] : []
      }),
    )
    return new Set([
      ...configs.filter(({ auth_type: type }) => type !== 'oauth2').map(({ id }) => id),
      ...usable.flat(),
    ])
  }

  /** What a user may call a server with now; undefined when they have to connect first. */
  async usable(userId: string, config: ConfigRow): Promise<UsableTokens | undefined> {
    const row = await this.#find(userId, config)
    return row === undefined ? undefined : this.#usable(config, row)
  }

  /** Other tokens after a server has refused these; undefined when there are none. */
  async renewed(config: ConfigRow, refused: UsableTokens): Promise<UsableTokens | undefined> {
    const row = await this.#refreshed(config, refused.row)
    return row === undefined || isSame(row, refused.row) ? undefined : this.#open(row)
  }

  /**
   * Notes that a server wants other scopes than a user has (OA-B24).
   *
   * @returns whether connecting again may help: not when that has been tried too often.
   */
  async challenged(config: ConfigRow, { row }: UsableTokens, scope: string | undefined): Promise<boolean> {
    const wanted = scopeUnion(config.oauth2_scopes, row.scope, row.challenged_scope, scope).slice(0, 4096)
    const writer = actorForUser('chatd_token_owner', row.user_id, 'a server asks for more than it was given')
    await noteChallenge(writer, this.#context.database.db, row, wanted)
    const noted = await this.#find(row.user_id, config)
    return noted !== undefined && wantsStepUp(noted)
  }

  async #find(userId: string, config: ConfigRow): Promise<TokenRow | undefined> {
    const key = { user_id: userId, config_id: config.id }
    const row = await findTokens(reader, this.#context.database.db, key)
    return row !== undefined && isFor(config, row) ? row : undefined
  }

  async #usable(config: ConfigRow, row: TokenRow): Promise<UsableTokens | undefined> {
    if (row.tokens === null) return undefined
    const left =
      row.expires_at === null
        ? Number.POSITIVE_INFINITY
        : row.expires_at.getTime() - this.#context.clock.now().getTime()
    if (left > EARLY_MS) return this.#open(row)
    const fresh = await this.#refreshed(config, row)
    if (fresh !== undefined && !isSame(fresh, row)) return this.#open(fresh)
    // Nothing came of it, but the last seconds are still good.
    return left > 0 && fresh !== undefined ? this.#open(row) : undefined
  }

  #open(row: TokenRow): UsableTokens | undefined {
    try {
      const tokens = openTokens(this.#context, row)
      return tokens === undefined ? undefined : { row, tokens }
    } catch (error) {
      this.#warn('a stored token cannot be read', row, error)
      return undefined
    }
  }

  /** The row after a refresh; the same one when it could not be refreshed now, undefined when it is gone. */
  async #refreshed(config: ConfigRow, row: TokenRow): Promise<TokenRow | undefined> {
    if (!row.has_refresh_token || row.refresh_failure !== '') return row
    const key = `${row.user_id} ${row.config_id}`
    let running = this.#running.get(key)
    if (running === undefined) {
      if (this.#closed.signal.aborted) return row
      running = this.#run(config, row).finally(() => this.#running.delete(key))
      this.#running.set(key, running)
      // Who asked may have stopped listening.
      running.catch(() => undefined)
    }
    try {
      return await running
    } catch (error) {
      this.#warn('a token could not be refreshed', row, error)
      return row
    }
  }

  async #run(config: ConfigRow, row: TokenRow): Promise<TokenRow | undefined> {
    const { db } = this.#context.database
    const writer = actorForUser('chatd_token_owner', row.user_id, 'tokens are refreshed for their user')
    const lease = { id: randomUUID(), seconds: LEASE_SECONDS }
    const deadline = performance.now() + PATIENCE_MS
    for (let pause = POLL_MS.first; ; pause = Math.min(pause * 2, POLL_MS.longest)) {
      if (await takeRefreshLease(writer, db, row, lease)) {
        await this.#hold(config, row, lease.id)
        return this.#find(row.user_id, config)
      }
      const current = await this.#find(row.user_id, config)
      if (current === undefined || !isSame(current, row)) return current
      if (performance.now() > deadline) throw new Error('another replica does not finish to refresh it')
      await delay(pause, undefined, { signal: this.#closed.signal })
    }
  }

  /** Refreshes while the lease is held, and gives it back whatever happens. */
  async #hold(config: ConfigRow, row: TokenRow, leaseId: string): Promise<void> {
    let outcome: RefreshOutcome = { kind: 'failed' }
    let fresh: UserTokens | undefined
    try {
      const answer = await this.#ask(config, row)
      if ('refusal' in answer) outcome = { kind: 'refused', reason: answer.refusal.slice(0, MAX_REASON) }
      else {
        fresh = answer.fresh
        outcome = { kind: 'refreshed', tokens: sealTokens(this.#context, row, answer.fresh) }
      }
    } finally {
      await this.#save(config, row, leaseId, outcome, fresh)
    }
  }

  async #ask(
    config: ConfigRow,
    row: TokenRow,
  ): Promise<
    | { readonly refusal: string }
    | { readonly fresh: UserTokens & Pick<StoredTokens, 'destination' | 'expiresAt' | 'scope'> }
  > {
    const stored = openTokens(this.#context, row)
    if (stored?.refreshToken === undefined) throw new Error('there is no refresh token to refresh with')
    let answer: TokenSet
    try {
      const client = oauthClientOf(this.#context, config)
      answer = await renew(this.#guarded, client, stored.refreshToken, this.#context.clock.now())
    } catch (error) {
      if (error instanceof TokenEndpointError && error.code !== undefined && PERMANENT.has(error.code))
        return { refusal: error.message || error.code }
      throw error
    }
    return {
      fresh: {
        destination: row.destination,
        accessToken: answer.accessToken,
        refreshToken: answer.refreshToken ?? stored.refreshToken,
        expiresAt: answer.expiresAt,
        scope: grantedScope(answer, row.scope),
      },
    }
  }

  /** The old refresh token may be spent by now, so a database that falters is given some time. */
  async #save(
    config: ConfigRow,
    row: TokenRow,
    leaseId: string,
    outcome: RefreshOutcome,
    fresh: UserTokens | undefined,
  ): Promise<void> {
    const writer = actorForUser('chatd_token_owner', row.user_id, 'tokens are refreshed for their user')
    for (let tries = 1; ; tries += 1)
      try {
        const stored = await endRefresh(writer, this.#context.database.db, row, leaseId, outcome)
        // Who has disconnected meanwhile wants no token to be left.
        if (!stored && fresh !== undefined && config.oauth2_revocation_url !== '')
          await revoke(
            this.#guarded,
            config.oauth2_revocation_url,
            oauthClientOf(this.#context, config).client,
            fresh,
          )
        return
      } catch (error) {
        if (tries === SAVE_TRIES || this.#closed.signal.aborted) throw error
        await delay(POLL_MS.longest)
      }
  }

  #warn(message: string, row: TokenRow, error: unknown): void {
    this.#context.log.warn(message, {
      mcp_server: row.config_id,
      user_id: row.user_id,
      error: describeError(error),
    })
  }

  /** Waits for refreshes that are under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await Promise.allSettled(this.#running.values())
  }
}

/** Whether tokens were given for this config as it is here: an edit may have sent them elsewhere (OA-106). */
function isFor(config: ConfigRow, row: TokenRow): boolean {
  return row.destination === destinationOf(config)
}

/** Whether nothing has replaced these tokens. */
function isSame(one: TokenRow, other: TokenRow): boolean {
  if (one.generation !== other.generation) return false
  return one.tokens === null || other.tokens === null
    ? one.tokens === other.tokens
    : one.tokens.equals(other.tokens)
}

/** Whether the server has refused these tokens for their scopes, and connecting again may help. */
function wantsStepUp(row: TokenRow): boolean {
  return row.challenged_generation === row.generation && row.step_ups < MAX_STEP_UPS
}
