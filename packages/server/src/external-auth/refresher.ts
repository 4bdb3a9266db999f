import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { refreshTokens, TokenEndpointError, type TokenSet } from '../oauth-flow/index.ts'
import { flowClient, ProviderError } from './provider-api.ts'
import type { Provider } from './providers.ts'
import { endRefresh, findLink, type LinkRow, type RefreshOutcome, takeRefreshLease } from './store.ts'
import { keptOf, openTokens, sealTokens } from './tokens.ts'

/** Much longer than a refresh may take: a lease that is older belongs to a replica that is gone. */
const LEASE_SECONDS = 60
const RETRY_MS = { first: 250, longest: 2_000, all: 10_000 }
const POLL_MS = { first: 50, longest: 500 }
const SAVE_TRIES = 5
const MAX_REASON = 400

/** Codes with which a provider refuses for good, by RFC 6749 section 5.2 and by GitHub (ID-189). */
const PERMANENT = new Set([
  'bad_refresh_token',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'incorrect_client_credentials',
  'invalid_client',
])
/** Codes of RFC 6749 section 4.1.2.1 that speak of the moment, whatever their status. */
const TRANSIENT = new Set(['server_error', 'temporarily_unavailable', 'slow_down'])

/**
 * Refreshes tokens, each at most once at a time among all replicas (ID-191), because many providers take a refresh
 * token only once. A refresh belongs to no request: it goes on when who asked for it has gone, or the new tokens would
 * be lost with the old ones (L-35).
 */
export class Refresher implements AsyncDisposable {
  readonly #context: AppContext
  readonly #running = new Map<string, Promise<LinkRow | undefined>>()
  readonly #closed = new AbortController()
  readonly #actor = systemActor(
    'external_auth_coordinator',
    'tokens are refreshed for their user by the server',
  )

  constructor(context: AppContext) {
    this.#context = context
  }

  /**
   * The link once these tokens have been refreshed, by this replica or by another one, or have been refused for good;
   * undefined when it was deleted meanwhile. A link without a refresh token must not be given.
   *
   * @throws ProviderError when the provider cannot be asked now.
   */
  refresh(provider: Provider, link: LinkRow): Promise<LinkRow | undefined> {
    const key = `${link.user_id} ${link.provider_id}`
    let running = this.#running.get(key)
    if (running === undefined) {
      if (this.#closed.signal.aborted) return Promise.reject(new ProviderError('the server is about to end'))
      running = this.#run(provider, link).finally(() => this.#running.delete(key))
      this.#running.set(key, running)
      // Who asked may have stopped listening.
      running.catch(() => undefined)
    }
    return running
  }

  async #run(provider: Provider, link: LinkRow): Promise<LinkRow | undefined> {
    const { db } = this.#context.database
    const lease = { id: randomUUID(), seconds: LEASE_SECONDS }
    const deadline = performance.now() + LEASE_SECONDS * 2_000
    for (let pause = POLL_MS.first; ; pause = Math.min(pause * 2, POLL_MS.longest)) {
      if (await takeRefreshLease(this.#actor, db, link, lease)) return this.#hold(provider, link, lease.id)
      const current = await findLink(this.#actor, db, link)
      if (current === undefined || current.generation !== link.generation) return current
      if (performance.now() > deadline)
        throw new ProviderError(`another replica has not finished to refresh the token of ${provider.id}`)
      await this.#pause(pause)
    }
  }

  /** Refreshes while the lease is held, and gives it back whatever happens. */
  async #hold(provider: Provider, link: LinkRow, leaseId: string): Promise<LinkRow | undefined> {
    let outcome: RefreshOutcome = { kind: 'failed' }
    try {
      outcome = await this.#outcome(provider, link)
    } finally {
      await this.#save(link, leaseId, outcome)
    }
    return findLink(this.#actor, this.#context.database.db, link)
  }

  async #outcome(provider: Provider, link: LinkRow): Promise<RefreshOutcome> {
    const tokens = openTokens(this.#context, link)
    if (tokens.refreshToken === undefined) throw new Error('there is no refresh token to refresh with')
    const answer = await this.#ask(provider, tokens.refreshToken)
    if ('refusal' in answer)
      return {
        kind: 'refused',
        reason: answer.refusal.slice(0, MAX_REASON),
        tokens: sealTokens(
          this.#context,
          link,
          { ...tokens, refreshToken: undefined },
          link.expires_at ?? undefined,
        ),
      }
    return {
      kind: 'refreshed',
      tokens: sealTokens(this.#context, link, keptOf(provider, answer, tokens), answer.expiresAt),
    }
  }

  /** @throws ProviderError when it is no use to try again at once. */
  async #ask(provider: Provider, refreshToken: string): Promise<TokenSet | { readonly refusal: string }> {
    const { outbound, clock } = this.#context
    const deadline = performance.now() + RETRY_MS.all
    for (let pause = RETRY_MS.first; ; pause = Math.min(pause * 2, RETRY_MS.longest)) {
      try {
        return await refreshTokens(outbound, flowClient(provider), refreshToken, clock.now())
      } catch (error) {
        if (!(error instanceof TokenEndpointError)) throw error
        if (isPermanent(error)) return { refusal: error.message }
        if (!isTransient(error) || performance.now() + pause > deadline)
          throw new ProviderError(`the token of ${provider.id} cannot be refreshed: ${error.message}`, {
            cause: error,
          })
        await this.#pause(pause)
      }
    }
  }

  /** The old refresh token may be spent by now, so a database that falters is given some time. */
  async #save(link: LinkRow, leaseId: string, outcome: RefreshOutcome): Promise<void> {
    for (let tries = 1; ; tries += 1)
      try {
        const stored = await endRefresh(this.#actor, this.#context.database.db, link, leaseId, outcome)
        if (!stored && outcome.kind !== 'failed')
          this.#context.log.info('a refreshed token was replaced in the meantime and is dropped', {
            provider: link.provider_id,
            user_id: link.user_id,
          })
        return
      } catch (error) {
        if (tries === SAVE_TRIES || this.#closed.signal.aborted) throw error
        await delay(POLL_MS.longest)
      }
  }

  /** @throws ProviderError when the server ends. */
  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closed.signal }).catch((cause: unknown) => {
      throw new ProviderError('the server is about to end', { cause })
    })
  }

  /** Waits for requests that are under way, and tries none again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await Promise.allSettled(this.#running.values())
  }
}

function isPermanent({ code, status, rateLimited }: TokenEndpointError): boolean {
  if (rateLimited || (code !== undefined && TRANSIENT.has(code))) return false
  if (code !== undefined && PERMANENT.has(code)) return true
  return status === 400 || status === 401 || (status === 200 && code !== undefined)
}

function isTransient({ code, status, rateLimited }: TokenEndpointError): boolean {
  return rateLimited || status === 0 || status >= 500 || (code !== undefined && TRANSIENT.has(code))
}
