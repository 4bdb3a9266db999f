import type { ConnectionType } from '@slipway/contract'

interface Common {
  readonly agentId: string
  readonly time: Date
  /** Address of who connects; undefined where it is not known. */
  readonly ip: string | undefined
}

/** The beginning or end of a session as its agent tells it (AC-81). */
export interface SessionEntry extends Common {
  readonly kind: 'session'
  readonly action: 'connect' | 'disconnect'
  readonly type: Extract<ConnectionType, 'ssh' | 'vscode' | 'jetbrains' | 'reconnecting_pty'>
  /** Chosen by the agent; it means nothing outside of this workspace. */
  readonly connectionId: string
  readonly workspaceId: string
  readonly agentName: string
  readonly exitCode: number | undefined
  readonly reason: string
}

/** A visit through the server: an app, a port, a terminal or a tunnel (RB-110). */
export interface VisitEntry extends Common {
  readonly kind: 'visit'
  readonly type: Extract<ConnectionType, 'workspace_app' | 'port_forwarding' | 'tunnel'>
  /** Undefined for somebody who is not signed in. */
  readonly userId: string | undefined
  readonly userAgent: string
  readonly slugOrPort: string
  /** HTTP status of the answer. */
  readonly status: number
}

/** What is to be written to the connection log. */
export type ConnectionEntry = SessionEntry | VisitEntry

/** A session between beginning and end, as one row tells of it (RB-113). */
export interface SessionRow {
  readonly agentId: string
  readonly type: SessionEntry['type']
  readonly connectionId: string
  readonly connectTime: Date
  readonly disconnectTime: Date | undefined
  readonly reason: string | undefined
  readonly exitCode: number | undefined
  readonly ip: string | undefined
}

/** A visit with what tells it apart from others (RB-111). */
export interface VisitRow extends VisitEntry {
  readonly digest: Buffer
}

/** Rows of one write; no two of a kind have the same key. */
export interface ConnectionBatch {
  readonly sessions: readonly SessionRow[]
  readonly visits: readonly VisitRow[]
}
