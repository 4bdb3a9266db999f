import type { Logger } from '@slipway/request-log'
import type { ChatRow } from '../chats/index.ts'
import type { McpServers } from '../mcp-servers/index.ts'
import type { RunKind } from './availability.ts'
import { defineForeignTool, failed } from './define.ts'
import { storable } from './storable.ts'
import type { ChatTool, ToolOutcome } from './tool.ts'

/** Longest image that a model is shown, in characters of base64. */
const MAX_MEDIA = 7 * 1024 * 1024
/** Longest text beside an image, in characters. */
const MAX_CAPTION = 32 * 1024
/** What all providers that take images at all take. */
const IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

/** Tools of servers outside, open for a turn. */
export interface ExternalTools extends AsyncDisposable {
  readonly tools: readonly ChatTool[]
  readonly skipped: readonly string[]
}

/**
 * The tools of the MCP servers of a chat, with the rights of its owner (CH-1401); in plan mode those of servers that are
 * approved for it (CH-11.1). A server that cannot be reached is left out.
 *
 * @throws what aborted the signal.
 */
export async function openExternal(
  log: Logger,
  servers: McpServers,
  chat: ChatRow,
  kind: RunKind,
  signal: AbortSignal,
): Promise<ExternalTools> {
  const root = chat.root_chat_id ?? chat.parent_chat_id ?? chat.id
  const toolset = await servers.openForChat(
    chat.mcp_server_ids,
    {
      ownerId: chat.owner_id,
      chatId: root,
      ...(root === chat.id ? {} : { subchatId: chat.id }),
      ...(chat.workspace_id === null ? {} : { workspaceId: chat.workspace_id }),
    },
    signal,
  )
  const approved = new Set(
    toolset.servers.filter(({ config }) => config.allow_in_plan_mode).map(({ config }) => config.id),
  )
  return {
    skipped: toolset.skipped.map(({ config }) => config.slug),
    tools: toolset.tools
      .filter(({ configId }) => kind !== 'plan-root' || approved.has(configId))
      .map((tool) =>
        defineForeignTool(
          log,
          {
            name: tool.name,
            description: tool.description,
            inputSchema: tool.inputSchema,
            mcpServerConfigId: tool.configId,
          },
          async (args, call) => {
            try {
              return outcomeOfMcp(await toolset.call(tool.name, args, call.signal))
            } catch (error) {
              call.signal.throwIfAborted()
              return failed(error instanceof Error ? error.message : String(error))
            }
          },
        ),
      ),
    [Symbol.asyncDispose]: () => toolset[Symbol.asyncDispose](),
  }
}

interface McpResult {
  readonly isError: boolean
  readonly content: readonly Readonly<Record<string, unknown>>[]
  readonly structuredContent: unknown
}

/**
 * What a server gave, as a model reads it: its texts, else its structure; an image is shown as one. What is said beside
 * an image is cut here, because results with images are stored as they are.
 */
export function outcomeOfMcp({ isError, content, structuredContent }: McpResult): ToolOutcome {
  const texts = content.flatMap((part) =>
    part.type === 'text' ? [String(part.text ?? '')] : part.type === 'image' ? [] : [JSON.stringify(part)],
  )
  const text = texts.join('\n')
  const image = content.find(
    (part) =>
      part.type === 'image' &&
      typeof part.data === 'string' &&
      part.data.length <= MAX_MEDIA &&
      IMAGES.has(String(part.mimeType)),
  )
  const error = isError ? { isError } : {}
  if (image !== undefined)
    return {
      ...error,
      isMedia: true,
      result: storable({
        data: image.data,
        media_type: image.mimeType,
        ...(text === '' ? {} : { text: cut(text) }),
      }),
    }
  if (isError) return { isError, result: storable({ error: text }) }
  return {
    result: storable(text === '' && structuredContent !== undefined ? structuredContent : { output: text }),
  }
}

function cut(text: string): string {
  return text.length <= MAX_CAPTION
    ? text
    : `${text.slice(0, MAX_CAPTION)}\n… ${text.length - MAX_CAPTION} characters omitted …`
}
