import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerDaemonsTable, ProvisionerJobsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'

/** A registered provisioner. */
export type DaemonRow = Selectable<ProvisionerDaemonsTable>

/** Key id of provisioners that are part of the server (PR-8). */
const BUILT_IN_KEY = '00000000-0000-0000-0000-000000000001'

/** Registers a built-in provisioner. @throws ApiError 403. */
export async function registerDaemon(
  actor: Actor,
  db: Db,
  daemon: {
    readonly id: string
    readonly organizationId: string
    readonly name: string
    readonly provisioners: readonly DaemonRow['provisioners'][number][]
    readonly tags: Readonly<Record<string, string>>
    readonly version: string
  },
): Promise<DaemonRow> {
  authorize(actor, 'create', { type: 'provisioner_daemon', organization: daemon.organizationId })
  return db
    .insertInto('provisioner_daemons')
    .values({
      id: daemon.id,
      organization_id: daemon.organizationId,
      name: daemon.name,
      key_id: BUILT_IN_KEY,
      provisioners: [...daemon.provisioners],
      tags: JSON.stringify(daemon.tags),
      version: daemon.version,
      last_seen_at: sql<Date>`now()`,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Notes that these provisioners are alive. @returns how many of them are registered. @throws ApiError 403. */
export async function touchDaemons(actor: Actor, db: Db, ids: readonly string[]): Promise<number> {
  authorize(actor, 'update', { type: 'provisioner_daemon' })
  const touched = await db
    .updateTable('provisioner_daemons')
    .set({ last_seen_at: sql<Date>`now()` })
    .where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
    .returning('id')
    .execute()
  return touched.length
}

/** Removes built-in provisioners that stopped, and those of servers that were killed. @throws ApiError 403. */
export async function removeDaemons(actor: Actor, db: Db, ids: readonly string[]): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_daemon' })
  await db
    .deleteFrom('provisioner_daemons')
    .where(
      sql<boolean>`id = any(${[...ids]}::uuid[])
        or (key_id = ${BUILT_IN_KEY}::uuid and last_seen_at < now() - interval '10 minutes')`,
    )
    .execute()
}

/** A job as lists of provisioners show it. */
export interface DaemonJob {
  readonly id: string
  readonly status: Selectable<ProvisionerJobsTable>['job_status']
  readonly template_name: string
  readonly template_display_name: string
  readonly template_icon: string
}

/** A provisioner with the job that it runs and the one before. */
export type ListedDaemon = DaemonRow & {
  readonly status: 'offline' | 'idle' | 'busy'
  readonly current_job: DaemonJob | null
  readonly previous_job: DaemonJob | null
}

/** Which provisioners to list (PR-20). */
export interface DaemonFilter {
  readonly ids?: readonly string[] | undefined
  readonly statuses?: readonly ListedDaemon['status'][] | undefined
  /** Tags that the provisioner must have, with others or without. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Those that are offline too. */
  readonly offline: boolean
  /** Milliseconds; those that were not seen for longer are left out. */
  readonly maxAgeMs?: number | undefined
  readonly limit: number
}

/** The latest job of daemon `d` that is complete, or the one that is not. */
function jobOf(complete: boolean) {
  return sql<DaemonJob | null>`(
    select jsonb_build_object('id', j.id, 'status', j.job_status, 'template_name', coalesce(t.name, ''),
             'template_display_name', coalesce(t.display_name, ''), 'template_icon', coalesce(t.icon, ''))
      from provisioner_jobs j
      left join workspace_builds b on b.job_id = j.id
      left join template_versions v on v.id = coalesce(b.template_version_id,
        (select i.id from template_versions i where i.job_id = j.id))
      left join templates t on t.id = v.template_id
     where j.worker_id = d.id and (j.completed_at is not null) = ${complete}
     order by j.completed_at desc limit 1)`
}

/** Provisioners of an organization, the newest first (PR-19, PR-20). @throws ApiError 404. */
export async function listDaemons(
  actor: Actor,
  db: Db,
  organizationId: string,
  filter: DaemonFilter,
): Promise<ListedDaemon[]> {
  for (const type of ['provisioner_daemon', 'provisioner_jobs'] as const)
    if (!isAllowed(actor, 'read', { type, organization: organizationId })) throw notFound()
  const status = sql<ListedDaemon['status']>`case
    when exists (select 1 from provisioner_jobs r where r.worker_id = d.id and r.completed_at is null) then 'busy'
    when d.last_seen_at > now() - interval '90 seconds' then 'idle' else 'offline' end`
  let query = db
    .selectFrom('provisioner_daemons as d')
    .selectAll('d')
    // The driver reads arrays of texts, and leaves those of enums as they are.
    .select(sql<DaemonRow['provisioners']>`d.provisioners::text[]`.as('provisioners'))
    .select([status.as('status'), jobOf(false).as('current_job'), jobOf(true).as('previous_job')])
    .where('d.organization_id', '=', organizationId)
    .orderBy('d.created_at', 'desc')
    .orderBy('d.id')
  if (filter.ids !== undefined) query = query.where(sql<boolean>`d.id = any(${[...filter.ids]}::uuid[])`)
  if (filter.statuses !== undefined)
    query = query.where(sql<boolean>`${status} = any(${[...filter.statuses]}::text[])`)
  else if (!filter.offline) query = query.where(sql<boolean>`${status} <> 'offline'`)
  if (filter.tags !== undefined)
    query = query.where(sql<boolean>`d.tags @> ${JSON.stringify(filter.tags)}::jsonb`)
  if (filter.maxAgeMs !== undefined)
    query = query.where(
      sql<boolean>`d.last_seen_at > now() - make_interval(secs => ${filter.maxAgeMs / 1000}::float8)`,
    )
  if (filter.limit > 0) query = query.limit(filter.limit)
  return query.execute()
}

/** More provisioners than a deployment has. */
const MAX_SEEN = 2_000

/** Provisioners of all organizations that were seen within 90 seconds, by name (PR-23). @throws ApiError 403. */
export async function listSeenDaemons(actor: Actor, db: Db): Promise<DaemonRow[]> {
  authorize(actor, 'read', { type: 'provisioner_daemon' })
  return db
    .selectFrom('provisioner_daemons')
    .selectAll()
    .select(sql<DaemonRow['provisioners']>`provisioners::text[]`.as('provisioners'))
    .where(sql<boolean>`last_seen_at > now() - interval '90 seconds'`)
    .orderBy('name')
    .orderBy('id')
    .limit(MAX_SEEN)
    .execute()
}

/** Provisioners that could take a job with these needs. */
export interface Matching {
  /** Registered, online or not. */
  readonly count: number
  readonly available: number
  readonly mostRecentlySeen: Date | null
}

/** Counts the provisioners that could take such a job (PR-16, PR-123). @throws ApiError 403. */
export async function countMatching(
  actor: Actor,
  db: Db,
  job: {
    readonly organizationId: string
    readonly provisioner: string
    readonly tags: Readonly<Record<string, string>>
  },
): Promise<Matching> {
  authorize(actor, 'read', { type: 'provisioner_daemon' })
  const row = await db
    .selectFrom('provisioner_daemons')
    .select([
      sql<number>`count(*)::int`.as('count'),
      sql<number>`count(*) filter (where last_seen_at > now() - interval '90 seconds')::int`.as('available'),
      sql<Date | null>`max(last_seen_at)`.as('mostRecentlySeen'),
    ])
    .where('organization_id', '=', job.organizationId)
    .where(sql<boolean>`${job.provisioner} = any(provisioners::text[])`)
    .where(sql<boolean>`provisioner_tags_match(tags, ${JSON.stringify(job.tags)}::jsonb)`)
    .executeTakeFirstOrThrow()
  return row
}
