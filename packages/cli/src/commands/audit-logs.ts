import type { Command } from 'commander'

import { type AuditLog, type ConnectionLog, listAuditLogs, listConnectionLogs } from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

const AUDIT_COLUMNS: readonly Column<AuditLog>[] = [
  { name: 'id', value: (entry) => entry.id, extra: true },
  { name: 'time', value: (entry) => second(entry.time) },
  { name: 'user', value: (entry) => entry.user?.username ?? '' },
  { name: 'action', value: (entry) => entry.action },
  { name: 'resource type', value: (entry) => entry.resource_type },
  { name: 'target', value: (entry) => entry.resource_target },
  { name: 'status', value: (entry) => String(entry.status_code) },
  { name: 'organization', value: (entry) => entry.organization?.name ?? '', extra: true },
  { name: 'ip', value: (entry) => entry.ip },
  { name: 'user agent', value: (entry) => entry.user_agent, extra: true },
  { name: 'description', value: described, extra: true },
  { name: 'changed', value: (entry) => Object.keys(entry.diff).join(', '), extra: true },
  { name: 'resource id', value: (entry) => entry.resource_id, extra: true },
  { name: 'request id', value: (entry) => entry.request_id, extra: true },
]

const CONNECTION_COLUMNS: readonly Column<ConnectionLog>[] = [
  { name: 'id', value: (entry) => entry.id, extra: true },
  { name: 'time', value: (entry) => second(entry.connect_time) },
  { name: 'type', value: (entry) => entry.type },
  { name: 'workspace', value: (entry) => `${entry.workspace_owner_username}/${entry.workspace_name}` },
  { name: 'agent', value: (entry) => entry.agent_name },
  { name: 'user', value: (entry) => entry.web_info?.user?.username ?? '' },
  { name: 'app', value: (entry) => entry.web_info?.slug_or_port ?? '' },
  { name: 'status', value: outcome },
  { name: 'ip', value: (entry) => entry.ip },
  { name: 'organization', value: (entry) => entry.organization.name, extra: true },
  {
    name: 'disconnected at',
    value: ({ ssh_info: info }) => (info?.disconnect_time === undefined ? '' : second(info.disconnect_time)),
    extra: true,
  },
]

interface PageFlags extends OutputFlags {
  readonly filter?: string
  readonly limit: string
  readonly after?: string
}

/** `audit …` and `connection-log …` (RB-91, RB-108). */
export function logCommands(program: Command): void {
  pageOptions(program.command('audit').command('list'), AUDIT_COLUMNS)
    .description('List entries of the audit log, youngest first')
    .addHelpText(
      'after',
      '\nFor example: slipway audit list --filter "resource_type:template action:delete date_from:2026-01-31"',
    )
    .action(async (own: PageFlags, command: Command) => {
      const query = pageIn(own)
      const client = await openSession(command)
      const answer = await client.call(listAuditLogs, { query })
      printRows(answer.audit_logs, AUDIT_COLUMNS, own)
    })
  pageOptions(program.command('connection-log').command('list'), CONNECTION_COLUMNS)
    .description('List connections to workspaces, youngest first')
    .addHelpText(
      'after',
      '\nFor example: slipway connection-log list --filter "workspace_owner:ada status:ongoing"',
    )
    .action(async (own: PageFlags, command: Command) => {
      const query = pageIn(own)
      const client = await openSession(command)
      const answer = await client.call(listConnectionLogs, { query })
      printRows(answer.connection_logs, CONNECTION_COLUMNS, own)
    })
}

function pageOptions<Row>(command: Command, columns: readonly Column<Row>[]): Command {
  return tableOptions(command, columns)
    .alias('ls')
    .option('--filter <search>', 'what entries must match, as on the page of the dashboard')
    .option('--limit <number>', 'how many at most', '100')
    .option('--after <id>', 'go on behind this entry')
}

function pageIn(own: PageFlags) {
  if (!/^[1-9]\d{0,3}$/.test(own.limit))
    throw new CommandError(`--limit must be a number from 1 to 9999, not ${JSON.stringify(own.limit)}`)
  return {
    limit: Number(own.limit),
    ...(own.filter === undefined ? {} : { q: own.filter }),
    ...(own.after === undefined ? {} : { after_id: own.after }),
  }
}

function second(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')}Z`
}

function described(entry: AuditLog): string {
  const words: Readonly<Record<string, string>> = {
    '{user}': entry.user?.username ?? 'somebody',
    '{target}': entry.resource_target,
  }
  return entry.description.replace(/\{user\}|\{target\}/g, (word) => words[word] ?? word)
}

function outcome({ ssh_info: session, web_info: visit }: ConnectionLog): string {
  if (visit !== undefined) return String(visit.status_code)
  if (session?.disconnect_time === undefined) return 'ongoing'
  return session.exit_code === undefined ? 'ended' : `exit ${session.exit_code}`
}
