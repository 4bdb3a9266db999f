import { type Selectable, sql } from 'kysely'

import type { TaskLogSnapshot } from '@slipway/contract'
import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { TaskSnapshotsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'
import { type TaskRow, taskObject } from './tasks.ts'

/** Keeps what was said in a task, in place of what was kept before (WS-259). @throws ApiError 403 without `task:update`. */
export async function keepSnapshot(
  actor: Actor,
  db: Db,
  task: TaskRow,
  snapshot: TaskLogSnapshot,
): Promise<void> {
  authorize(actor, 'update', taskObject(task))
  const log_snapshot = JSON.stringify(snapshot)
  await db
    .insertInto('task_snapshots')
    .values({ task_id: task.id, log_snapshot })
    .onConflict((found) => found.column('task_id').doUpdateSet({ log_snapshot, taken_at: sql<Date>`now()` }))
    .execute()
}

/** What was kept of a task; undefined when nothing was. @throws ApiError 404. */
export async function findSnapshot(
  actor: Actor,
  db: Db,
  task: TaskRow,
): Promise<Selectable<TaskSnapshotsTable> | undefined> {
  if (!isAllowed(actor, 'read', taskObject(task))) throw notFound()
  return db.selectFrom('task_snapshots').selectAll().where('task_id', '=', task.id).executeTakeFirst()
}
