import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** How much a user and everybody else use a template, over 60 days (CH-1112). */
export interface TemplateUse {
  readonly templateId: string
  /** Live workspaces of the user. */
  readonly active: number
  /** Workspaces of the user that were deleted in these days. */
  readonly deleted: number
  /** Days since the user last used one; undefined for never. */
  readonly daysSinceUse: number | undefined
  /** Users of its workspaces in these days. */
  readonly developers: number
}

/** How templates are used. @throws ApiError 403 without `workspace:read` of all. */
export async function listTemplateUse(
  actor: Actor,
  db: Db,
  userId: string,
  templateIds: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, TemplateUse>> {
  authorize(actor, 'read', { type: 'workspace' })
  if (templateIds.length === 0) return new Map()
  const since = sql`(${now}::timestamptz - interval '60 days')`
  const { rows } = await sql<{
    template_id: string
    active: number
    deleted: number
    days: number | null
    developers: number
  }>`
    select w.template_id,
           (count(*) filter (where w.owner_id = ${userId}::uuid and not w.deleted))::int as active,
           (count(*) filter (where w.owner_id = ${userId}::uuid and w.deleted and w.updated_at > ${since}))::int as deleted,
           (extract(epoch from ${now}::timestamptz - max(greatest(w.last_used_at, w.created_at))
             filter (where w.owner_id = ${userId}::uuid)) / 86400)::float8 as days,
           (count(distinct w.owner_id) filter (where greatest(w.last_used_at, w.created_at) > ${since}))::int as developers
      from workspaces w
     where w.template_id = any(${[...templateIds]}::uuid[])
     group by w.template_id`.execute(db)
  return new Map(
    rows.map((row) => [
      row.template_id,
      {
        templateId: row.template_id,
        active: row.active,
        deleted: row.deleted,
        daysSinceUse: row.days === null ? undefined : Math.max(0, row.days),
        developers: row.developers,
      },
    ]),
  )
}
