import type {
  AIBridgeAgenticAction,
  AIBridgeSessionTokenUsageSummary,
  AIBridgeThread,
  AIBridgeThreadRequest,
} from '@slipway/contract'
import { formatDuration } from '../ui/duration.ts'
import { filterValue, withFilterValue } from '../ui/filter-words.ts'

const DAY_MS = 86_400_000

/** A filter always has a range: without one the last 24 hours count; one end alone is left alone (UI-1301). */
export function withRange(filter: string, now: number): string {
  return hasRange(filter)
    ? filter
    : withFilterValue(filter, 'started_after', new Date(now - DAY_MS).toISOString())
}

export function hasRange(filter: string): boolean {
  return (
    filterValue(filter, 'started_after') !== undefined || filterValue(filter, 'started_before') !== undefined
  )
}

/** One request of a thread, with what the model did in it. */
export interface Step {
  readonly request: AIBridgeThreadRequest
  readonly action: AIBridgeAgenticAction | undefined
}

/** The requests of a thread in their order, each with its thoughts and tools. */
export function stepsOf({ requests, agentic_actions: actions }: AIBridgeThread): readonly Step[] {
  return requests.map((request) => ({
    request,
    action: actions.find(({ interception_id: id }) => id === request.id),
  }))
}

/** Everything that went in, from the cache or not. */
export function tokensIn(usage: AIBridgeSessionTokenUsageSummary): number {
  return usage.input_tokens + usage.cache_read_input_tokens + usage.cache_write_input_tokens
}

/** The program that asked, as far as it said what it is. */
export function clientWords(client: string): string {
  return client === 'Unknown' ? 'unknown client' : client
}

/** Milliseconds between two times; 0 when the clock went back. */
export function between(started: string, ended: string): number {
  return Math.max(0, Date.parse(ended) - Date.parse(started))
}

/** How long something took; answers out of what is known already take less than can be measured. */
export function tookWords(started: string, ended: string): string {
  const took = between(started, ended)
  return took === 0 ? '<1 ms' : formatDuration(took)
}

/** Arguments of a tool: as data where they are JSON, else as they are. */
export function argumentsOf(input: string): unknown {
  try {
    const value: unknown = JSON.parse(input)
    return value
  } catch {
    return input
  }
}

/** What the arguments of a tool are about, in few words: the first short text among them. */
export function objectOf(input: string): string {
  const value = argumentsOf(input)
  if (typeof value !== 'object' || value === null) return input.slice(0, 120)
  for (const part of Object.values(value))
    if (typeof part === 'string' && part.trim() !== '') return part.trim().split('\n')[0]?.slice(0, 120) ?? ''
  return ''
}

const CREDENTIALS: Readonly<Record<string, string>> = {
  centralized: 'Deployment key',
  byok: 'User’s key',
  subscription: 'User’s subscription',
}

/** What a request bears that never came to a key. */
const NO_KEY = '<failover key>'

/** Which of a provider's keys was used; nothing where none was, or none is known. */
export function keyWords(hint: string): string | undefined {
  return hint === '' || hint === NO_KEY ? undefined : hint
}

/** Whose key the provider got. */
export function credentialWords(kind: string): string {
  return CREDENTIALS[kind] ?? kind
}
