import { Readable } from 'node:stream'

import type { WebSocket } from 'ws'

import type { WorkspaceAgentLog } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Incoming } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { type AgentRow, filterMayStay } from './store/agents.ts'
import { type AgentLogRow, LOG_PAGE, listAgentLogs, listLogSourceNames } from './store/reports.ts'

const CHECK_MS = 60_000
const reader = systemActor('provisionerd', 'log of an agent that was read as the caller')

/** The query of log routes. */
export interface AgentLogQuery {
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly limit?: number | undefined
  readonly format?: 'json' | 'text' | undefined
}

/** Answers a request for the log of an agent, at once or followed (AC-95). */
export async function answerAgentLogs(
  context: AppContext,
  agent: AgentRow,
  query: AgentLogQuery,
  request: Pick<Incoming<never>, 'raw' | 'reply' | 'upgrade'>,
): Promise<WorkspaceAgentLog[]> {
  const after = query.after ?? 0
  if (after < 0)
    throw badRequest('Query param "after" must be greater than or equal to zero.', {
      validations: [{ field: 'after', detail: 'must not be negative' }],
    })
  if (request.raw.search.has('follow')) {
    if (query.format === 'text') throw badRequest('Text format is not supported with follow mode.')
    await follow(context, agent, after, await request.upgrade())
    return []
  }
  const { db } = context.database
  const page = { after, before: query.before, limit: query.limit }
  const first = await listAgentLogs(reader, db, agent.id, page)
  const whole = query.before !== undefined || query.limit !== undefined || first.length < LOG_PAGE
  if (query.format === 'text') {
    const names = await listLogSourceNames(reader, db, agent.id)
    const line = (row: AgentLogRow): string => asText(row, agent.name, names)
    await request.reply
      .type('text/plain; charset=utf-8')
      .send(whole ? first.map(line).join('') : Readable.from(allPages(context, agent.id, first, line)))
  } else if (!whole)
    await request.reply
      .type('application/json; charset=utf-8')
      .send(
        Readable.from(
          asArray(allPages(context, agent.id, first, (row) => `${JSON.stringify(present(row))},`)),
        ),
      )
  return first.map(present)
}

/** A long log, page by page as the client takes it (AC-304). */
async function* allPages(
  context: AppContext,
  agentId: string,
  first: readonly AgentLogRow[],
  written: (row: AgentLogRow) => string,
): AsyncGenerator<string> {
  let page = first
  for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
    yield page.map(written).join('')
    page =
      page.length < LOG_PAGE
        ? []
        : await listAgentLogs(reader, context.database.db, agentId, { after: last.id })
  }
}

/** A JSON array of what comes as members with commas behind them. */
async function* asArray(members: AsyncIterable<string>): AsyncGenerator<string> {
  let before = '['
  for await (const text of members) {
    yield `${before}${text.slice(0, -1)}`
    before = ','
  }
  yield ']'
}

async function follow(context: AppContext, agent: AgentRow, after: number, socket: WebSocket): Promise<void> {
  const db = context.database.db
  const agentId = agent.id
  let last = after
  let dirty = true
  let wake: () => void = () => undefined
  const touch = (): void => {
    dirty = true
    wake()
  }
  using _subscription = context.database.feed.subscribe({
    kinds: new Set(['workspace_agent_logs', 'workspace_agent', 'workspace_build']),
    onEvent: (event) => {
      if (event.key === agentId || event.key === agent.workspace_id) touch()
    },
    onReset: touch,
  })
  const timer = setInterval(touch, CHECK_MS)
  socket.on('close', () => wake())
  try {
    while (socket.readyState === socket.OPEN) {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      dirty = false
      const live = (await filterMayStay(reader, db, [agentId])).has(agentId)
      const logs = await listAgentLogs(reader, db, agentId, { after: last })
      last = logs.at(-1)?.id ?? last
      if (logs.length > 0)
        await new Promise<void>((resolve, reject) => {
          socket.send(JSON.stringify(logs.map(present)), (error) => (error ? reject(error) : resolve()))
        })
      // There may be more than was read at once.
      if (logs.length === LOG_PAGE) dirty = true
      else if (!live) socket.close(1000, 'the agent is not part of the latest build any more')
    }
  } catch {
    socket.close(1011, 'the log could not be read, connect again')
  } finally {
    clearInterval(timer)
  }
}

function present(row: AgentLogRow): WorkspaceAgentLog {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    output: row.output,
    level: row.level,
    source_id: row.log_source_id,
  }
}

function asText(row: AgentLogRow, agentName: string, names: ReadonlyMap<string, string>): string {
  const source = names.get(row.log_source_id) || row.log_source_id
  return `${row.created_at.toISOString()} [${row.level}] [agent.${agentName}|${source}] ${row.output}\n`
}
