import { type Expression, type SqlBool, sql } from 'kysely'

import type { Actor } from '../authz/index.ts'
import { badRequest, type Validation } from '../errors/index.ts'
import { containing, SearchQuery } from '../search/index.ts'
import { HAS_UNREAD } from './store/views.ts'

type Condition = Expression<SqlBool>

const SOURCES = ['created_by_me', 'shared_with_me'] as const
/** Of a pull request. */
const MAX_NUMBER = 2_147_483_647
const PR_STATUSES = ['draft', 'open', 'merged', 'closed'] as const

/** What a search asks for, as conditions on rows that a query calls `c`. */
export interface ChatSearch {
  readonly conditions: readonly Condition[]
  /** Whether archived chats are shown instead of the others. */
  readonly archived: boolean
}

/**
 * Reads a search text (CH-411) and the labels beside it (CH-410).
 *
 * @throws ApiError 400 with one validation for each fault.
 */
export function readChatSearch(actor: Actor, text: string, labels: readonly string[]): ChatSearch {
  const query = new SearchQuery(text)
  const faults: Validation[] = []
  if (query.text !== undefined)
    faults.push({
      field: 'q',
      detail: `${JSON.stringify(query.text)} has no key: write search:${JSON.stringify(query.text)} to look for it in texts`,
    })
  const conditions: Condition[] = []
  const add = <T>(value: T | undefined, condition: (value: T) => Condition): void => {
    if (value !== undefined) conditions.push(condition(value))
  }
  const title = query.one('title')
  const prTitle = query.one('pr_title')
  const pr = query.count('pr')
  const search = query.one('search')
  if (search !== undefined && (title !== undefined || prTitle !== undefined || pr !== undefined))
    faults.push({ field: 'search', detail: 'cannot be combined with title, pr_title or pr' })
  if (pr === 0 || (pr ?? 0) > MAX_NUMBER)
    faults.push({ field: 'pr', detail: 'must be a positive whole number' })
  const sources = query.choices('source', SOURCES) ?? ['created_by_me']
  const mine = sources.includes('created_by_me')
  const shared = sources.includes('shared_with_me')
  add(title, (value) => sql<SqlBool>`c.title ilike ${containing(value)}`)
  add(prTitle, (value) => ofDiff(sql<SqlBool>`d.pull_request_title ilike ${containing(value)}`))
  add(query.one('repo'), (value) =>
    ofDiff(
      sql<SqlBool>`(d.git_remote_origin ilike ${containing(value)} or d.url ilike ${containing(value)})`,
    ),
  )
  add(pr, (value) => ofDiff(sql<SqlBool>`d.pr_number = ${value}`))
  add(query.choices('pr_status', PR_STATUSES), (statuses) =>
    ofDiff(sql<SqlBool>`(${sql.join(statuses.map(statusCondition), sql` or `)})`),
  )
  add(query.one('diff_url'), (value) => ofFamilyDiff(sql<SqlBool>`lower(d.url) = ${value}`))
  add(query.flag('has_unread'), (flag) => sql<SqlBool>`(${HAS_UNREAD}) = ${flag}`)
  add(search, (value) => textCondition(value, mine && !shared ? actor.id : undefined))
  const archived = query.flag('archived') ?? false
  faults.push(...query.finish())
  conditions.push(...labels.map((label) => labelCondition(label, faults)))
  if (faults.length > 0) throw badRequest('Invalid chat search query.', { validations: faults })
  conditions.push(sql<SqlBool>`c.archived = ${archived}`)
  if (mine && !shared) conditions.push(sql<SqlBool>`c.owner_id = ${actor.id}::uuid`)
  else if (!mine) conditions.push(sharedWith(actor))
  else conditions.push(sql<SqlBool>`(c.owner_id = ${actor.id}::uuid or ${sharedWith(actor)})`)
  return { conditions, archived }
}

/** Chats of others that name the actor, or a group that they are in, in their lists. */
function sharedWith(actor: Actor): Condition {
  const organizations = actor.roles.flatMap((role) => role.organizationId ?? [])
  // The second line is the condition of an index, without which all chats would be looked at.
  return sql<SqlBool>`(c.owner_id <> ${actor.id}::uuid
    and (c.user_acl <> '{}' or c.group_acl <> '{}') and (
    c.user_acl ? ${actor.id} or c.group_acl ?| ${[...actor.groups, ...organizations]}::text[]))`
}

function ofDiff(condition: Condition): Condition {
  return sql<SqlBool>`exists (select 1 from chat_diff_statuses d where d.chat_id = c.id and ${condition})`
}

/** The same for the chat or any that belongs to it. */
function ofFamilyDiff(condition: Condition): Condition {
  return sql<SqlBool>`exists (
    select 1 from chats f join chat_diff_statuses d on d.chat_id = f.id
     where (f.id = c.id or f.root_chat_id = c.id) and ${condition})`
}

function statusCondition(status: (typeof PR_STATUSES)[number]): Condition {
  switch (status) {
    case 'draft':
      return sql<SqlBool>`(d.pull_request_state = 'open' and d.pull_request_draft)`
    case 'open':
      return sql<SqlBool>`(d.pull_request_state = 'open' and not d.pull_request_draft)`
    case 'merged':
    case 'closed':
      return sql<SqlBool>`d.pull_request_state = ${status}`
  }
}

/**
 * Titles, titles of pull requests, and what was said, in the words of web searches; a text without any word finds
 * nothing.
 *
 * @param ownerId whose chats are looked at only.
 */
function textCondition(text: string, ownerId: string | undefined): Condition {
  const words = sql`websearch_to_tsquery('simple', ${text})`
  const owned = ownerId === undefined ? sql`true` : sql`f.owner_id = ${ownerId}::uuid`
  const byNumber = /^[1-9]\d{0,8}$/.test(text.trim()) ? sql`d.pr_number = ${Number(text)}` : sql`false`
  return sql<SqlBool>`c.id in (
    select coalesce(f.root_chat_id, f.id) from chats f
     where ${owned} and to_tsvector('simple', f.title) @@ ${words}
    union all
    select coalesce(f.root_chat_id, f.id) from chats f join chat_diff_statuses d on d.chat_id = f.id
     where ${owned} and (to_tsvector('simple', d.pull_request_title) @@ ${words} or ${byNumber})
    union all
    select coalesce(f.root_chat_id, f.id) from chats f join chat_messages m on m.chat_id = f.id
     where ${owned} and m.search_tsv @@ ${words} and not m.deleted)`
}

/** `key:value`, of which both are there. */
function labelCondition(label: string, faults: Validation[]): Condition {
  const at = label.indexOf(':')
  const key = label.slice(0, Math.max(at, 0))
  const value = label.slice(at + 1)
  if (key === '' || value === '')
    faults.push({
      field: 'label',
      detail: `${JSON.stringify(label.slice(0, 128))} is not of the form key:value`,
    })
  return sql<SqlBool>`c.labels @> ${JSON.stringify({ [key]: value })}::jsonb`
}
