import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { McpServerUserTokensTable } from '../../database/tables.ts'
import { type ConfigRow, configObject } from './configs.ts'

/** What the authorization server of an MCP server gave to a user; the tokens are sealed. */
export type TokenRow = Selectable<McpServerUserTokensTable>

/** Whose tokens for what. */
export type TokenKey = Pick<TokenRow, 'config_id' | 'user_id'>

/** Tokens as they are stored. */
export interface StoredTokens {
  /** Digest of the config that they were given for. */
  readonly destination: string
  readonly sealed: Buffer
  readonly hasRefreshToken: boolean
  /** Undefined never expires. */
  readonly expiresAt: Date | undefined
  readonly scope: string
}

function requirePersonal(actor: Actor, action: 'read_personal' | 'update_personal', userId: string): void {
  authorize(actor, action, { type: 'user', id: userId, owner: userId })
}

/** The tokens of a user for these configs. @throws ApiError 403 without `user:read_personal`. */
export async function listTokens(
  actor: Actor,
  db: Db,
  userId: string,
  configIds: readonly string[],
): Promise<TokenRow[]> {
  requirePersonal(actor, 'read_personal', userId)
  if (configIds.length === 0) return []
  return db
    .selectFrom('mcp_server_user_tokens')
    .selectAll()
    .where('user_id', '=', userId)
    .where(sql<boolean>`config_id = any(${[...configIds]}::uuid[])`)
    .execute()
}

/** The tokens of a user for one config. @throws ApiError 403 without `user:read_personal`. */
export async function findTokens(actor: Actor, db: Db, key: TokenKey): Promise<TokenRow | undefined> {
  return (await listTokens(actor, db, key.user_id, [key.config_id]))[0]
}

/**
 * Stores what a user was given, in place of what was there before; a refresh that is under way is void (OA-110).
 *
 * @param unchanged whether the config is still what the tokens were asked for.
 * @returns false when it is not, or is gone, so that nothing was stored.
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function saveTokens(
  actor: Actor,
  tx: Db,
  key: TokenKey,
  tokens: StoredTokens,
  unchanged: (config: ConfigRow) => boolean,
): Promise<boolean> {
  requirePersonal(actor, 'update_personal', key.user_id)
  // Who changes the config waits, and then takes these tokens away as well.
  const config = await tx
    .selectFrom('mcp_server_configs')
    .selectAll()
    .where('id', '=', key.config_id)
    .forShare()
    .executeTakeFirst()
  if (config === undefined || !unchanged(config)) return false
  const given = {
    destination: tokens.destination,
    tokens: tokens.sealed,
    has_refresh_token: tokens.hasRefreshToken,
    expires_at: tokens.expiresAt ?? null,
    scope: tokens.scope,
  }
  await tx
    .insertInto('mcp_server_user_tokens')
    .values({ ...key, ...given })
    .onConflict((existing) =>
      existing.columns(['config_id', 'user_id']).doUpdateSet({
        ...given,
        generation: sql<number>`mcp_server_user_tokens.generation + 1`,
        refresh_failure: '',
        refresh_lease: null,
        refresh_lease_until: null,
        updated_at: sql<Date>`clock_timestamp()`,
      }),
    )
    .execute()
  return true
}

/** Removes the tokens of a user; resolves to what they were (OA-111). @throws ApiError 403 without `user:update_personal`. */
export async function deleteTokens(actor: Actor, db: Db, key: TokenKey): Promise<TokenRow | undefined> {
  requirePersonal(actor, 'update_personal', key.user_id)
  return db
    .deleteFrom('mcp_server_user_tokens')
    .where('config_id', '=', key.config_id)
    .where('user_id', '=', key.user_id)
    .returningAll()
    .executeTakeFirst()
}

/** Removes what all users have for a held config (OA-106). @throws ApiError 403 without `mcp_server_config:update`. */
export async function deleteTokensOfConfig(actor: Actor, tx: Db, held: ConfigRow): Promise<void> {
  authorize(actor, 'update', configObject(held))
  await tx.deleteFrom('mcp_server_user_tokens').where('config_id', '=', held.id).execute()
}

/**
 * Notes that a server wants more than the tokens of a user were given for, for the next connection (OA-B24).
 *
 * @param scope all that it takes.
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function noteChallenge(actor: Actor, db: Db, row: TokenRow, scope: string): Promise<void> {
  requirePersonal(actor, 'update_personal', row.user_id)
  await db
    .updateTable('mcp_server_user_tokens')
    .set({
      challenged_scope: scope,
      challenged_generation: row.generation,
      step_ups: sql<number>`step_ups + (challenged_generation <> generation)::integer`,
    })
    .where('config_id', '=', row.config_id)
    .where('user_id', '=', row.user_id)
    .where('generation', '=', row.generation)
    .execute()
}

/** The right to refresh the tokens of one user for a while. */
interface RefreshLease {
  readonly id: string
  readonly seconds: number
}

/**
 * Takes the right to refresh these tokens, also from a holder who had it for too long (OA-112).
 *
 * @returns whether it was given: not when another one holds it, nor when the tokens are not those any more.
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function takeRefreshLease(
  actor: Actor,
  db: Db,
  row: TokenKey & Pick<TokenRow, 'generation' | 'tokens'>,
  lease: RefreshLease,
): Promise<boolean> {
  requirePersonal(actor, 'update_personal', row.user_id)
  const { numUpdatedRows } = await db
    .updateTable('mcp_server_user_tokens')
    .set({
      refresh_lease: lease.id,
      refresh_lease_until: sql<Date>`now() + make_interval(secs => ${lease.seconds})`,
    })
    .where('config_id', '=', row.config_id)
    .where('user_id', '=', row.user_id)
    .where('generation', '=', row.generation)
    // Who has disconnected and connected again counts from the beginning.
    .where('tokens', '=', row.tokens)
    .where('refresh_failure', '=', '')
    .where((where) =>
      where.or([
        where('refresh_lease_until', 'is', null),
        where('refresh_lease_until', '<', sql<Date>`now()`),
      ]),
    )
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** How a refresh ended. */
export type RefreshOutcome =
  | { readonly kind: 'refreshed'; readonly tokens: StoredTokens }
  /** Refused for good: there is nothing to try again with until the user connects again. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed' }

/**
 * Stores how a refresh ended, and gives the lease back. What was disconnected meanwhile stays so.
 *
 * @returns false when the lease was lost, so that nothing was stored.
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function endRefresh(
  actor: Actor,
  db: Db,
  key: TokenKey,
  leaseId: string,
  outcome: RefreshOutcome,
): Promise<boolean> {
  requirePersonal(actor, 'update_personal', key.user_id)
  const { numUpdatedRows } = await db
    .updateTable('mcp_server_user_tokens')
    .set({ refresh_lease: null, refresh_lease_until: null, ...outcomeColumns(outcome) })
    .where('config_id', '=', key.config_id)
    .where('user_id', '=', key.user_id)
    .where('refresh_lease', '=', leaseId)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

function outcomeColumns(outcome: RefreshOutcome) {
  const replaced = { generation: sql<number>`generation + 1`, updated_at: sql<Date>`clock_timestamp()` }
  switch (outcome.kind) {
    case 'refreshed': {
      const { destination, sealed, hasRefreshToken, expiresAt, scope } = outcome.tokens
      return {
        ...replaced,
        destination,
        tokens: sealed,
        has_refresh_token: hasRefreshToken,
        expires_at: expiresAt ?? null,
        scope,
        // New tokens of the same grant are worth no more than the old ones.
        challenged_generation: sql<number>`challenged_generation + (challenged_generation = generation)::integer`,
      }
    }
    case 'refused':
      return { ...replaced, tokens: null, has_refresh_token: false, refresh_failure: outcome.reason }
    case 'failed':
      return {}
  }
}
