import { type Selectable, sql } from 'kysely'

import {
  type Actor,
  accessListOf,
  authorize,
  isAllowed,
  type ResourceObject,
  sqlFilter,
} from '../../authz/index.ts'
import { type Db, violatedUnique } from '../../database/index.ts'
import type {
  TasksTable,
  TasksWithStatusTable,
  WorkspaceAppStatusesTable,
  WorkspaceAppsTable,
} from '../../database/tables.ts'
import { noteInLog } from '../../edge/index.ts'
import { conflict, notFound, UNIQUE_DETAIL } from '../../errors/index.ts'

type View = Selectable<TasksWithStatusTable>
/** What is only there while the workspace is, while it runs, or once its app has reported. */
type Sometimes =
  | 'workspace_name'
  | 'build_number'
  | 'build_transition'
  | 'build_created_at'
  | 'job_status'
  | 'agent_id'
  | 'agent_lifecycle'
  | 'app_id'
  | 'app_url'
  | 'app_message'
  | 'app_uri'
  | 'app_state_at'

/** A task with what its workspace tells of it, from one statement (WS-255). */
export type TaskRow = Omit<View, Sometimes | 'template_id' | 'app_health' | 'app_state'> & {
  readonly [Column in Sometimes]: View[Column] | null
} & {
  readonly template_id: string
  readonly app_health: Selectable<WorkspaceAppsTable>['health'] | null
  readonly app_state: Selectable<WorkspaceAppStatusesTable>['state'] | null
}

/** What permissions speak of: whoever the workspace is shared with shares its task (RB chapter 3). */
export function taskObject(
  row: Pick<TaskRow, 'id' | 'owner_id' | 'organization_id' | 'user_acl' | 'group_acl'>,
): ResourceObject {
  return {
    type: 'task',
    id: row.id,
    owner: row.owner_id,
    organization: row.organization_id,
    userAcl: accessListOf(row.user_acl),
    groupAcl: accessListOf(row.group_acl),
  }
}

/** The object of the right to make a task for this owner. */
export function newTaskObject(organizationId: string, ownerId: string): ResourceObject {
  return { type: 'task', organization: organizationId, owner: ownerId }
}

function rows(db: Db) {
  return db.selectFrom('tasks_with_status as t').selectAll().$castTo<TaskRow>()
}

function readable(actor: Actor, row: TaskRow | undefined): TaskRow | undefined {
  if (row === undefined || !isAllowed(actor, 'read', taskObject(row))) return undefined
  noteInLog({ task_id: row.id, task_name: row.name })
  return row
}

/** A task by its id; undefined when there is none that the actor may read (RB-72). */
export async function findTask(actor: Actor, db: Db, id: string): Promise<TaskRow | undefined> {
  return readable(actor, await rows(db).where('t.id', '=', id).executeTakeFirst())
}

/** A task of this owner by its name, however that is written; undefined as for {@link findTask}. */
export async function findTaskByName(
  actor: Actor,
  db: Db,
  ownerId: string,
  name: string,
): Promise<TaskRow | undefined> {
  const row = await rows(db)
    .where('t.owner_id', '=', ownerId)
    .where(sql<string>`lower(t.name)`, '=', name.toLowerCase())
    .executeTakeFirst()
  return readable(actor, row)
}

/** The task of a workspace; undefined as for {@link findTask}. */
export async function findTaskOfWorkspace(
  actor: Actor,
  db: Db,
  workspaceId: string,
): Promise<TaskRow | undefined> {
  return readable(actor, await rows(db).where('t.workspace_id', '=', workspaceId).executeTakeFirst())
}

/** Which tasks are asked for. */
export interface TaskSearch {
  readonly ownerId: string | undefined
  readonly organizationId: string | undefined
  /** Any of them. */
  readonly statuses: readonly TaskRow['status'][] | undefined
}

/** Tasks that the actor may read, the newest first, in one statement (WS-252). */
export async function listTasks(actor: Actor, db: Db, search: TaskSearch): Promise<TaskRow[]> {
  let query = rows(db).where(
    sqlFilter(actor, 'read', 'task', {
      id: sql.ref<string>('t.id'),
      owner: sql.ref<string>('t.owner_id'),
      organization: sql.ref<string>('t.organization_id'),
      userAcl: sql`coalesce(t.user_acl, '{}')`,
      groupAcl: sql`coalesce(t.group_acl, '{}')`,
    }),
  )
  if (search.ownerId !== undefined) query = query.where('t.owner_id', '=', search.ownerId)
  if (search.organizationId !== undefined)
    query = query.where('t.organization_id', '=', search.organizationId)
  if (search.statuses !== undefined)
    query = query.where(sql<boolean>`t.status::text = any(${[...search.statuses]}::text[])`)
  return query.orderBy('t.created_at', 'desc').orderBy('t.id').execute()
}

/** The row of a task as it is stored, also of one that was deleted, for its entries in the audit log. @throws ApiError 404. */
export async function getStoredTask(actor: Actor, db: Db, task: TaskRow): Promise<Selectable<TasksTable>> {
  if (!isAllowed(actor, 'read', taskObject(task))) throw notFound()
  return db.selectFrom('tasks').selectAll().where('id', '=', task.id).executeTakeFirstOrThrow()
}

/** What a new task is made of. */
export interface NewTask {
  readonly id: string
  readonly organizationId: string
  readonly ownerId: string
  readonly name: string
  readonly displayName: string
  readonly workspaceId: string
  readonly templateVersionId: string
  readonly prompt: string
}

/** Stores a task. @throws ApiError 403 without `task:create`, 409 on a taken name (WS-300). */
export async function insertTask(actor: Actor, tx: Db, task: NewTask): Promise<void> {
  authorize(actor, 'create', newTaskObject(task.organizationId, task.ownerId))
  try {
    await tx
      .insertInto('tasks')
      .values({
        id: task.id,
        organization_id: task.organizationId,
        owner_id: task.ownerId,
        name: task.name,
        display_name: task.displayName,
        workspace_id: task.workspaceId,
        template_version_id: task.templateVersionId,
        prompt: task.prompt,
      })
      .execute()
  } catch (error) {
    if (violatedUnique(error) !== 'tasks_owner_name') throw error
    throw conflict(`Task ${JSON.stringify(task.name)} already exists.`, {
      validations: [{ field: 'name', detail: UNIQUE_DETAIL }],
    })
  }
}

/**
 * Changes the prompt of a task that is paused (WS-260). No build of its workspace can begin before the transaction ends.
 *
 * @throws ApiError 403 without `task:update`, 409 when it is not paused.
 */
export async function updatePrompt(actor: Actor, tx: Db, task: TaskRow, prompt: string): Promise<void> {
  authorize(actor, 'update', taskObject(task))
  await tx
    .selectFrom('workspaces')
    .select('id')
    .where('id', '=', task.workspace_id)
    .forUpdate()
    .executeTakeFirst()
  const now = await rows(tx).where('t.id', '=', task.id).executeTakeFirst()
  if (now?.status !== 'paused') throw conflict('Unable to update task input, task must be paused.')
  await tx
    .updateTable('tasks')
    .set({ prompt, updated_at: sql<Date>`now()` })
    .where('id', '=', task.id)
    .execute()
}

/** Deletes a task, and what was said in it; its name is free again (WS-262). @throws ApiError 403 without `task:delete`. */
export async function deleteTask(actor: Actor, db: Db, task: TaskRow): Promise<void> {
  authorize(actor, 'delete', taskObject(task))
  await db
    .updateTable('tasks')
    .set({ deleted_at: sql<Date>`now()`, updated_at: sql<Date>`now()` })
    .where('id', '=', task.id)
    .where('deleted_at', 'is', null)
    .execute()
}
