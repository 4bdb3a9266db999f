import { sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { Method } from './messages.ts'

/**
 * The methods that were chosen for templates, by the id of the template. Who may choose what they want to hear of sees
 * by which way it comes.
 *
 * @throws ApiError 403 for who may read neither templates nor their own preferences.
 */
export async function listTemplateMethods(actor: Actor, db: Db): Promise<ReadonlyMap<string, Method>> {
  if (!isAllowed(actor, 'read', { type: 'notification_preference', owner: actor.id }))
    authorize(actor, 'read', { type: 'notification_template' })
  const rows = await db
    .selectFrom('notification_template_methods')
    .select(['template_id', 'method'])
    .execute()
  return new Map(rows.map((row) => [row.template_id, row.method]))
}

/**
 * The method that was chosen for a template, which nobody else changes until the transaction ends; undefined for none.
 *
 * @throws ApiError 403 without `notification_template:update`.
 */
export async function holdTemplateMethod(
  actor: Actor,
  tx: Db,
  templateId: string,
): Promise<Method | undefined> {
  authorize(actor, 'update', { type: 'notification_template' })
  await sql`select pg_advisory_xact_lock(hashtextextended(${`notification template ${templateId}`}, 0))`.execute(
    tx,
  )
  const row = await tx
    .selectFrom('notification_template_methods')
    .select('method')
    .where('template_id', '=', templateId)
    .executeTakeFirst()
  return row?.method
}

/** Chooses the method of a template; none for the default one. @throws ApiError 403 without `notification_template:update`. */
export async function storeTemplateMethod(
  actor: Actor,
  tx: Db,
  templateId: string,
  method: Method | undefined,
): Promise<void> {
  authorize(actor, 'update', { type: 'notification_template' })
  if (method === undefined) {
    await tx.deleteFrom('notification_template_methods').where('template_id', '=', templateId).execute()
    return
  }
  await tx
    .insertInto('notification_template_methods')
    .values({ template_id: templateId, method })
    .onConflict((conflict) =>
      conflict.column('template_id').doUpdateSet({ method, updated_at: sql<Date>`now()` }),
    )
    .execute()
}
