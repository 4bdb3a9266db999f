import { type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, isAllowed, sqlFilter } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { AuditLogsTable, UsersTable } from '../database/tables.ts'
import { forbidden } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import type { AuditSearch } from './search-audit.ts'

/** Entries are counted up to here; one more means "more" (RB-88). */
export const COUNT_CAP = 2_000

/** The user of an entry, also one who is gone by now. */
export type AuditUserRow = Selectable<UsersTable> & { readonly organization_ids: string[] }

/** A stored entry with what readers see beside it. */
export type AuditRow = Selectable<AuditLogsTable> & {
  readonly organization_name: string | null
  readonly organization_display_name: string | null
  readonly organization_icon: string | null
  /** Whether the resource is gone (RB-105). */
  readonly resource_deleted: boolean
  /** Present name of the resource, where it has a page of its own. */
  readonly resource_name: string | null
  readonly resource_owner: string | null
  readonly resource_build_number: number | null
}

/**
 * A page of the entries that the actor may read, youngest first, with the number of all matches up to one more than
 * {@link COUNT_CAP} (RB-87, RB-88).
 *
 * @throws ApiError 403 without `audit_log:read` anywhere.
 */
export async function listAuditEntries(
  actor: Actor,
  db: Db,
  search: AuditSearch,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly rows: AuditRow[]; readonly users: Map<string, AuditUserRow>; readonly count: number }> {
  const anywhere = [{}, { anyOrganization: true }].some((where) =>
    isAllowed(actor, 'read', { type: 'audit_log', ...where }),
  )
  if (!anywhere) throw forbidden()
  let matching = db.selectFrom('audit_logs as l').where(
    sqlFilter(actor, 'read', 'audit_log', {
      id: sql.ref('l.id'),
      organization: sql.ref('l.organization_id'),
    }),
  )
  for (const condition of conditionsOf(actor, search)) matching = matching.where(condition)
  const { count } = await db
    .selectFrom(
      matching
        .select(sql`1`.as('one'))
        .limit(COUNT_CAP + 1)
        .as('some'),
    )
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  if (count === 0) return { rows: [], users: new Map(), count }
  const rows = await matching
    .leftJoin('organizations as o', 'o.id', 'l.organization_id')
    .leftJoin('users as subject', (join) =>
      join
        .onRef('subject.id', '=', 'l.resource_id')
        .on(sql<SqlBool>`l.resource_type in ('user', 'api_key', 'git_ssh_key', 'organization_member')`),
    )
    .leftJoin('templates as t', 't.id', 'l.resource_id')
    .leftJoin('workspace_builds as b', 'b.id', 'l.resource_id')
    .leftJoin('workspaces as w', (join) => join.on(sql<SqlBool>`w.id in (l.resource_id, b.workspace_id)`))
    .leftJoin('users as owner', 'owner.id', 'w.owner_id')
    .selectAll('l')
    .select([
      'o.name as organization_name',
      'o.display_name as organization_display_name',
      'o.icon as organization_icon',
      'owner.username as resource_owner',
      'b.build_number as resource_build_number',
      sql<string | null>`coalesce(subject.username, t.name, w.name)`.as('resource_name'),
      sql<boolean>`coalesce(subject.deleted, t.deleted, w.deleted,
        l.resource_type in ('user', 'template', 'workspace', 'workspace_build'))`.as('resource_deleted'),
    ])
    .orderBy('l.time', 'desc')
    .orderBy('l.id')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return { rows, users: await usersOf(db, rows), count }
}

/** Who did what is on a page belongs to the page, whether or not its reader may list users. */
async function usersOf(db: Db, rows: readonly AuditRow[]): Promise<Map<string, AuditUserRow>> {
  const ids = [...new Set(rows.flatMap((row) => row.user_id ?? []))]
  const users = await db
    .selectFrom('users as u')
    .selectAll('u')
    .select(
      sql<
        string[]
      >`array(select m.organization_id from organization_members m where m.user_id = u.id order by m.created_at)`.as(
        'organization_ids',
      ),
    )
    .where(sql<SqlBool>`u.id = any(${ids}::uuid[])`)
    .execute()
  return new Map(users.map((user) => [user.id, user]))
}

function conditionsOf(actor: Actor, search: AuditSearch): ReturnType<typeof sql<SqlBool>>[] {
  const conditions: ReturnType<typeof sql<SqlBool>>[] = []
  const add = (given: unknown, condition: ReturnType<typeof sql<SqlBool>>): void => {
    if (given !== undefined) conditions.push(condition)
  }
  const user = (column: 'username' | 'email', value: string | undefined) =>
    sql<SqlBool>`l.user_id in (select u.id from users u where lower(${sql.ref(`u.${column}`)}) = ${value})`
  add(search.requestId, sql<SqlBool>`l.request_id = ${search.requestId}::uuid`)
  add(search.resourceId, sql<SqlBool>`l.resource_id = ${search.resourceId}::uuid`)
  add(search.resourceTarget, sql<SqlBool>`lower(l.resource_target) = ${search.resourceTarget}`)
  add(
    search.username,
    search.username === 'me'
      ? sql<SqlBool>`l.user_id = ${actor.id}::uuid`
      : user('username', search.username),
  )
  add(search.email, user('email', search.email))
  add(search.from, sql<SqlBool>`l.time >= ${search.from}`)
  add(search.to, sql<SqlBool>`l.time <= ${search.to}`)
  add(
    search.organization,
    search.organization !== undefined && isUuid(search.organization)
      ? sql<SqlBool>`l.organization_id = ${search.organization}::uuid`
      : sql<SqlBool>`l.organization_id in (select o.id from organizations o where lower(o.name) = ${search.organization})`,
  )
  add(search.resourceType, sql<SqlBool>`l.resource_type = ${search.resourceType}`)
  add(search.action, sql<SqlBool>`l.action = ${search.action}`)
  add(
    search.buildReason,
    sql<SqlBool>`exists (select 1 from workspace_builds b where b.reason::text = ${search.buildReason} and (
      (l.resource_type = 'workspace_build' and b.id = l.resource_id) or
      (l.resource_type = 'workspace' and l.action = 'create' and b.workspace_id = l.resource_id and b.build_number = 1)))`,
  )
  return conditions
}
