import type * as contract from '@slipway/contract'
import type { Actor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { badRequest } from '../../errors/index.ts'
import { isUuid } from '../../search/index.ts'
import {
  type InterceptionPage,
  type InterceptionRow,
  listInterceptions,
  listPrompts,
  listTokens,
  listTools,
  type PromptRow,
  type TokensRow,
} from '../store/interception-list.ts'
import type { ToolRow } from '../store/threads.ts'
import { metadataOf, presentInitiator, presentTool } from './present-session.ts'
import type { SessionSearch } from './search-sessions.ts'

/**
 * Requests with what was recorded of them, for clients from before there were sessions (AG-96).
 *
 * @throws ApiError 400 for a cursor that is none of the requests.
 */
export async function interceptionPage(
  { database: { db } }: Pick<AppContext, 'database'>,
  actor: Actor,
  search: SessionSearch,
  page: InterceptionPage,
): Promise<contract.AIBridgeListInterceptionsResponse> {
  if (page.afterId !== undefined && !isUuid(page.afterId)) throw unknownCursor()
  const found = await listInterceptions(actor, db, search, page)
  if (page.afterId !== undefined && !found.cursorKnown) throw unknownCursor()
  const ids = found.rows.map(({ id }) => id)
  const [tokens, prompts, tools] = await Promise.all([
    listTokens(actor, db, ids),
    listPrompts(actor, db, ids),
    listTools(actor, db, ids),
  ])
  const tokensOf = Map.groupBy(tokens, (part) => part.interception_id)
  const promptsOf = Map.groupBy(prompts, (part) => part.interception_id)
  const toolsOf = Map.groupBy(tools, (part) => part.interception_id)
  return {
    count: found.count,
    results: found.rows.map((row) =>
      present(row, {
        tokens: tokensOf.get(row.id) ?? [],
        prompts: promptsOf.get(row.id) ?? [],
        tools: toolsOf.get(row.id) ?? [],
      }),
    ),
  }
}

interface Parts {
  readonly tokens: readonly TokensRow[]
  readonly prompts: readonly PromptRow[]
  readonly tools: readonly ToolRow[]
}

function present(row: InterceptionRow, parts: Parts): contract.AIBridgeInterception {
  return {
    id: row.id,
    api_key_id: row.api_key_id,
    initiator: presentInitiator(row),
    provider: row.provider,
    model: row.model,
    client: row.client,
    metadata: metadataOf(row.metadata),
    started_at: row.started_at.toISOString(),
    ended_at: row.ended_at.toISOString(),
    token_usages: parts.tokens.map((part) => ({
      ...partOf(part),
      input_tokens: part.input_tokens,
      output_tokens: part.output_tokens,
    })),
    user_prompts: parts.prompts.map((part) => ({ ...partOf(part), prompt: part.prompt })),
    tool_usages: parts.tools.map((part) => ({ invocation_error: '', ...presentTool(part) })),
  }
}

function partOf(part: Omit<PromptRow, 'prompt'>) {
  return {
    id: part.id,
    interception_id: part.interception_id,
    provider_response_id: part.provider_response_id,
    metadata: metadataOf(part.metadata),
    created_at: part.created_at.toISOString(),
  }
}

function unknownCursor(): Error {
  return badRequest('Query parameters have invalid values.', {
    validations: [{ field: 'after_id', detail: 'names no request' }],
  })
}
