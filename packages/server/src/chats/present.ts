import { Check } from 'typebox/value'

import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { readParts, wireParts } from './parts.ts'
import type { QueuedRow } from './store/locked.ts'
import type { MessageRow } from './store/messages.ts'
import { effectiveLists, type ShownChat, type StoredDiff } from './store/views.ts'

/** What other features add to a chat that is shown. */
export type ChatDetails = Partial<
  Pick<contract.Chat, 'diff_status' | 'context' | 'files' | 'queued_for_capacity' | 'warnings'>
>

/** A chat as the API shows it, with its children. */
export function presentChat(
  context: Pick<AppContext, 'config'>,
  view: ShownChat,
  children: readonly ShownChat[] = [],
  details: ReadonlyMap<string, ChatDetails> = new Map(),
): contract.Chat {
  return {
    ...fields(context, view),
    ...details.get(view.id),
    children: children.map((child) => ({
      ...fields(context, child),
      ...details.get(child.id),
      children: [],
    })),
  }
}

function fields(context: Pick<AppContext, 'config'>, view: ShownChat): Omit<contract.ChildChat, 'children'> {
  const { users, groups } = effectiveLists(view)
  const lastError = storedError(view.last_error)
  return {
    id: view.id,
    organization_id: view.organization_id,
    owner_id: view.owner_id,
    owner_username: view.owner_username,
    ...(view.owner_name === '' ? {} : { owner_name: view.owner_name }),
    ...(view.workspace_id === null ? {} : { workspace_id: view.workspace_id }),
    ...(view.build_id === null || view.agent_id === null
      ? {}
      : { build_id: view.build_id, agent_id: view.agent_id }),
    ...(view.parent_chat_id === null ? {} : { parent_chat_id: view.parent_chat_id }),
    root_chat_id: view.root_chat_id ?? view.parent_chat_id ?? view.id,
    last_model_config_id: view.last_model_config_id,
    ...(view.last_reasoning_effort === null ? {} : { last_reasoning_effort: view.last_reasoning_effort }),
    title: view.title,
    status: view.status,
    ...(view.plan_mode === 'plan' ? { plan_mode: 'plan' as const } : {}),
    ...(lastError === undefined ? {} : { last_error: lastError }),
    last_turn_summary: view.last_turn_summary,
    summary: view.summary,
    client_type: view.client_type,
    created_at: view.created_at.toISOString(),
    updated_at: view.updated_at.toISOString(),
    archived: view.archived,
    // What the deployment does not let count is as if it were not there (CH-306).
    shared:
      !context.config.disableChatSharing && (Object.keys(users).length > 0 || Object.keys(groups).length > 0),
    pin_order: view.pin_order,
    mcp_server_ids: view.mcp_server_ids,
    labels: storedLabels(view.labels),
    has_unread: view.has_unread,
    ...(view.diff === null ? {} : { diff_status: presentDiff(view.diff) }),
    ...(view.context_aggregate_hash === null && view.context_error === null
      ? {}
      : { context: presentContext(view) }),
  }
}

/** The branch and pull request of a chat as the API shows them (CH-1504). */
export function presentDiff(row: StoredDiff): contract.ChatDiffStatus {
  return {
    chat_id: row.chat_id,
    ...present('url', row.url),
    ...present('pull_request_state', row.pull_request_state),
    pull_request_title: row.pull_request_title,
    pull_request_draft: row.pull_request_draft,
    changes_requested: row.changes_requested,
    additions: row.additions,
    deletions: row.deletions,
    changed_files: row.changed_files,
    ...present('author_login', row.author_login),
    ...present('author_avatar_url', row.author_avatar_url),
    ...present('base_branch', row.base_branch),
    ...present('head_branch', row.head_branch),
    ...present('pr_number', row.pr_number),
    ...present('commits', row.commits),
    ...present('approved', row.approved),
    ...present('reviewer_count', row.reviewer_count),
    ...(row.refreshed_at === null ? {} : { refreshed_at: new Date(row.refreshed_at).toISOString() }),
    stale_at: new Date(row.stale_at).toISOString(),
  }
}

/** The state of the pinned context without what is in it (CH-1302). */
function presentContext(view: ShownChat): contract.ChatContext {
  return {
    dirty: view.context_dirty_since !== null,
    ...(view.context_dirty_since === null ? {} : { dirty_since: view.context_dirty_since.toISOString() }),
    ...present('error', view.context_error),
  }
}

function present<Name extends string, Value>(name: Name, value: Value | null): { [Key in Name]?: Value } {
  const member: { [Key in Name]?: Value } = {}
  if (value !== null) member[name] = value
  return member
}

/** What the column of the last error holds; undefined for what this version does not know. */
export function storedError(stored: unknown): contract.ChatError | undefined {
  return Check(contract.ChatError, stored) ? stored : undefined
}

/** What the column of the next try holds; undefined for what this version does not know. */
export function storedRetry(stored: unknown): contract.ChatStreamRetry | undefined {
  return Check(contract.ChatStreamRetry, stored) ? stored : undefined
}

function storedLabels(stored: unknown): Record<string, string> {
  return typeof stored === 'object' && stored !== null
    ? Object.fromEntries(
        Object.entries(stored).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
      )
    : {}
}

/** A message as the API shows it (CH-122). */
export function presentMessage(row: MessageRow): contract.ChatMessage {
  const usage = usageOf(row)
  return {
    id: row.id,
    chat_id: row.chat_id,
    ...(row.created_by === null ? {} : { created_by: row.created_by }),
    ...(row.model_config_id === null ? {} : { model_config_id: row.model_config_id }),
    created_at: row.created_at.toISOString(),
    role: row.role,
    content: wireParts(readParts(row.content, row.content_version)),
    ...(usage === undefined ? {} : { usage }),
  }
}

const COUNTERS = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'reasoning_tokens',
  'cache_creation_tokens',
  'cache_read_tokens',
  'context_limit',
] as const

function usageOf(row: MessageRow): contract.ChatMessageUsage | undefined {
  const usage: contract.ChatMessageUsage = {}
  for (const counter of COUNTERS) {
    const value = row[counter]
    if (value !== null) usage[counter] = value
  }
  return Object.keys(usage).length === 0 ? undefined : usage
}

/** Those of these messages that readers see (CH-123), as the API shows them. */
export function presentVisible(rows: readonly MessageRow[]): contract.ChatMessage[] {
  return rows.filter((row) => row.visibility !== 'model' && !row.deleted).map(presentMessage)
}

/** A waiting message as the API shows it. */
export function presentQueued(row: QueuedRow): contract.ChatQueuedMessage {
  return {
    id: row.id,
    chat_id: row.chat_id,
    model_config_id: row.model_config_id,
    content: wireParts(readParts(row.content, 1)),
    created_at: row.created_at.toISOString(),
  }
}
