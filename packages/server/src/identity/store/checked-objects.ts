import { sql } from 'kysely'

import {
  type Actor,
  accessListOf,
  isAllowed,
  PREBUILDS_USER,
  type ResourceObject,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** Where objects lie of which only their owner matters, and the column that names it. */
const OWNED = {
  user_secret: ['user_secrets', 'user_id'],
  user_skill: ['user_skills', 'user_id'],
  inbox_notification: ['inbox_notifications', 'user_id'],
  aibridge_interception: ['aibridge_interceptions', 'initiator_id'],
} as const

/** Where objects lie of which only their organization matters; some have none. */
const IN_ORGANIZATION = {
  provisioner_daemon: 'provisioner_daemons',
  provisioner_jobs: 'provisioner_jobs',
  audit_log: 'audit_logs',
  connection_log: 'connection_logs',
} as const

/** Where objects of the deployment lie. */
const OF_DEPLOYMENT = { ai_provider: 'ai_providers', oauth2_app: 'oauth2_provider_apps' } as const

/**
 * Types whose objects an authorization check may name by id (RB-81, RB-139): those whose rows say all that decides. Who
 * manages a template that uses a file may read it, too (RB-67), and an MCP server that is off is there for few (OA-101):
 * these are not among them.
 */
export const CHECKED_TYPES = [
  'workspace',
  'workspace_dormant',
  'prebuilt_workspace',
  'template',
  'user',
  'user_secret',
  'user_skill',
  'inbox_notification',
  'aibridge_interception',
  'group',
  'organization',
  'provisioner_daemon',
  'provisioner_jobs',
  'audit_log',
  'connection_log',
  'task',
  'chat',
  'ai_provider',
  'oauth2_app',
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
    case 'organization': {
      const row = await db
        .selectFrom('organizations')
        .select('id')
        .where('id', '=', id)
        .where('deleted', '=', false)
        .executeTakeFirst()
      return row === undefined ? undefined : { type, id, organization: id }
    }
    case 'user_secret':
    case 'user_skill':
    case 'inbox_notification':
    case 'aibridge_interception': {
      const [table, owner] = OWNED[type]
      const { rows } = await sql<{ owner: string }>`
        select ${sql.ref(owner)} as owner from ${sql.table(table)} where id = ${id}::uuid`.execute(db)
      return rows[0] === undefined ? undefined : { type, id, owner: rows[0].owner }
    }
    case 'provisioner_daemon':
    case 'provisioner_jobs':
    case 'audit_log':
    case 'connection_log': {
      const { rows } = await sql<{ organization: string | null }>`
        select organization_id as organization from ${sql.table(IN_ORGANIZATION[type])}
         where id = ${id}::uuid`.execute(db)
      return rows[0] === undefined ? undefined : { type, id, organization: rows[0].organization ?? undefined }
    }
    case 'ai_provider':
    case 'oauth2_app': {
      const { rows } = await sql`
        select from ${sql.table(OF_DEPLOYMENT[type])} where id = ${id}::uuid`.execute(db)
      return rows.length === 0 ? undefined : { type, id }
    }
    case 'task': {
      const row = await db
        .selectFrom('tasks as t')
        .leftJoin('workspaces as w', 'w.id', 't.workspace_id')
        .select(['t.owner_id', 't.organization_id', 'w.user_acl', 'w.group_acl'])
        .where('t.id', '=', id)
        .where('t.deleted_at', 'is', null)
        .executeTakeFirst()
      return row === undefined ? undefined : shared(type, id, row)
    }
    case 'chat': {
      // Whom a chat is open to is said of the first of those that belong together (CH-304).
      const row = await db
        .selectFrom('chats as c')
        .leftJoin('chats as root', 'root.id', 'c.root_chat_id')
        .select(['c.owner_id', 'c.organization_id'])
        .select((eb) => [
          eb.fn.coalesce('root.user_acl', 'c.user_acl').as('user_acl'),
          eb.fn.coalesce('root.group_acl', 'c.group_acl').as('group_acl'),
        ])
        .where('c.id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : shared(type, id, row)
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

/** An object that access lists open to others than its owner. */
function shared(
  type: 'task' | 'chat',
  id: string,
  row: {
    readonly owner_id: string
    readonly organization_id: string
    readonly user_acl: unknown
    readonly group_acl: unknown
  },
): ResourceObject {
  return {
    type,
    id,
    owner: row.owner_id,
    organization: row.organization_id,
    userAcl: accessListOf(row.user_acl),
    groupAcl: accessListOf(row.group_acl),
  }
}
