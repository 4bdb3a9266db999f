import { createHash } from 'node:crypto'
import { isIP } from 'node:net'

import { isUuid } from '../search/index.ts'
import type {
  ConnectionBatch,
  ConnectionEntry,
  SessionEntry,
  SessionRow,
  VisitEntry,
  VisitRow,
} from './entry.ts'

/** Longest texts of an entry, in characters (RB-126). */
const MAX_USER_AGENT = 256
const MAX_SLUG = 256
const MAX_REASON = 1024

/**
 * Rows of what has happened, one for each session and visit. A session is known by its full key: agents choose ids, and
 * one must not touch what another has reported (RB-132).
 */
export function batchOf(entries: readonly ConnectionEntry[]): ConnectionBatch {
  const sessions = new Map<string, SessionRow>()
  const visits = new Map<string, VisitRow>()
  for (const entry of entries) {
    // Who asks for something that cannot be an agent must not spoil what others have done.
    if (!isUuid(entry.agentId)) continue
    if (entry.kind === 'session') {
      const session = sessionOf(entry)
      const key = JSON.stringify([session.connectionId, entry.workspaceId, entry.agentName])
      sessions.set(key, merged(sessions.get(key), session))
    } else {
      const visit = visitOf(entry)
      const key = `${entry.agentId} ${visit.digest.toString('base64')}`
      const known = visits.get(key)
      if (known === undefined || visit.time < known.time) visits.set(key, visit)
    }
  }
  return { sessions: [...sessions.values()], visits: [...visits.values()] }
}

/** A lone end sets both times (RB-113). */
function sessionOf(entry: SessionEntry): SessionRow {
  const over = entry.action === 'disconnect'
  return {
    agentId: entry.agentId,
    type: entry.type,
    connectionId: entry.connectionId.toLowerCase(),
    connectTime: entry.time,
    disconnectTime: over ? entry.time : undefined,
    reason: over && entry.reason !== '' ? storable(entry.reason, MAX_REASON) : undefined,
    exitCode: over ? entry.exitCode : undefined,
    ip: address(entry.ip),
  }
}

/** The earliest beginning and the first end count (RB-113). */
function merged(known: SessionRow | undefined, next: SessionRow): SessionRow {
  if (known === undefined) return next
  const ended = known.disconnectTime === undefined ? next : known
  return {
    ...known,
    connectTime: new Date(Math.min(known.connectTime.getTime(), next.connectTime.getTime())),
    disconnectTime: ended.disconnectTime,
    reason: ended.reason,
    exitCode: ended.exitCode,
    ip: known.ip ?? next.ip,
  }
}

function visitOf(entry: VisitEntry): VisitRow {
  const visit = {
    ...entry,
    ip: address(entry.ip),
    userAgent: storable(entry.userAgent, MAX_USER_AGENT),
    slugOrPort: storable(entry.slugOrPort, MAX_SLUG),
  }
  const { type, userId = '', ip = '', userAgent, slugOrPort, status } = visit
  const digest = createHash('sha256')
    .update(JSON.stringify([type, userId, ip, userAgent, slugOrPort, status]))
    .digest()
  return { ...visit, digest }
}

/** An address that the database takes, without its zone, which means nothing here; what cannot be read is none (AC-81). */
function address(ip: string | undefined): string | undefined {
  const [plain = ''] = (ip === 'localhost' ? '127.0.0.1' : (ip ?? '')).split('%')
  return isIP(plain) === 0 ? undefined : plain
}

/** Cut to whole characters, without what no text column holds. */
function storable(text: string, length: number): string {
  return [...text.toWellFormed().replaceAll('\0', '')].slice(0, length).join('')
}
