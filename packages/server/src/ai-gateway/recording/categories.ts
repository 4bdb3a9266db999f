import { GatewayError } from '../exchange/gateway-error.ts'
import type { ErrorType } from '../store/interceptions.ts'
import { at, parseJson, text } from '../wires/json.ts'
import type { Wire } from '../wires/wire.ts'

/** What is stored of a failure. */
export interface Failure {
  readonly type: ErrorType
  /** At most 1024 bytes. */
  readonly message: string
}

const MAX_BYTES = 1024

/** The kind of failure that a status of a provider stands for, in the API of a wire (AG-82). */
export function failureOfStatus(status: number, body: string, wire: Wire): Failure {
  return {
    type: status === overloadedIn(wire) ? 'overloaded' : typeOfStatus(status),
    message: shortened(messageOf(body) || `the provider answered ${status}`),
  }
}

/** With which status an API says that it is overloaded. */
function overloadedIn(wire: Wire): number {
  switch (wire) {
    case 'messages':
    case 'invoke':
      return 529
    case 'chat':
    case 'responses':
    case 'google':
    case 'converse':
    case 'other':
      return 503
  }
}

function typeOfStatus(status: number): ErrorType {
  switch (status) {
    case 400:
    case 404:
    case 413:
    case 422:
      return 'bad_request'
    case 401:
    case 403:
      return 'unauthorized'
    case 408:
      return 'timeout'
    case 429:
      return 'rate_limited'
    default:
      return status >= 500 ? 'server_error' : 'unknown'
  }
}

/** The kind of failure that an error in the middle of an answer names (AG-82). */
export function failureOfEvent(error: { readonly type: string; readonly message: string }): Failure {
  return { type: typeOfName(error.type), message: shortened(error.message || error.type) }
}

function typeOfName(name: string): ErrorType {
  switch (name) {
    case 'overloaded_error':
      return 'overloaded'
    case 'rate_limit_error':
    case 'rate_limit_exceeded':
    case 'throttlingException':
      return 'rate_limited'
    case 'invalid_request_error':
      return 'bad_request'
    case 'authentication_error':
    case 'permission_error':
      return 'unauthorized'
    default:
      return 'server_error'
  }
}

/** The kind of failure that something thrown on the way is. */
export function failureOfError(error: unknown): Failure {
  if (!(error instanceof GatewayError)) return { type: 'server_error', message: 'the request failed' }
  const message = shortened(error.message)
  switch (error.code) {
    case 'timeout':
      return { type: 'timeout', message }
    case 'rate_limit_exceeded':
      return { type: 'rate_limited', message }
    case 'keys_refused':
    case 'missing_credential':
      return { type: 'unauthorized', message }
    case 'guardrail_blocked':
      return { type: 'bad_request', message }
    default:
      return { type: 'server_error', message }
  }
}

/** What is stored when the client leaves. */
export const CLIENT_LEFT: Failure = { type: 'unknown', message: 'the client ended the request' }

/** What a provider says in the body of an error; providers differ in where. */
function messageOf(body: string): string {
  const value = parseJson(body)
  return (
    text(at(value, 'error', 'message')) ||
    text(at(value, 'message')) ||
    text(at(value, 'error')) ||
    text(at(value, 'detail'))
  )
}

/** A message as it fits its column: cut to whole characters. */
export function shortened(message: string): string {
  const bytes = Buffer.from(message.replaceAll('\0', ''))
  if (bytes.length <= MAX_BYTES) return bytes.toString()
  let end = MAX_BYTES
  // A byte that goes on with a character must not be the first that is left out.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end).toString()
}
