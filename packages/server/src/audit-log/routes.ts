import { randomUUID } from 'node:crypto'

import type { AuditLog } from '@slipway/contract'
import * as contract from '@slipway/contract'
import { recordAsGiven } from '../audit/index.ts'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { csvLine, exportFile } from './export-file.ts'
import { presentEntry } from './present.ts'
import { type AuditSearch, parseAuditSearch } from './search-audit.ts'
import { type AuditPage, COUNT_CAP, countAuditEntries, listAuditEntries, usersOfEntries } from './store.ts'

const DEFAULT_LIMIT = 100

/** Reading the audit log (RB-87 to RB-89, RB-128). */
export function auditLogRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  const read = async (actor: Actor, search: AuditSearch, page: AuditPage): Promise<AuditLog[]> => {
    const rows = await listAuditEntries(actor, db, search, page)
    const users = await usersOfEntries(actor, db, 'audit_log', rows)
    return rows.map((row) => presentEntry(row, users))
  }
  return [
    forSession(contract.listAuditLogs, async ({ actor, query }) => {
      const search = parseAuditSearch(query.q ?? '')
      const count = await countAuditEntries(actor, db, search)
      const page = {
        limit: query.limit || DEFAULT_LIMIT,
        offset: query.offset ?? 0,
        afterId: query.after_id,
      }
      return { audit_logs: count === 0 ? [] : await read(actor, search, page), count, count_cap: COUNT_CAP }
    }),
    forSession(contract.exportAuditLogs, async ({ actor, query, reply }) => {
      const search = parseAuditSearch(query.q ?? '')
      await exportFile(reply, {
        name: 'audit-log',
        format: query.format ?? 'jsonl',
        page: (limit, afterId) => read(actor, search, { limit, offset: 0, afterId }),
        csvHead: CSV_COLUMNS,
        csvRow,
      })
      return undefined
    }),
    forSession(contract.generateTestAuditLog, async ({ actor, owner, body, raw, context: request }) => {
      authorize(actor, 'create', { type: 'audit_log' })
      await recordAsGiven(context, {
        type: body.resource_type ?? 'user',
        action: body.action ?? 'write',
        user: owner,
        organizationId: body.organization_id,
        resourceId: body.resource_id ?? randomUUID(),
        target: '',
        icon: '',
        diff: { foo: { old: 'bar', new: 'baz', secret: false } },
        status: 200,
        additionalFields: body.build_reason === undefined ? {} : { build_reason: body.build_reason },
        requestId: body.request_id ?? request.id,
        ip: request.remoteAddress,
        userAgent: raw.headers['user-agent'] ?? '',
        ...(body.time === undefined ? {} : { time: new Date(body.time) }),
      })
      return undefined
    }),
  ]
}

const CSV_COLUMNS = csvLine([
  'time',
  'user',
  'user_email',
  'action',
  'resource_type',
  'resource_id',
  'resource_target',
  'organization',
  'status_code',
  'ip',
  'user_agent',
  'request_id',
  'diff',
  'additional_fields',
  'id',
])

function csvRow(log: AuditLog): string {
  return csvLine([
    log.time,
    log.user?.username,
    log.user?.email,
    log.action,
    log.resource_type,
    log.resource_id,
    log.resource_target,
    log.organization?.name,
    log.status_code,
    log.ip,
    log.user_agent,
    log.request_id,
    JSON.stringify(log.diff),
    JSON.stringify(log.additional_fields),
    log.id,
  ])
}
