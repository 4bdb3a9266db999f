import { ProtocolError } from '@modelcontextprotocol/server'

import { parseResourceUri } from '@slipway/mcp-tools'
import { MAX_SUBSCRIPTIONS } from './exchanges.ts'
import type { Outer } from './in-process-api.ts'
import { requestOf } from './messages.ts'
import { contentOf, type ResourceParts } from './resources.ts'

const NONE: ReadonlySet<string> = new Set()

/** Addresses of resources that a request of 2026-07-28 wants to hear of. */
export function subscribedTo(body: unknown): ReadonlySet<string> {
  const request = requestOf(body)
  if (request?.method !== 'subscriptions/listen') return NONE
  const uris: unknown = Object(request.params.notifications).resourceSubscriptions
  return Array.isArray(uris) ? new Set(uris.map(String)) : NONE
}

/** Why a client may not hear of what it asks for: it must see what it subscribes to. */
export async function refusedSubscription(
  parts: ResourceParts,
  outer: Outer,
  uris: ReadonlySet<string>,
): Promise<{ readonly code: number; readonly message: string } | undefined> {
  if (uris.size > MAX_SUBSCRIPTIONS)
    return { code: -32_602, message: `Subscribe to ${MAX_SUBSCRIPTIONS} resources at most.` }
  try {
    for (const uri of uris) if (parseResourceUri(uri) !== undefined) await contentOf(parts, outer, uri)
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code, message: error.message }
    throw error
  }
}

/** Whether a client may see, at this moment, the resource that it wants to hear of. */
export async function mayHearOf(parts: ResourceParts, outer: Outer, uri: string): Promise<boolean> {
  return (await refusedSubscription(parts, outer, new Set([uri]))) === undefined
}
