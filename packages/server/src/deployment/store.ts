import { type Actor, authorize } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

/** The id of this deployment, made once (OP start-up step 5). @throws ApiError 403. */
export async function ensureDeploymentId(actor: Actor, db: Db, fresh: string): Promise<string> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await db
    .insertInto('site_configs')
    .values({ key: 'deployment_id', value: fresh })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute()
  const row = await db
    .selectFrom('site_configs')
    .select('value')
    .where('key', '=', 'deployment_id')
    .executeTakeFirstOrThrow()
  return row.value
}
