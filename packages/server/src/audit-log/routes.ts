import { randomUUID } from 'node:crypto'

import * as contract from '@slipway/contract'
import { recordEntry } from '../audit/index.ts'
import { authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { presentEntry } from './present.ts'
import { parseAuditSearch } from './search-audit.ts'
import { COUNT_CAP, listAuditEntries } from './store.ts'

const DEFAULT_LIMIT = 100

/** Reading the audit log (RB-87 to RB-89). */
export function auditLogRoutes(context: AppContext): BoundRoute[] {
  const db = context.database.db
  return [
    forSession(contract.listAuditLogs, async ({ actor, query }) => {
      const search = parseAuditSearch(query.q ?? '')
      const { rows, users, count } = await listAuditEntries(actor, db, search, {
        limit: query.limit || DEFAULT_LIMIT,
        offset: query.offset ?? 0,
      })
      return { audit_logs: rows.map((row) => presentEntry(row, users)), count, count_cap: COUNT_CAP }
    }),
    forSession(contract.generateTestAuditLog, async ({ actor, owner, body, raw, context: request }) => {
      authorize(actor, 'create', { type: 'audit_log' })
      await recordEntry(context, {
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
