import type { ChatStreamToolCall } from '@slipway/contract'
import { type Part, readParts, unansweredCalls } from './parts.ts'
import type { MessageRow } from './store/messages.ts'

/**
 * The calls that wait for the client, of a conversation that ends with these messages (CH-1501).
 *
 * @param names of the tools that the client carries out.
 */
export function pendingActions(
  messages: readonly MessageRow[],
  names: ReadonlySet<string>,
): ChatStreamToolCall[] {
  const last = messages.findLastIndex((row) => row.role === 'assistant')
  if (last === -1) return []
  const parts = (rows: readonly MessageRow[]): Part[] =>
    rows.flatMap((row) => [...readParts(row.content, row.content_version)])
  return unansweredCalls(
    parts(messages.slice(last, last + 1)),
    parts(messages.slice(last + 1).filter((row) => row.role === 'tool')),
  )
    .filter((call) => names.has(call.tool_name))
    .map((call) => ({
      tool_call_id: call.tool_call_id,
      tool_name: call.tool_name,
      args: JSON.stringify(call.args),
    }))
}
