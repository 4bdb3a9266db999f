import type { NotificationPreference, UpdateUserNotificationPreferences } from '@slipway/contract'
import { badRequest, type Validation } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { templateOf } from './catalog/index.ts'
import type { PreferenceRow } from './store/preferences.ts'

/** What a request chooses. @throws ApiError 400 for ids that name no kind of notification. */
export function choicesOf({
  template_disabled_map: map,
}: UpdateUserNotificationPreferences): { readonly templateId: string; readonly disabled: boolean }[] {
  const faults: Validation[] = []
  const choices = new Map<string, boolean>()
  for (const [id, disabled] of Object.entries(map)) {
    if (!isUuid(id)) faults.push({ field: 'template_disabled_map', detail: `${id.slice(0, 64)} is no UUID` })
    else if (templateOf(id) === undefined)
      faults.push({ field: 'template_disabled_map', detail: `there is no template ${id}` })
    else choices.set(id.toLowerCase(), disabled)
  }
  if (faults.length > 0)
    throw badRequest('Unable to update notification preferences.', { validations: faults })
  return [...choices].map(([templateId, disabled]) => ({ templateId, disabled }))
}

/** A choice as clients see it. */
export function presentPreference(row: PreferenceRow): NotificationPreference {
  return { id: row.template_id, disabled: row.disabled, updated_at: row.updated_at.toISOString() }
}
