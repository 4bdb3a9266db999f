import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { type Db, prepared } from '../../database/index.ts'
import type { UpstreamSession } from '../sessions/upstream-session.ts'
import type { ApiKeyRow } from './keys.ts'
import { STANDING, type Standing } from './standing.ts'

/** A key with all that decides what its owner may do: one row, one statement (ID-66, RB-5). */
export interface KeyWithStanding {
  readonly key: ApiKeyRow
  readonly standing: Standing
  /** Changes with the standing. */
  readonly standingVersion: string
  /** The session at the provider that the key comes from (ID-65); undefined where there is no link to one. */
  readonly upstream: UpstreamSession | undefined
  /** Whether a grant stands behind the token of an OAuth2 app; true for every other key (ID-70). */
  readonly has_grant: boolean
  /** Changes with any of the above. */
  readonly version: string
}

type LoadedKey = ApiKeyRow &
  Standing & {
    has_grant: boolean
    has_upstream: boolean
    upstream_expiry: Date | null
    upstream_refreshes: boolean
    row_version: string
    standing_version: string
    version: string
  }

const HAS_GRANT = sql<boolean>`case when k.login_type = 'oauth2_provider_app'
  then exists (select 1 from oauth2_provider_app_tokens t where t.api_key_id = k.id) else true end`

/**
 * What of keys is kept in memory, for a caller that adds what it reads of them. The standing of each owner is read once,
 * however many of the keys it has: for each of them anew it would be nine tenths of the work.
 */
const keptKeys = (db: Db, ids: string[]) =>
  db
    .with(
      (cte) => cte('kept').materialized(),
      (cte) =>
        cte
          .selectFrom('api_keys')
          .selectAll()
          // The transaction that wrote the row: a digest of what it holds costs twice as much.
          .select(sql<string>`xmin::text`.as('row_version'))
          .where(sql<boolean>`id = any(${ids}::text[])`),
    )
    .with(
      (cte) => cte('owners').materialized(),
      (cte) =>
        cte
          .selectFrom('users as u')
          .innerJoinLateral(
            sql<
              Pick<Standing, 'site_custom_roles' | 'groups' | 'memberships'>
            >`(select ${STANDING.site_custom_roles} as site_custom_roles, ${STANDING.groups} as groups, ${STANDING.memberships} as memberships)`.as<'s'>(
              sql`s`,
            ),
            (join) => join.onTrue(),
          )
          .select([
            'u.id as owner_id',
            'u.username',
            'u.email',
            'u.status',
            'u.is_system',
            'u.is_service_account',
            'u.rbac_roles',
            's.site_custom_roles',
            's.groups',
            's.memberships',
            sql<string>`md5(row(u.username, u.email, u.status, u.is_system, u.is_service_account, u.rbac_roles,
              s.site_custom_roles, s.groups, s.memberships)::text)`.as('standing_version'),
          ])
          .where('u.deleted', '=', false)
          .where('u.id', 'in', (sub) => sub.selectFrom('kept').select('user_id')),
    )
    .selectFrom('kept as k')
    .innerJoin('owners as o', 'o.owner_id', 'k.user_id')
    .leftJoin('user_links as l', (join) =>
      join
        .onRef('l.user_id', '=', 'k.user_id')
        .onRef('l.login_type', '=', 'k.login_type')
        .on('k.login_type', 'in', ['oidc', 'github']),
    )
    .select(
      sql<string>`concat_ws(':', k.row_version, l.xmin, ${HAS_GRANT}, o.standing_version)`.as('version'),
    )

const loadKeys = prepared<{ ids: string[] }, LoadedKey>((db, p) =>
  keptKeys(db, p('ids'))
    .selectAll('k')
    .select([
      HAS_GRANT.as('has_grant'),
      sql<boolean>`l.user_id is not null`.as('has_upstream'),
      'l.oauth_expiry as upstream_expiry',
      sql<boolean>`octet_length(l.oauth_refresh_token) > 0 is true`.as('upstream_refreshes'),
      'o.username',
      'o.email',
      'o.status',
      'o.is_system',
      'o.is_service_account',
      'o.rbac_roles',
      'o.site_custom_roles',
      'o.groups',
      'o.memberships',
      'o.standing_version',
    ]),
)

/** All that the rows tell of. @throws ApiError 403. */
function authorizeAll(actor: Actor): void {
  for (const type of ['api_key', 'user', 'oauth2_app_code_token'] as const) authorize(actor, 'read', { type })
}

const loadVersions = prepared<{ ids: string[] }, { id: string; version: string }>((db, p) =>
  keptKeys(db, p('ids')).select('k.id'),
)

/**
 * What changes with all that {@link findKeysWithStanding} tells of these keys: one that is as before says that nothing of
 * it has changed, for a small part of the cost of reading it again.
 *
 * @throws ApiError 403.
 */
export async function findKeyVersions(
  actor: Actor,
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  authorizeAll(actor)
  return new Map((await loadVersions(db, { ids: [...ids] })).map(({ id, version }) => [id, version]))
}

/**
 * The keys of these ids that there are, each with the standing of its owner and what stands behind it: the sign-in at a
 * provider, the grant to an app (ID-70).
 *
 * @throws ApiError 403.
 */
export async function findKeysWithStanding(
  actor: Actor,
  db: Db,
  ids: readonly string[],
): Promise<KeyWithStanding[]> {
  authorizeAll(actor)
  return (await loadKeys(db, { ids: [...ids] })).map(withStanding)
}

function withStanding({
  username,
  email,
  status,
  is_system,
  is_service_account,
  rbac_roles,
  site_custom_roles,
  groups,
  memberships,
  has_grant,
  has_upstream,
  upstream_expiry,
  upstream_refreshes,
  row_version: _,
  standing_version: standingVersion,
  version,
  ...key
}: LoadedKey): KeyWithStanding {
  return {
    key,
    standing: {
      username,
      email,
      status,
      is_system,
      is_service_account,
      rbac_roles,
      site_custom_roles,
      groups,
      memberships,
    },
    standingVersion,
    has_grant,
    upstream: has_upstream
      ? { expiresAt: upstream_expiry ?? undefined, refreshes: upstream_refreshes }
      : undefined,
    version,
  }
}
