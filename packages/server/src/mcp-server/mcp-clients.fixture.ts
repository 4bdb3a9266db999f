import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

import type { Client as ApiClient } from '@slipway/client'

/** Where MCP clients find the endpoint. */
export const MCP_PATH = '/api/experimental/mcp/http'

/** What a request of the API carries to say who sends it. */
export function bearer(client: ApiClient): Record<string, string> {
  return { Authorization: `Bearer ${client.headers['Coder-Session-Token']}` }
}

/** The transport of the first generation of the library, which speaks revisions with sessions. */
export function legacyTransport(url: string, client: ApiClient, query = ''): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(`${url}${MCP_PATH}${query}`), {
    requestInit: { headers: bearer(client) },
  })
}

/** A connected client, closed at its disposal. */
export async function connect(
  transport: StreamableHTTPClientTransport,
): Promise<AsyncDisposable & { readonly client: Client }> {
  const client = new Client({ name: 'test', version: '1.0.0' })
  // Its optional members are not exactly optional.
  await client.connect(transport as never)
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

/** A message as it went over the wire. */
export interface RpcAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly result?: Record<string, unknown>; readonly error?: Record<string, unknown> }
}

/** Sends one request by hand. */
export async function rpc(
  url: string,
  client: ApiClient | undefined,
  request: {
    readonly method: string
    readonly params?: Record<string, unknown>
    readonly version?: string
    readonly headers?: Record<string, string>
    readonly query?: string
    readonly id?: number
  },
): Promise<RpcAnswer> {
  const { method, params = {}, version, headers = {}, query = '', id = 1 } = request
  const isModern = version !== undefined && version > '2026'
  const name = params.name ?? params.uri
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const response = await fetch(`${url}${MCP_PATH}${query}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(client === undefined ? {} : bearer(client)),
      ...(version === undefined ? {} : { 'MCP-Protocol-Version': version }),
      ...(isModern ? { 'Mcp-Method': method } : {}),
      ...(isModern && typeof name === 'string' ? { 'Mcp-Name': name } : {}),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: isModern ? { ...params, _meta: { ...envelope, ...Object(params._meta) } } : params,
    }),
  })
  return { status: response.status, headers: response.headers, body: await readAnswer(response) }
}

/** The last message of an answer, which may be a stream of events. */
export async function readAnswer(response: Response): Promise<RpcAnswer['body']> {
  const text = await response.text()
  if (text === '') return {}
  if (!(response.headers.get('content-type') ?? '').startsWith('text/event-stream')) return JSON.parse(text)
  const last = text.split('\n').findLast((line) => line.startsWith('data: {'))
  return JSON.parse(last?.slice('data: '.length) ?? '{}')
}

/** Sends messages by hand; a session is named where there is one. */
export function post(
  url: string,
  client: ApiClient,
  body: unknown,
  session?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${url}${MCP_PATH}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...bearer(client),
      ...(session === undefined ? {} : { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': '2025-11-25' }),
      ...headers,
    },
    body: JSON.stringify(body),
  })
}

/** Opens a session. */
export async function initialize(
  url: string,
  client: ApiClient,
  params: Record<string, unknown> = {},
): Promise<string> {
  const response = await post(url, client, {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1.0.0' },
      ...params,
    },
  })
  const session = response.headers.get('mcp-session-id')
  if (session === null) throw new Error(`no session: ${response.status} ${await response.text()}`)
  await post(url, client, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
  return session
}

/** Listens on a session, or goes on behind an event. */
export function listen(
  url: string,
  client: ApiClient,
  session: string | undefined,
  lastEventId?: string,
): Promise<Response> {
  return fetch(`${url}${MCP_PATH}`, {
    headers: {
      Accept: 'text/event-stream',
      ...bearer(client),
      ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
      ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
    },
  })
}

/** One event of a stream. */
export interface ServerEvent {
  readonly id: string | undefined
  readonly data: string
}

/** Events of one stream, read once. */
export type Events = AsyncIterableIterator<ServerEvent>

/** The events of an answer as they come; ending the iteration leaves the stream open for the next one. */
export function eventsOf(response: Response): Events {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const next = async (): Promise<IteratorResult<ServerEvent>> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const lines = text.slice(0, end).split('\n')
        text = text.slice(end + 2)
        const field = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
        const data = field('data')
        if (data === undefined && field('id') === undefined) continue
        return { done: false, value: { id: field('id'), data: data ?? '' } }
      }
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) return { done: true, value: undefined }
      text += chunk.value
    }
  }
  return { next, [Symbol.asyncIterator]: () => ({ next, [Symbol.asyncIterator]: () => eventsOf(response) }) }
}
