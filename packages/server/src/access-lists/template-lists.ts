import { type ACLAvailable, NEVER, type ReducedUser, type TemplateACL, type User } from '@slipway/contract'
import { type Actor, accessListOf, isAllowed } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, notFound } from '../errors/index.ts'
import {
  listGroupsByIds,
  listGroupsOfOrganization,
  presentGroup,
  presentReducedUser,
  withMembers,
} from '../groups/index.ts'
import { parseUserSearch, presentUser } from '../identity/index.ts'
import { type TemplateRow, templateObject } from '../templates/index.ts'
import { changeLists } from './change-lists.ts'
import { type GivenRoles, readAccessChange, shownRole } from './read-change.ts'
import {
  type HeldTemplate,
  holdTemplateLists,
  listCandidates,
  listUsersByIds,
  storeTemplateLists,
} from './store.ts'

/**
 * Whom a template is open to (WS-92): groups with the members that the actor may read, and users without what the
 * actor may not know of them (L-S8).
 *
 * @throws ApiError 403 without `template:update`.
 */
export async function templateLists(
  context: AppContext,
  actor: Actor,
  template: TemplateRow,
): Promise<TemplateACL> {
  const { db } = context.database
  const guard = { action: 'update' as const, object: templateObject(template) }
  const users = accessListOf(template.user_acl)
  const groups = accessListOf(template.group_acl)
  const userRows = await listUsersByIds(actor, db, guard, Object.keys(users))
  const groupRows = await listGroupsByIds(actor, db, guard, Object.keys(groups))
  const presented = await withMembers(context, actor, groupRows)
  return {
    users: userRows.map((row) => ({
      ...(mayRead(actor, row.id, row.organization_ids) ? presentUser(row) : slim(presentUser(row))),
      role: shownRole('template', users[row.id]),
    })),
    group: presented.map((group) => ({ ...group, role: shownRole('template', groups[group.id]) })),
  }
}

/** Whom a template can be opened to. @throws ApiError 404 without `template:update` (RB-68), 400 for a bad search. */
export async function templateCandidates(
  context: AppContext,
  actor: Actor,
  template: TemplateRow,
  query: {
    readonly q?: string | undefined
    readonly limit?: number | undefined
    readonly offset?: number | undefined
    readonly after_id?: string | undefined
  },
): Promise<ACLAvailable> {
  const { db } = context.database
  const guard = { action: 'update' as const, object: templateObject(template) }
  if (!isAllowed(actor, guard.action, guard.object)) throw notFound()
  const organizationId = template.organization_id
  const users = await listCandidates(actor, db, guard, organizationId, parseUserSearch(query.q ?? ''), {
    limit: query.limit,
    offset: query.offset,
    afterId: query.after_id,
  })
  const groups = await listGroupsOfOrganization(actor, db, guard, organizationId)
  return {
    users: users.map((row) => {
      const user = presentReducedUser(row)
      return mayRead(actor, row.id, [organizationId]) ? user : { ...user, ...UNKNOWN }
    }),
    groups: groups.map((row) => presentGroup(row, [])),
  }
}

/** A template before and after its lists were changed. */
export interface TemplateListsChange {
  readonly before: HeldTemplate['row']
  readonly after: HeldTemplate['row']
}

/**
 * Changes the entries of a template's lists that are named, and no others (RB-54, WS-92).
 *
 * @throws ApiError 404, 403 without `template:create` on it, 400 with one validation for each fault.
 */
export async function changeTemplateLists(
  context: AppContext,
  actor: Actor,
  id: string,
  given: {
    readonly user_perms?: Readonly<Record<string, string>> | undefined
    readonly group_perms?: Readonly<Record<string, string>> | undefined
  },
): Promise<TemplateListsChange> {
  const fields: GivenRoles = {
    users: { field: 'user_perms', roles: given.user_perms },
    groups: { field: 'group_perms', roles: given.group_perms },
  }
  const change = readAccessChange('template', fields)
  return context.database.transaction(async (tx) => {
    const held = await holdTemplateLists(actor, tx, id)
    const guard = { action: 'create' as const, object: templateObject(held.row) }
    const organizationId = held.row.organization_id
    const changed = await changeLists(
      actor,
      tx,
      { kind: 'template', guard, organizationId, fields },
      held.lists,
      change,
    )
    if (!changed.ok)
      throw badRequest('Invalid request to update template ACL', { validations: changed.faults })
    return { before: held.row, after: await storeTemplateLists(actor, tx, held, changed.lists) }
  })
}

/** Whether the actor learns of a user what those learn who may read the user or a membership. */
function mayRead(actor: Actor, userId: string, organizations: readonly string[]): boolean {
  const user = { id: userId, owner: userId }
  return (
    isAllowed(actor, 'read', { type: 'user', ...user }) ||
    organizations.some((organization) =>
      isAllowed(actor, 'read', { type: 'organization_member', organization, ...user }),
    )
  )
}

/** What others do not learn (L-S8). */
const UNKNOWN = { email: '', last_seen_at: NEVER } satisfies Partial<ReducedUser>

function slim(user: User): User {
  return { ...user, ...UNKNOWN, roles: [], organization_ids: [] }
}
