import { createHash } from 'node:crypto'

import { at, parseJson, text } from '../wires/json.ts'

/** Headers of a request by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string>>

/** Which program asks, by the beginning of its user agent; the first that fits (AG-87). */
const BY_USER_AGENT: readonly (readonly [prefix: string, client: string])[] = [
  ['mux/', 'Mux'],
  ['claude', 'Claude Code'],
  ['codex', 'Codex'],
  ['zed/', 'Zed'],
  ['githubcopilotchat/', 'GitHub Copilot (VS Code)'],
  ['copilot/', 'GitHub Copilot (CLI)'],
  ['kilo-code/', 'Kilo Code'],
  ['roo-code/', 'Roo Code'],
  ['coder-agents/', 'Coder Agents'],
  ['charm crush/', 'Charm Crush'],
  ['charm-crush/', 'Charm Crush'],
]
const LATE_BY_USER_AGENT: typeof BY_USER_AGENT = [
  ['opencode/', 'OpenCode'],
  ['junie:', 'Junie'],
]
const BY_ORIGINATOR: Readonly<Record<string, string>> = { 'kilo-code': 'Kilo Code', 'roo-code': 'Roo Code' }

/** The client of the chats of this deployment. */
export const CHATS_CLIENT = 'Coder Agents'
const UNKNOWN = 'Unknown'

/** The program that asks, as far as its headers tell (AG-87). */
export function clientOf(headers: RequestHeaders): string {
  const agent = (headers['user-agent'] ?? '').toLowerCase()
  const byAgent = (table: typeof BY_USER_AGENT): string | undefined =>
    table.find(([prefix]) => agent.startsWith(prefix))?.[1]
  const originator = headers.originator?.toLowerCase() ?? ''
  return (
    byAgent(BY_USER_AGENT) ??
    (Object.hasOwn(BY_ORIGINATOR, originator) ? BY_ORIGINATOR[originator] : undefined) ??
    (headers['x-cursor-client-version'] === undefined ? undefined : 'Cursor') ??
    byAgent(LATE_BY_USER_AGENT) ??
    UNKNOWN
  )
}

const MAX_SESSION = 256

/**
 * The session that a client names, by where that client names it (AG-88); undefined without one. One that is too long
 * is replaced by its digest (AG-86).
 */
export function clientSessionOf(
  client: string,
  headers: RequestHeaders,
  metadataUserId: string,
): string | undefined {
  const named = rawSession(client, headers, metadataUserId)?.toWellFormed().replaceAll('\0', '').trim() ?? ''
  if (named === '') return undefined
  return named.length > MAX_SESSION ? createHash('sha256').update(named).digest('hex') : named
}

function rawSession(client: string, headers: RequestHeaders, metadataUserId: string): string | undefined {
  switch (client) {
    case 'Claude Code':
      return headers['x-claude-code-session-id'] ?? claudeSession(metadataUserId)
    case 'Codex':
      return headers['session-id'] ?? headers.session_id
    case 'Mux':
      return headers['x-mux-workspace-id']
    case 'GitHub Copilot (VS Code)':
      return headers['x-interaction-id']
    case 'GitHub Copilot (CLI)':
      return headers['x-client-session-id']
    case 'Kilo Code':
      return headers['x-kilocode-taskid']
    case CHATS_CLIENT:
      return headers['x-coder-chat-id']
    case 'OpenCode':
      return headers['x-opencode-session'] ?? headers['x-session-affinity']
    default:
      return undefined
  }
}

function claudeSession(userId: string): string | undefined {
  const session = text(at(parseJson(userId), 'session_id'))
  if (session !== '') return session
  const found = userId.lastIndexOf('_session_')
  return found === -1 ? undefined : userId.slice(found + '_session_'.length)
}
