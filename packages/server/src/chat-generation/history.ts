import type { MessageRow, Part, ToolCallPart } from '../chats/index.ts'
import { readParts, unansweredCalls } from '../chats/index.ts'

/** A stored message with its parts read. */
export interface HistoryMessage {
  readonly row: MessageRow
  readonly parts: readonly Part[]
}

/** What models see of a chat: its system rows, then what was said since the newest compaction (CH-703). */
export interface History {
  readonly system: readonly HistoryMessage[]
  readonly messages: readonly HistoryMessage[]
}

/** Orders the rows that a model may see: stored system rows, and the rest from the newest boundary on (CH-703). */
export function historyOf(rows: readonly MessageRow[]): History {
  const seen = rows.filter((row) => !row.deleted && row.visibility !== 'user')
  const boundary = seen.findLast((row) => isBoundary(row))?.id
  const read = (row: MessageRow): HistoryMessage => ({
    row,
    parts: readParts(row.content, row.content_version),
  })
  return {
    system: seen.filter((row) => row.role === 'system' && !row.compressed).map(read),
    messages: seen.filter((row) => row.role !== 'system' && isOpen(row, boundary)).map(read),
  }
}

/** Whether a row is the summary that stands for everything before it (CH-802). */
export function isBoundary(row: Pick<MessageRow, 'compressed' | 'role'>): boolean {
  return row.compressed && row.role === 'user'
}

function isOpen(row: MessageRow, boundary: number | undefined): boolean {
  if (boundary === undefined) return !row.compressed
  return row.id === boundary || (row.id > boundary && !row.compressed)
}

/** Calls of the last assistant message that have no result yet, with their places among its calls. */
export function openCallsOf({ messages }: History): {
  readonly message: HistoryMessage | undefined
  readonly calls: readonly OpenCall[]
} {
  const at = messages.findLastIndex(({ row }) => row.role === 'assistant')
  const message = messages[at]
  if (message === undefined) return { message, calls: [] }
  const results = messages
    .slice(at + 1)
    .filter(({ row }) => row.role === 'tool')
    .flatMap(({ parts }) => parts)
  const open = new Set(unansweredCalls(message.parts, results))
  const calls = message.parts.flatMap((part, index) =>
    part.type === 'tool-call' && open.has(part) ? [{ index, part }] : [],
  )
  return { message, calls }
}

/** A call that waits for its result. */
export interface OpenCall {
  /** Place among the parts of its message. */
  readonly index: number
  readonly part: ToolCallPart
}

/** Tokens of the latest known prompt: all input, cached or not; undefined while no answer has told any (CH-801). */
export function promptTokens({ messages }: History): number | undefined {
  for (const { row } of [...messages].reverse()) {
    if (row.role !== 'assistant') continue
    const input = (row.input_tokens ?? 0) + (row.cache_read_tokens ?? 0) + (row.cache_creation_tokens ?? 0)
    const tokens = input > 0 ? input : row.total_tokens
    if (tokens !== null) return tokens
  }
  return undefined
}

/** How often the model was asked since the last message of a user; undefined where a summary stands for that message. */
export function stepsOfTurn({ messages }: History): number | undefined {
  const from = messages.findLastIndex(({ row }) => row.role === 'user')
  const last = messages[from]?.row
  if (last !== undefined && isBoundary(last)) return undefined
  return messages.slice(from + 1).filter(({ row }) => row.role === 'assistant').length
}

/** Every id that a call of a tool already has. */
export function usedCallIds({ messages }: History): Set<string> {
  return new Set(
    messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'tool-call' ? [part.tool_call_id] : [])),
    ),
  )
}
