import { type JSONRPCMessage, parseJSONRPCMessage } from '@modelcontextprotocol/server'
import type { FastifyReply } from 'fastify'
import { LRUCache } from 'lru-cache'

import { ApiError, badRequest } from '../errors/index.ts'
import type { Exchange } from './exchange.ts'
import { DEFAULT_VERSION, LEGACY_VERSIONS } from './revisions.ts'
import type { McpSessionRow } from './store.ts'
import type { Client, toolServer } from './tool-server.ts'

const MAX_BATCH = 20

/** What clients have said that they take, and it was enough: each says the same every time. */
const enough = new LRUCache<string, true>({ max: 100 })
const MAX_ENOUGH_LENGTH = 256

/** OA-85: a client must take both kinds of answer. @throws ApiError 400. */
export function requireAccept(header = '*/*'): void {
  if (enough.has(header)) return
  const types = header.split(',').map((part) => (part.split(';')[0] ?? '').trim().toLowerCase())
  const takes = (type: string, family: string): boolean =>
    types.includes(type) || types.includes(family) || types.includes('*/*')
  if (!takes('application/json', 'application/*') || !takes('text/event-stream', 'text/*'))
    throw badRequest('Accept must name both application/json and text/event-stream.')
  if (header.length <= MAX_ENOUGH_LENGTH) enough.set(header, true)
}

/** What the messages of a request ask for. */
export function askedBy(messages: readonly unknown[]): Parameters<typeof toolServer>[2] {
  const requests = messages.map(requestOf).filter((request) => request !== undefined)
  const [only, another] = requests
  const name = only?.method === 'tools/call' ? only.params.name : undefined
  return {
    methods: new Set(requests.map(({ method }) => method)),
    tool: another === undefined && typeof name === 'string' ? name : undefined,
  }
}

/** Whether the answer may take its time. */
export function isLong({ tools }: Client, messages: readonly JSONRPCMessage[]): boolean {
  return messages.some((message) => {
    const request = requestOf(message)
    return request?.method === 'tools/call' && tools.offered.get(String(request.params.name))?.isLong === true
  })
}

/** A request by its members, which is cheaper than by a schema; undefined for what is none. */
export function requestOf(
  message: unknown,
): { readonly method: string; readonly params: Readonly<Record<string, unknown>> } | undefined {
  if (typeof message !== 'object' || message === null || !('method' in message) || !('id' in message))
    return undefined
  return { method: String(message.method), params: 'params' in message ? Object(message.params) : {} }
}

/** The messages of a body; undefined when it holds anything else, or too many. */
export function readMessages(body: unknown): JSONRPCMessage[] | undefined {
  const all: unknown[] = Array.isArray(body) ? body : [body]
  if (all.length === 0 || all.length > MAX_BATCH) return undefined
  try {
    return all.map((message) => parseJSONRPCMessage(message))
  } catch {
    return undefined
  }
}

/** The revision that a handshake leads to. */
export function agreedVersion(params: { readonly protocolVersion: string }): string {
  return LEGACY_VERSIONS.includes(params.protocolVersion)
    ? params.protocolVersion
    : (LEGACY_VERSIONS.at(-1) ?? DEFAULT_VERSION)
}

/** Tells a fresh server what its client said when the session began, where that matters. */
export function replaySession(
  exchange: Exchange,
  { id, client, protocol_version, log_level }: McpSessionRow,
): void {
  const capabilities: unknown = Object(client).capabilities
  const asks = ['sampling', 'elicitation', 'roots'].some((name) => Object.hasOwn(Object(capabilities), name))
  if (asks)
    exchange.replay({
      jsonrpc: '2.0',
      id: `${id}.initialize`,
      method: 'initialize',
      params: { ...Object(client), protocolVersion: protocol_version },
    })
  if (log_level !== null)
    exchange.replay({
      jsonrpc: '2.0',
      id: `${id}.level`,
      method: 'logging/setLevel',
      params: { level: log_level },
    })
}

/** An error of JSON-RPC as the body of an answer. */
export function jsonRpcError(
  reply: FastifyReply,
  status: number,
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
  body: unknown,
): unknown {
  reply.code(status)
  const id: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'id') : undefined
  return { jsonrpc: '2.0', error, id: typeof id === 'string' || typeof id === 'number' ? id : null }
}

/** A member that is left out where there is no value. */
export function optional<Name extends string>(
  name: Name,
  value: string | undefined,
): { [N in Name]?: string } {
  const found: { [N in Name]?: string } = {}
  if (value !== undefined) found[name] = value
  return found
}

/** The first value of a header. */
export function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

/** The key of a request is good no more, and its work was given up. */
export function keyEnded(): ApiError {
  return new ApiError(401, 'The session or token of this request has ended.')
}
