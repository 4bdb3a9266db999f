import { type SqlBool, sql } from 'kysely'

import type * as contract from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { presentChat } from './present.ts'
import { readChatSearch } from './search-chats.ts'
import { listChatFamilies, listLatestChats } from './store/views.ts'

const DEFAULT_LIMIT = 50
/** Roots of one page; each comes with its children. */
const MAX_LIMIT = 500
const MAX_WORKSPACES = 25

/** The chats that a list shows, pinned ones first (CH-410). @throws ApiError 400 naming what is wrong with the query. */
export async function listChats(
  context: AppContext,
  actor: Actor,
  query: {
    readonly q?: string | undefined
    readonly label?: readonly string[] | undefined
    readonly limit?: number | undefined
    readonly offset?: number | undefined
    readonly after_id?: string | undefined
  },
): Promise<contract.Chat[]> {
  const { conditions, archived } = readChatSearch(actor, query.q ?? '', query.label ?? [])
  const families = await listChatFamilies(actor, context.database.db, {
    conditions,
    children: [sql<SqlBool>`c.archived = ${archived}`],
    limit: Math.min(query.limit === undefined || query.limit === 0 ? DEFAULT_LIMIT : query.limit, MAX_LIMIT),
    offset: query.offset,
    afterId: query.after_id,
  })
  return families.map(({ chat, children }) => presentChat(context, chat, children))
}

/** The newest chat of each of these workspaces that has one. @throws ApiError 400 for too many, and for what is no id. */
export async function chatsByWorkspace(
  context: AppContext,
  actor: Actor,
  text: string,
): Promise<Record<string, string>> {
  const ids = text.split(',').flatMap((id) => (id.trim() === '' ? [] : [id.trim().toLowerCase()]))
  const refuse = (detail: string) =>
    badRequest('Invalid workspace_ids.', { detail, validations: [{ field: 'workspace_ids', detail }] })
  if (ids.length > MAX_WORKSPACES) throw refuse(`At most ${MAX_WORKSPACES} ids can be given.`)
  const wrong = ids.find((id) => !isUuid(id))
  if (wrong !== undefined) throw refuse(`${JSON.stringify(wrong.slice(0, 64))} is not a UUID.`)
  const latest = await listLatestChats(actor, context.database.db, ids)
  return Object.fromEntries(latest.map((chat) => [chat.workspace_id, chat.id]))
}
