import type * as contract from '@slipway/contract'
import type { Actor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { ApiError, badRequest } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import { findSession, type SessionName } from '../store/sessions.ts'
import {
  listThreadRequests,
  listThreads,
  listThreadThoughts,
  listThreadTools,
  type ThoughtRow,
  type ThreadPage,
  type ThreadRequestRow,
  type ToolRow,
} from '../store/threads.ts'
import { listUsage, type UsageRow } from '../store/usage.ts'
import { presentNotes, presentRequest, presentSession, presentTool, presentUsage } from './present-session.ts'

/** Requests that one answer tells of at most; and tools, and thoughts. */
const MAX_ROWS = 2_000

/** Which threads of a session are asked for. */
export interface ThreadCursor {
  readonly limit: number
  readonly afterId: string | undefined
  readonly beforeId: string | undefined
}

/**
 * A session of one user with a page of its threads (AG-93, AG-94).
 *
 * @throws ApiError 404 without such a session, 400 for a cursor that is none of its threads.
 */
export async function sessionDetail(
  { database: { db } }: Pick<AppContext, 'database'>,
  actor: Actor,
  name: SessionName,
  { limit, afterId, beforeId }: ThreadCursor,
): Promise<contract.AIBridgeSessionThreadsResponse> {
  const found = await findSession(actor, db, name)
  if (found === undefined) throw new ApiError(404, 'Session not found.')
  const session = { sessionId: found.session_id, initiatorId: found.initiator_id }
  const [page, total] = await Promise.all([
    listThreads(actor, db, session, { limit, cursor: cursorOf(afterId, beforeId) }),
    listUsage(actor, db, session, 'session'),
  ])
  if (!page.cursorKnown && (afterId ?? beforeId) !== undefined) throw invalidCursor()
  const limits = { limit: MAX_ROWS + 1 }
  const requests = await listThreadRequests(actor, db, session, { threads: page.ids, ...limits })
  const shown = requests.slice(0, MAX_ROWS)
  const ids = shown.map(({ id }) => id)
  const [tools, thoughts, usageOfThreads, usageOfRequests] = await Promise.all([
    listThreadTools(actor, db, session, { requests: ids, ...limits }),
    listThreadThoughts(actor, db, session, { requests: ids, ...limits }),
    listUsage(actor, db, session, { threads: page.ids }),
    listUsage(actor, db, session, { requests: ids }),
  ])
  const requestsOf = Map.groupBy(shown, (row) => row.thread_id)
  const threadUsage = new Map(usageOfThreads.map((row) => [row.key, row]))
  const parts = {
    requests: new Map(usageOfRequests.map((row) => [row.key, row])),
    toolsOf: Map.groupBy(tools.slice(0, MAX_ROWS), (tool) => tool.interception_id),
    thoughtsOf: Map.groupBy(thoughts.slice(0, MAX_ROWS), (thought) => thought.interception_id),
  }
  const { threads: _count, ...presented } = presentSession(found)
  return {
    ...presented,
    ...(page.startedAt === undefined ? {} : { page_started_at: page.startedAt.toISOString() }),
    ...(page.endedAt === undefined ? {} : { page_ended_at: page.endedAt.toISOString() }),
    token_usage_summary: presentUsage(total[0]),
    thread_count: page.count,
    threads: page.ids.flatMap((id) => {
      const rows = requestsOf.get(id) ?? []
      const [first] = rows
      if (first === undefined) return []
      return [presentThread(id, first, rows, { ...parts, thread: threadUsage.get(id) })]
    }),
    truncated: [requests, tools, thoughts].some((rows) => rows.length > MAX_ROWS),
  }
}

function presentThread(
  id: string,
  first: ThreadRequestRow,
  rows: readonly ThreadRequestRow[],
  parts: {
    readonly thread: UsageRow | undefined
    readonly requests: ReadonlyMap<string, UsageRow>
    readonly toolsOf: ReadonlyMap<string, readonly ToolRow[]>
    readonly thoughtsOf: ReadonlyMap<string, readonly ThoughtRow[]>
  },
): contract.AIBridgeThread {
  const ended = Math.max(...rows.map((row) => row.ended_at.getTime()))
  const { agent_firewall_session_id: firewall, agent_firewall_sequence_number: sequence } = first
  return {
    ...presentRequest(first, parts.thread),
    id,
    ended_at: new Date(ended).toISOString(),
    agentic_actions: rows.flatMap((row) => {
      const tools = parts.toolsOf.get(row.id)
      if (tools === undefined) return []
      return [
        {
          interception_id: row.id,
          model: row.model,
          thinking: (parts.thoughtsOf.get(row.id) ?? []).map(({ content }) => ({ text: content })),
          tool_calls: tools.map(presentTool),
          token_usage: presentUsage(parts.requests.get(row.id)),
        },
      ]
    }),
    requests: rows.map((row) => ({
      ...presentRequest(row, parts.requests.get(row.id)),
      ...presentNotes(row.metadata),
    })),
    ...(firewall === null ? {} : { agent_firewall_session_id: firewall }),
    ...(sequence === null ? {} : { agent_firewall_sequence_number: sequence }),
  }
}

/** @throws ApiError 400 for two cursors, and for one that is no id. */
function cursorOf(afterId: string | undefined, beforeId: string | undefined): ThreadPage['cursor'] {
  if (afterId !== undefined && beforeId !== undefined) throw invalidCursor()
  for (const id of [afterId, beforeId]) if (id !== undefined && !isUuid(id)) throw invalidCursor()
  if (afterId !== undefined) return { afterId }
  return beforeId === undefined ? undefined : { beforeId }
}

function invalidCursor(): Error {
  return badRequest('Invalid pagination cursor.', {
    detail: 'after_id or before_id, not both, names a thread of this session',
  })
}
