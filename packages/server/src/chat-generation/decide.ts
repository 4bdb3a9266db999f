import type { ChatError } from '@slipway/contract'
import { type Part, textOf } from '../chats/index.ts'
import {
  type History,
  type HistoryMessage,
  isBoundary,
  type OpenCall,
  openCallsOf,
  promptTokens,
} from './history.ts'

/** Times that a model is asked for one message of a user (CH-700). */
export const MAX_STEPS = 1200

/** What decides about the next step of a turn: only what is stored (CH-700). */
export interface Situation {
  readonly history: History
  /** How often the model was asked in this turn, before a summary in its middle too. */
  readonly steps: number
  /** Whether the client carries out tools of this name. */
  readonly isDynamic: (toolName: string) => boolean
  /** Whether a success of this tool ends the turn. */
  readonly stopsTurn: (toolName: string) => boolean
  readonly compactionRequested: boolean
  /** Percent of the context; 100 is never (CH-801). */
  readonly compactionThreshold: number
  /** Tokens. */
  readonly contextLimit: number
}

/** The next step of a turn. */
export type Decision =
  | { readonly kind: 'run-tools'; readonly message: HistoryMessage; readonly calls: readonly OpenCall[] }
  | { readonly kind: 'require-action' }
  | { readonly kind: 'compact'; readonly source: 'automatic' | 'manual' }
  | { readonly kind: 'finish' }
  | { readonly kind: 'fail'; readonly error: ChatError }
  | { readonly kind: 'generate' }

/** The next step of a turn; the first rule of CH-700 that fits. */
export function decide(situation: Situation): Decision {
  const { history, isDynamic, stopsTurn } = situation
  const { message, calls } = openCallsOf(history)
  const local = calls.filter(({ part }) => !isDynamic(part.tool_name))
  if (message !== undefined && local.length > 0) return { kind: 'run-tools', message, calls: local }
  if (calls.length > 0) return { kind: 'require-action' }
  if (situation.compactionRequested && hasSomethingToCompact(history))
    return { kind: 'compact', source: 'manual' }
  if (endedByTool(history, stopsTurn) || isAnswered(history) || situation.steps >= MAX_STEPS)
    return { kind: 'finish' }
  return compactionFor(situation) ?? { kind: 'generate' }
}

/** Whether a conversation has more than the summary of what was before (CH-803). */
export function hasSomethingToCompact({ messages }: History): boolean {
  return messages.some(({ row }) => !isBoundary(row))
}

/** Percent of the context that the latest known prompt took; undefined while none is known (CH-801). */
export function contextUsage({ history, contextLimit }: Pick<Situation, 'history' | 'contextLimit'>) {
  const tokens = promptTokens(history)
  return tokens === undefined ? undefined : { tokens, percent: (tokens / contextLimit) * 100 }
}

function compactionFor(situation: Situation): Decision | undefined {
  const { history, compactionThreshold } = situation
  const usage = contextUsage(situation)
  if (usage === undefined || compactionThreshold >= 100 || usage.percent < compactionThreshold)
    return undefined
  const answers = history.messages.filter(({ row }) => row.role === 'assistant').length
  const first = history.messages[0]?.row
  if (first === undefined || !isBoundary(first) || answers > 1)
    return { kind: 'compact', source: 'automatic' }
  return {
    kind: 'fail',
    error: {
      message: 'The conversation does not fit the context of the model, even after it was summarized.',
      detail: `The first request after the summary took ${usage.tokens} tokens, ${Math.round(usage.percent)} % of the context; the threshold is ${compactionThreshold} %. Choose a model with a larger context, raise the threshold, or turn tools off.`,
      kind: 'config',
      retryable: false,
    },
  }
}

/** Whether the last thing said is an answer that calls for nothing more. */
function isAnswered({ messages }: History): boolean {
  const last = messages.at(-1)
  return last?.row.role === 'assistant' && !last.parts.some((part) => isLocalCall(part))
}

function endedByTool({ messages }: History, stopsTurn: (toolName: string) => boolean): boolean {
  const at = messages.findLastIndex(({ row }) => row.role !== 'tool')
  return messages
    .slice(at + 1)
    .flatMap(({ parts }) => parts)
    .some((part) => part.type === 'tool-result' && part.is_error !== true && stopsTurn(part.tool_name))
}

function isLocalCall(part: Part): boolean {
  return part.type === 'tool-call' && part.provider_executed !== true
}

/** The text of the last answer of a conversation; empty without one. */
export function lastAnswer({ messages }: History): string {
  return textOf(messages.findLast(({ row }) => row.role === 'assistant')?.parts ?? [])
}
