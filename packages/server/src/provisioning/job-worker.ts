import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'

import type { Registry } from 'prom-client'

import { describeError, type Logger } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { Database } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import type { Engine } from './engine/engine.ts'
import { EngineError } from './engine/engine.ts'
import type { JobHandler, Outcome } from './job-handler.ts'
import { JobLog } from './job-log.ts'
import { JobMetrics } from './job-metrics.ts'
import { Silence } from './silence.ts'
import { registerDaemon, removeDaemons, touchDaemons } from './store/daemons.ts'
import { type ClaimedJob, claimJob, completeJob, type JobRow, LEASE_SECONDS, renewJob } from './store/jobs.ts'
import type { NewJobLog } from './store/logs.ts'
import { BUILT_IN_TAGS } from './tags.ts'

const RENEW_MS = 5_000
/** Covers a wake-up that was lost; posted jobs are taken at once (PR-31). */
const POLL_MS = 10_000
const SHUTDOWN_GRACE_MS = 5_000
/** No step of a job needs so long without a word. */
const MAX_SILENCE_MS = 15 * 60_000

const actor = systemActor('provisionerd', 'the provisioner takes and ends its jobs')

const REGISTRAR = systemActor(
  'system_restricted',
  'the provisioner of this server signs on and off; no narrower actor may write daemons',
)

/** What the provisioners of the server need. */
export interface JobWorkerOptions {
  readonly database: Database
  readonly log: Logger
  readonly metrics: Registry
  readonly organizationId: string
  readonly name: string
  /** Jobs that may run at the same time (`--provisioner-daemons`). */
  readonly slots: number
  readonly version: string
  readonly engines: ReadonlyMap<JobRow['provisioner'], Engine>
  readonly handlers: readonly JobHandler[]
  readonly workDirectory: string
  /** Milliseconds after which a canceled job that does not stop is failed (`--provisioner-force-cancel-interval`). */
  readonly forceCancelMs: number
  /** Milliseconds after which a job that says nothing is ended (L-12); a quarter of an hour unless a test says otherwise. */
  readonly maxSilenceMs?: number
}

/**
 * The provisioner that is part of the server: takes jobs as they are posted, keeps their leases, and
 * completes each exactly once. Several replicas share the work through the row locks of the queue.
 */
export class JobWorker implements AsyncDisposable {
  readonly #options: JobWorkerOptions
  readonly #metrics: JobMetrics
  readonly #running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>()
  readonly #daemonId = randomUUID()
  #wanted = false
  #claiming: Promise<void> | undefined
  #closed = false
  #subscription: Disposable | undefined
  readonly #timers: NodeJS.Timeout[] = []

  constructor(options: JobWorkerOptions) {
    this.#options = options
    this.#metrics = new JobMetrics(options.metrics)
  }

  /** Registers with the database and starts taking jobs. */
  async start(): Promise<void> {
    const { database, slots } = this.#options
    await this.#register()
    this.#metrics.daemons.set(slots)
    // Servers that were killed have left theirs behind, and jobs would wait for them (PR-123).
    await removeDaemons(REGISTRAR, database.db, [])
    this.#subscription = database.feed.subscribe({
      kinds: new Set(['provisioner_job']),
      onEvent: (event) => {
        if (event.data.job_status === 'pending') this.#wake()
        if (event.data.job_status === 'canceling') this.#running.get(event.key)?.stop.abort('canceled')
      },
      onReset: () => this.#wake(),
    })
    this.#timers.push(
      setInterval(() => this.#wake(), POLL_MS).unref(),
      setInterval(() => void labelled('typescript-provisioner', () => this.#renewAll()), RENEW_MS).unref(),
    )
    this.#wake()
  }

  /** Also after a long absence, when others have taken us for gone and removed us. */
  async #register(): Promise<void> {
    const { database, engines, organizationId, name, version } = this.#options
    await registerDaemon(REGISTRAR, database.db, {
      id: this.#daemonId,
      organizationId,
      name,
      provisioners: [...engines.keys()],
      tags: BUILT_IN_TAGS,
      version,
    })
  }

  #wake(): void {
    this.#wanted = true
    if (this.#closed || this.#claiming !== undefined) return
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined
      if (this.#wanted && this.#running.size < this.#options.slots) this.#wake()
    })
  }

  async #claimAll(): Promise<void> {
    const { database, organizationId, engines, slots, log } = this.#options
    this.#wanted = false
    try {
      while (!this.#closed && this.#running.size < slots) {
        const job = await claimJob(actor, database.db, {
          id: this.#daemonId,
          organizationId,
          provisioners: [...engines.keys()],
          tags: BUILT_IN_TAGS,
        })
        if (job === undefined) return
        // Taken from us while the database was away, and queued again: the first attempt counts no more.
        this.#running.get(job.id)?.stop.abort('lost')
        const stop = new AbortController()
        const { provisioner } = job
        this.#metrics.current.inc({ provisioner })
        const done = labelled('typescript-provisioner', () => this.#run(job, stop)).finally(() => {
          this.#metrics.current.dec({ provisioner })
          if (this.#running.get(job.id)?.stop === stop) this.#running.delete(job.id)
          this.#wake()
        })
        this.#running.set(job.id, { stop, done })
      }
      this.#wanted = true
    } catch (error) {
      log.warn('no job could be taken', { error: describeError(error) })
    }
  }

  async #renewAll(): Promise<void> {
    const { database, log, organizationId } = this.#options
    try {
      if ((await touchDaemons(REGISTRAR, database.db, [this.#daemonId])) === 0) await this.#register()
      for (const [id, { stop }] of this.#running) {
        const lease = await renewJob(actor, database.db, { id, workerId: this.#daemonId, organizationId })
        if (lease === undefined) stop.abort('lost')
        else if (lease.canceled) stop.abort('canceled')
      }
    } catch (error) {
      log.warn('the leases of jobs could not be renewed', { error: describeError(error) })
    }
  }

  async #run(job: ClaimedJob, stop: AbortController): Promise<void> {
    const { database, log } = this.#options
    const jobLog = new JobLog({ db: database.db, jobId: job.id, log })
    const over = this.#metrics.taken(job)
    using silence = new Silence(this.#options.maxSilenceMs ?? MAX_SILENCE_MS, () => {
      if (stop.signal.aborted) return
      log.warn('a provisioner job says nothing and is ended', { job_id: job.id })
      stop.abort('silent')
    })
    let outcome: Outcome
    try {
      outcome = await this.#orGiveUp(this.#perform(job, stop, jobLog, silence), job, stop.signal)
    } catch (error) {
      outcome = failureOf(error, stop.signal)
      if (!(error instanceof EngineError))
        log.warn('a provisioner job failed', { job_id: job.id, error: describeError(error) })
    }
    if (!outcome.ok && stop.signal.reason === 'silent') outcome = { ...outcome, error: silence.fault }
    if (!outcome.ok)
      jobLog.write({
        createdAt: new Date(),
        source: 'provisioner_daemon',
        level: 'error',
        stage: 'Cleaning Up',
        output: outcome.error || 'The job was canceled.',
      })
    await jobLog.flush()
    if (stop.signal.reason === 'lost') return
    over(outcome.ok)
    await this.#complete(job, outcome)
  }

  /**
   * Ends the wait for a job that was asked to stop and does not, so that it neither stays "canceling" nor
   * keeps a slot for ever (PR-57).
   */
  async #orGiveUp(work: Promise<Outcome>, job: JobRow, signal: AbortSignal): Promise<Outcome> {
    const { promise, reject } = Promise.withResolvers<never>()
    let timer: NodeJS.Timeout | undefined
    const onAbort = (): void => {
      timer = setTimeout(() => reject(new GivenUp('Cancel timed out')), this.#options.forceCancelMs).unref()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([work, promise])
    } catch (error) {
      if (error instanceof GivenUp)
        // It may still end one day; what it says then counts no more.
        work.catch((late: unknown) =>
          this.#options.log.warn('a provisioner job has failed after it was given up', {
            job_id: job.id,
            error: describeError(late),
          }),
        )
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #perform(job: JobRow, stop: AbortController, jobLog: JobLog, silence: Silence): Promise<Outcome> {
    const { engines, handlers, workDirectory } = this.#options
    const engine = engines.get(job.provisioner)
    const handler = handlers.find((candidate) => candidate.type === job.type)
    if (engine === undefined || handler === undefined)
      throw new EngineError(`this provisioner cannot run ${job.type} jobs for ${job.provisioner} templates`)
    await mkdir(workDirectory, { recursive: true })
    const folder = await mkdtemp(path.join(workDirectory, 'job-'))
    const write = (line: NewJobLog): void => {
      silence.end(line.stage)
      jobLog.write(line)
    }
    try {
      return await handler.run(job, {
        engine,
        signal: stop.signal,
        workDirectory: folder,
        engineLog: (line) => write({ ...line, source: 'provisioner' }),
        say: (stage, output, level = 'info') =>
          write({ createdAt: new Date(), source: 'provisioner_daemon', level, stage, output }),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Tries for as long as the lease can still be ours: what was done must not be forgotten (L-10). */
  async #complete(job: JobRow, outcome: Outcome): Promise<void> {
    const { database, log } = this.#options
    // Not the clock on the wall: setting it must not make us forget what was done.
    const deadline = performance.now() + LEASE_SECONDS * 1000
    for (let pause = 100; ; pause = Math.min(pause * 2, 2_000)) {
      try {
        const completed = await database.transaction(async (tx) => {
          const ours = await completeJob(
            actor,
            tx,
            { id: job.id, workerId: this.#daemonId, organizationId: job.organization_id },
            outcome.ok ? undefined : outcome,
          )
          if (ours) await outcome.store(tx)
          return ours
        })
        if (completed) await tellEnd(this.#options, job, outcome.ok)
        return
      } catch (error) {
        log.warn('a finished job could not be stored', { job_id: job.id, error: describeError(error) })
        if (outcome.ok && isFinal(error)) {
          await this.#complete(job, {
            ok: false,
            error: `internal provisionerserver error: the result could not be stored. An administrator finds the cause in the server's log under ${job.id}.`,
            store: async () => undefined,
          })
          return
        }
        if (performance.now() > deadline) return
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#metrics.daemons.set(0)
    this.#subscription?.[Symbol.dispose]()
    await this.#claiming
    const jobs = [...this.#running.values()]
    for (const { stop } of jobs) stop.abort('shutdown')
    await Promise.race([
      Promise.allSettled(jobs.map(({ done }) => done)),
      new Promise((resolve) => setTimeout(resolve, SHUTDOWN_GRACE_MS).unref()),
    ])
    for (const timer of this.#timers) clearInterval(timer)
    await removeDaemons(REGISTRAR, this.#options.database.db, [this.#daemonId]).catch((error: unknown) =>
      this.#options.log.warn('the provisioner could not sign off', { error: describeError(error) }),
    )
  }
}

/** A fault of the data, as against one of the connection: trying again would not help. */
function isFinal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|42)/.test(String(error.code))
}

/** What a handler does when it hears of the end of its job is no part of the job, and fails alone. */
export async function tellEnd(
  { handlers, log }: Pick<JobWorkerOptions, 'handlers' | 'log'>,
  job: JobRow,
  succeeded: boolean,
): Promise<void> {
  try {
    await handlers.find((handler) => handler.type === job.type)?.ended?.(job, succeeded)
  } catch (error) {
    log.error('the end of a provisioner job was not heard', { job_id: job.id, error: describeError(error) })
  }
}

/** A job that did not stop in time. */
class GivenUp extends EngineError {}

function failureOf(error: unknown, signal: AbortSignal): Outcome {
  const store = async (): Promise<void> => undefined
  if (error instanceof GivenUp) return { ok: false, error: error.message, store }
  if (signal.reason === 'shutdown')
    return { ok: false, error: 'provisioner daemon was shutdown gracefully', store }
  if (signal.reason === 'canceled') return { ok: false, error: '', store }
  return {
    ok: false,
    error: error instanceof Error ? error.message : String(error),
    code: error instanceof EngineError ? error.code : undefined,
    store,
  }
}
