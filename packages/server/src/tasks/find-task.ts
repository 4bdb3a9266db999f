import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { notFound } from '../errors/index.ts'
import { knownUserId } from '../organizations/index.ts'
import { findTask, findTaskByName, type TaskRow } from './store/tasks.ts'

const UUID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i

/**
 * The task that a path names: by id, whoever's it is, and otherwise by its name among those of `{user}`, since a name may
 * look like an id (WS-251, ID-146). Names of workspaces do not count.
 *
 * @throws ApiError 404.
 */
export async function taskAt(
  context: AppContext,
  actor: Actor,
  { user = '', task = '' }: Readonly<Record<string, string>>,
): Promise<TaskRow> {
  const { db } = context.database
  const byId = UUID.test(task) ? await findTask(actor, db, task) : undefined
  const found = byId ?? (await findTaskByName(actor, db, await knownUserId(context, actor, user), task))
  if (found === undefined) throw notFound()
  return found
}
