import { type Selectable, sql, type Updateable } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import { anyOf, type Db } from '../../database/index.ts'
import type { ChatDiffStatusesTable } from '../../database/tables.ts'

/** What is known of the branch that a chat works on. */
export type DiffStatusRow = Selectable<ChatDiffStatusesTable>

/** A row with whose token it is refreshed. */
export type StaleRow = DiffStatusRow & { readonly owner_id: string }

/** The branch that git was used on. */
export interface GitReference {
  readonly branch: string
  readonly origin: string
}

/** Chats of one workspace that are told of its branches. */
const MAX_CHATS = 100

/**
 * Notes on which branch git was used, for the chat that used it or, without one, for all live chats of the workspace's
 * owner in it (CH-1504). A chat that is not bound to the workspace is passed over (B-10). Another branch, and another
 * repository, forgets what was known of the one before.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function noteReference(
  actor: Actor,
  db: Db,
  at: { readonly workspaceId: string; readonly ownerId: string; readonly chatId: string | undefined },
  reference: GitReference,
  now: Date,
): Promise<void> {
  authorize(actor, 'update', { type: 'chat' })
  let chats = db
    .selectFrom('chats')
    .select('id as chat_id')
    .where('workspace_id', '=', at.workspaceId)
    .where('owner_id', '=', at.ownerId)
    .where('archived', '=', false)
    .orderBy('updated_at', 'desc')
    .limit(MAX_CHATS)
  if (at.chatId !== undefined) chats = chats.where('id', '=', at.chatId)
  const { branch, origin } = reference
  await sql`
    update chat_diff_statuses s set
      url = null, pull_request_state = null, pull_request_title = '', pull_request_draft = false,
      changes_requested = false, additions = 0, deletions = 0, changed_files = 0, author_login = null,
      author_avatar_url = null, base_branch = null, head_branch = null, pr_number = null, commits = null,
      approved = null, reviewer_count = null, git_branch = ${branch}::text, git_remote_origin = ${origin}::text
    where s.chat_id in (select c.chat_id from (${chats}) c)
      and (s.git_branch <> ${branch}::text or s.git_remote_origin <> ${origin}::text)`.execute(db)
  await sql`
    insert into chat_diff_statuses as s (chat_id, git_branch, git_remote_origin, updated_at, stale_at)
    select c.chat_id, ${branch}::text, ${origin}::text, ${now}::timestamptz, ${now}::timestamptz from (${chats}) c
    on conflict (chat_id) do update set
      git_branch = excluded.git_branch, git_remote_origin = excluded.git_remote_origin,
      updated_at = excluded.updated_at, stale_at = excluded.stale_at`.execute(db)
}

/** What is known of the branches of these chats, for readers who may see them. @throws ApiError 403 without `chat:read`. */
export async function listDiffStatuses(
  actor: Actor,
  db: Db,
  chatIds: readonly string[],
): Promise<DiffStatusRow[]> {
  authorize(actor, 'read', { type: 'chat' })
  if (chatIds.length === 0) return []
  return db
    .selectFrom('chat_diff_statuses')
    .selectAll()
    .where(sql<boolean>`chat_id = any(${[...chatIds]}::uuid[])`)
    .execute()
}

/**
 * Takes rows that have to be looked at again, the oldest first; nobody else takes them until `until`.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function claimStale(
  actor: Actor,
  db: Db,
  { now, until, limit }: { readonly now: Date; readonly until: Date; readonly limit: number },
): Promise<StaleRow[]> {
  authorize(actor, 'update', { type: 'chat' })
  return db
    .updateTable('chat_diff_statuses as s')
    .from('chats as c')
    .set({ stale_at: until })
    .whereRef('c.id', '=', 's.chat_id')
    .where('s.chat_id', '=', (eb) =>
      anyOf(
        eb
          .selectFrom('chat_diff_statuses as due')
          .innerJoin('chats as live', 'live.id', 'due.chat_id')
          .select('due.chat_id')
          .where('due.stale_at', '<=', now)
          .where('live.archived', '=', false)
          .where('due.git_branch', '<>', '')
          .where('due.git_remote_origin', '<>', '')
          .orderBy('due.stale_at')
          .limit(limit)
          .forUpdate('due')
          .skipLocked(),
      ),
    )
    .returningAll('s')
    .returning('c.owner_id')
    .execute()
}

/** Stores what was found, unless the chat has gone to another branch meanwhile. @throws ApiError 403 without `chat:update`. */
export async function storeDiffStatus(
  actor: Actor,
  db: Db,
  row: Pick<DiffStatusRow, 'chat_id' | 'git_branch' | 'git_remote_origin'>,
  found: Updateable<ChatDiffStatusesTable>,
): Promise<void> {
  authorize(actor, 'update', { type: 'chat' })
  await db
    .updateTable('chat_diff_statuses')
    .set(found)
    .where('chat_id', '=', row.chat_id)
    .where('git_branch', '=', row.git_branch)
    .where('git_remote_origin', '=', row.git_remote_origin)
    .execute()
}
