import { systemActor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { countMatching, type Matching } from './store/daemons.ts'
import { insertJob, type JobRow, type NewJob } from './store/jobs.ts'
import { BUILT_IN_TAGS } from './tags.ts'

/** A queued job and who could run it. */
export interface QueuedJob {
  readonly job: JobRow
  readonly matching: Matching
}

/**
 * Queues a job in the caller's transaction; workers hear of it after the commit (PR-27). A job that no
 * registered provisioner could ever take fails at once and names what is missing (PR-123), except when
 * `mayWait` says that somebody can still get it out of the way, as with deletes (WS-172).
 */
export async function queueJob(
  tx: Db,
  job: Omit<NewJob, 'impossible'>,
  options: { readonly mayWait?: boolean } = {},
): Promise<QueuedJob> {
  const matching = await countMatching(
    systemActor('system_read_provisioner_daemons', 'whether any daemon can take the job'),
    tx,
    job,
  )
  const impossible = matching.count === 0 && options.mayWait !== true ? missingProvisioner(job) : undefined
  return {
    job: await insertJob(systemActor('provisionerd', 'whoever may build may queue the job of it'), tx, {
      ...job,
      impossible,
    }),
    matching,
  }
}

function missingProvisioner(job: Omit<NewJob, 'impossible'>): string {
  const tags = Object.entries(job.tags)
    .filter(([key, value]) => BUILT_IN_TAGS[key] !== value)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')
  return tags === ''
    ? `No provisioner of this organization runs ${job.provisioner} templates without tags: start one.`
    : `No provisioner of this organization runs ${job.provisioner} templates with the tags ${tags}. Start a provisioner with these tags, or change the tags of the template version.`
}
