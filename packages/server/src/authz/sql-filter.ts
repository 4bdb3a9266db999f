import { type Expression, type SqlBool, sql } from 'kysely'

import { listsCount, organizationsOf, vote } from './decide.ts'
import { filterMade } from './decision-times.ts'
import { mentions } from './permissions.ts'
import type { Action, ResourceType } from './resources.ts'
import type { Actor } from './subject.ts'

/** Where the fields of the object are found in the rows of a query; a missing one is always empty. */
export interface FilterColumns {
  readonly id?: Expression<string | null>
  readonly owner?: Expression<string | null>
  readonly organization?: Expression<string | null>
  readonly userAcl?: Expression<unknown>
  readonly groupAcl?: Expression<unknown>
}

const TRUE = sql<SqlBool>`true`
const FALSE = sql<SqlBool>`false`

/**
 * The decision of `isAllowed` as a condition on rows, so that a list is one query and holds exactly what
 * the actor may see. A property test holds the two against each other.
 */
export function sqlFilter(
  actor: Actor,
  action: Action,
  type: ResourceType,
  columns: FilterColumns,
): Expression<SqlBool> {
  const begun = performance.now()
  const filter = compile(actor, action, type, columns)
  filterMade(begun)
  return filter
}

function compile(
  actor: Actor,
  action: Action,
  type: ResourceType,
  columns: FilterColumns,
): Expression<SqlBool> {
  if (!actor.scope.permissions.some((map) => mentions(map, type, action))) return FALSE
  const listed = allowListFilter(actor, type, columns)
  if (listed === FALSE) return FALSE
  const granted = or([roleFilter(actor, action, type, columns), aclFilter(actor, action, type, columns)])
  return and([listed, granted])
}

function allowListFilter(actor: Actor, type: ResourceType, columns: FilterColumns): Expression<SqlBool> {
  const entries = actor.scope.allowList.filter((entry) => entry.type === '*' || entry.type === type)
  if (entries.some((entry) => entry.id === '*')) return TRUE
  if (entries.length === 0 || columns.id === undefined) return FALSE
  return sql<SqlBool>`${columns.id} = any(${entries.map((entry) => entry.id)}::uuid[])`
}

function roleFilter(
  actor: Actor,
  action: Action,
  type: ResourceType,
  columns: FilterColumns,
): Expression<SqlBool> {
  const site = vote(actor, 'site', undefined, type, action)
  if (site === 1) return TRUE
  if (site === -1) return FALSE
  const owned = columns.owner === undefined ? FALSE : sql<SqlBool>`${columns.owner} = ${actor.id}::uuid`
  const user = vote(actor, 'user', undefined, type, action) === 1 ? owned : FALSE
  if (columns.organization === undefined) return user
  const organizations = organizationsOf(actor)
  const allowed = organizations.filter((id) => vote(actor, 'org', id, type, action) === 1)
  const ownOnly = organizations.filter(
    (id) => vote(actor, 'org', id, type, action) === 0 && vote(actor, 'member', id, type, action) === 1,
  )
  const within = (ids: readonly string[]): Expression<SqlBool> =>
    ids.length === 0 ? FALSE : sql<SqlBool>`${columns.organization} = any(${ids}::uuid[])`
  return or([
    within(allowed),
    and([within(ownOnly), owned]),
    and([sql<SqlBool>`${columns.organization} is null`, user]),
  ])
}

function aclFilter(
  actor: Actor,
  action: Action,
  type: ResourceType,
  columns: FilterColumns,
): Expression<SqlBool> {
  if (!listsCount(actor, type)) return FALSE
  const { organization, userAcl, groupAcl } = columns
  const member = organizationsOf(actor)
  if (organization === undefined || member.length === 0) return FALSE
  // `?|` asks for any of the texts in a JSON array.
  const lists = (acl: Expression<unknown>, key: Expression<unknown>): Expression<SqlBool> =>
    sql<SqlBool>`coalesce(${acl} -> ${key} ?| array['*', ${action}]::text[], false)`
  const user = userAcl === undefined ? FALSE : lists(userAcl, sql`${actor.id}::text`)
  const group =
    groupAcl === undefined
      ? FALSE
      : sql<SqlBool>`exists (
          select 1 from unnest(${actor.groups}::text[] || array[${organization}::text]) as own(id)
           where ${lists(groupAcl, sql`own.id`)})`
  return and([sql<SqlBool>`${organization} = any(${member}::uuid[])`, or([user, group])])
}

function or(parts: readonly Expression<SqlBool>[]): Expression<SqlBool> {
  const open = parts.filter((part) => part !== FALSE)
  if (open.includes(TRUE)) return TRUE
  return open.length === 0 ? FALSE : sql<SqlBool>`(${sql.join(open, sql` or `)})`
}

function and(parts: readonly Expression<SqlBool>[]): Expression<SqlBool> {
  const open = parts.filter((part) => part !== TRUE)
  if (open.includes(FALSE)) return FALSE
  return open.length === 0 ? TRUE : sql<SqlBool>`(${sql.join(open, sql` and `)})`
}
