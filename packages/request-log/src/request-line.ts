import type { Logger } from './logger.ts'
import { safeQueryFields } from './query-fields.ts'

/** What is known of every request, here and in a workspace (ID-109, AC-122). */
export interface RequestFacts {
  readonly method: string
  /** Path and query as they came; of the query only what is safe is written (ID-112). */
  readonly target: string
  /** Pattern of the route, never a raw path (ID-115). */
  readonly route: string
  readonly status: number
  readonly host: string
  readonly httpVersion: string
  readonly remoteAddress: string
  readonly userAgent: string | undefined
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** Duration in milliseconds. */
  readonly ms: number
  /** Path parameters by name. */
  readonly params: unknown
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
 * @param more what only one of them knows, as written by {@link logMember}.
 */
export function logRequestLine(log: Logger, facts: RequestFacts, more: string): void {
  const { target, status, params } = facts
  if (!logsRequest(log, status)) return
  const at = target.indexOf('?')
  const rounded = Math.round(facts.ms * 1000) / 1000
  // Written by hand, as it is the costliest step of a cheap request: measured, a third of what a general one takes.
  let members =
    more +
    logMember('user_agent', facts.userAgent) +
    logMember('host', facts.host) +
    logMember('path', at < 0 ? target : target.slice(0, at)) +
    logMember('route', facts.route) +
    logMember('proto', `HTTP/${facts.httpVersion}`) +
    logMember('remote_addr', facts.remoteAddress) +
    `,"start":"${isoTime(facts.startedAt)}","took":"${rounded}ms","status_code":${status},"latency_ms":${rounded}`
  if (typeof params === 'object' && params !== null)
    for (const [name, value] of Object.entries(params)) members += logMember(`params_${name}`, String(value))
  if (at >= 0)
    for (const [name, value] of Object.entries(safeQueryFields(target.slice(at + 1))))
      members += logMember(name, value)
  log.line(levelOf(status), facts.method, members)
}

/** Printable ASCII without quote and backslash: what JSON writes as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** A member of a line as JSON text; nothing for an absent value. `name` is ours and needs no quoting. */
export function logMember(name: string, value: string | number | undefined): string {
  if (value === undefined) return ''
  return typeof value === 'string' && PLAIN.test(value)
    ? `,"${name}":"${value}"`
    : `,"${name}":${JSON.stringify(value)}`
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
