import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

import { underLabels, type WorkLabels } from '../profile-labels/index.ts'
import type { DecisionRecord, Denial } from './decision-record.ts'
import type { Precheck } from './precheck.ts'

/**
 * What is known of the request that is being served, for everything below it: logs, metrics, statement
 * counts and the CPU-profile label read it through {@link currentRequest} (ID-100, ID-114, ID-118).
 */
export interface RequestContext {
  readonly id: string
  readonly method: string
  /** Full pattern of the matched route, `UNKNOWN` or `STATIC` (ID-115, ID-116). */
  route: string
  /** Address of the client after proxy resolution (ID-105). */
  remoteAddress: string
  /** Host that the client asked for, after proxy resolution (ID-106). */
  host: string
  /** Scheme that the client used, after proxy resolution. */
  scheme: 'http' | 'https'
  readonly receivedHost: string
  readonly startedAt: number
  /** The same moment on the clock that nobody sets, for durations. */
  readonly startedTick: number
  readonly webSocket: boolean
  /** Id of a key whose secret matched, even when the key is expired (ID-110). */
  apiKeyId: string | undefined
  precheck: Precheck
  /** Tokens that the query carries, whether they count or not (ID-202). */
  queryTokens: readonly string[]
  /** The latest refusal of an action (RB-69). */
  denial: Denial | undefined
  /** Kept only where the request asks for it (ID-142). */
  decisions: DecisionRecord | undefined
  /** Statements sent to the database on behalf of this request. */
  statements: number
  /** Fields that handlers add to the one log line of this request (ID-111). */
  logFields: Record<string, string | number>
}

const storage = new AsyncLocalStorage<RequestContext>()

/** The request that the current code runs for; undefined in background work. */
export function currentRequest(): RequestContext | undefined {
  return storage.getStore()
}

/** Runs `work`, and everything it starts, as part of this request, also in CPU profiles (ID-118). */
export function runInRequest(context: RequestContext, work: () => void): void {
  underLabels(
    () => labelsOf(context),
    () => storage.run(context, work),
  )
}

const AGENT_TUNNEL = '/api/v2/workspaceagents/me/tunnel'

function labelsOf({ route, webSocket }: RequestContext): WorkLabels {
  if (route === AGENT_TUNNEL) return { coder_service: 'agent-rpc', coder_request_type: 'agent-rpc', route }
  return { coder_service: 'http-api', coder_request_type: webSocket ? 'websocket' : 'http', route }
}

/** A fresh request id; ids sent by clients are not trusted (ID-100). */
export function newRequestId(): string {
  return randomUUID()
}
