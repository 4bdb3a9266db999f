import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

const KEY = 'failed_builds_reported_at'

/** How the builds of a template went. */
export interface TemplateBuilds {
  readonly name: string
  readonly failed_builds: number
  readonly total_builds: number
}

/**
 * Takes the next report of failed builds, for one replica: undefined before its time (OP-56). The first one is due a period
 * after this was first asked.
 *
 * @param limit of templates.
 * @returns templates of which builds have failed since the last report, the most failures first.
 * @throws ApiError 403 without `notification_message:create`.
 */
export async function takeFailedBuilds(
  actor: Actor,
  tx: Db,
  { now, periodMs, limit }: { readonly now: Date; readonly periodMs: number; readonly limit: number },
): Promise<readonly TemplateBuilds[] | undefined> {
  authorize(actor, 'create', { type: 'notification_message' })
  const { rows: locks } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended('failed builds report', 0)) as locked`.execute(tx)
  if (locks[0]?.locked !== true) return undefined
  const last = await tx.selectFrom('site_configs').select('value').where('key', '=', KEY).executeTakeFirst()
  const since = last === undefined ? undefined : new Date(last.value)
  if (since !== undefined && now.getTime() - since.getTime() < periodMs) return undefined
  await tx
    .insertInto('site_configs')
    .values({ key: KEY, value: now.toISOString() })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value: now.toISOString() }))
    .execute()
  if (since === undefined) return undefined
  const { rows } = await sql<TemplateBuilds>`
    select t.name, count(*) filter (where j.job_status = 'failed')::integer as failed_builds,
           count(*)::integer as total_builds
      from provisioner_jobs j
      join workspace_builds b on b.job_id = j.id
      join workspaces w on w.id = b.workspace_id
      join templates t on t.id = w.template_id
     where j.completed_at >= ${since} and j.completed_at < ${now} and not t.deleted
     group by t.id
    having count(*) filter (where j.job_status = 'failed') > 0
     order by failed_builds desc, t.name limit ${limit}`.execute(tx)
  return rows
}
