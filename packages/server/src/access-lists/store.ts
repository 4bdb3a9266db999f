import { type Selectable, sql } from 'kysely'

import {
  type AccessList,
  type Actor,
  accessListOf,
  authorize,
  isAllowed,
  type ShareableWorkspaceOwners,
} from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { TemplatesTable, UsersTable, WorkspacesTable } from '../database/tables.ts'
import { notFound } from '../errors/index.ts'
import type { Guard, RosterUser } from '../groups/index.ts'
import { type UserSearch, userMatches } from '../identity/index.ts'
import { templateObject } from '../templates/index.ts'
import { workspaceObject } from '../workspaces/index.ts'

/** Both lists of something that is shared. */
export interface AccessLists {
  readonly users: AccessList
  readonly groups: AccessList
}

function listsOf(row: { readonly user_acl: unknown; readonly group_acl: unknown }): AccessLists {
  return { users: accessListOf(row.user_acl), groups: accessListOf(row.group_acl) }
}

function stored(lists: AccessLists) {
  return { user_acl: JSON.stringify(lists.users), group_acl: JSON.stringify(lists.groups) }
}

/** Those of these users and groups that exist; of one organization only, when it is given (RB-54, RB-134). */
export interface KnownPrincipals {
  readonly users: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
}

/** Who of the named exists, for who may change the list. @throws ApiError 403. */
export async function findPrincipals(
  actor: Actor,
  db: Db,
  guard: Guard,
  named: { readonly users: readonly string[]; readonly groups: readonly string[] },
  organizationId?: string,
): Promise<KnownPrincipals> {
  authorize(actor, guard.action, guard.object)
  const { rows } = await sql<{ kind: 'user' | 'group'; id: string }>`
    select 'user' as kind, u.id::text from users u
     where u.id = any(${[...named.users]}::uuid[]) and not u.deleted
       and (${organizationId ?? null}::uuid is null or exists (
         select 1 from organization_members m
          where m.user_id = u.id and m.organization_id = ${organizationId ?? null}::uuid))
     union all
    select 'group', g.id::text from groups g
     where g.id = any(${[...named.groups]}::uuid[])
       and (${organizationId ?? null}::uuid is null or g.organization_id = ${organizationId ?? null}::uuid)`.execute(
    db,
  )
  const of = (kind: 'user' | 'group'): ReadonlySet<string> =>
    new Set(rows.filter((row) => row.kind === kind).map((row) => row.id))
  return { users: of('user'), groups: of('group') }
}

/** A live user whom a list names, with the organizations they are in. */
export type ListedUser = Selectable<UsersTable> & { readonly organization_ids: string[] }

/** The live users of a list by name, for who may see it. @throws ApiError 403. */
export async function listUsersByIds(
  actor: Actor,
  db: Db,
  guard: Guard,
  ids: readonly string[],
): Promise<ListedUser[]> {
  authorize(actor, guard.action, guard.object)
  if (ids.length === 0) return []
  return db
    .selectFrom('users as u')
    .selectAll('u')
    .select(
      sql<
        string[]
      >`array(select m.organization_id::text from organization_members m where m.user_id = u.id order by m.created_at)`.as(
        'organization_ids',
      ),
    )
    .where(sql<boolean>`u.id = any(${[...ids]}::uuid[])`)
    .where('u.deleted', '=', false)
    .orderBy(sql`lower(u.username)`)
    .execute()
}

/** Members of an organization to whom something in it can be opened, by name. @throws ApiError 403. */
export async function listCandidates(
  actor: Actor,
  db: Db,
  guard: Guard,
  organizationId: string,
  search: UserSearch,
  page: {
    readonly limit?: number | undefined
    readonly offset?: number | undefined
    readonly afterId?: string | undefined
  },
): Promise<RosterUser[]> {
  authorize(actor, guard.action, guard.object)
  let query = db
    .selectFrom('organization_members as m')
    .innerJoin('users as u', (join) =>
      join.onRef('u.id', '=', 'm.user_id').on('u.deleted', '=', false).on('u.is_system', '=', false),
    )
    .select([
      'u.id',
      'u.username',
      'u.email',
      'u.name',
      'u.avatar_url',
      'u.status',
      'u.login_type',
      'u.is_service_account',
      'u.last_seen_at',
      'u.created_at',
      'u.updated_at',
    ])
    .where('m.organization_id', '=', organizationId)
    .where(userMatches(search))
    .orderBy(sql`lower(u.username)`)
  if (page.afterId !== undefined)
    query = query.where(
      sql<boolean>`lower(u.username) > (select lower(c.username) from users c where c.id = ${page.afterId}::uuid)`,
    )
  if (page.limit !== undefined && page.limit > 0) query = query.limit(page.limit)
  if (page.offset !== undefined) query = query.offset(page.offset)
  return query.execute()
}

/** A template whose lists nobody else changes until the transaction ends. */
export interface HeldTemplate {
  readonly row: Selectable<TemplatesTable>
  readonly lists: AccessLists
}

/** Holds the lists of a live template (RB-133). @throws ApiError 404, 403 without `template:create` on it. */
export async function holdTemplateLists(actor: Actor, tx: Db, id: string): Promise<HeldTemplate> {
  const row = await tx
    .selectFrom('templates')
    .selectAll()
    .where('id', '=', id)
    .where('deleted', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', templateObject(row))) throw notFound()
  authorize(actor, 'create', templateObject(row))
  return { row, lists: listsOf(row) }
}

/** Stores the lists of a held template. @throws ApiError 403 without `template:create` on it. */
export async function storeTemplateLists(
  actor: Actor,
  tx: Db,
  held: HeldTemplate,
  lists: AccessLists,
): Promise<Selectable<TemplatesTable>> {
  authorize(actor, 'create', templateObject(held.row))
  return tx
    .updateTable('templates')
    .set({ ...stored(lists), updated_at: sql<Date>`now()` })
    .where('id', '=', held.row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** A workspace whose lists nobody else changes until the transaction ends. */
export interface HeldWorkspace {
  readonly row: Selectable<WorkspacesTable>
  readonly lists: AccessLists
  /** Whose workspaces may be shared in its organization, which stays so until the transaction ends, too. */
  readonly sharing: ShareableWorkspaceOwners
  readonly ownerIsServiceAccount: boolean
}

/**
 * Holds the lists of a live workspace (RB-133), for who may read it; whether they may be changed is asked when they are
 * stored.
 *
 * @throws ApiError 404.
 */
export async function holdWorkspaceLists(actor: Actor, tx: Db, id: string): Promise<HeldWorkspace> {
  // The organization first, as what changes its mode takes it first and then clears the lists of its workspaces.
  const around = await tx
    .selectFrom('organizations as o')
    .innerJoin('workspaces as w', 'w.organization_id', 'o.id')
    .innerJoin('users as u', 'u.id', 'w.owner_id')
    .select(['o.shareable_workspace_owners as sharing', 'u.is_service_account'])
    .where('w.id', '=', id)
    .forShare('o')
    .executeTakeFirst()
  const row = await tx
    .selectFrom('workspaces')
    .selectAll()
    .where('id', '=', id)
    .where('deleted', '=', false)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (around === undefined || row === undefined || !isAllowed(actor, 'read', workspaceObject(row)))
    throw notFound()
  return {
    row,
    lists: listsOf(row),
    sharing: around.sharing,
    ownerIsServiceAccount: around.is_service_account,
  }
}

/** Stores the lists of a held workspace. @throws ApiError 403 without `workspace:share`. */
export async function storeWorkspaceLists(
  actor: Actor,
  tx: Db,
  held: Pick<HeldWorkspace, 'row'>,
  lists: AccessLists,
): Promise<Selectable<WorkspacesTable>> {
  authorize(actor, 'share', workspaceObject(held.row))
  return tx
    .updateTable('workspaces')
    .set({ ...stored(lists), updated_at: sql<Date>`now()` })
    .where('id', '=', held.row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}
