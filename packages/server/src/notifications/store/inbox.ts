import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { InboxNotificationsTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'
import type { TemplateAction } from '../catalog/index.ts'

/** A notification in the inbox of its user. */
export type InboxRow = Selectable<InboxNotificationsTable>

/** What a page of the inbox holds (OP-136). */
const PAGE = 25

const ofUser = (userId: string, id?: string): ResourceObject => ({
  type: 'inbox_notification',
  owner: userId,
  id,
})

/** Which notifications are meant; an empty list is no condition. */
export interface InboxFilter {
  readonly targets: readonly string[]
  readonly templates: readonly string[]
  readonly readStatus: 'all' | 'read' | 'unread'
}

/** A notification to put into the inbox. */
export interface NewInboxNotification {
  /** That of its message, so that it is there once however often it is delivered. */
  readonly id: string
  readonly userId: string
  readonly templateId: string
  readonly targets: readonly string[]
  readonly title: string
  readonly content: string
  readonly actions: readonly TemplateAction[]
  readonly createdAt: Date
}

/** Puts a notification into the inbox of its user. @throws ApiError 403 without `inbox_notification:create`. */
export async function insertInboxNotification(
  actor: Actor,
  db: Db,
  row: NewInboxNotification,
): Promise<void> {
  authorize(actor, 'create', ofUser(row.userId))
  await db
    .insertInto('inbox_notifications')
    .values({
      id: row.id,
      user_id: row.userId,
      template_id: row.templateId,
      targets: [...row.targets],
      title: row.title,
      content: row.content,
      actions: JSON.stringify(row.actions),
      created_at: row.createdAt,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

/**
 * A page of the inbox of a user, the newest first.
 *
 * @param before id of the notification that the page follows; one that is not there is the newest of all.
 * @throws ApiError 403 without `inbox_notification:read`.
 */
export async function listInbox(
  actor: Actor,
  db: Db,
  userId: string,
  { targets, templates, readStatus }: InboxFilter,
  before?: string,
): Promise<InboxRow[]> {
  authorize(actor, 'read', ofUser(userId))
  return db
    .selectFrom('inbox_notifications as n')
    .selectAll('n')
    .where('n.user_id', '=', userId)
    .$if(targets.length > 0, (query) => query.where(sql<boolean>`n.targets @> ${[...targets]}::uuid[]`))
    .$if(templates.length > 0, (query) => query.where('n.template_id', 'in', templates))
    .$if(readStatus !== 'all', (query) =>
      query.where('n.read_at', readStatus === 'read' ? 'is not' : 'is', null),
    )
    .$if(before !== undefined, (query) =>
      query.where(
        sql<boolean>`not exists (select from inbox_notifications b where b.id = ${before}::uuid and b.user_id = n.user_id
          and (b.created_at, b.id) <= (n.created_at, n.id))`,
      ),
    )
    .orderBy('n.created_at', 'desc')
    .orderBy('n.id', 'desc')
    .limit(PAGE)
    .execute()
}

/** How many notifications a user has not read. @throws ApiError 403 without `inbox_notification:read`. */
export async function countUnread(actor: Actor, db: Db, userId: string): Promise<number> {
  authorize(actor, 'read', ofUser(userId))
  const row = await db
    .selectFrom('inbox_notifications')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('user_id', '=', userId)
    .where('read_at', 'is', null)
    .executeTakeFirstOrThrow()
  return row.count
}

/** A notification. @throws ApiError 404 when it is absent or somebody else's. */
export async function getInboxNotification(actor: Actor, db: Db, id: string): Promise<InboxRow> {
  const row = await db.selectFrom('inbox_notifications').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', ofUser(row.user_id, row.id))) throw notFound()
  return row
}

/** Marks a notification as read since then, or as unread. @throws ApiError 404 when it may not be read, 403. */
export async function setInboxReadAt(
  actor: Actor,
  db: Db,
  id: string,
  readAt: Date | null,
): Promise<InboxRow> {
  const row = await getInboxNotification(actor, db, id)
  authorize(actor, 'update', ofUser(row.user_id, row.id))
  return db
    .updateTable('inbox_notifications')
    .set({ read_at: readAt })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Marks all of a user as read. @throws ApiError 403 without `inbox_notification:update`. */
export async function markAllRead(actor: Actor, db: Db, userId: string, readAt: Date): Promise<void> {
  authorize(actor, 'update', ofUser(userId))
  await db
    .updateTable('inbox_notifications')
    .set({ read_at: readAt })
    .where('user_id', '=', userId)
    .where('read_at', 'is', null)
    .execute()
}
