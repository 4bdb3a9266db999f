import { randomUUIDv7 } from 'node:crypto'

import type { OAuth2TokenResponse } from '@slipway/contract'
import { actorForUser } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { newToken } from '../identity/index.ts'
import { newOAuthSecret, type OAuthClient } from '../oauth2-clients/index.ts'
import type { OAuth2Visit } from './audit-events.ts'
import { type Granted, insertGrant, type NewTokens } from './store/tokens.ts'

const MAX_USER_AGENT = 512

/** What a pair of tokens is made from. */
export interface Issue {
  readonly client: Pick<OAuthClient, 'id' | 'client_type' | 'grant_types'>
  readonly userId: string
  /** The secret that the client has proved itself with; null for public clients. */
  readonly secretId: string | null
  /** Of the access token. */
  readonly scopes: readonly string[]
  /** The key that the client has shown (RFC 9449). */
  readonly thumbprint: string | undefined
  /** The grant that is there already. */
  readonly grantId?: string
}

/** A new pair of tokens: what is stored and what the client gets, once. */
export interface MadeTokens {
  readonly stored: NewTokens
  readonly response: OAuth2TokenResponse
}

/** Makes a pair of tokens (OA-64, OA-65); nothing is stored yet. */
export function makeTokens(
  { config, clock }: AppContext,
  { context, raw }: OAuth2Visit,
  issue: Issue,
): MadeTokens {
  const { client, userId, thumbprint } = issue
  const key = newToken()
  const refresh = newOAuthSecret()
  const now = clock.now()
  const keyExpiresAt = new Date(now.getTime() + config.sessionDuration)
  const lifetimeSeconds = Math.max(1, Math.floor(config.sessionDuration / 1000))
  return {
    stored: {
      grantId: issue.grantId ?? randomUUIDv7(),
      keyId: key.id,
      keyHash: key.hashedSecret,
      keyName: `${userId}_${client.id}_oauth_session_token`,
      keyScopes: issue.scopes,
      keyExpiresAt,
      lifetimeSeconds,
      refreshPrefix: refresh.prefix,
      refreshHash: refresh.hash,
      // Who gets no refresh token holds nothing once the access token has ended.
      refreshExpiresAt: mayRefresh(client)
        ? new Date(now.getTime() + config.defaultOAuthRefreshLifetime)
        : keyExpiresAt,
      secretId: issue.secretId ?? undefined,
      keyThumbprint: thumbprint,
      // Who can keep a secret proves with that who they are; others prove it with the key.
      refreshThumbprint: client.client_type === 'public' ? thumbprint : undefined,
      now,
      ipAddress: context.remoteAddress,
      userAgent: (raw.headers['user-agent'] ?? '').slice(0, MAX_USER_AGENT),
    },
    response: {
      access_token: key.token,
      token_type: thumbprint === undefined ? 'Bearer' : 'DPoP',
      expires_in: lifetimeSeconds,
      ...(mayRefresh(client) ? { refresh_token: refresh.text } : {}),
      expiry: keyExpiresAt.toISOString(),
      scope: issue.scopes.join(' '),
    },
  }
}

/** Whether the client is registered for refresh tokens; one that is not gets none (RFC 7591). */
export function mayRefresh(client: Pick<OAuthClient, 'grant_types'>): boolean {
  return client.grant_types.includes('refresh_token')
}

/** Who stores and ends the tokens of a user, for clients that act in the user's name. */
export function minterOf(userId: string) {
  return actorForUser('oauth2_token_issuer', userId, 'the user has granted this to the client that asks')
}

/**
 * Stores a grant that a user has given in another way than with a code, and its first tokens, as part of a transaction.
 *
 * @returns what the client gets, and what to do when the transaction has been committed.
 */
export async function issueTokens(
  app: AppContext,
  tx: Db,
  visit: OAuth2Visit,
  granted: Granted,
  by: Pick<Issue, 'client' | 'secretId' | 'thumbprint'>,
): Promise<MadeTokens> {
  const made = makeTokens(app, visit, { ...by, userId: granted.userId, scopes: granted.scopes })
  await insertGrant(minterOf(granted.userId), tx, granted, made.stored)
  return made
}
