import { type Expression, type Insertable, type Selectable, type SqlBool, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatFilesTable } from '../../database/tables.ts'
import { badRequest, notFound } from '../../errors/index.ts'

type FileRow = Selectable<ChatFilesTable>

/** All about a file but its bytes. */
export type ChatFileInfo = Omit<FileRow, 'data'>

const INFO = [
  'f.id',
  'f.created_at',
  'f.owner_id',
  'f.organization_id',
  'f.name',
  'f.mimetype',
  'f.size_bytes',
  'f.sha256',
] as const

/** Distinct files of a chat (CH-131). */
const MAX_FILES = 50

/** What permissions speak of: files are judged as chats of their owner, or as those that link them (CH-309). */
function fileObject(file: { readonly owner_id: string; readonly organization_id: string }): ResourceObject {
  return { type: 'chat', owner: file.owner_id, organization: file.organization_id }
}

/** Stores a file. @throws ApiError 403 without `chat:create` in its organization (CH-440). */
export async function insertFile(
  actor: Actor,
  db: Db,
  file: Omit<Insertable<ChatFilesTable>, 'id' | 'created_at'>,
): Promise<ChatFileInfo> {
  authorize(actor, 'create', fileObject(file))
  return db
    .insertInto('chat_files')
    .values(file)
    .returning([
      'id',
      'created_at',
      'owner_id',
      'organization_id',
      'name',
      'mimetype',
      'size_bytes',
      'sha256',
    ])
    .executeTakeFirstOrThrow()
}

/** Whether the actor may read the file `f`: as its owner could, or through a chat that links it (CH-309). */
function readable(actor: Actor): Expression<SqlBool> {
  const own = sqlFilter(actor, 'read', 'chat', {
    owner: sql.ref('f.owner_id'),
    organization: sql.ref('f.organization_id'),
  })
  const chat = sqlFilter(actor, 'read', 'chat', {
    id: sql.ref('c.id'),
    owner: sql.ref('c.owner_id'),
    organization: sql.ref('c.organization_id'),
    // Subagents are shared with their root (CH-304).
    userAcl: sql`coalesce(r.user_acl, c.user_acl)`,
    groupAcl: sql`coalesce(r.group_acl, c.group_acl)`,
  })
  return sql<SqlBool>`(${own} or exists (
    select 1 from chat_file_links l
      join chats c on c.id = l.chat_id
      left join chats r on r.id = c.root_chat_id
     where l.file_id = f.id and ${chat}))`
}

/** A file without its bytes. @throws ApiError 404 when it is absent or may not be read (CH-309). */
export async function getFileInfo(actor: Actor, db: Db, id: string): Promise<ChatFileInfo> {
  const [file] = await findFiles(actor, db, [id])
  if (file === undefined) throw notFound()
  return file
}

/** Those of these files that are there and may be read, in no order. */
export function findFiles(actor: Actor, db: Db, ids: readonly string[]): Promise<ChatFileInfo[]> {
  return db
    .selectFrom('chat_files as f')
    .select(INFO)
    .where(sql<SqlBool>`f.id = any(${[...ids]}::uuid[])`)
    .where(readable(actor))
    .execute()
}

/** Bytes of a file, all or a part of them. */
export interface ByteRange {
  readonly start: number
  readonly length: number
}

/** The bytes of a file, or a part of them. @throws ApiError 404 when it is absent or may not be read (CH-309). */
export async function readFileBytes(actor: Actor, db: Db, id: string, range?: ByteRange): Promise<Buffer> {
  const data =
    range === undefined
      ? sql<Buffer>`f.data`
      : sql<Buffer>`substring(f.data from ${range.start + 1}::integer for ${range.length}::integer)`
  const row = await db
    .selectFrom('chat_files as f')
    .select(data.as('data'))
    .where('f.id', '=', id)
    .where(readable(actor))
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return row.data
}

/**
 * Links files to a chat, inside the transaction that writes what refers to them (CH-131). Files that it has already cost
 * nothing.
 *
 * @throws ApiError 404 for a chat that may not be changed, 400 for a file that is absent or may not be read, and when
 * there would be more than {@link MAX_FILES}.
 */
export async function insertFileLinks(
  actor: Actor,
  tx: Db,
  chatId: string,
  fileIds: readonly string[],
): Promise<ChatFileInfo[]> {
  // Held, so that of two messages at once none passes by the limit.
  const chat = await holdChat(tx, chatId)
  if (chat === undefined || !isAllowed(actor, 'update', chat)) throw notFound()
  const wanted = [...new Set(fileIds.map((id) => id.toLowerCase()))]
  const files = await tx
    .selectFrom('chat_files as f')
    .select(INFO)
    .where(sql<SqlBool>`f.id = any(${wanted}::uuid[])`)
    .where(readable(actor))
    // The purge must not take one of them meanwhile.
    .forKeyShare()
    .execute()
  if (files.length < wanted.length)
    throw badRequest('Chat attachment unavailable.', {
      detail: 'A file does not exist, has expired or may not be read by you: upload it again.',
    })
  // Before anything is written: who goes on without them must not leave some.
  const { count } = await tx
    .selectFrom('chat_file_links')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('chat_id', '=', chatId)
    .where(sql<SqlBool>`file_id <> all(${wanted}::uuid[])`)
    .executeTakeFirstOrThrow()
  if (Number(count) + wanted.length > MAX_FILES)
    throw badRequest('Chat attachment limit reached.', {
      detail: `A chat can have at most ${MAX_FILES} distinct files.`,
    })
  await tx
    .insertInto('chat_file_links')
    .values(wanted.map((file_id) => ({ chat_id: chatId, file_id })))
    .onConflict((on) => on.doNothing())
    .execute()
  return files
}

/** The chat as permissions speak of it, held until the transaction ends; undefined without one. */
async function holdChat(tx: Db, chatId: string): Promise<ResourceObject | undefined> {
  const row = await tx
    .selectFrom('chats')
    .select(['id', 'owner_id', 'organization_id'])
    .where('id', '=', chatId)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row === undefined
    ? undefined
    : { type: 'chat', id: row.id, owner: row.owner_id, organization: row.organization_id }
}
