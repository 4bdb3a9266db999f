import { Check } from 'typebox/value'

import * as contract from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { presentDiffStatus } from './git/present.ts'
import { textsOf } from './skills.ts'
import { listDiffStatuses } from './store/diff-statuses.ts'
import { listPinnedResources } from './store/pinned.ts'

const system = systemActor('chatd', 'what belongs to a chat is shown to who may read the chat')

/** What a chat shows of its workspace and of its branch. */
export type ContextDetails = Pick<contract.Chat, 'context' | 'diff_status'>

type Shown = Pick<ChatRow, 'id' | 'context_aggregate_hash' | 'context_dirty_since' | 'context_error'>

/**
 * What these chats show of their workspaces and branches, by chat; for callers who have read the chats as their reader.
 *
 * @param options with `resources` what is pinned is listed too, which only single chats show (CH-§4.1).
 */
export async function contextDetails(
  { database }: Pick<AppContext, 'database'>,
  chats: readonly Shown[],
  { resources = false }: { readonly resources?: boolean } = {},
): Promise<ReadonlyMap<string, ContextDetails>> {
  const ids = chats.map(({ id }) => id)
  const statuses = new Map(
    (await listDiffStatuses(system, database.db, ids)).map((row) => [row.chat_id, presentDiffStatus(row)]),
  )
  const pinned = resources ? await listPinnedResources(system, database.db, ids) : []
  return new Map(
    chats.map((chat) => {
      const diff = statuses.get(chat.id)
      const details: ContextDetails = {
        ...(chat.context_aggregate_hash === null
          ? {}
          : {
              context: {
                dirty: chat.context_dirty_since !== null,
                ...(chat.context_dirty_since === null
                  ? {}
                  : { dirty_since: chat.context_dirty_since.toISOString() }),
                ...(chat.context_error === null ? {} : { error: chat.context_error }),
                ...(resources
                  ? {
                      resources: pinned.filter(({ chat_id }) => chat_id === chat.id).map(presentResource),
                    }
                  : {}),
              },
            }),
        ...(diff === undefined ? {} : { diff_status: diff }),
      }
      return [chat.id, details]
    }),
  )
}

function presentResource(
  resource: Awaited<ReturnType<typeof listPinnedResources>>[number],
): contract.ChatContextResource {
  const { kind, source, status, size_bytes, error, attributes } = resource
  const { name, description } = textsOf(attributes)
  const tools: unknown =
    typeof attributes === 'object' && attributes !== null ? Reflect.get(attributes, 'tools') : undefined
  return {
    kind,
    source,
    status,
    size_bytes,
    ...(error === '' ? {} : { error }),
    ...(name === '' ? {} : { skill_name: name }),
    ...(description === '' ? {} : { skill_description: description }),
    ...(Array.isArray(tools) && tools.every((tool) => Check(contract.ChatContextTool, tool))
      ? { tools }
      : {}),
  }
}
