import { describeError, type Logger } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import type { JobHandler } from './job-handler.ts'
import { tellEnd } from './job-worker.ts'
import { completeJob, type JobRow, listLostJobs, lockLostJob, requeueJob } from './store/jobs.ts'
import { appendJobLogs, listJobLogs } from './store/logs.ts'

const TICK_MS = 5_000

/**
 * Takes jobs back whose worker is gone, on every replica (PR-41, PR-42, PR-122): an import is queued once
 * more, a build fails with the state that was stored last, because running half of it twice could do harm.
 * Nothing stays stuck: a worker is gone after 20 s of silence, and this looks every 5 s.
 */
export class JobReaper implements Disposable {
  readonly #database: Database
  readonly #log: Logger
  readonly #handlers: readonly JobHandler[]
  readonly #timer: NodeJS.Timeout
  #busy = false

  constructor(options: {
    readonly database: Database
    readonly log: Logger
    readonly handlers: readonly JobHandler[]
  }) {
    this.#database = options.database
    this.#log = options.log
    this.#handlers = options.handlers
    this.#timer = setInterval(() => void this.tick(), TICK_MS).unref()
  }

  /** Looks once; at most one look at a time. */
  async tick(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    try {
      await labelled('job-reaper', () => this.#look())
    } catch (error) {
      this.#log.warn('lost jobs could not be looked for', { error: describeError(error) })
    } finally {
      this.#busy = false
    }
  }

  async #look(): Promise<void> {
    const lost = await listLostJobs(
      systemActor('job_reaper', 'jobs whose provisioner is gone'),
      this.#database.db,
    )
    // One that cannot be taken back must not keep the others waiting.
    for (const job of lost)
      await this.#reap(job.id).catch((error: unknown) =>
        this.#log.warn('a lost job could not be taken back', {
          job_id: job.id,
          error: describeError(error),
        }),
      )
  }

  async #reap(id: string): Promise<void> {
    const actor = systemActor('job_reaper', 'jobs whose provisioner is gone')
    const ended = await this.#database.transaction(async (tx) => {
      const job = await lockLostJob(actor, tx, id)
      if (job === undefined) return undefined
      if (
        job.started_at !== null &&
        job.type !== 'workspace_build' &&
        job.attempts === 0 &&
        job.canceled_at === null
      ) {
        await requeueJob(actor, tx, id)
        this.#log.warn('a job whose provisioner is gone was queued again', { job_id: id })
        return undefined
      }
      const logs = await listJobLogs(actor, tx, id, { after: 0 })
      const stage = logs.at(-1)?.stage ?? 'Unknown'
      const { notice, error } = reasonOf(job)
      const now = Date.now()
      const lines = ['', '====================', notice, '====================', '']
      await appendJobLogs(
        actor,
        tx,
        id,
        lines.map((output, i) => ({
          createdAt: new Date(now + i),
          source: 'provisioner_daemon',
          level: 'error',
          stage,
          output,
        })),
        { size: 0, overflowed: false },
      )
      await completeJob(
        actor,
        tx,
        { id, workerId: job.worker_id, organizationId: job.organization_id },
        job.canceled_at === null ? { error } : undefined,
      )
      await this.#handlers.find((handler) => handler.type === job.type)?.abandoned?.(job, tx)
      this.#log.warn('a job whose provisioner is gone has failed', { job_id: id })
      return job
    })
    if (ended !== undefined) await tellEnd({ handlers: this.#handlers, log: this.#log }, ended, false)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

/** What the log and the job say (PR-42, PR-122). */
function reasonOf(job: JobRow): { readonly notice: string; readonly error: string } {
  const pending = 'Coder: Build has been detected as pending for 30 minutes and'
  const lost = 'connection to provisioner daemon lost'
  return job.started_at === null
    ? { notice: `${pending} will be terminated.`, error: `${pending} has been terminated by the reaper.` }
    : { notice: lost, error: lost }
}
