import { randomUUIDv7 } from 'node:crypto'
import { isIP } from 'node:net'

import type { AuditResourceType } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { AuditEntry } from './entry.ts'
import { insertAuditEntry } from './store/entries.ts'

/** Who writes entries and the chain of them, and looks up what they are about. */
export const recorder = systemActor(
  'system_restricted',
  'what was done is recorded whoever did it; nobody may write entries',
)

/** Longest user agent and target that an entry keeps, in characters (RB-126). */
const MAX_USER_AGENT = 256
const MAX_TARGET = 1024

/** Types whose entries must belong to an organization (RB-97); roles may be of the deployment (RB-136). */
const IN_ORGANIZATION: ReadonlySet<AuditResourceType> = new Set([
  'template',
  'template_version',
  'workspace',
  'workspace_build',
  'group',
  'organization_member',
  'organization',
  'idp_sync_settings_group',
  'idp_sync_settings_role',
  'task',
  'group_ai_budget',
  'user_ai_budget_override',
  'chat',
  'mcp_server_config',
])

/**
 * Stores an entry and writes it to the service log as well. Never throws: a failure is logged as an error, and what the
 * entry is about stays done (RB-103).
 */
export async function recordEntry(
  context: Pick<AppContext, 'database' | 'log'>,
  entry: AuditEntry,
): Promise<void> {
  // A refusal may come before it is known in which organization.
  if (entry.organizationId === undefined && entry.status < 400 && IN_ORGANIZATION.has(entry.type))
    context.log.error('an audit entry lacks its organization', {
      resource_type: entry.type,
      action: entry.action,
    })
  await recordAsGiven(context, entry)
}

/** The same for an entry that somebody made up to try the log, which may lack what real ones have. */
export async function recordAsGiven(
  { database, log }: Pick<AppContext, 'database' | 'log'>,
  given: AuditEntry,
): Promise<void> {
  const entry = {
    ...given,
    id: randomUUIDv7(),
    target: storable(given.target, MAX_TARGET),
    userAgent: storable(given.userAgent, MAX_USER_AGENT),
    ip: given.ip !== undefined && isIP(given.ip) !== 0 ? given.ip : undefined,
  }
  let time: Date | undefined
  try {
    time = await insertAuditEntry(recorder, database.db, entry)
  } catch (error) {
    log.error('an audit entry could not be stored', {
      id: entry.id,
      resource_type: entry.type,
      action: entry.action,
      error: describeError(error),
    })
  }
  log.info('audit_log', {
    id: entry.id,
    // None in a line whose entry is not in the database; the line has a `time` of its own.
    entry_time: time?.toISOString() ?? null,
    user_id: entry.user?.id ?? null,
    resource_type: entry.type,
    resource_id: entry.resourceId,
    resource_target: entry.target,
    resource_icon: entry.icon,
    action: entry.action,
    status_code: entry.status,
    organization_id: entry.organizationId ?? null,
    request_id: entry.requestId,
    ip: entry.ip ?? null,
    user_agent: entry.userAgent,
    diff: JSON.stringify(entry.diff),
    additional_fields: JSON.stringify(entry.additionalFields),
    actor:
      entry.user === undefined
        ? null
        : { id: entry.user.id, email: entry.user.email, username: entry.user.username },
  })
}

/** Cut to whole characters, without what no text column holds. */
function storable(text: string, length: number): string {
  return [...text.replaceAll('\0', '')].slice(0, length).join('')
}
