import { type Logger, quoted } from './logger.ts'
import { safeQueryFields } from './query-fields.ts'

/** What is known of every request, here and in a workspace (ID-109, AC-122). */
export interface RequestFacts {
  readonly method: string
  readonly status: number
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** Duration in milliseconds. */
  readonly ms: number
}

/** What a request asked for. */
export interface TargetFacts {
  /** Path and query as they came; of the query only what is safe is written (ID-112). */
  readonly target: string
  /** Pattern of the route, never a raw path (ID-115); as ours it needs no quoting. */
  readonly route: string
  /** Path parameters by name. */
  readonly params: object | undefined
}

/** What stays the same from one request of a client to the next. */
export interface ClientFacts {
  readonly host: string
  readonly httpVersion: string
  readonly remoteAddress: string
  readonly userAgent: string | undefined
}

/** The members of a line that say who asked from where. */
export function clientMembers({ host, httpVersion, remoteAddress, userAgent }: ClientFacts): string {
  return (
    logMember('user_agent', userAgent) +
    logMember('host', host) +
    logMember('proto', `HTTP/${httpVersion}`) +
    logMember('remote_addr', remoteAddress)
  )
}

/** The members of a line that say what was asked for. */
export function targetMembers({ target, route, params }: TargetFacts): string {
  const at = target.indexOf('?')
  let members = `${logMember('path', at < 0 ? target : target.slice(0, at))},"route":"${route}"`
  for (const [name, value] of Object.entries(params ?? {}))
    members += logMember(`params_${name}`, String(value))
  if (at >= 0)
    for (const [name, value] of Object.entries(safeQueryFields(target.slice(at + 1))))
      members += logMember(name, value)
  return members
}

/** Whether the line of a request with this status is written: debug below 500, warn from there on (ID-108). */
export function logsRequest(log: Logger, status: number): boolean {
  return log.enabled(levelOf(status))
}

function levelOf(status: number): 'warn' | 'debug' {
  return status >= 500 ? 'warn' : 'debug'
}

/**
 * Writes the one line of a request, for the server and for the agent in a workspace alike (ID-113).
 *
 * @param more {@link clientMembers} and {@link targetMembers}, which callers may keep for the next request, and what only
 *   one of them knows, as written by {@link logMember}.
 */
export function logRequestLine(log: Logger, facts: RequestFacts, more: string): void {
  const { status } = facts
  if (!logsRequest(log, status)) return
  // Made once: writing a fraction costs as much as several members.
  const took = milliseconds(facts.ms)
  // Written by hand, as it is the costliest step of a cheap request: measured, a third of what a general one takes.
  log.line(
    levelOf(status),
    facts.method,
    `${more},"start":"${isoTime(facts.startedAt)}","took":"${took}ms","status_code":${status},"latency_ms":${took}`,
  )
}

/** Every thousandth with the digits behind its point. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(3, '0'))

/** A duration to the microsecond: two whole numbers, because a fraction takes a search for its shortest digits. */
function milliseconds(ms: number): string {
  const us = Math.round(ms * 1_000)
  return `${Math.floor(us / 1_000)}.${THOUSANDTHS[us % 1_000]}`
}

/** A member of a line as JSON text; nothing for an absent value. `name` is ours and needs no quoting. */
export function logMember(name: string, value: string | number | undefined): string {
  if (value === undefined) return ''
  return `,"${name}":${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`
}

let lastTime = 0
let lastText = ''

/** Many requests start in the same millisecond, and writing a time costs as much as many fields. */
function isoTime(ms: number): string {
  if (ms !== lastTime) {
    lastTime = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}
