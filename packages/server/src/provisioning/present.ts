import type { MatchedProvisioners, ProvisionerDaemon, ProvisionerJob } from '@slipway/contract'
import { JobErrorCode } from '@slipway/contract'
import type { DaemonRow, ListedDaemon, Matching } from './store/daemons.ts'
import type { JobRow, ListedJob, QueuePlace } from './store/jobs.ts'

/** A job as the API shows it. */
export function presentJob(job: JobRow, place?: QueuePlace, workerName?: string | null): ProvisionerJob {
  const input = recordOf(job.input)
  return {
    id: job.id,
    created_at: job.created_at.toISOString(),
    ...(job.started_at === null ? {} : { started_at: job.started_at.toISOString() }),
    ...(job.completed_at === null ? {} : { completed_at: job.completed_at.toISOString() }),
    ...(job.canceled_at === null ? {} : { canceled_at: job.canceled_at.toISOString() }),
    ...(job.error === null || job.error === '' ? {} : { error: job.error }),
    ...errorCode(job.error_code),
    status: job.job_status,
    ...(job.worker_id === null ? {} : { worker_id: job.worker_id }),
    ...(workerName === undefined || workerName === null ? {} : { worker_name: workerName }),
    file_id: job.file_id,
    tags: texts(job.tags),
    queue_position: place?.position ?? 0,
    queue_size: place?.size ?? 0,
    organization_id: job.organization_id,
    initiator_id: job.initiator_id,
    input: {
      ...(typeof input.template_version_id === 'string'
        ? { template_version_id: input.template_version_id }
        : {}),
      ...(typeof input.workspace_build_id === 'string'
        ? { workspace_build_id: input.workspace_build_id }
        : {}),
    },
    type: job.type,
    logs_overflowed: job.logs_overflowed,
    ...(place === undefined ? {} : { available_workers: [...place.availableWorkers] }),
  }
}

function errorCode(code: string | null): Pick<ProvisionerJob, 'error_code'> {
  const known = JobErrorCode.enum.find((candidate) => candidate === code)
  return known === undefined ? {} : { error_code: known }
}

/** A job of a list, with what it belongs to (PR §8.2). */
export function presentListedJob(job: ListedJob, place?: QueuePlace): ProvisionerJob {
  const presented = presentJob(job, place, job.worker_name)
  const { template_version_id: version } = job
  return {
    ...presented,
    // An import is queued before the version that it is for has an id.
    ...(job.type === 'template_version_import' && version !== null
      ? { input: { template_version_id: version, ...presented.input } }
      : {}),
    metadata: {
      template_version_name: job.template_version_name ?? '',
      ...(job.template_id === null ? {} : { template_id: job.template_id }),
      template_name: job.template_name ?? '',
      template_display_name: job.template_display_name ?? '',
      template_icon: job.template_icon ?? '',
      ...(job.workspace_id === null ? {} : { workspace_id: job.workspace_id }),
      ...(job.workspace_name === null ? {} : { workspace_name: job.workspace_name }),
      ...(job.transition === null ? {} : { workspace_build_transition: job.transition }),
    },
  }
}

/** Who could run a job, as the API shows it. */
export function presentMatching(matching: Matching): MatchedProvisioners {
  return {
    count: matching.count,
    available: matching.available,
    ...(matching.mostRecentlySeen === null
      ? {}
      : { most_recently_seen: matching.mostRecentlySeen.toISOString() }),
  }
}

/** A provisioner as the API shows it, with what it does. */
export function presentDaemon(row: ListedDaemon): ProvisionerDaemon {
  return {
    ...presentBareDaemon(row),
    status: row.status,
    ...(row.current_job === null ? {} : { current_job: row.current_job }),
    ...(row.previous_job === null ? {} : { previous_job: row.previous_job }),
  }
}

/** The same without what it does, as the health report shows it. */
export function presentBareDaemon(row: DaemonRow): ProvisionerDaemon {
  return {
    id: row.id,
    organization_id: row.organization_id,
    key_id: row.key_id,
    key_name: 'built-in',
    created_at: row.created_at.toISOString(),
    ...(row.last_seen_at === null ? {} : { last_seen_at: row.last_seen_at.toISOString() }),
    name: row.name,
    version: row.version,
    api_version: row.api_version,
    provisioners: row.provisioners,
    tags: texts(row.tags),
  }
}

function texts(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(recordOf(value)).map(([key, entry]) => [key, String(entry)]))
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
