import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, PREBUILDS_USER } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerJobsTable, WorkspaceBuildsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'

/** A stored job. */
export type JobRow = Selectable<ProvisionerJobsTable>

/** What a job is for; its columns `type` and `input` in one value (PR-26). */
export type JobType = JobRow['type']

/** What a new job is made of. */
export interface NewJob {
  readonly organizationId: string
  readonly initiatorId: string
  readonly provisioner: JobRow['provisioner']
  readonly fileId: string
  readonly type: JobType
  readonly input: Readonly<Record<string, unknown>>
  readonly tags: Readonly<Record<string, string>>
  /** Set when nobody could ever take the job: it is stored as failed at once (PR-123). */
  readonly impossible?: string | undefined
}

/** Stores a job; workers hear of it after the commit. @throws ApiError 403 without `provisioner_jobs:create`. */
export async function insertJob(actor: Actor, tx: Db, job: NewJob): Promise<JobRow> {
  authorize(actor, 'create', { type: 'provisioner_jobs', organization: job.organizationId })
  return tx
    .insertInto('provisioner_jobs')
    .values({
      organization_id: job.organizationId,
      initiator_id: job.initiatorId,
      provisioner: job.provisioner,
      file_id: job.fileId,
      type: job.type,
      input: JSON.stringify(job.input),
      tags: JSON.stringify(job.tags),
      ...(job.impossible === undefined
        ? {}
        : { error: job.impossible, started_at: sql<Date>`now()`, completed_at: sql<Date>`now()` }),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** One job. @throws ApiError 404 when absent or not readable. */
export async function getJob(actor: Actor, db: Db, id: string): Promise<JobRow> {
  const row = await db.selectFrom('provisioner_jobs').selectAll().where('id', '=', id).executeTakeFirst()
  if (
    row === undefined ||
    !isAllowed(actor, 'read', { type: 'provisioner_jobs', organization: row.organization_id })
  )
    throw notFound()
  return row
}

/** A job that was taken, and of which build it is; null for other jobs. */
export type ClaimedJob = JobRow & {
  readonly transition: Selectable<WorkspaceBuildsTable>['transition'] | null
  readonly build_reason: Selectable<WorkspaceBuildsTable>['reason'] | null
}

/**
 * Gives the oldest job that this daemon can run to it, or undefined (PR-29). People come before prebuilds,
 * and rows that another daemon is about to take are skipped.
 *
 * @throws ApiError 403 without `provisioner_jobs:update`.
 */
export async function claimJob(
  actor: Actor,
  db: Db,
  daemon: {
    readonly id: string
    readonly organizationId: string
    readonly provisioners: readonly string[]
    readonly tags: Readonly<Record<string, string>>
  },
): Promise<ClaimedJob | undefined> {
  authorize(actor, 'update', { type: 'provisioner_jobs', organization: daemon.organizationId })
  return db
    .updateTable('provisioner_jobs')
    .set({ started_at: sql<Date>`now()`, updated_at: sql<Date>`now()`, worker_id: daemon.id })
    .where('id', '=', (sub) =>
      sub
        .selectFrom('provisioner_jobs as j')
        .select('j.id')
        .where('j.started_at', 'is', null)
        .where('j.completed_at', 'is', null)
        .where('j.organization_id', '=', daemon.organizationId)
        .where(sql<boolean>`j.provisioner::text = any(${[...daemon.provisioners]}::text[])`)
        .where(sql<boolean>`provisioner_tags_match(${JSON.stringify(daemon.tags)}::jsonb, j.tags)`)
        // Jobs of prebuilt workspaces wait behind those of people (PR-29).
        .orderBy(sql`j.initiator_id = ${PREBUILDS_USER}::uuid`)
        .orderBy('j.created_at')
        .limit(1)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .returning((eb) => {
      const build = eb.selectFrom('workspace_builds as b').whereRef('b.job_id', '=', 'provisioner_jobs.id')
      return [build.select('b.transition').as('transition'), build.select('b.reason').as('build_reason')]
    })
    .executeTakeFirst()
}

/**
 * Renews the lease of a running job.
 *
 * @returns whether it was asked to stop; undefined when it is not this worker's any more.
 * @throws ApiError 403 without `provisioner_jobs:update`.
 */
export async function renewJob(
  actor: Actor,
  db: Db,
  job: { readonly id: string; readonly workerId: string; readonly organizationId: string },
): Promise<{ readonly canceled: boolean } | undefined> {
  authorize(actor, 'update', { type: 'provisioner_jobs', organization: job.organizationId })
  const row = await db
    .updateTable('provisioner_jobs')
    .set({ updated_at: sql<Date>`now()` })
    .where('id', '=', job.id)
    .where('worker_id', '=', job.workerId)
    .where('completed_at', 'is', null)
    .returning('canceled_at')
    .executeTakeFirst()
  return row === undefined ? undefined : { canceled: row.canceled_at !== null }
}

/**
 * Ends a running job exactly once: whoever comes second finds it complete and must undo its own writes.
 *
 * @returns false when the job was complete already, or belongs to another worker.
 * @throws ApiError 403 without `provisioner_jobs:update`.
 */
export async function completeJob(
  actor: Actor,
  tx: Db,
  job: { readonly id: string; readonly workerId: string | null; readonly organizationId: string },
  failure?: { readonly error: string; readonly code?: string | undefined },
): Promise<boolean> {
  authorize(actor, 'update', { type: 'provisioner_jobs', organization: job.organizationId })
  let query = tx
    .updateTable('provisioner_jobs')
    .set({
      completed_at: sql<Date>`now()`,
      updated_at: sql<Date>`now()`,
      started_at: sql<Date>`coalesce(started_at, now())`,
      ...(failure === undefined
        ? {}
        : {
            // A template may throw any text, and no column holds a NUL.
            error: failure.error.replaceAll('\0', '\u274c').slice(0, 65_536),
            error_code: failure.code ?? null,
          }),
    })
    .where('id', '=', job.id)
    .where('completed_at', 'is', null)
  query =
    job.workerId === null ? query.where('worker_id', 'is', null) : query.where('worker_id', '=', job.workerId)
  return (await query.returning('id').executeTakeFirst()) !== undefined
}

/** How long a provisioner has to stop a job before asking again ends it by force, in seconds (WS-317). */
const FORCE_AFTER_SECONDS = 30

/**
 * Marks a job as canceled under its row lock, so that a claim cannot slip in between (PR-40). A job that no
 * worker holds is complete with it; a running one is told by its worker. Asked again after 30 s, it ends even
 * if its worker never answers; what that one reports later is refused (WS-317, PR-B4).
 *
 * @throws ApiError 403 without `provisioner_jobs:update`.
 */
export async function cancelJob(
  actor: Actor,
  tx: Db,
  id: string,
): Promise<{
  readonly outcome: 'marked' | 'forced' | 'completed' | 'already canceled'
  readonly status: JobRow['job_status']
}> {
  authorize(actor, 'update', { type: 'provisioner_jobs' })
  const row = await lockJob(tx, id)
  if (row.completed_at !== null) return { outcome: 'completed', status: row.job_status }
  if (row.canceled_at !== null) {
    const forced = await tx
      .updateTable('provisioner_jobs')
      .set({ completed_at: sql<Date>`now()`, updated_at: sql<Date>`now()` })
      .where('id', '=', id)
      .where(sql<boolean>`canceled_at < now() - make_interval(secs => ${FORCE_AFTER_SECONDS})`)
      .returning('id')
      .executeTakeFirst()
    return { outcome: forced === undefined ? 'already canceled' : 'forced', status: row.job_status }
  }
  await tx
    .updateTable('provisioner_jobs')
    .set({
      canceled_at: sql<Date>`now()`,
      updated_at: sql<Date>`now()`,
      ...(row.worker_id === null ? { completed_at: sql<Date>`now()` } : {}),
    })
    .where('id', '=', id)
    .execute()
  return { outcome: 'marked', status: row.job_status }
}

async function lockJob(tx: Db, id: string): Promise<JobRow> {
  const row = await tx
    .selectFrom('provisioner_jobs')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row
}

/** How long a worker may be silent before its jobs are taken from it, in seconds (PR-122). */
export const LEASE_SECONDS = 20

/**
 * Jobs whose worker is gone, and jobs that nobody has taken for half an hour (PR-41, PR-122). Times are the
 * database's own, so that a clock that jumps on one replica does no harm.
 *
 * @throws ApiError 403 without `provisioner_jobs:read`.
 */
export async function listLostJobs(actor: Actor, db: Db): Promise<JobRow[]> {
  authorize(actor, 'read', { type: 'provisioner_jobs' })
  return (
    db
      .selectFrom('provisioner_jobs')
      .selectAll()
      .where('completed_at', 'is', null)
      .where(
        sql<boolean>`(started_at is not null and updated_at < now() - make_interval(secs => ${LEASE_SECONDS}))
        or (started_at is null and updated_at < now() - interval '30 minutes')`,
      )
      // In no order, so that jobs that cannot be taken back do not hide the others for ever (PR-41).
      .orderBy(sql`random()`)
      .limit(10)
      .execute()
  )
}

/** Locks a lost job unless somebody else has it; undefined when it is not lost any more. @throws ApiError 403. */
export async function lockLostJob(actor: Actor, tx: Db, id: string): Promise<JobRow | undefined> {
  authorize(actor, 'update', { type: 'provisioner_jobs' })
  return tx
    .selectFrom('provisioner_jobs')
    .selectAll()
    .where('id', '=', id)
    .where('completed_at', 'is', null)
    .where(
      sql<boolean>`updated_at < now() - make_interval(secs => case when started_at is null then 1800 else ${LEASE_SECONDS} end)`,
    )
    .forUpdate()
    .skipLocked()
    .executeTakeFirst()
}

/** Puts an import back into the queue for a second and last attempt (PR-122). @throws ApiError 403. */
export async function requeueJob(actor: Actor, tx: Db, id: string): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_jobs' })
  await tx
    .updateTable('provisioner_jobs')
    .set({
      started_at: null,
      worker_id: null,
      updated_at: sql<Date>`now()`,
      attempts: sql<number>`attempts + 1`,
    })
    .where('id', '=', id)
    .execute()
}

/** Where a pending job stands (PR-38). */
export interface QueuePlace {
  readonly position: number
  readonly size: number
  readonly availableWorkers: readonly string[]
}

/** Places of those of these jobs that wait and that a live daemon could take. @throws ApiError 403. */
export async function queuePlaces(
  actor: Actor,
  db: Db,
  jobIds: readonly string[],
): Promise<ReadonlyMap<string, QueuePlace>> {
  authorize(actor, 'read', { type: 'provisioner_daemon' })
  if (jobIds.length === 0) return new Map()
  const { rows } = await sql<{ id: string; position: number; size: number; workers: string[] }>`
    select j.id, min(q.position)::int as position, max(q.size)::int as size, array_agg(d.id::text) as workers
      from provisioner_jobs j
      join provisioner_daemons d on d.organization_id = j.organization_id
       and d.last_seen_at > now() - interval '90 seconds'
       and j.provisioner = any(d.provisioners) and provisioner_tags_match(d.tags, j.tags)
     cross join lateral (
       select count(*) filter (where (p.initiator_id = ${PREBUILDS_USER}::uuid, p.created_at, p.id)
                <= (j.initiator_id = ${PREBUILDS_USER}::uuid, j.created_at, j.id)) as position,
              count(*) as size
         from provisioner_jobs p
        where p.started_at is null and p.completed_at is null and p.organization_id = j.organization_id
          and p.provisioner = any(d.provisioners) and provisioner_tags_match(d.tags, p.tags)) q
     where j.id = any(${[...jobIds]}::uuid[]) and j.started_at is null and j.completed_at is null
     group by j.id`.execute(db)
  return new Map(
    rows.map((row) => [row.id, { position: row.position, size: row.size, availableWorkers: row.workers }]),
  )
}

/** A job with what lists show beside it. */
export type ListedJob = JobRow & {
  readonly worker_name: string | null
  readonly template_id: string | null
  readonly template_name: string | null
  readonly template_display_name: string | null
  readonly template_icon: string | null
  readonly template_version_id: string | null
  readonly template_version_name: string | null
  readonly workspace_id: string | null
  readonly workspace_name: string | null
  readonly transition: 'start' | 'stop' | 'delete' | null
}

/** Jobs of an organization, newest first. @throws ApiError 404 without `provisioner_jobs:read`. */
export async function listJobs(
  actor: Actor,
  db: Db,
  organizationId: string,
  filter: {
    readonly ids?: readonly string[] | undefined
    /** `unknown` matches none. */
    readonly status?: JobRow['job_status'] | 'unknown' | undefined
    readonly initiatorId?: string | undefined
    readonly tags?: Readonly<Record<string, string>> | undefined
    readonly limit: number
  },
): Promise<ListedJob[]> {
  if (!isAllowed(actor, 'read', { type: 'provisioner_jobs', organization: organizationId })) throw notFound()
  let query = db
    .selectFrom('provisioner_jobs as j')
    .leftJoin('provisioner_daemons as d', 'd.id', 'j.worker_id')
    .leftJoin('workspace_builds as b', 'b.job_id', 'j.id')
    .leftJoin('workspaces as w', 'w.id', 'b.workspace_id')
    .leftJoin('template_versions as v', (join) =>
      join.on((eb) =>
        eb.or([eb('v.job_id', '=', eb.ref('j.id')), eb('v.id', '=', eb.ref('b.template_version_id'))]),
      ),
    )
    .leftJoin('templates as t', 't.id', 'v.template_id')
    .selectAll('j')
    .select([
      'd.name as worker_name',
      't.id as template_id',
      't.name as template_name',
      't.display_name as template_display_name',
      't.icon as template_icon',
      'v.id as template_version_id',
      'v.name as template_version_name',
      'w.id as workspace_id',
      'w.name as workspace_name',
      'b.transition',
    ])
    .where('j.organization_id', '=', organizationId)
    .orderBy('j.created_at', 'desc')
    .orderBy('j.id')
  if (filter.ids !== undefined) query = query.where(sql<boolean>`j.id = any(${[...filter.ids]}::uuid[])`)
  if (filter.status !== undefined) query = query.where(sql<string>`j.job_status::text`, '=', filter.status)
  if (filter.initiatorId !== undefined) query = query.where('j.initiator_id', '=', filter.initiatorId)
  if (filter.tags !== undefined)
    query = query.where(sql<boolean>`j.tags @> ${JSON.stringify(filter.tags)}::jsonb`)
  if (filter.limit > 0) query = query.limit(filter.limit)
  return query.execute()
}
