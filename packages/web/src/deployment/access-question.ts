import type { RBACAction } from '@slipway/contract'
import { isResource, RESOURCE_ACTIONS } from './resource-actions.ts'

/** What is asked of the explainer, as the address holds it (UI-1). */
export interface AccessQuestion {
  readonly user: string
  readonly resource: keyof typeof RESOURCE_ACTIONS
  readonly action: RBACAction
  /** Id of a stored object; empty for any of its kind. */
  readonly id: string
  /** Name or id of the owner; empty for nobody in particular. */
  readonly owner: string
  readonly organization: string
}

/** Reads the address; whatever it does not say, or says wrongly, is the most common question. */
export function questionOf(search: Readonly<Record<string, string | undefined>>): AccessQuestion {
  const { type = '' } = search
  const resource = isResource(type) ? type : 'workspace'
  const actions = RESOURCE_ACTIONS[resource]
  return {
    user: search.user ?? '',
    resource,
    action:
      actions.find((action) => action === search.action) ??
      (actions.includes('read') ? 'read' : (actions[0] ?? 'read')),
    id: search.id ?? '',
    owner: search.owner ?? '',
    organization: search.org ?? '',
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether a text is an id as the server takes it; nothing is one, too. */
export function isIdOrNothing(text: string): boolean {
  return text === '' || UUID.test(text)
}
