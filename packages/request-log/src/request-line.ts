import type { Logger } from './logger.ts'
import { safeQueryFields } from './query-fields.ts'

/** What is known of every request, here and in a workspace (ID-109, AC-122). */
export interface RequestFacts {
  readonly method: string
  /** Path and query as they came; of the query only what is safe is written (ID-112). */
  readonly target: string
  /** Pattern of the route, never a raw path (ID-115); as ours it needs no quoting. */
  readonly route: string
  readonly status: number
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** Duration in milliseconds. */
  readonly ms: number
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
 * @param more {@link clientMembers}, and what only one of them knows, as written by {@link logMember}.
 */
export function logRequestLine(log: Logger, facts: RequestFacts, more: string): void {
  const { target, status, params } = facts
  if (!logsRequest(log, status)) return
  const at = target.indexOf('?')
  // Made once: writing a fraction costs as much as several members.
  const took = String(Math.round(facts.ms * 1000) / 1000)
  // Written by hand, as it is the costliest step of a cheap request: measured, a third of what a general one takes.
  let members =
    more +
    logMember('path', at < 0 ? target : target.slice(0, at)) +
    `,"route":"${facts.route}","start":"${isoTime(facts.startedAt)}","took":"${took}ms","status_code":${status},"latency_ms":${took}`
  for (const [name, value] of Object.entries(params ?? {}))
    members += logMember(`params_${name}`, String(value))
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
