import type { AgentConnectionReport, ConnectionLog } from '@slipway/contract'
import * as contract from '@slipway/contract'
import { csvLine, exportFile, usersOfEntries } from '../audit-log/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type AgentCaller, type BoundRoute, forAgent, forSession } from '../edge/index.ts'
import type { ConnectionLogger } from './connection-logger.ts'
import { presentConnection } from './present.ts'
import { type ConnectionSearch, parseConnectionSearch } from './search-connections.ts'
import { COUNT_CAP, type ConnectionPage, countConnections, listConnections } from './store.ts'

const DEFAULT_LIMIT = 100

/** Reading the connection log, and what agents add to it (RB-107 to RB-113, AC-81). */
export function connectionLogRoutes(context: AppContext, logger: ConnectionLogger): BoundRoute[] {
  const db = context.database.db
  const read = async (actor: Actor, search: ConnectionSearch, page: ConnectionPage) => {
    const rows = await listConnections(actor, db, search, page)
    const users = await usersOfEntries(actor, db, 'connection_log', rows)
    return rows.map((row) => presentConnection(row, users))
  }
  return [
    forSession(contract.listConnectionLogs, async ({ actor, query }) => {
      const search = parseConnectionSearch(query.q ?? '')
      const { count } = await countConnections(actor, db, search)
      const page = {
        limit: query.limit || DEFAULT_LIMIT,
        offset: query.offset ?? 0,
        afterId: query.after_id,
      }
      return {
        connection_logs: count === 0 ? [] : await read(actor, search, page),
        count,
        count_cap: COUNT_CAP,
      }
    }),
    forSession(contract.exportConnectionLogs, async ({ actor, query, reply }) => {
      const search = parseConnectionSearch(query.q ?? '')
      await exportFile(reply, {
        name: 'connection-log',
        format: query.format ?? 'jsonl',
        page: (limit, afterId) => read(actor, search, { limit, offset: 0, afterId }),
        csvHead: CSV_COLUMNS,
        csvRow,
      })
      return undefined
    }),
    forAgent(contract.reportAgentConnections, async ({ agent, body }) => {
      for (const report of body.connections) await logger.record(sessionEntry(agent, report))
      return { message: 'ok' }
    }),
  ]
}

function sessionEntry(agent: AgentCaller, report: AgentConnectionReport) {
  return {
    kind: 'session',
    action: report.action,
    type: report.type,
    connectionId: report.id,
    agentId: agent.id,
    workspaceId: agent.workspaceId,
    agentName: agent.name,
    time: new Date(report.time),
    ip: report.ip,
    exitCode: report.exit_code,
    reason: report.reason ?? '',
  } as const
}

const CSV_COLUMNS = csvLine([
  'connect_time',
  'type',
  'organization',
  'workspace_owner',
  'workspace',
  'workspace_id',
  'agent',
  'ip',
  'user',
  'user_agent',
  'slug_or_port',
  'status_code',
  'connection_id',
  'disconnect_time',
  'disconnect_reason',
  'exit_code',
  'id',
])

function csvRow(log: ConnectionLog): string {
  const { ssh_info: session, web_info: visit } = log
  return csvLine([
    log.connect_time,
    log.type,
    log.organization.name,
    log.workspace_owner_username,
    log.workspace_name,
    log.workspace_id,
    log.agent_name,
    log.ip,
    visit?.user?.username,
    visit?.user_agent,
    visit?.slug_or_port,
    visit?.status_code,
    session?.connection_id,
    session?.disconnect_time,
    session?.disconnect_reason,
    session?.exit_code,
    log.id,
  ])
}
