import { type AuditLog, NO_ID } from '@slipway/contract'
import { presentUser } from '../identity/index.ts'
import { describeEntry } from './describe.ts'
import type { AuditRow, AuditUserRow } from './store.ts'

/** An entry as the API shows it (RB-88, RB-104, RB-105). */
export function presentEntry(row: AuditRow, users: ReadonlyMap<string, AuditUserRow>): AuditLog {
  const { resource_type: type, action } = row
  const user = row.user_id === null ? undefined : users.get(row.user_id)
  const diff = diffOf(row.diff)
  const more = isRecord(row.additional_fields) ? row.additional_fields : {}
  return {
    id: row.id,
    request_id: row.request_id,
    time: row.time.toISOString(),
    ip: row.ip ?? '',
    user_agent: row.user_agent,
    resource_type: type,
    resource_id: row.resource_id,
    resource_target: row.resource_target,
    resource_icon: row.resource_icon,
    action,
    diff,
    status_code: row.status_code,
    additional_fields: more,
    description: describeEntry({ type, action, status: row.status_code, diff, more }),
    resource_link: row.resource_deleted ? '' : linkOf(row),
    is_deleted: row.resource_deleted,
    organization_id: row.organization_id ?? NO_ID,
    ...(row.organization_id === null || row.organization_name === null
      ? {}
      : {
          organization: {
            id: row.organization_id,
            name: row.organization_name,
            display_name: row.organization_display_name ?? '',
            icon: row.organization_icon ?? '',
          },
        }),
    user: user === undefined ? null : presentUser(user),
  }
}

/** Where the dashboard shows the resource; empty where it has no page. */
function linkOf(row: AuditRow): string {
  const name = row.resource_name
  switch (row.resource_type) {
    case 'chat':
      return `/agents/${row.resource_id}`
    case 'oauth2_provider_app':
    case 'oauth2_provider_app_secret':
      return row.resource_app_id === null ? '' : `/deployment/oauth2-provider/apps/${row.resource_app_id}`
    case 'user':
      return name === null ? '' : `/users?filter=${encodeURIComponent(name)}`
    case 'template':
      return name === null ? '' : `/templates/${name}`
    case 'task':
      return name === null ? '' : `/tasks/${row.resource_owner}/${row.resource_id}`
    case 'workspace':
      return name === null ? '' : `/@${row.resource_owner}/${name}`
    case 'workspace_build':
      return name === null ? '' : `/@${row.resource_owner}/${name}/builds/${row.resource_build_number}`
    default:
      return ''
  }
}

function diffOf(value: unknown): AuditLog['diff'] {
  const diff: AuditLog['diff'] = {}
  if (!isRecord(value)) return diff
  for (const [field, change] of Object.entries(value))
    if (isRecord(change)) diff[field] = { old: change.old, new: change.new, secret: change.secret === true }
  return diff
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
