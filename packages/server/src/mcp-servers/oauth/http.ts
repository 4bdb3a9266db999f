import { type GuardedCall, type GuardedFetch, OutboundError } from '../../outbound/index.ts'

/** Revision of the protocol that discovery speaks (OA-107). */
const PROTOCOL_VERSION = '2025-11-25'
const CALL = { timeoutMs: 30_000, maxBytes: 1024 * 1024 } as const satisfies GuardedCall
/** Longest text of somebody else that is passed on, in characters (OA-107). */
const MAX_TEXT = 512

/** What sends guarded requests. */
export type Guarded = Pick<GuardedFetch, 'fetch'>

/** A server or authorization server that cannot be used; the message is for an administrator. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError'
  constructor(message: string, cause?: unknown) {
    super(message.slice(0, MAX_TEXT), cause === undefined ? undefined : { cause })
  }
}

/**
 * Sends a request of discovery or registration and reads the whole answer.
 *
 * @throws DiscoveryError when there is no usable answer.
 */
export async function exchange(
  guarded: Guarded,
  address: string | URL,
  init: RequestInit & { readonly redirects?: GuardedCall['redirects'] } = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: string }> {
  const { redirects, ...rest } = init
  const headers = new Headers(rest.headers)
  headers.set('MCP-Protocol-Version', PROTOCOL_VERSION)
  try {
    const response = await guarded.fetch(
      { ...CALL, ...(redirects === undefined ? {} : { redirects }) },
      address,
      {
        ...rest,
        headers,
      },
    )
    return { status: response.status, headers: response.headers, body: await response.text() }
  } catch (error) {
    if (error instanceof OutboundError) throw new DiscoveryError(explained(error), error)
    if (error instanceof TypeError) throw new DiscoveryError(error.message, error)
    throw error
  }
}

/** Why something cannot be reached, with what an operator can do about it. */
export function explained(error: OutboundError): string {
  return error.kind === 'not-permitted'
    ? `${error.message}; an operator can allow its range with CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS`
    : error.message
}

/** A JSON object; undefined for anything else. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** The texts of a list; anything else is none. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** A text, or an empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** Text of somebody else, on one line and cut. */
export function upstreamText(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, MAX_TEXT)
}
