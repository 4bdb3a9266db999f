import { setTimeout as delay } from 'node:timers/promises'

import { LRUCache } from 'lru-cache'

import type { ExternalAuthUser } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { type Actor, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type Validation, validateToken } from './provider-api.ts'
import { type Provider, Providers } from './providers.ts'
import { Refresher } from './refresher.ts'
import { type DeclaredProvider, findLink, type LinkRow, listLinks } from './store.ts'
import { type LinkTokens, openTokens } from './tokens.ts'

/** A link, refreshed and validated. */
export type Checked =
  | {
      readonly authenticated: true
      readonly link: LinkRow
      readonly tokens: LinkTokens
      /** Whose the token is, where the provider says so. */
      readonly user: ExternalAuthUser | null
    }
  | { readonly authenticated: false; readonly link: LinkRow; readonly reason: string }

/** A provider that a template asks for, as its user is connected to it. */
interface Requirement extends DeclaredProvider {
  /** Undefined when it is not configured any more. */
  readonly provider: Provider | undefined
  readonly authenticated: boolean
  /** The user's token when authenticated. */
  readonly accessToken: string | undefined
}

/** Tokens are refreshed this long before they end, so that what gets one can still use it (L-35). */
const EARLY_MS = 5 * 60_000
/** Of short lives only the last quarter counts, or each reading would refresh. */
const EARLY_PART = 4
/** A reader waits so long for an early refresh, and then takes the token that is there. */
const EARLY_WAIT_MS = 2_000
const EARLY_RETRY_MS = 60_000
const WARN_EVERY_MS = 60_000
/** Copies of GitHub's database may know a fresh token a moment late (ID-188). */
const LAG = { type: 'github', pauseMs: 100, allMs: 1_000 }

/** The connections of users to providers, for everything that needs a token of them (ID §14). */
export class ExternalAuth implements AsyncDisposable {
  readonly providers: Providers
  readonly #context: AppContext
  readonly #refresher: Refresher
  /** When each provider's rate limit was last complained about. */
  readonly #warned = new Map<string, number>()
  readonly #earlyFailures = new LRUCache<string, true>({ max: 10_000, ttl: EARLY_RETRY_MS })
  readonly #closed = new AbortController()

  /** @throws Error with a message for the operator when a provider lacks addresses. */
  constructor(context: AppContext) {
    this.#context = context
    this.providers = new Providers(context.config.externalAuthProviders)
    this.#refresher = new Refresher(context)
  }

  /** Aborted when the server ends. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /**
   * Refreshes a link where it is time, and asks the provider whether its token is good (ID-188, ID-189). What is
   * refreshed is stored before it is validated, because the old refresh token is spent by then (ID-190).
   *
   * @throws ProviderError when the provider cannot be asked.
   */
  async check(provider: Provider, link: LinkRow): Promise<Checked> {
    const unusable = (reason: string, of = link): Checked => ({ authenticated: false, link: of, reason })
    if (!this.#isReadable(link))
      return unusable('The stored token cannot be read, because its key is not configured any more.')
    const fresh = await this.#fresh(provider, link)
    if (fresh === undefined) return unusable('The connection was removed.')
    const reason = this.#expiry(provider, fresh)
    if (reason !== undefined) return unusable(reason, fresh)
    const tokens = openTokens(this.#context, fresh)
    const validation = await this.#validate(provider, tokens, fresh.generation !== link.generation)
    return validation.kind === 'invalid'
      ? unusable('The provider does not accept the token any more.', fresh)
      : {
          authenticated: true,
          link: fresh,
          tokens,
          user: validation.kind === 'valid' ? validation.user : null,
        }
  }

  /**
   * How a user is connected to what a template asks for; for callers who have been allowed to act for that user
   * (WS-113, WS-131). An expired or refused token is a connection that is missing.
   *
   * @throws ProviderError when a provider cannot be asked.
   */
  async requirements(userId: string, declared: readonly DeclaredProvider[]): Promise<Requirement[]> {
    if (declared.length === 0) return []
    const coordinator = systemActor(
      'external_auth_coordinator',
      'a workspace is made and built with what its owner is connected to',
    )
    const links = await listLinks(coordinator, this.#context.database.db, userId)
    return Promise.all(
      declared.map(async ({ id, optional }) => {
        const provider = this.providers.find(id)
        const link = links.find((one) => one.provider_id === id)
        const checked =
          provider === undefined || link === undefined ? undefined : await this.check(provider, link)
        return checked?.authenticated === true
          ? { id, optional, provider, authenticated: true, accessToken: checked.tokens.accessToken }
          : { id, optional, provider, authenticated: false, accessToken: undefined }
      }),
    )
  }

  /** A user's checked link to a provider; undefined without one. @throws ApiError 403, ProviderError. */
  async find(actor: Actor, provider: Provider, userId: string): Promise<Checked | undefined> {
    const link = await findLink(actor, this.#context.database.db, {
      user_id: userId,
      provider_id: provider.id,
    })
    return link === undefined ? undefined : this.check(provider, link)
  }

  /** Page on which users connect to a provider. */
  pageOf(provider: Provider): string {
    return `${this.#context.accessUrl().replace(/\/+$/, '')}/external-auth/${provider.id}`
  }

  /** Connecting again replaces what cannot be read, so it must not get in the way of anything. */
  #isReadable(link: LinkRow): boolean {
    try {
      openTokens(this.#context, link)
      return true
    } catch (error) {
      this.#context.log.warn('a stored token cannot be read', {
        provider: link.provider_id,
        user_id: link.user_id,
        error: describeError(error),
      })
      return false
    }
  }

  /** Why a token cannot be used any more; undefined while it has not expired. */
  #expiry(provider: Provider, link: LinkRow): string | undefined {
    if (link.expires_at === null || this.#context.clock.now() < link.expires_at) return undefined
    if (provider.noRefresh) return 'token expired and refreshing is disabled'
    if (link.refresh_failure !== '')
      return `token expired and could not be refreshed: ${link.refresh_failure}`
    if (!link.has_refresh_token) return 'token expired and the provider gave none to refresh it with'
    return 'token expired'
  }

  async #fresh(provider: Provider, link: LinkRow): Promise<LinkRow | undefined> {
    const { expires_at: end } = link
    if (end === null || provider.noRefresh || !link.has_refresh_token || link.refresh_failure !== '')
      return link
    const left = end.getTime() - this.#context.clock.now().getTime()
    if (left <= 0) return this.#refresher.refresh(provider, link)
    const life = end.getTime() - link.updated_at.getTime()
    return left < Math.min(EARLY_MS, life / EARLY_PART) ? this.#freshEarly(provider, link) : link
  }

  /** The token is still good: a provider that is slow or away must not hold anybody up. */
  async #freshEarly(provider: Provider, link: LinkRow): Promise<LinkRow | undefined> {
    const key = `${link.user_id} ${link.provider_id} ${link.generation}`
    if (this.#earlyFailures.has(key)) return link
    const waited = new AbortController()
    const refreshed = this.#refresher.refresh(provider, link).catch((error: unknown) => {
      this.#earlyFailures.set(key, true)
      this.#context.log.warn('a token could not be refreshed before its end', {
        provider: provider.id,
        error: describeError(error),
      })
      return link
    })
    const patience = delay(EARLY_WAIT_MS, link, { signal: waited.signal }).catch(() => link)
    try {
      return await Promise.race([refreshed, patience])
    } finally {
      waited.abort()
    }
  }

  async #validate(provider: Provider, tokens: LinkTokens, justRefreshed: boolean): Promise<Validation> {
    const deadline = performance.now() + LAG.allMs
    for (;;) {
      const validation = await validateToken(this.#context.outbound, provider, tokens.accessToken)
      if (validation.kind === 'rate-limited') this.#warn(provider, validation.status)
      const late = validation.kind === 'invalid' && justRefreshed && provider.type === LAG.type
      if (!late || performance.now() + LAG.pauseMs > deadline) return validation
      await delay(LAG.pauseMs)
    }
  }

  #warn(provider: Provider, status: number): void {
    const now = performance.now()
    const last = this.#warned.get(provider.id)
    if (last !== undefined && now - last < WARN_EVERY_MS) return
    this.#warned.set(provider.id, now)
    this.#context.log.warn('a provider limits the validation of tokens, which are taken to be valid', {
      provider: provider.id,
      status,
    })
  }

  /** Ends those who wait for a connection, and lets refreshes that are under way finish. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort()
    await this.#refresher[Symbol.asyncDispose]()
  }
}
