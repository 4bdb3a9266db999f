import {
  type Actor,
  accessListOf,
  isAllowed,
  PREBUILDS_USER,
  type ResourceObject,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/**
 * Types whose objects an authorization check may name by id (RB-81, RB-139): those whose rows say all that decides. A
 * file is not among them: who manages a template that uses it may read it, too (RB-67).
 */
export const CHECKED_TYPES = [
  'workspace',
  'workspace_dormant',
  'prebuilt_workspace',
  'template',
  'user',
  'user_secret',
  'group',
  'organization',
  'provisioner_daemon',
  'audit_log',
] as const

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
    case 'workspace':
    case 'workspace_dormant':
    case 'prebuilt_workspace': {
      const row = await db
        .selectFrom('workspaces')
        .select(['owner_id', 'organization_id', 'dormant_at', 'user_acl', 'group_acl'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (row === undefined) return undefined
      const of = { id, owner: row.owner_id, organization: row.organization_id }
      if (type === 'prebuilt_workspace') return row.owner_id === PREBUILDS_USER ? { type, ...of } : undefined
      if (type === 'workspace_dormant' && row.dormant_at === null) return undefined
      // RB-20: sharing does not apply while it is dormant.
      return row.dormant_at === null
        ? {
            type: 'workspace',
            ...of,
            userAcl: accessListOf(row.user_acl),
            groupAcl: accessListOf(row.group_acl),
          }
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
    case 'user_secret': {
      const row = await db
        .selectFrom('user_secrets')
        .select('user_id')
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : { type, id, owner: row.user_id }
    }
    case 'organization': {
      const row = await db
        .selectFrom('organizations')
        .select('id')
        .where('id', '=', id)
        .where('deleted', '=', false)
        .executeTakeFirst()
      return row === undefined ? undefined : { type, id, organization: id }
    }
    case 'provisioner_daemon': {
      const row = await db
        .selectFrom('provisioner_daemons')
        .select('organization_id')
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : { type, id, organization: row.organization_id }
    }
    case 'audit_log': {
      const row = await db
        .selectFrom('audit_logs')
        .select('organization_id')
        .where('id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : { type, id, organization: row.organization_id ?? undefined }
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
