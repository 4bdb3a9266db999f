import { type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, isAllowed, type ResourceType, sqlFilter } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { AuditLogsTable, UsersTable } from '../database/tables.ts'
import { forbidden } from '../errors/index.ts'
import type { AuditSearch, Wanted } from './search-audit.ts'

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
  /** The app that it is, or that it is the secret of. */
  readonly resource_app_id: string | null
}

/** What part of the entries is wanted. */
export interface AuditPage {
  readonly limit: number
  readonly offset: number
  /** The page begins behind this entry (RB-128). */
  readonly afterId?: string | undefined
}

/**
 * A page of the entries that the actor may read, youngest first; those of one moment are in the order of their ids, so
 * that pages neither repeat nor leave out any (RB-87, RB-128).
 *
 * @throws ApiError 403 without `audit_log:read` anywhere.
 */
export async function listAuditEntries(
  actor: Actor,
  db: Db,
  search: AuditSearch,
  page: AuditPage,
): Promise<AuditRow[]> {
  if (!readsAnywhere(actor, 'audit_log')) throw forbidden()
  let entries = matching(actor, db, search)
  if (page.afterId !== undefined)
    entries = entries.where(
      // The first condition is for the index on the time: without it a page would read all that are before it.
      sql<SqlBool>`l."time" <= (select c."time" from audit_logs c where c.id = ${page.afterId}::uuid)
        and exists (select 1 from audit_logs c where c.id = ${page.afterId}::uuid
          and (l."time" < c."time" or (l."time" = c."time" and l.id > c.id)))`,
    )
  return entries
    .leftJoin('organizations as o', 'o.id', 'l.organization_id')
    .leftJoin('users as subject', (join) =>
      join
        .onRef('subject.id', '=', 'l.resource_id')
        .on(sql<SqlBool>`l.resource_type in ('user', 'api_key', 'git_ssh_key', 'organization_member')`),
    )
    .leftJoin('templates as t', 't.id', 'l.resource_id')
    .leftJoin('workspace_builds as b', 'b.id', 'l.resource_id')
    .leftJoin('workspaces as w', (join) => join.on(sql<SqlBool>`w.id in (l.resource_id, b.workspace_id)`))
    .leftJoin('tasks as k', (join) =>
      join.onRef('k.id', '=', 'l.resource_id').on(sql<SqlBool>`l.resource_type = 'task'`),
    )
    .leftJoin('users as owner', (join) => join.on(sql<SqlBool>`owner.id = coalesce(w.owner_id, k.owner_id)`))
    .leftJoin('user_secrets as s', (join) =>
      join.onRef('s.id', '=', 'l.resource_id').on(sql<SqlBool>`l.resource_type = 'user_secret'`),
    )
    .leftJoin('chats as c', (join) =>
      join.onRef('c.id', '=', 'l.resource_id').on(sql<SqlBool>`l.resource_type = 'chat'`),
    )
    .leftJoin('mcp_server_configs as m', (join) =>
      join.onRef('m.id', '=', 'l.resource_id').on(sql<SqlBool>`l.resource_type = 'mcp_server_config'`),
    )
    .leftJoin('oauth2_provider_app_secrets as os', (join) =>
      join
        .onRef('os.id', '=', 'l.resource_id')
        .on(sql<SqlBool>`l.resource_type = 'oauth2_provider_app_secret'`),
    )
    .leftJoin('oauth2_provider_apps as oa', (join) =>
      join.on(
        sql<SqlBool>`oa.id = case l.resource_type when 'oauth2_provider_app' then l.resource_id else os.app_id end`,
      ),
    )
    .selectAll('l')
    .select([
      'o.name as organization_name',
      'o.display_name as organization_display_name',
      'o.icon as organization_icon',
      'owner.username as resource_owner',
      'b.build_number as resource_build_number',
      sql<string | null>`coalesce(subject.username, t.name, w.name, k.name)`.as('resource_name'),
      'oa.id as resource_app_id',
      sql<boolean>`coalesce(subject.deleted, t.deleted, w.deleted, case when k.id is not null then k.deleted_at is not null end,
        coalesce(s.id, c.id, m.id, oa.id) is null and l.resource_type in ('user', 'template', 'workspace',
          'workspace_build', 'user_secret', 'chat', 'mcp_server_config', 'oauth2_provider_app',
          'oauth2_provider_app_secret'))`.as('resource_deleted'),
    ])
    .orderBy('l.time', 'desc')
    .orderBy('l.id')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
}

/**
 * Number of the entries that the actor may read, up to one more than {@link COUNT_CAP} (RB-88).
 *
 * @throws ApiError 403 without `audit_log:read` anywhere.
 */
export async function countAuditEntries(actor: Actor, db: Db, search: AuditSearch): Promise<number> {
  if (!readsAnywhere(actor, 'audit_log')) throw forbidden()
  const { count } = await db
    .selectFrom(
      matching(actor, db, search)
        .select(sql`1`.as('one'))
        .limit(COUNT_CAP + 1)
        .as('some'),
    )
    .select(sql<number>`count(*)::int`.as('count'))
    .executeTakeFirstOrThrow()
  return count
}

function matching(actor: Actor, db: Db, search: AuditSearch) {
  let entries = db.selectFrom('audit_logs as l').where(
    sqlFilter(actor, 'read', 'audit_log', {
      id: sql.ref('l.id'),
      organization: sql.ref('l.organization_id'),
    }),
  )
  for (const condition of conditionsOf(actor, search)) entries = entries.where(condition)
  return entries
}

function readsAnywhere(actor: Actor, type: ResourceType): boolean {
  return [{}, { anyOrganization: true }].some((where) => isAllowed(actor, 'read', { type, ...where }))
}

/**
 * The users of entries of a log, by their ids: who did what is on a page belongs to the page, whether or not its reader
 * may list users.
 *
 * @throws ApiError 403 for somebody who may read no entry of this log.
 */
export async function usersOfEntries(
  actor: Actor,
  db: Db,
  log: 'audit_log' | 'connection_log',
  entries: readonly { readonly user_id: string | null }[],
): Promise<Map<string, AuditUserRow>> {
  const ids = [...new Set(entries.flatMap((entry) => entry.user_id ?? []))]
  if (ids.length === 0) return new Map()
  if (!readsAnywhere(actor, log)) throw forbidden()
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

type Condition = ReturnType<typeof sql<SqlBool>>

function conditionsOf(actor: Actor, search: AuditSearch): Condition[] {
  const conditions: Condition[] = []
  const add = <T>(value: T | undefined, condition: (value: T) => Condition): void => {
    if (value !== undefined) conditions.push(condition(value))
  }
  /** What has no value is none of those that are not wanted. */
  const each = (wanted: Wanted | undefined, condition: (values: readonly string[]) => Condition): void => {
    add(wanted?.any, condition)
    add(wanted?.none, (values) => sql<SqlBool>`(${condition(values)}) is not true`)
  }
  each(search.requestId, (ids) => sql<SqlBool>`l.request_id = any(${ids}::uuid[])`)
  each(search.resourceId, (ids) => sql<SqlBool>`l.resource_id = any(${ids}::uuid[])`)
  each(search.resourceTarget, (names) => sql<SqlBool>`lower(l.resource_target) = any(${names}::text[])`)
  each(search.userId, (ids) => sql<SqlBool>`l.user_id = any(${ids}::uuid[])`)
  each(
    search.username,
    (names) => sql<SqlBool>`l.user_id in (select u.id from users u
      where lower(u.username) = any(${names}::text[]) or (u.id = ${actor.id}::uuid and ${names.includes('me')}))`,
  )
  each(
    search.email,
    (emails) =>
      sql<SqlBool>`l.user_id in (select u.id from users u where lower(u.email) = any(${emails}::text[]))`,
  )
  add(search.from, (from) => sql<SqlBool>`l."time" >= ${from}`)
  add(search.to, (to) => sql<SqlBool>`l."time" <= ${to}`)
  each(
    search.organization,
    (names) => sql<SqlBool>`l.organization_id in (select o.id from organizations o
      where lower(o.name) = any(${names}::text[]) or o.id::text = any(${names}::text[]))`,
  )
  each(search.resourceType, (types) => sql<SqlBool>`l.resource_type = any(${types}::text[])`)
  each(search.action, (actions) => sql<SqlBool>`l.action = any(${actions}::text[])`)
  each(
    search.buildReason,
    (
      reasons,
    ) => sql<SqlBool>`exists (select 1 from workspace_builds b where b.reason::text = any(${reasons}::text[]) and (
      (l.resource_type = 'workspace_build' and b.id = l.resource_id) or
      (l.resource_type = 'workspace' and l.action = 'create' and b.workspace_id = l.resource_id and b.build_number = 1)))`,
  )
  return conditions
}
