import type { Template } from './notification-template.ts'
import { budgetTemplates, chatTemplates, otherTemplates, taskTemplates, templateTemplates } from './others.ts'
import { userTemplates } from './users.ts'
import { workspaceTemplates } from './workspaces.ts'

export type { Template, TemplateAction } from './notification-template.ts'

/** Every kind of notification there is. */
export const CATALOG: readonly Template[] = [
  ...workspaceTemplates,
  ...userTemplates,
  ...templateTemplates,
  ...taskTemplates,
  ...chatTemplates,
  ...budgetTemplates,
  ...otherTemplates,
]

const BY_ID: ReadonlyMap<string, Template> = new Map(CATALOG.map((template) => [template.id, template]))

/** The template with this id; undefined for none of this release. */
export function templateOf(id: string): Template | undefined {
  return BY_ID.get(id.toLowerCase())
}
