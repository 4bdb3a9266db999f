import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import type { UpstreamRefresh, UpstreamRefreshOutcome } from '../identity/index.ts'
import { refreshTokens, TokenEndpointError, type TokenSet } from '../oauth-flow/index.ts'
import type { SyncClaims } from './enter.ts'
import { githubFlowClient } from './github-api.ts'
import { readClaims } from './oidc-arrival.ts'
import type { OidcProvider, SignInProvider } from './provider.ts'
import type { Providers } from './providers.ts'
import { openRefreshToken, sealTokens } from './sealed-tokens.ts'
import {
  acquireRefreshLease,
  endLink,
  findLink,
  type LinkedType,
  type LinkRow,
  releaseRefreshLease,
  saveClaims,
  saveRenewed,
} from './store/links.ts'

/** Longer than any renewal takes; then another replica may try. */
const LEASE_SECONDS = 30
/** How long others are waited for, in milliseconds. */
const PATIENCE_MS = 15_000
const FIRST_PAUSE_MS = 50
const LAST_PAUSE_MS = 500

const coordinator = systemActor(
  'external_auth_coordinator',
  'tokens of login providers are renewed for their owners',
)

interface Link {
  readonly userId: string
  readonly type: LinkedType
}

/**
 * Renews the token of a sign-in whose provider has ended it (ID-65). One renewal at a time for each user: in this process
 * because all who ask wait for the same one, which goes on when they leave, and between replicas by a lease on the link,
 * since a refresh token may be usable once. A new ID token takes the place of the stored claims, and the syncs run again
 * (L-31).
 *
 * @param earlyMs how long before its end a token counts as ended.
 */
export function upstreamRefresh(
  context: AppContext,
  providers: Providers,
  syncClaims: SyncClaims,
  earlyMs = 0,
): UpstreamRefresh {
  const running = new Map<string, Promise<UpstreamRefreshOutcome>>()
  return ({ userId, loginType }) => {
    const key = `${loginType} ${userId}`
    const known = running.get(key)
    if (known !== undefined) return known
    const renewal = renewOnce(context, providers, syncClaims, { userId, type: loginType }, earlyMs)
      .catch((cause: unknown): UpstreamRefreshOutcome => ({ kind: 'failed', cause }))
      .finally(() => running.delete(key))
    running.set(key, renewal)
    return renewal
  }
}

async function renewOnce(
  context: AppContext,
  providers: Providers,
  syncClaims: SyncClaims,
  link: Link,
  earlyMs: number,
): Promise<UpstreamRefreshOutcome> {
  const { db } = context.database
  const lease = randomUUID()
  const deadline = Date.now() + PATIENCE_MS
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LAST_PAUSE_MS)) {
    const now = new Date(context.clock.now().getTime() + earlyMs)
    const row = await acquireRefreshLease(coordinator, db, link, { id: lease, seconds: LEASE_SECONDS, now })
    if (row !== undefined) return renewHeld(context, providers, syncClaims, link, row, lease)
    const current = await findLink(coordinator, db, link.userId, link.type)
    if (current === undefined) return { kind: 'refused', detail: 'The account is not linked any more.' }
    if (current.oauth_expiry === null || current.oauth_expiry > now)
      return { kind: 'fresh', expiresAt: current.oauth_expiry ?? undefined }
    if (Date.now() > deadline)
      return { kind: 'failed', cause: new Error('another replica holds the renewal and does not finish it') }
    await delay(pause)
  }
}

/** Renews while the lease is held, and gives it back whatever happens. */
async function renewHeld(
  context: AppContext,
  providers: Providers,
  syncClaims: SyncClaims,
  link: Link,
  row: LinkRow,
  lease: string,
): Promise<UpstreamRefreshOutcome> {
  let saved = false
  try {
    const provider = await providers.find(link.type, row.provider === '' ? link.type : row.provider)
    if (provider === undefined)
      return {
        kind: 'unconfigured',
        detail: `Unable to refresh OAuth token for login type ${JSON.stringify(link.type)}. No provider of that type is configured.`,
      }
    const refreshToken = openRefreshToken(context, link, row)
    if (refreshToken === undefined)
      return { kind: 'refused', detail: 'The provider gave no refresh token. Sign in again.' }
    const tokens = await redeem(context, providers, provider, refreshToken)
    saved = await store(context, providers, syncClaims, { link, row, lease, provider, tokens })
    if (saved) return { kind: 'fresh', expiresAt: tokens.expiresAt }
    // A sign-in has stored newer tokens meanwhile.
    const current = await findLink(coordinator, context.database.db, link.userId, link.type)
    return { kind: 'fresh', expiresAt: current?.oauth_expiry ?? undefined }
  } catch (error) {
    if (error instanceof TokenEndpointError && error.refused)
      return { kind: 'refused', detail: error.message }
    if (error instanceof ApiError && error.status < 500)
      return { kind: 'refused', detail: [error.message, error.detail].filter(Boolean).join(' ') }
    return { kind: 'failed', cause: error }
  } finally {
    if (!saved) await releaseRefreshLease(coordinator, context.database.db, link, lease)
  }
}

async function redeem(
  context: AppContext,
  providers: Providers,
  provider: SignInProvider,
  refreshToken: string,
): Promise<TokenSet> {
  const client =
    provider.kind === 'oidc' ? await providers.issuerOf(provider).flowClient() : githubFlowClient(provider)
  return refreshTokens(context.outbound, client, refreshToken, context.clock.now())
}

/** Stores what a renewal gave; resolves to whether the lease still held. @throws ApiError when it is not to be accepted. */
async function store(
  context: AppContext,
  providers: Providers,
  syncClaims: SyncClaims,
  renewal: {
    readonly link: Link
    readonly row: LinkRow
    readonly lease: string
    readonly provider: SignInProvider
    readonly tokens: TokenSet
  },
): Promise<boolean> {
  const { link, row, lease, provider, tokens } = renewal
  const { db } = context.database
  // First of all: the old refresh token may be spent, whatever becomes of the claims.
  const held = await saveRenewed(coordinator, db, link, lease, {
    ...sealTokens(context, link, tokens),
    expiresAt: tokens.expiresAt,
  })
  if (!held || provider.kind !== 'oidc' || tokens.idToken === undefined) return held
  try {
    await renewClaims(context, providers, syncClaims, { link, row, provider, tokens })
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) {
      await endLink(coordinator, db, link, context.clock.now())
      throw error
    }
    context.log.warn('claims of a renewed sign-in could not be read; the former ones stay', {
      user_id: link.userId,
      provider: provider.id,
      error: describeError(error),
    })
  }
  return true
}

/** Takes over what a new ID token says (L-31). @throws ApiError when it does not hold or is of somebody else. */
async function renewClaims(
  context: AppContext,
  providers: Providers,
  syncClaims: SyncClaims,
  renewal: {
    readonly link: Link
    readonly row: LinkRow
    readonly provider: OidcProvider
    readonly tokens: TokenSet
  },
): Promise<void> {
  const { link, row, provider, tokens } = renewal
  const { sources } = await readClaims(providers.issuerOf(provider), provider, tokens, {
    linkedId: row.linked_id === '' || provider.emailFallback ? undefined : row.linked_id,
  })
  await context.database.transaction(async (tx) => {
    await saveClaims(coordinator, tx, link, sources)
    await syncClaims(context, tx, { userId: link.userId, loginType: 'oidc' }, sources.merged_claims)
  })
}
