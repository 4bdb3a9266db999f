import { Value } from 'typebox/value'

import { type InboxNotification, InboxNotificationAction } from '@slipway/contract'
import { badRequest, type Validation, validationFailed } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { templateOf } from './catalog/index.ts'
import type { InboxFilter, InboxRow } from './store/inbox.ts'

/** Ids that a filter names, at most. */
const MAX_IDS = 100

/** Which form the text of a notification is wanted in. */
export type TextFormat = 'markdown' | 'plaintext'

interface InboxQuery {
  readonly targets?: string | undefined
  readonly templates?: string | undefined
  readonly read_status?: string | undefined
}

/** What a request asks of the inbox. @throws ApiError 400 naming every parameter that is wrong. */
export function inboxFilter({ targets, templates, read_status: status }: InboxQuery): InboxFilter {
  const faults: Validation[] = []
  const ids = (field: string, text: string | undefined): string[] => {
    const list = text === undefined || text === '' ? [] : text.split(',').map((id) => id.trim())
    if (list.length > MAX_IDS) faults.push({ field, detail: `must be at most ${MAX_IDS} ids` })
    else if (!list.every(isUuid)) faults.push({ field, detail: 'must be UUIDs with commas between them' })
    return list
  }
  const filter = {
    targets: ids('targets', targets),
    templates: ids('templates', templates),
    readStatus: status === undefined || status === '' ? 'all' : status,
  }
  const { readStatus } = filter
  if (readStatus !== 'all' && readStatus !== 'read' && readStatus !== 'unread')
    throw validationFailed([...faults, { field: 'read_status', detail: 'must be all, read or unread' }])
  if (faults.length > 0) throw validationFailed(faults)
  return { ...filter, readStatus }
}

/** Refuses what nobody understands, so that a filter that is misspelled does not show everything (OP-136). @throws ApiError 400. */
export function requireKnownParameters(query: unknown, known: readonly string[]): void {
  const unknown = Object.keys(Object(query)).filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw badRequest('Query parameters have invalid values.', {
      validations: unknown.map((field) => ({ field, detail: `${JSON.stringify(field)} is not a parameter` })),
    })
}

/** Whether a notification that nobody has read yet is one of those that are meant. */
export function matches(
  { targets, templates, readStatus }: InboxFilter,
  row: Pick<InboxRow, 'targets' | 'template_id'>,
): boolean {
  return (
    readStatus !== 'read' &&
    targets.every((id) => row.targets.includes(id.toLowerCase())) &&
    (templates.length === 0 || templates.some((id) => id.toLowerCase() === row.template_id))
  )
}

/** A notification as clients see it. */
export async function presentInbox(
  row: InboxRow,
  format: TextFormat = 'markdown',
): Promise<InboxNotification> {
  return {
    id: row.id,
    user_id: row.user_id,
    template_id: row.template_id,
    targets: row.targets,
    title: row.title,
    content:
      format === 'markdown' ? row.content : (await import('./markdown.ts')).markdownToText(row.content),
    icon: row.icon === '' ? `DEFAULT_ICON_${templateOf(row.template_id)?.icon ?? 'OTHER'}` : row.icon,
    actions: actionsOf(row.actions),
    read_at: row.read_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  }
}

function actionsOf(stored: unknown): InboxNotificationAction[] {
  return Array.isArray(stored) ? stored.filter((one) => Value.Check(InboxNotificationAction, one)) : []
}
