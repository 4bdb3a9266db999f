import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { ExternalAuthLinksTable } from '../database/tables.ts'

/** A stored connection of a user to a provider; its tokens are sealed. */
export type LinkRow = Selectable<ExternalAuthLinksTable>

/** Which connection. */
export type LinkKey = Pick<LinkRow, 'user_id' | 'provider_id'>

/** Tokens as they are stored. */
export interface StoredTokens {
  readonly sealed: Buffer
  readonly hasRefreshToken: boolean
  /** Undefined never expires. */
  readonly expiresAt: Date | undefined
  /** When the provider gave them. */
  readonly givenAt: Date
}

function requirePersonal(actor: Actor, action: 'read_personal' | 'update_personal', userId: string): void {
  authorize(actor, action, { type: 'user', id: userId, owner: userId })
}

/** The connections of a user by provider. @throws ApiError 403 without `user:read_personal`. */
export async function listLinks(actor: Actor, db: Db, userId: string): Promise<LinkRow[]> {
  requirePersonal(actor, 'read_personal', userId)
  return db
    .selectFrom('external_auth_links')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('provider_id')
    .execute()
}

/** A connection, or undefined without one. @throws ApiError 403 without `user:read_personal`. */
export async function findLink(actor: Actor, db: Db, key: LinkKey): Promise<LinkRow | undefined> {
  requirePersonal(actor, 'read_personal', key.user_id)
  return db
    .selectFrom('external_auth_links')
    .selectAll()
    .where('user_id', '=', key.user_id)
    .where('provider_id', '=', key.provider_id)
    .executeTakeFirst()
}

/**
 * Stores what a provider gave to a user in place of what was there before; an earlier failure and a refresh that is
 * under way are void (ID-187).
 *
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function saveLink(
  actor: Actor,
  db: Db,
  { user_id, provider_id }: LinkKey,
  tokens: StoredTokens,
): Promise<LinkRow> {
  requirePersonal(actor, 'update_personal', user_id)
  const given = {
    tokens: tokens.sealed,
    has_refresh_token: tokens.hasRefreshToken,
    expires_at: tokens.expiresAt ?? null,
    updated_at: tokens.givenAt,
  }
  return db
    .insertInto('external_auth_links')
    .values({ user_id, provider_id, ...given })
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'provider_id']).doUpdateSet({
        ...given,
        generation: sql<number>`external_auth_links.generation + 1`,
        refresh_failure: '',
        refresh_lease: null,
        refresh_lease_until: null,
      }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Removes a connection; resolves to what it was. @throws ApiError 403 without `user:update_personal`. */
export async function deleteLink(actor: Actor, db: Db, key: LinkKey): Promise<LinkRow | undefined> {
  requirePersonal(actor, 'update_personal', key.user_id)
  return db
    .deleteFrom('external_auth_links')
    .where('user_id', '=', key.user_id)
    .where('provider_id', '=', key.provider_id)
    .returningAll()
    .executeTakeFirst()
}

/** The right to refresh one connection for a while. */
interface RefreshLease {
  readonly id: string
  readonly seconds: number
}

/**
 * Takes the right to refresh these tokens, also from a holder who had it for too long (ID-191).
 *
 * @returns whether it was given: not when another one holds it, nor when the tokens are not those any more.
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function takeRefreshLease(
  actor: Actor,
  db: Db,
  link: LinkKey & Pick<LinkRow, 'generation'>,
  lease: RefreshLease,
): Promise<boolean> {
  requirePersonal(actor, 'update_personal', link.user_id)
  const { numUpdatedRows } = await db
    .updateTable('external_auth_links')
    .set({
      refresh_lease: lease.id,
      refresh_lease_until: sql<Date>`now() + make_interval(secs => ${lease.seconds})`,
    })
    .where('user_id', '=', link.user_id)
    .where('provider_id', '=', link.provider_id)
    .where('generation', '=', link.generation)
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
  /** The provider will not refresh these tokens again; `tokens` are what is left of them. */
  | { readonly kind: 'refused'; readonly tokens: StoredTokens; readonly reason: string }
  | { readonly kind: 'failed' }

/**
 * Stores how a refresh ended, and gives the lease back.
 *
 * @returns false when the lease was lost, so that nothing was stored.
 * @throws ApiError 403 without `user:update_personal`.
 */
export async function endRefresh(
  actor: Actor,
  db: Db,
  key: LinkKey,
  leaseId: string,
  outcome: RefreshOutcome,
): Promise<boolean> {
  requirePersonal(actor, 'update_personal', key.user_id)
  const { numUpdatedRows } = await db
    .updateTable('external_auth_links')
    .set({
      refresh_lease: null,
      refresh_lease_until: null,
      ...(outcome.kind === 'failed'
        ? {}
        : {
            tokens: outcome.tokens.sealed,
            has_refresh_token: outcome.tokens.hasRefreshToken,
            expires_at: outcome.tokens.expiresAt ?? null,
            generation: sql<number>`generation + 1`,
            refresh_failure: outcome.kind === 'refused' ? outcome.reason : '',
            updated_at: outcome.tokens.givenAt,
          }),
    })
    .where('user_id', '=', key.user_id)
    .where('provider_id', '=', key.provider_id)
    .where('refresh_lease', '=', leaseId)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** A provider that a template version asks for. */
export interface DeclaredProvider {
  readonly id: string
  readonly optional: boolean
}

/** What the template version of a build asks for. @throws ApiError 403 without `template:read`. */
export async function listProvidersOfBuild(
  actor: Actor,
  db: Db,
  buildId: string,
): Promise<DeclaredProvider[]> {
  const row = await db
    .selectFrom('workspace_builds as b')
    .innerJoin('template_versions as v', 'v.id', 'b.template_version_id')
    .select(['v.template_id', 'v.organization_id', 'v.external_auth_providers'])
    .where('b.id', '=', buildId)
    .executeTakeFirst()
  authorize(actor, 'read', {
    type: 'template',
    ...(row === undefined ? {} : { id: row.template_id ?? undefined, organization: row.organization_id }),
  })
  return row === undefined ? [] : declaredProviders(row.external_auth_providers)
}

/** The stored list of what a template version asks for. */
export function declaredProviders(stored: unknown): DeclaredProvider[] {
  if (!Array.isArray(stored)) return []
  return stored.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'id' in entry && typeof entry.id === 'string'
      ? [{ id: entry.id, optional: 'optional' in entry && entry.optional === true }]
      : [],
  )
}
