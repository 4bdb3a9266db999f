import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** A user or group that a workspace is shared with, as people call it. */
export interface SharedName {
  readonly kind: 'user' | 'group'
  readonly id: string
  readonly name: string
  readonly avatar_url: string
}

/** Names of users and groups, those that still exist, by name. @throws ApiError 403. */
export async function listSharedNames(
  actor: Actor,
  db: Db,
  users: readonly string[],
  groups: readonly string[],
): Promise<SharedName[]> {
  authorize(actor, 'read', { type: 'user' })
  authorize(actor, 'read', { type: 'group' })
  const { rows } = await sql<SharedName>`
    select 'user' as kind, u.id::text, coalesce(nullif(u.name, ''), u.username) as name, u.avatar_url
      from users u where u.id = any(${[...users]}::uuid[]) and not u.deleted
     union all
    select 'group', g.id::text, coalesce(nullif(g.display_name, ''), g.name), g.avatar_url
      from groups g where g.id = any(${[...groups]}::uuid[])
     order by name, id`.execute(db)
  return rows
}
