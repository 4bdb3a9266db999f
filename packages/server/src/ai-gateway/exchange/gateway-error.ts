import { randomUUID } from 'node:crypto'

/** What the gateway itself refuses or fails with; stable, for programs (AG-9). */
export type GatewayErrorCode =
  | 'invalid_request'
  | 'route_not_supported'
  | 'request_too_large'
  | 'provider_disabled'
  | 'provider_error'
  | 'missing_credential'
  | 'budget_exceeded'
  | 'model_not_priced'
  | 'model_not_allowed'
  | 'rate_limit_exceeded'
  | 'keys_refused'
  | 'upstream_unreachable'
  | 'upstream_disconnected'
  | 'timeout'
  | 'internal_error'
  | 'unauthorized'
  | 'byok_disabled'
  | 'feature_disabled'
  | 'gateway_at_capacity'
  | 'rate_limited'
  | 'circuit_open'
  | 'tool_loop_limit'
  | 'guardrail_blocked'

/** The header that names the record of a request, of those too that are only relayed (AG-B6, AG-B20). */
export const INTERCEPTION = 'x-slipway-interception-id'

/** Said where the gateway is off (AG-6). */
export const GATEWAY_OFF = 'The AI gateway is off: see --ai-gateway-enabled.'

/** A failure of the gateway's own, as an answer that every family of clients understands. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly status: number
  readonly code: GatewayErrorCode
  readonly retryAfterSeconds: number | undefined
  readonly detail: string | undefined
  /** Whether the status is in the body as well, where clients of the Responses API look for it (AG-33, AG-34). */
  readonly ofResponses: boolean
  /** The request that is recorded of it; undefined where none is. */
  readonly interceptionId: string | undefined

  /** @param message what the client reads; neither it nor the detail ever holds a secret. */
  constructor(
    status: number,
    code: GatewayErrorCode,
    message: string,
    options: {
      readonly retryAfterSeconds?: number
      readonly detail?: string
      readonly ofResponses?: boolean
      readonly interceptionId?: string
      readonly cause?: unknown
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.status = status
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
    this.detail = options.detail
    this.ofResponses = options.ofResponses === true
    this.interceptionId = options.interceptionId
  }

  /** What clients tell by it whether to try again (AG-9). */
  get type(): string {
    return typeOf(this.status)
  }

  /** The same failure with what only one request or its API knows of it. */
  with(more: {
    readonly interceptionId?: string
    readonly status?: number
    readonly ofResponses?: boolean
  }): GatewayError {
    const { retryAfterSeconds, detail, interceptionId, ofResponses, cause } = this
    return new GatewayError(more.status ?? this.status, this.code, this.message, {
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      ...(detail === undefined ? {} : { detail }),
      ...(interceptionId === undefined ? {} : { interceptionId }),
      ofResponses,
      cause,
      ...more,
    })
  }

  /** The one envelope in which our API, OpenAI's and Anthropic's clients all find their members (AG-9). */
  body(requestId: string = randomUUID()): string {
    const { code, message, detail } = this
    return JSON.stringify({
      message,
      detail,
      ...(this.ofResponses ? { code: String(this.status) } : {}),
      type: 'error',
      error: { type: this.type, code, message, param: null },
      request_id: requestId,
    })
  }

  /** Headers of the answer. */
  headers(): Record<string, string> {
    return {
      'content-type': 'application/json',
      // Clients of models would try again by themselves, and the model would do the same again.
      ...(this.code === 'tool_loop_limit' ? { 'x-should-retry': 'false' } : {}),
      ...(this.interceptionId === undefined ? {} : { [INTERCEPTION]: this.interceptionId }),
      ...(this.retryAfterSeconds === undefined ? {} : { 'retry-after': String(this.retryAfterSeconds) }),
    }
  }
}

function typeOf(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error'
    case 403:
      return 'permission_error'
    case 429:
      return 'rate_limit_error'
    case 503:
      return 'overloaded_error'
    default:
      return status < 500 ? 'invalid_request_error' : 'api_error'
  }
}

const CODES: ReadonlySet<string> = new Set<GatewayErrorCode>([
  'invalid_request',
  'route_not_supported',
  'request_too_large',
  'provider_disabled',
  'provider_error',
  'missing_credential',
  'budget_exceeded',
  'model_not_priced',
  'model_not_allowed',
  'rate_limit_exceeded',
  'keys_refused',
  'upstream_unreachable',
  'upstream_disconnected',
  'timeout',
  'internal_error',
  'unauthorized',
  'byok_disabled',
  'feature_disabled',
  'gateway_at_capacity',
  'rate_limited',
  'circuit_open',
  'tool_loop_limit',
  'guardrail_blocked',
])

/**
 * What the gateway says is wrong in the body of an answer that it made itself; undefined for the body of an upstream.
 * Callers in this process tell `budget_exceeded`, `missing_credential` and `provider_disabled` from an upstream's own
 * answers with it (CH-805).
 */
export function gatewayErrorCode(body: string): GatewayErrorCode | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('request_id' in value) || !('message' in value))
    return undefined
  const error = 'error' in value ? value.error : undefined
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return isCode(error.code) ? error.code : undefined
}

function isCode(value: unknown): value is GatewayErrorCode {
  return typeof value === 'string' && CODES.has(value)
}
