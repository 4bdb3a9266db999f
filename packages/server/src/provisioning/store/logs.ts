import { type Selectable, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerJobLogsTable, ProvisionerJobTimingsTable } from '../../database/tables.ts'

/** A stored log line. */
export type JobLogRow = Selectable<ProvisionerJobLogsTable>

/** A log line to be stored. */
export interface NewJobLog {
  readonly createdAt: Date
  readonly source: JobLogRow['source']
  readonly level: JobLogRow['level']
  readonly stage: string
  readonly output: string
}

/**
 * Appends lines and counts them in one statement; the job row announces that there are more (PR-43, PR-46).
 *
 * @param size bytes by which the log grows, counted on the lines as they came.
 * @throws ApiError 403 without `provisioner_jobs:update`.
 */
export async function appendJobLogs(
  actor: Actor,
  db: Db,
  jobId: string,
  lines: readonly NewJobLog[],
  counted: { readonly size: number; readonly overflowed: boolean },
): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_jobs' })
  if (lines.length === 0) return
  await sql`
    with counted as (
      update provisioner_jobs
         set logs_length = least(logs_length + ${counted.size}, 1048576),
             logs_overflowed = logs_overflowed or ${counted.overflowed}, updated_at = now()
       where id = ${jobId}::uuid returning id)
    insert into provisioner_job_logs (job_id, created_at, source, level, stage, output)
    select counted.id, l.created_at, l.source::log_source, l.level::log_level, l.stage, l.output
      from counted, unnest(
        ${lines.map((line) => line.createdAt)}::timestamptz[], ${lines.map((line) => line.source)}::text[],
        ${lines.map((line) => line.level)}::text[],
        ${lines.map((line) => line.stage.slice(0, 128))}::text[],
        ${lines.map((line) => line.output.slice(0, 1024))}::text[])
      with ordinality as l(created_at, source, level, stage, output, place)
     order by l.place`.execute(db)
}

/**
 * Lines of a job behind `after`, in order; with `before` the newest of those that come before it (WS-304). The caller
 * has checked that the reader may see what the job is for.
 *
 * @throws ApiError 403 without `provisioner_jobs:read`.
 */
export async function listJobLogs(
  actor: Actor,
  db: Db,
  jobId: string,
  page: { readonly after: number; readonly before?: number | undefined; readonly limit?: number | undefined },
): Promise<JobLogRow[]> {
  authorize(actor, 'read', { type: 'provisioner_jobs' })
  let lines = db
    .selectFrom('provisioner_job_logs')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('id', '>', page.after)
  if (page.limit !== undefined) lines = lines.limit(page.limit)
  if (page.before === undefined) return lines.orderBy('id').execute()
  return (await lines.where('id', '<', page.before).orderBy('id', 'desc').execute()).reverse()
}

/** A span of a job. */
export type JobTimingRow = Selectable<ProvisionerJobTimingsTable>

/** Stores the spans of a job (PR-47). @throws ApiError 403 without `provisioner_jobs:update`. */
export async function insertTimings(actor: Actor, tx: Db, timings: readonly JobTimingRow[]): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_jobs' })
  if (timings.length > 0)
    await tx
      .insertInto('provisioner_job_timings')
      .values([...timings])
      .execute()
}

/** The spans of a job, oldest first. @throws ApiError 403 without `provisioner_jobs:read`. */
export async function listTimings(actor: Actor, db: Db, jobId: string): Promise<JobTimingRow[]> {
  authorize(actor, 'read', { type: 'provisioner_jobs' })
  return db
    .selectFrom('provisioner_job_timings')
    .selectAll()
    .where('job_id', '=', jobId)
    .orderBy('started_at')
    .execute()
}
