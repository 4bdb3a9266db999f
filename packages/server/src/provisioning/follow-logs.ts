import type { WebSocket } from 'ws'

import type { ProvisionerJobLog } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Incoming } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { getJob } from './store/jobs.ts'
import { type JobLogRow, listJobLogs } from './store/logs.ts'

/** What is said of the query of such routes (PR-45, WS-189). */
export const JOB_LOG_FAULTS = {
  queryFaults: {
    after: 'Query param "after" must be an integer.',
    before: 'Query param "before" must be an integer.',
    format: 'Invalid format parameter.',
  },
}

/** The query of log routes. */
interface LogQuery {
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly limit?: number | undefined
  readonly format?: 'json' | 'text' | undefined
}

/**
 * Answers a request for the log of a job (PR-45, PR-46, WS-189, WS-190): as JSON, as text, or followed live
 * over a WebSocket. The caller has checked that the reader may see what the job belongs to.
 */
export async function answerJobLogs(
  context: AppContext,
  jobId: string,
  query: LogQuery,
  request: Pick<Incoming<never>, 'raw' | 'reply' | 'upgrade'>,
): Promise<ProvisionerJobLog[]> {
  const after = query.after ?? 0
  const follow = request.raw.search.has('follow')
  if (follow && query.format === 'text') throw badRequest('Text format is not supported with follow mode.')
  if (follow) {
    await followJobLogs(context, jobId, after, await request.upgrade())
    return []
  }
  const logs = await listJobLogs(
    systemActor('provisionerd', 'log of a job whose build or version was read as the caller'),
    context.database.db,
    jobId,
    { after, before: query.before, limit: query.limit },
  )
  if (query.format === 'text')
    await request.reply.type('text/plain; charset=utf-8').send(logs.map(asText).join(''))
  return logs.map(presentLog)
}

/** Sends history, then new lines, and closes when the job is over and everything was sent. */
async function followJobLogs(
  context: AppContext,
  jobId: string,
  after: number,
  socket: WebSocket,
): Promise<void> {
  const reader = systemActor('provisionerd', 'log of a job whose build or version was read as the caller')
  const db = context.database.db
  let wake: () => void = () => undefined
  let dirty = true
  // Subscribed before the first query, so that nothing falls between the two.
  using _subscription = context.database.feed.subscribe({
    kinds: new Set(['provisioner_job', 'provisioner_job_logs']),
    onEvent: (event) => {
      if (event.key !== jobId) return
      dirty = true
      wake()
    },
    onReset: () => {
      dirty = true
      wake()
    },
  })
  socket.on('close', () => wake())
  let last = after
  try {
    while (socket.readyState === socket.OPEN) {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      dirty = false
      // The job is read before its log: what is complete then has all its lines.
      const job = await getJob(reader, db, jobId)
      for (const line of await listJobLogs(reader, db, jobId, { after: last })) {
        last = line.id
        await send(socket, JSON.stringify(presentLog(line)))
      }
      if (job.completed_at !== null) socket.close(1000, 'done')
    }
  } catch (error) {
    if (socket.readyState === socket.OPEN)
      context.log.warn('a job log could not be followed', { job_id: jobId, error: describeError(error) })
    // The follower comes back with `after` and loses nothing.
    socket.close(1011, 'the log could not be read, connect again')
  }
}

/** Waits until the message is handed to the network, so that a slow reader slows us and not our memory. */
function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(text, (error) => (error ? reject(error) : resolve()))
  })
}

function presentLog(row: JobLogRow): ProvisionerJobLog {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    log_source: row.source,
    log_level: row.level,
    stage: row.stage,
    output: row.output,
  }
}

function asText(row: JobLogRow): string {
  return `${row.created_at.toISOString()} [${row.level}] [provisioner|${row.stage}] ${row.output}\n`
}
