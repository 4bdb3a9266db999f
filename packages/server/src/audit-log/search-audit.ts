import { AuditAction, AuditResourceType } from '@slipway/contract'
import { badRequest } from '../errors/index.ts'
import { isUuid, SearchQuery } from '../search/index.ts'

/** Values of a key, one of which must hold, and of the key with `-` in front, none of which may (RB-129). */
export interface Wanted {
  readonly any: readonly string[] | undefined
  readonly none: readonly string[] | undefined
}

/** What entries a reader wants; everything named must hold (RB-91). Texts are in lower case. */
export interface AuditSearch {
  readonly requestId: Wanted | undefined
  readonly resourceId: Wanted | undefined
  readonly resourceTarget: Wanted | undefined
  readonly userId: Wanted | undefined
  /** Names of the user, also one who is gone by now; `me` is the reader. */
  readonly username: Wanted | undefined
  readonly email: Wanted | undefined
  readonly from: Date | undefined
  readonly to: Date | undefined
  /** Ids or names. */
  readonly organization: Wanted | undefined
  readonly resourceType: Wanted | undefined
  readonly action: Wanted | undefined
  readonly buildReason: Wanted | undefined
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
    // A day that does not exist is moved by the parser, such as 31 February, or none at all, such as one of month 13.
    const isDay = /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(date.getTime())
    if (isDay && date.toISOString().startsWith(value)) return date
    query.faults.push({ field: key, detail: `Query param "${key}" must be a day such as 2026-01-31` })
    return undefined
  }
  const listOf = (key: string, isValid: (value: string) => boolean): readonly string[] | undefined => {
    const values = query.list(key)
    for (const value of values ?? [])
      if (!isValid(value))
        query.faults.push({
          field: key,
          detail: `Query param "${key}" has invalid value ${JSON.stringify(value)}`,
        })
    return values
  }
  const wanted = (key: string, isValid: (value: string) => boolean = () => true): Wanted | undefined => {
    const any = listOf(key, isValid)
    const none = listOf(`-${key}`, isValid)
    return any === undefined && none === undefined ? undefined : { any, none }
  }
  const typed = wanted('resource_type', isResourceType)
  if (query.text !== undefined && !isResourceType(query.text))
    query.faults.push({
      field: 'resource_type',
      detail: `Query param "resource_type" has invalid value ${JSON.stringify(query.text)}`,
    })
  const search = {
    requestId: wanted('request_id', isUuid),
    resourceId: wanted('resource_id', isUuid),
    resourceTarget: wanted('resource_target'),
    userId: wanted('user_id', isUuid),
    username: wanted('username'),
    email: wanted('email'),
    from: day('date_from', '00:00:00.000'),
    to: day('date_to', '23:59:59.999'),
    organization: wanted('organization'),
    // A word without a key names the type, unless that is named already.
    resourceType:
      query.text === undefined || typed?.any !== undefined ? typed : { any: [query.text], none: typed?.none },
    action: wanted('action', (value) => AuditAction.enum.some((action) => action === value)),
    buildReason: wanted('build_reason', (value) => BUILD_REASONS.some((reason) => reason === value)),
  }
  const faults = query.finish()
  if (faults.length > 0) throw badRequest('Invalid audit search query.', { validations: faults })
  return search
}

function isResourceType(value: string): boolean {
  return AuditResourceType.enum.some((type) => type === value)
}
