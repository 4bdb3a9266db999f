import { type Actor, accessListOf, isAllowed, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Types whose objects an authorization check may name by id (RB-81). */
export const CHECKED_TYPES = ['workspace', 'template', 'user', 'group'] as const

/** The object with this id as permissions speak of it; undefined when it is absent or may not be read (RB-81). */
export async function findCheckedObject(
  actor: Actor,
  db: Db,
  type: (typeof CHECKED_TYPES)[number],
  id: string,
): Promise<ResourceObject | undefined> {
  const object = await load(db, type, id)
  return object !== undefined && isAllowed(actor, 'read', object) ? object : undefined
}

async function load(
  db: Db,
  type: (typeof CHECKED_TYPES)[number],
  id: string,
): Promise<ResourceObject | undefined> {
  switch (type) {
    case 'workspace': {
      const row = await db
        .selectFrom('workspaces')
        .select(['owner_id', 'organization_id', 'dormant_at', 'user_acl', 'group_acl'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const of = { id, owner: row.owner_id, organization: row.organization_id }
      // RB-20: sharing does not apply while it is dormant.
      return row.dormant_at === null
        ? { type, ...of, userAcl: accessListOf(row.user_acl), groupAcl: accessListOf(row.group_acl) }
        : { type: 'workspace_dormant', ...of }
    }
    case 'template': {
      const row = await db
        .selectFrom('templates')
        .select(['organization_id', 'user_acl', 'group_acl'])
        .where('id', '=', id)
        .where('deleted', '=', false)
        .executeTakeFirst()
      if (row === undefined) return undefined
      return {
        type,
        id,
        organization: row.organization_id,
        userAcl: accessListOf(row.user_acl),
        groupAcl: accessListOf(row.group_acl),
      }
    }
    case 'user': {
      const row = await db
        .selectFrom('users')
        .select('id')
        .where('id', '=', id)
        .where('deleted', '=', false)
        .executeTakeFirst()
      return row === undefined ? undefined : { type, id, owner: id }
    }
    case 'group': {
      const row = await db
        .selectFrom('groups')
        .select('organization_id')
        .where('id', '=', id)
        .executeTakeFirst()
      // Whoever is in a group may read it (RB-16).
      return row === undefined
        ? undefined
        : { type, id, organization: row.organization_id, groupAcl: { [id]: ['read'] } }
    }
  }
}
