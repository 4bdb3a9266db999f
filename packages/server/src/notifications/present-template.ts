import type { NotificationTemplate } from '@slipway/contract'
import type { Template } from './catalog/index.ts'
import type { Method } from './store/messages.ts'

/** A kind of notification as clients see it, with the method that was chosen for it. */
export function presentTemplate(template: Template, method: Method | undefined): NotificationTemplate {
  return {
    id: template.id,
    name: template.name,
    title_template: template.title,
    body_template: template.body,
    actions: JSON.stringify(template.actions),
    group: template.group,
    method: method ?? '',
    kind: template.kind,
    enabled_by_default: template.enabledByDefault,
  }
}
