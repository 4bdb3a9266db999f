import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ProvisionerDaemonsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'

/** A registered provisioner. */
export type DaemonRow = Selectable<ProvisionerDaemonsTable>

/** Key id of provisioners that are part of the server (PR-8). */
const BUILT_IN_KEY = '00000000-0000-0000-0000-000000000001'

/** Registers a built-in provisioner, or finds it again after a restart. @throws ApiError 403. */
export async function registerDaemon(
  actor: Actor,
  db: Db,
  daemon: {
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

/** Notes that these provisioners are alive. @throws ApiError 403. */
export async function touchDaemons(actor: Actor, db: Db, ids: readonly string[]): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_daemon' })
  await db
    .updateTable('provisioner_daemons')
    .set({ last_seen_at: sql<Date>`now()` })
    .where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
    .execute()
}

/** Removes built-in provisioners that stopped, and those that have not been seen for a week. @throws ApiError 403. */
export async function removeDaemons(actor: Actor, db: Db, ids: readonly string[]): Promise<void> {
  authorize(actor, 'update', { type: 'provisioner_daemon' })
  await db
    .deleteFrom('provisioner_daemons')
    .where(
      sql<boolean>`id = any(${[...ids]}::uuid[]) or last_seen_at < now() - case when key_id = ${BUILT_IN_KEY}::uuid then interval '10 minutes' else interval '7 days' end`,
    )
    .execute()
}

/** A provisioner with the job that it runs. */
export type ListedDaemon = DaemonRow & {
  readonly alive: boolean
  readonly current_job_id: string | null
}

/** Provisioners of an organization that the actor may read. @throws ApiError 404. */
export async function listDaemons(actor: Actor, db: Db, organizationId: string): Promise<ListedDaemon[]> {
  if (!isAllowed(actor, 'read', { type: 'provisioner_daemon', organization: organizationId }))
    throw notFound()
  return db
    .selectFrom('provisioner_daemons as d')
    .selectAll('d')
    .select([
      sql<boolean>`coalesce(d.last_seen_at > now() - interval '90 seconds', false)`.as('alive'),
      sql<
        string | null
      >`(select j.id::text from provisioner_jobs j where j.worker_id = d.id and j.completed_at is null limit 1)`.as(
        'current_job_id',
      ),
    ])
    .where('d.organization_id', '=', organizationId)
    .orderBy('d.created_at')
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
