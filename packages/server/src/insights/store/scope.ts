import { type Actor, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'
import { type TemplateRow, templateObject } from '../../templates/index.ts'

type Named = Pick<TemplateRow, 'id' | 'organization_id' | 'user_acl' | 'group_acl'>

/** The templates whose use is asked for; all, also those that are deleted, where none is named. */
export type InsightsScope = readonly Named[]

/**
 * Finds the templates that are named, for whoever may see the insights of each of them, or of all where none is named
 * (WS-274).
 *
 * @throws ApiError 404.
 */
export async function findScope(actor: Actor, db: Db, ids: readonly string[]): Promise<InsightsScope> {
  const templates =
    ids.length === 0
      ? []
      : await db
          .selectFrom('templates')
          .select(['id', 'organization_id', 'user_acl', 'group_acl'])
          .where('id', 'in', ids)
          .where('deleted', '=', false)
          .execute()
  if (templates.length < ids.length) throw notFound()
  requireInsights(actor, templates)
  return templates
}

/** @throws ApiError 404 for whoever may not see the insights of all of these. */
export function requireInsights(actor: Actor, scope: InsightsScope): void {
  const objects = scope.length === 0 ? [{ type: 'template' } as const] : scope.map(templateObject)
  if (!objects.every((object) => isAllowed(actor, 'view_insights', object))) throw notFound()
}
