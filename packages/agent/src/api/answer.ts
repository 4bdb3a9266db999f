import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** A refusal of the agent's API with its status. */
export class AgentApiError extends Error {
  override readonly name = 'AgentApiError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A request to the agent's API, taken apart. */
export interface ApiRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: Http2ServerRequest['headers']
  /** Reads the whole body. @throws AgentApiError 413 when it is longer than `limit` bytes. */
  body(limit: number): Promise<Buffer>
  /** Aborted when the caller has left. */
  readonly signal: AbortSignal
}

/** What a handler answers: JSON, or bytes with their type. */
export type ApiAnswer =
  | { readonly json: unknown; readonly status?: number }
  | { readonly bytes: Uint8Array; readonly type: string }

/** Sends an answer. */
export function send(response: Http2ServerResponse, answer: ApiAnswer): void {
  if ('bytes' in answer) {
    response.writeHead(200, { 'content-type': answer.type })
    response.end(answer.bytes)
    return
  }
  // Before the head is sent, so that an answer that cannot be written becomes a 500.
  const body = JSON.stringify(answer.json)
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json; charset=utf-8' })
  response.end(body)
}

/** Reads a body. @throws AgentApiError 413 beyond the limit. */
export async function readBody(request: Http2ServerRequest, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > limit) throw new AgentApiError(413, `the body is longer than ${limit} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** Reads a body of JSON. @throws AgentApiError 400 when it is none. */
export async function jsonBody(
  request: ApiRequest,
  limit: number,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse((await request.body(limit)).toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    if (error instanceof AgentApiError) throw error
  }
  throw new AgentApiError(400, 'the body must be a JSON object')
}
