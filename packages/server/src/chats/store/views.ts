import { type Expression, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely'

import type { ChatFileMetadata } from '@slipway/contract'
import {
  type AccessList,
  type Actor,
  accessListOf,
  authorize,
  isAllowed,
  type ResourceObject,
  sqlFilter,
} from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { ChatDiffStatusesTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import { type ChatRow, ownedChat } from './locked.ts'

/** Children that are shown inside their root at most, the newest first (CH-410). */
const MAX_CHILDREN = 200

/** A chat with what every answer about it needs. */
export type ChatView = ChatRow & {
  readonly owner_username: string
  readonly owner_name: string
  /** Those of the root (CH-304). */
  readonly effective_user_acl: unknown
  readonly effective_group_acl: unknown
  /** Of the latest build of the workspace; both or neither (CH-106). */
  readonly build_id: string | null
  readonly agent_id: string | null
  readonly has_unread: boolean
  /** The row of its branch and pull request (CH-1504). */
  readonly diff: StoredDiff | null
}

/** A row of `chat_diff_statuses` as JSON. */
export type StoredDiff = Omit<Selectable<ChatDiffStatusesTable>, 'refreshed_at' | 'stale_at'> & {
  readonly refreshed_at: string | null
  readonly stale_at: string
}

/** What permissions speak of: lists of the root open its children, too (CH-304). */
export function chatObject(
  view: Pick<ChatView, 'id' | 'owner_id' | 'organization_id' | 'effective_user_acl' | 'effective_group_acl'>,
): ResourceObject {
  return {
    ...ownedChat(view),
    userAcl: accessListOf(view.effective_user_acl),
    groupAcl: accessListOf(view.effective_group_acl),
  }
}

/** Whom a chat is open to beside its owner. */
export function effectiveLists(view: Pick<ChatView, 'effective_user_acl' | 'effective_group_acl'>): {
  readonly users: AccessList
  readonly groups: AccessList
} {
  return { users: accessListOf(view.effective_user_acl), groups: accessListOf(view.effective_group_acl) }
}

/**
 * The agent of a workspace's latest build that chats connect to (CH-1201): the designated one, else the first; nobody
 * where several are designated. The same build's id goes with it.
 */
const LATEST_AGENT = sql`
  left join lateral (
    select b.id, b.job_id from workspace_builds b
     where b.workspace_id = c.workspace_id order by b.build_number desc limit 1) build on true
  left join lateral (
    select a.id, count(*) filter (where lower(a.name) like '%-coderd-chat') over () as designated
      from workspace_agents a join workspace_resources r on r.id = a.resource_id
     where r.job_id = build.job_id and a.parent_id is null and not a.deleted
     order by lower(a.name) like '%-coderd-chat' desc,
              (agent_status(a)::text = 'connected' and a.lifecycle_state = 'ready') desc,
              a.display_order, lower(a.name), a.name, a.id
     limit 1) agent on agent.designated <= 1`

/** Whether a chat `c` has answers of models beyond what its owner has read (B-9). */
export const HAS_UNREAD = sql<boolean>`exists (
  select 1 from chat_messages m
   where m.chat_id = c.id and m.role = 'assistant' and not m.deleted and m.visibility <> 'model'
     and m.id > coalesce(c.last_read_message_id, 0))`

/** A chat as it is shown; the tools of its client are many kilobytes that nobody is shown. */
export type ShownChat = Omit<ChatView, 'dynamic_tools'>

/** What is read of each of many chats. */
const SHOWN: Readonly<Record<Exclude<keyof ChatRow, 'dynamic_tools'>, true>> = {
  id: true,
  created_at: true,
  updated_at: true,
  owner_id: true,
  parent_chat_id: true,
  root_chat_id: true,
  workspace_id: true,
  title: true,
  labels: true,
  pin_order: true,
  status: true,
  archived: true,
  archived_at: true,
  last_error: true,
  mode: true,
  plan_mode: true,
  last_model_config_id: true,
  last_reasoning_effort: true,
  mcp_server_ids: true,
  user_acl: true,
  group_acl: true,
  last_read_message_id: true,
  last_turn_summary: true,
  summary: true,
  summary_generated_at: true,
  worker_id: true,
  runner_id: true,
  snapshot_version: true,
  history_version: true,
  queue_version: true,
  retry_state_version: true,
  generation_attempt: true,
  retry_state: true,
  requires_action_deadline_at: true,
  compaction_requested_at: true,
  context_aggregate_hash: true,
  context_dirty_since: true,
  context_error: true,
  client_type: true,
  organization_id: true,
}
const SHOWN_COLUMNS = sql.join(Object.keys(SHOWN).map((name) => sql.ref(`c.${name}`)))

/** What is read of chats that a query calls `c`. */
function viewOf(from: RawBuilder<unknown>, columns: RawBuilder<unknown> = sql`c.*`): RawBuilder<ChatView> {
  return sql<ChatView>`
    select ${columns}, u.username as owner_username, u.name as owner_name,
           coalesce(root.user_acl, c.user_acl) as effective_user_acl,
           coalesce(root.group_acl, c.group_acl) as effective_group_acl,
           case when agent.id is null then null else build.id end as build_id, agent.id as agent_id,
           ${HAS_UNREAD} as has_unread, to_jsonb(d) as diff
      from ${from}
      join users u on u.id = c.owner_id
      left join chats root on root.id = coalesce(c.root_chat_id, c.parent_chat_id)
      left join chat_diff_statuses d on d.chat_id = c.id
      ${LATEST_AGENT}`
}

/**
 * A chat that the actor may read.
 *
 * @throws ApiError 404 when it is absent or may not be read (CH-302).
 */
export async function getChat(actor: Actor, db: Db, id: string): Promise<ChatView> {
  if (!isUuid(id)) throw notFound()
  const { rows } = await sql<ChatView>`${viewOf(sql`chats c`)} where c.id = ${id}::uuid`.execute(db)
  const [row] = rows
  if (row === undefined || !isAllowed(actor, 'read', chatObject(row))) throw notFound()
  return row
}

/** A chat with its children and files. */
export interface ChatFamily {
  readonly chat: ChatView
  /** In the same archive state as their root, the newest first. */
  readonly children: readonly ChatView[]
  readonly files: readonly ChatFileMetadata[]
}

/** The same with children and files. @throws ApiError 404. */
export async function getChatFamily(actor: Actor, db: Db, id: string): Promise<ChatFamily> {
  if (!isUuid(id)) throw notFound()
  const { rows } = await sql<ChatView & { readonly linked: ChatFileMetadata[] }>`
    ${viewOf(sql`(
      select one.*, coalesce((
        select jsonb_agg(jsonb_build_object('id', f.id, 'owner_id', f.owner_id, 'organization_id', f.organization_id,
                 'name', f.name, 'mime_type', f.mimetype, 'size_bytes', f.size_bytes, 'created_at', f.created_at)
                 order by l.created_at, f.id)
          from chat_file_links l join chat_files f on f.id = l.file_id
         where l.chat_id = one.id and one.id = ${id}::uuid), '[]') as linked
        from (
          select * from chats where id = ${id}::uuid
          union all
          (select child.* from chats child join chats r on r.id = child.root_chat_id
            where child.root_chat_id = ${id}::uuid and child.archived = r.archived
            order by child.created_at desc, child.id desc limit ${MAX_CHILDREN})) one) c`)}
     order by (c.id = ${id}::uuid) desc, c.created_at desc, c.id desc`.execute(db)
  const [first, ...children] = rows
  if (first === undefined || first.id !== id.toLowerCase() || !isAllowed(actor, 'read', chatObject(first)))
    throw notFound()
  const { linked, ...chat } = first
  return {
    chat,
    children: children.map(({ linked: _, ...child }) => child),
    files: linked.map((file) => ({ ...file, created_at: new Date(file.created_at).toISOString() })),
  }
}

/** Ids of a chat and of all that belong to it: itself first, then the oldest. @throws ApiError 403 without `chat:read`. */
export async function listTreeIds(actor: Actor, db: Db, root: ChatView): Promise<string[]> {
  authorize(actor, 'read', chatObject(root))
  const rows = await db
    .selectFrom('chats')
    .select('id')
    .where((eb) => eb.or([eb('id', '=', root.id), eb('root_chat_id', '=', root.id)]))
    .orderBy(sql`id <> ${root.id}::uuid`)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(({ id }) => id)
}

/** Which roots a list is about. */
export interface ChatListFilter {
  /** Conditions on the row of a root, which they call `c`. */
  readonly conditions: readonly Expression<SqlBool>[]
  readonly limit: number
  readonly offset?: number | undefined
  /** The last chat of the page before (CH-410). */
  readonly afterId?: string | undefined
  /** Conditions on children, which are shown inside their roots; they are called `c`, too. */
  readonly children: readonly Expression<SqlBool>[]
}

function readable(actor: Actor, alias: string): Expression<SqlBool> {
  return sqlFilter(actor, 'read', 'chat', {
    id: sql.ref<string>(`${alias}.id`),
    owner: sql.ref<string>(`${alias}.owner_id`),
    organization: sql.ref<string>(`${alias}.organization_id`),
    userAcl: sql.ref(`${alias}.user_acl`),
    groupAcl: sql.ref(`${alias}.group_acl`),
  })
}

function all(conditions: readonly Expression<SqlBool>[]): RawBuilder<SqlBool> {
  return conditions.length === 0 ? sql<SqlBool>`true` : sql<SqlBool>`${sql.join([...conditions], sql` and `)}`
}

/** The roots that the actor may read and that meet all conditions, with their children: one statement (CH-410). */
export async function listChatFamilies(
  actor: Actor,
  db: Db,
  filter: ChatListFilter,
): Promise<readonly { readonly chat: ShownChat; readonly children: readonly ShownChat[] }[]> {
  const after =
    filter.afterId === undefined
      ? sql<SqlBool>`true`
      : sql<SqlBool>`exists (
          select 1 from chats cur
           where cur.id = ${filter.afterId}::uuid and ${readable(actor, 'cur')}
             and ((c.pin_order = 0, c.pin_order) > (cur.pin_order = 0, cur.pin_order)
               or ((c.pin_order = 0, c.pin_order) = (cur.pin_order = 0, cur.pin_order)
                 and (c.updated_at, c.id) < (cur.updated_at, cur.id))))`
  const { rows } = await sql<ShownChat>`
    with page as materialized (
      select c.id from chats c
       where c.parent_chat_id is null and c.root_chat_id is null
         and ${readable(actor, 'c')} and ${all(filter.conditions)} and ${after}
       order by (c.pin_order = 0), c.pin_order, c.updated_at desc, c.id desc
       limit ${filter.limit} offset ${filter.offset ?? 0}),
    shown as materialized (
      select id from page
      union all
      select child.id from page p cross join lateral (
        select c.id from chats c where c.root_chat_id = p.id and ${all(filter.children)}
         order by c.created_at desc, c.id desc limit ${MAX_CHILDREN}) child)
    ${viewOf(sql`chats c`, SHOWN_COLUMNS)}
     where c.id = any(array(select id from shown))
     order by (c.pin_order = 0), c.pin_order, c.updated_at desc, c.id desc`.execute(db)
  const children = new Map<string, ShownChat[]>()
  for (const row of rows) {
    const root = row.root_chat_id
    if (root !== null) children.set(root, [...(children.get(root) ?? []), row])
  }
  return rows
    .filter((row) => row.root_chat_id === null)
    .map((chat) => ({
      chat,
      children: (children.get(chat.id) ?? []).sort(
        (a, b) => b.created_at.getTime() - a.created_at.getTime() || (a.id < b.id ? 1 : -1),
      ),
    }))
}

/** The most recently updated unarchived chat that the actor may read of each of these workspaces. */
export async function listLatestChats(
  actor: Actor,
  db: Db,
  workspaceIds: readonly string[],
): Promise<readonly { readonly workspace_id: string; readonly id: string }[]> {
  if (workspaceIds.length === 0) return []
  const { rows } = await sql<{ workspace_id: string; id: string }>`
    select distinct on (c.workspace_id) c.workspace_id, c.id
      from chats c left join chats root on root.id = coalesce(c.root_chat_id, c.parent_chat_id)
     where c.workspace_id = any(${[...workspaceIds]}::uuid[]) and not c.archived
       and ${sqlFilter(actor, 'read', 'chat', {
         id: sql.ref<string>('c.id'),
         owner: sql.ref<string>('c.owner_id'),
         organization: sql.ref<string>('c.organization_id'),
         userAcl: sql`coalesce(root.user_acl, c.user_acl)`,
         groupAcl: sql`coalesce(root.group_acl, c.group_acl)`,
       })}
     order by c.workspace_id, c.updated_at desc, c.id desc`.execute(db)
  return rows
}
