import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { AuditEntry } from '../entry.ts'

/** Appends an entry. @throws ApiError 403 without `system:create`. */
export async function insertAuditEntry(actor: Actor, db: Db, entry: AuditEntry): Promise<void> {
  authorize(actor, 'create', { type: 'system' })
  await db
    .insertInto('audit_logs')
    .values({
      user_id: entry.user?.id ?? null,
      organization_id: entry.organizationId ?? null,
      ip: entry.ip ?? null,
      user_agent: entry.userAgent,
      resource_type: entry.type,
      resource_id: entry.resourceId,
      resource_target: entry.target,
      resource_icon: entry.icon,
      action: entry.action,
      diff: JSON.stringify(entry.diff),
      status_code: entry.status,
      additional_fields: JSON.stringify(entry.additionalFields),
      request_id: entry.requestId,
      ...(entry.time === undefined ? {} : { time: entry.time }),
    })
    .execute()
}
