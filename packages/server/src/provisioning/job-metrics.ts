import { Gauge, Histogram, type Registry } from 'prom-client'

import { PREBUILDS_USER } from '../authz/index.ts'
import { LONG_SECONDS } from '../histogram/index.ts'
import type { ClaimedJob } from './store/jobs.ts'

/** What cannot have taken less: both times are the database's own. */
const SHORTEST_WAIT_SECONDS = 0.001

/** What operators see of the provisioner that is part of this server. */
export class JobMetrics {
  readonly daemons: Gauge
  readonly current: Gauge<'provisioner'>
  readonly #seconds: Histogram
  readonly #waitSeconds: Histogram

  constructor(registry: Registry) {
    const registers = [registry]
    this.daemons = new Gauge({
      name: 'coderd_provisionerd_num_daemons',
      help: 'Jobs that the provisioner of this server runs at the same time.',
      registers,
    })
    this.current = new Gauge({
      name: 'coderd_provisionerd_jobs_current',
      help: 'Jobs that run on this server.',
      labelNames: ['provisioner'],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'coderd_provisionerd_job_timings_seconds',
      help: 'How long jobs ran on this server.',
      labelNames: ['provisioner', 'status'],
      buckets: LONG_SECONDS,
      registers,
    })
    this.#waitSeconds = new Histogram({
      name: 'coderd_provisioner_job_queue_wait_seconds',
      help: 'How long jobs waited for a provisioner.',
      labelNames: ['provisioner_type', 'job_type', 'transition', 'build_reason'],
      buckets: LONG_SECONDS,
      registers,
    })
  }

  /** A job was taken (PR-34). @returns what to call when it is over. */
  taken(job: ClaimedJob): (succeeded: boolean) => void {
    const waited = ((job.started_at ?? job.created_at).getTime() - job.created_at.getTime()) / 1_000
    const isPrebuild = job.transition !== null && job.initiator_id === PREBUILDS_USER
    this.#waitSeconds.observe(
      {
        provisioner_type: job.provisioner,
        job_type: job.type,
        transition: job.transition ?? '',
        build_reason: isPrebuild ? 'prebuild' : (job.build_reason ?? ''),
      },
      Math.max(waited, SHORTEST_WAIT_SECONDS),
    )
    const since = performance.now()
    return (succeeded) =>
      this.#seconds.observe(
        { provisioner: job.provisioner, status: succeeded ? 'success' : 'failed' },
        (performance.now() - since) / 1_000,
      )
  }
}
