import { type AuditAction, AuditAction as AuditActions, AuditResourceType } from '@slipway/contract'
import { badRequest } from '../errors/index.ts'
import { SearchQuery } from '../search/index.ts'

/** What entries a reader wants; everything named must hold (RB-91). */
export interface AuditSearch {
  readonly requestId: string | undefined
  readonly resourceId: string | undefined
  readonly resourceTarget: string | undefined
  /** Name of the user, in lower case; `me` is the reader. */
  readonly username: string | undefined
  readonly email: string | undefined
  readonly from: Date | undefined
  readonly to: Date | undefined
  /** Id or name, in lower case. */
  readonly organization: string | undefined
  readonly resourceType: AuditResourceType | undefined
  readonly action: AuditAction | undefined
  readonly buildReason: string | undefined
}

const BUILD_REASONS = [
  'initiator',
  'autostart',
  'autostop',
  'dormancy',
  'autodelete',
  'failedstop',
  'dashboard',
  'cli',
  'ssh_connection',
  'vscode_connection',
  'jetbrains_connection',
  'task_manual_pause',
  'task_auto_pause',
  'task_resume',
] as const

/** Reads a search of the audit log. @throws ApiError 400 with one validation for each fault (RB-92). */
export function parseAuditSearch(text: string): AuditSearch {
  const query = new SearchQuery(text)
  const day = (key: string, time: string): Date | undefined => {
    const value = query.one(key)
    if (value === undefined) return undefined
    const date = new Date(`${value}T${time}Z`)
    // A day that does not exist, such as 31 February, is moved by the parser.
    if (/^\d{4}-\d\d-\d\d$/.test(value) && date.toISOString().startsWith(value)) return date
    query.faults.push({ field: key, detail: `Query param "${key}" must be a day such as 2026-01-31` })
    return undefined
  }
  const one = <T extends string>(key: string, words: readonly T[], free?: string): T | undefined => {
    const value = query.one(key) ?? free
    const found = words.find((word) => word === value)
    if (value !== undefined && found === undefined)
      query.faults.push({
        field: key,
        detail: `Query param "${key}" has invalid value ${JSON.stringify(value)}`,
      })
    return found
  }
  const search = {
    requestId: query.uuid('request_id'),
    resourceId: query.uuid('resource_id'),
    resourceTarget: query.one('resource_target'),
    username: query.one('username'),
    email: query.one('email'),
    from: day('date_from', '00:00:00.000'),
    to: day('date_to', '23:59:59.999'),
    organization: query.one('organization'),
    resourceType: one('resource_type', AuditResourceType.enum, query.text),
    action: one('action', AuditActions.enum),
    buildReason: one('build_reason', BUILD_REASONS),
  }
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid audit search query.', { validations: faults })
  return search
}
