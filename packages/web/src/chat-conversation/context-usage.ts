import type { ChatMessage } from '@slipway/contract'

/** How full the context of the model is. */
export interface ContextUsage {
  readonly used: number
  readonly limit: number
  /** From 0 to 1, and more when it is over. */
  readonly share: number
  readonly level: 'ok' | 'warn' | 'bad'
  readonly read: number
  readonly cached: number
  readonly written: number
}

const WARN = 0.85
const ALARM = 0.95

/** The newest message that says what its call took. */
export function lastWithUsage(messages: readonly ChatMessage[]): ChatMessage | undefined {
  return messages.findLast(({ role, usage }) => role === 'assistant' && usage !== undefined)
}

/** What the last call read and wrote, against what the model can hold (UI-1152, CH-801). */
export function contextUsage(
  message: ChatMessage | undefined,
  modelLimit: number | undefined,
): ContextUsage | undefined {
  const usage = message?.usage
  const limit = usage?.context_limit ?? modelLimit
  if (usage === undefined || limit === undefined || limit <= 0) return undefined
  const read = usage.input_tokens ?? 0
  const cached = (usage.cache_read_tokens ?? 0) + (usage.cache_creation_tokens ?? 0)
  const written = usage.output_tokens ?? 0
  const used = read + cached > 0 ? read + cached + written : (usage.total_tokens ?? 0)
  if (used === 0) return undefined
  const share = used / limit
  return {
    used,
    limit,
    share,
    level: share >= ALARM ? 'bad' : share >= WARN ? 'warn' : 'ok',
    read,
    cached,
    written,
  }
}
