import { type Selectable, sql } from 'kysely'

import { type Actor, accessListOf, authorize, isAllowed } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { FilesTable } from '../database/tables.ts'
import { notFound } from '../errors/index.ts'

/** A stored file with its bytes. */
export type FileRow = Selectable<FilesTable>

/**
 * Stores bytes once per uploader: the same bytes give the same id, also for uploads at the same time (WS-72).
 *
 * @throws ApiError 403 without `file:create`.
 */
export async function storeFile(
  actor: Actor,
  db: Db,
  file: {
    readonly hash: string
    readonly mimetype: string
    readonly data: Buffer
    readonly createdBy: string
  },
): Promise<{ readonly id: string; readonly created: boolean }> {
  authorize(actor, 'create', { type: 'file', owner: file.createdBy })
  const made = await db
    .insertInto('files')
    .values({ hash: file.hash, mimetype: file.mimetype, data: file.data, created_by: file.createdBy })
    .onConflict((conflict) => conflict.columns(['hash', 'created_by']).doNothing())
    .returning('id')
    .executeTakeFirst()
  if (made !== undefined) return { id: made.id, created: true }
  const found = await db
    .selectFrom('files')
    .select('id')
    .where('hash', '=', file.hash)
    .where('created_by', '=', file.createdBy)
    .executeTakeFirstOrThrow()
  return { id: found.id, created: false }
}

/**
 * A file with its bytes: for its uploader, and for whoever may update a template that uses it (WS-73).
 *
 * @throws ApiError 404 otherwise.
 */
export async function getFile(actor: Actor, db: Db, id: string): Promise<FileRow> {
  const row = await db.selectFrom('files').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw notFound()
  if (isAllowed(actor, 'read', { type: 'file', id: row.id, owner: row.created_by })) return row
  const templates = await db
    .selectFrom('templates as t')
    .innerJoin('template_versions as v', 'v.template_id', 't.id')
    .innerJoin('provisioner_jobs as j', 'j.id', 'v.job_id')
    .select(['t.id', 't.organization_id', 't.user_acl', 't.group_acl'])
    .distinctOn('t.id')
    .where('j.file_id', '=', id)
    .where(sql<boolean>`not t.deleted`)
    .execute()
  const mayUpdate = templates.some((template) =>
    isAllowed(actor, 'update', {
      type: 'template',
      id: template.id,
      organization: template.organization_id,
      userAcl: accessListOf(template.user_acl),
      groupAcl: accessListOf(template.group_acl),
    }),
  )
  if (!mayUpdate) throw notFound()
  return row
}
