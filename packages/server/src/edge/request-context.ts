import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'

import type { Actor } from '../authz/index.ts'
import {
  type CpuAccount,
  chargeCpu,
  cpuAccount,
  jobAccount,
  underLabels,
  type WorkLabels,
} from '../profile-labels/index.ts'
import type { DecisionRecord, Denial } from './decision-record.ts'
import type { Precheck } from './precheck.ts'

/**
 * What is known of the request that is being served, for everything below it: logs, metrics, statement
 * counts and the CPU-profile label read it through {@link currentRequest} (ID-100, ID-114, ID-118).
 */
export interface RequestContext {
  readonly id: string
  readonly method: string
  /** Path and query, as the router sees them. */
  readonly target: string
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
  /** Id of a key that is bound to a client's own, whose possession this request has proven (RFC 9449). */
  provenKeyId: string | undefined
  /** The nonce of the next proof, for the answer to a request with one. */
  dpopNonce: string | undefined
  /** Tokens that the query carries, whether they count or not (ID-202). */
  queryTokens: readonly string[]
  /** Name of the MCP tool that does this for its caller (OA-B23). */
  readonly tool?: string
  /** Which system actor did something for a request of nobody (ID-111). */
  systemSubject: Pick<Actor, 'type' | 'name'> | undefined
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

/** Says in the one line of the current request what it is about; what was said first stays (ID-111). */
export function noteInLog(fields: Readonly<Record<string, string>>): void {
  const request = storage.getStore()
  if (request === undefined) return
  for (const [name, value] of Object.entries(fields)) request.logFields[name] ??= value
}

/**
 * Runs `work`, and everything it starts, as part of this request, also in CPU profiles (ID-118).
 *
 * @param now of `performance.now()`, where the caller has just looked at it.
 */
export function runInRequest(context: RequestContext, work: () => void, now?: number): void {
  chargeCpu(cpuAccountOf(context), now)
  underLabels(
    () => labelsOf(context),
    () => storage.run(context, work),
  )
}

const AGENT_TUNNEL = '/api/v2/workspaceagents/me/tunnel'

function labelsOf({ route, webSocket }: Pick<RequestContext, 'route' | 'webSocket'>): WorkLabels {
  if (route === AGENT_TUNNEL) return { coder_service: 'agent-rpc', coder_request_type: 'agent-rpc', route }
  return { coder_service: 'http-api', coder_request_type: webSocket ? 'websocket' : 'http', route }
}

const cpuAccounts = { http: new Map<string, CpuAccount>(), webSocket: new Map<string, CpuAccount>() }

/** Whose processor time a request takes (OP-93). */
export function cpuAccountOf(context: Pick<RequestContext, 'route' | 'webSocket'>): CpuAccount {
  const known = context.webSocket ? cpuAccounts.webSocket : cpuAccounts.http
  let account = known.get(context.route)
  if (account === undefined) {
    account = cpuAccount(labelsOf(context))
    known.set(context.route, account)
  }
  return account
}

/** Says that the current code goes on for the request or the job that it belongs to, after it has waited (OP-93). */
export function chargeCurrentWork(): void {
  const request = jobAccount() ?? storage.getStore()
  if (request === undefined) return
  chargeCpu('route' in request ? cpuAccountOf(request) : request)
}

/** A fresh request id; ids sent by clients are not trusted (ID-100). */
export function newRequestId(): string {
  return randomUUID()
}
