import { nextStart } from './autostart.ts'
import type { BuildRow } from './store/builds.ts'
import type { WorkspaceRow } from './store/workspaces.ts'

const NS_PER_MS = 1_000_000
/** A delete that failed, or was canceled, is tried again after a day. */
const DELETE_RETRY_MS = 24 * 60 * 60_000

/** What the clock asks of a workspace. */
export interface DueChange {
  readonly build?: { readonly transition: BuildRow['transition']; readonly reason: BuildRow['reason'] }
  /** The workspace becomes dormant. */
  readonly dormant?: true
}

/** What is due for a workspace whose latest build has ended; the first rule that matches wins (WS-235). */
export function dueChange(row: WorkspaceRow, now: Date): DueChange | undefined {
  if (row.job.completed_at === null || row.deleted) return undefined
  const failed = row.job.job_status === 'failed'
  const dormant = row.dormant_at !== null
  if (row.transition === 'start' && !failed && !dormant) {
    const over = row.deadline !== null && now >= row.deadline
    if (over || row.owner_status === 'suspended')
      return stop(row.task_id === null ? 'autostop' : 'task_auto_pause')
  }
  if (row.transition === 'stop' && !failed && !dormant && startsItself(row, now))
    return { build: { transition: 'start', reason: 'autostart' } }
  if (failed && row.transition !== 'delete' && passed(row.job.completed_at, row.template_failure_ttl, now))
    return stop(row.task_id === null ? 'autostop' : 'task_auto_pause')
  if (!dormant && passed(row.last_used_at, row.template_time_til_dormant, now))
    return { dormant: true, ...(row.transition === 'start' ? stop('dormancy') : {}) }
  // What was marked while the template deleted is kept when it does so no more.
  const deletes = row.template_time_til_dormant_autodelete > 0
  if (dormant && deletes && row.deleting_at !== null && now > row.deleting_at) {
    const retry = new Date(row.job.completed_at.getTime() + DELETE_RETRY_MS)
    if (row.transition !== 'delete' || now > retry)
      return { build: { transition: 'delete', reason: 'autodelete' } }
  }
  return undefined
}

/** What makes a workspace dormant from now on, and when that deletes it (WS-164). */
export function dormancy(
  row: Pick<WorkspaceRow, 'template_time_til_dormant_autodelete'>,
  now: Date,
): { readonly dormant_at: Date; readonly deleting_at: Date | null } {
  const left = row.template_time_til_dormant_autodelete / NS_PER_MS
  return { dormant_at: now, deleting_at: left > 0 ? new Date(now.getTime() + left) : null }
}

/** What wakes a dormant workspace (WS-164, WS-174). */
export function awakened(now: Date): {
  readonly dormant_at: null
  readonly deleting_at: null
  readonly last_used_at: Date
} {
  return { dormant_at: null, deleting_at: null, last_used_at: now }
}

/** The version that a start by the clock asks for; without one the present version stays (WS-237). */
export function versionForAutostart(row: WorkspaceRow): { readonly template_version_id?: string } {
  return row.template_require_active_version || row.automatic_updates === 'always'
    ? { template_version_id: row.template_active_version_id }
    : {}
}

/** When the workspace starts by itself; undefined when it does not (WS-132). */
export function nextStartOf(row: WorkspaceRow, now: Date): Date | undefined {
  return row.autostart_schedule === null || row.dormant_at !== null || !row.template_allow_user_autostart
    ? undefined
    : nextStart(row.autostart_schedule, now, row.template_autostart_block_days)
}

function startsItself(row: WorkspaceRow, now: Date): boolean {
  if (row.owner_status !== 'active') return false
  const next = nextStartOf(row, row.build_created_at)
  return next !== undefined && now >= next
}

function stop(reason: BuildRow['reason']): DueChange {
  return { build: { transition: 'stop', reason } }
}

/** Whether more than a duration in nanoseconds, 0 being never, has passed since a time. */
function passed(since: Date, durationNs: number, now: Date): boolean {
  return durationNs > 0 && now.getTime() - since.getTime() > durationNs / NS_PER_MS
}
