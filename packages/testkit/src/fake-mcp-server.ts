import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'

import type { StagedAnswer } from './fake-authorization-server.ts'

/** A tool with what it does. */
interface FakeTool extends Omit<Tool, 'inputSchema'> {
  readonly run: (
    args: Record<string, unknown>,
    headers: IncomingMessage['headers'],
  ) => Promise<CallToolResult>
}

const said = (value: unknown): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
})

/**
 * An MCP server over HTTP: the public SDK's, with both of its transports (`/mcp`, and `/sse` of older servers), its
 * resource metadata (RFC 9728), and tools that tell what they were called with.
 */
export class FakeMcpServer implements AsyncDisposable {
  readonly origin: string
  /** Requests of the protocol, in order, with their headers. */
  readonly requests: {
    readonly method: string
    readonly path: string
    readonly headers: IncomingMessage['headers']
  }[] = []
  /** Why a request is refused; undefined lets it through. */
  refuse: (headers: IncomingMessage['headers'], tool: string | undefined) => StagedAnswer | undefined = () =>
    undefined
  /** What is at the places of resource metadata; by default nothing. */
  readonly documents = new Map<string, StagedAnswer>()
  /** Lets calls of `wait` go on. */
  release: () => void = () => undefined
  readonly tools: FakeTool[]
  readonly #server: ReturnType<typeof createServer>
  readonly #streams = new Map<string, SSEServerTransport>()

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const released = new Promise<void>((resolve) => {
      this.release = resolve
    })
    this.tools = [
      {
        name: 'echo',
        description: 'Says what it was called with.',
        annotations: { readOnlyHint: true },
        run: async (args) => said(args),
      },
      { name: 'headers', run: async (_args, headers) => said(headers) },
      { name: 'fail', run: async () => ({ isError: true, content: [{ type: 'text', text: 'it failed' }] }) },
      { name: 'wait', run: async () => released.then(() => said('released')) },
      { name: 'flood', run: async () => said('x'.repeat(9 * 1024 * 1024)) },
    ]
    server.on('request', (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500)
        response.end(String(error))
      })
    })
  }

  static async start(): Promise<FakeMcpServer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FakeMcpServer(server)
  }

  /** Address for the transport `streamable_http`. */
  get url(): string {
    return `${this.origin}/mcp`
  }

  /** Address for the transport `sse`. */
  get sseUrl(): string {
    return `${this.origin}/sse`
  }

  /** Serves resource metadata at its place for {@link url}, naming this authorization server. */
  protectedBy(issuer: string, more: Readonly<Record<string, unknown>> = {}): void {
    this.documents.set('/.well-known/oauth-protected-resource/mcp', {
      status: 200,
      body: { resource: this.url, authorization_servers: [issuer], ...more },
    })
  }

  /** Refuses everybody without one of these tokens, with a challenge. */
  wantTokens(tokens: ReadonlyMap<string, string>): void {
    this.refuse = ({ authorization = '' }) =>
      tokens.has(authorization.replace(/^Bearer /, ''))
        ? undefined
        : {
            status: 401,
            headers: {
              'WWW-Authenticate': `Bearer error="invalid_token", resource_metadata="${this.origin}/.well-known/oauth-protected-resource/mcp"`,
            },
          }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.origin)
    const document = this.documents.get(pathname)
    if (document !== undefined) return send(response, document)
    if (pathname !== '/mcp' && pathname !== '/sse' && pathname !== '/messages')
      return send(response, { status: 404 })
    this.requests.push({ method: request.method ?? '', path: pathname, headers: request.headers })
    const body: unknown = request.method === 'POST' ? await jsonOf(request) : undefined
    const refusal = this.refuse(request.headers, toolOf(body))
    if (refusal !== undefined) return send(response, refusal)
    if (pathname === '/messages') {
      const stream = this.#streams.get(searchParams.get('sessionId') ?? '')
      if (stream === undefined) return send(response, { status: 404 })
      return stream.handlePostMessage(request, response, body)
    }
    const server = this.#protocol(request.headers)
    if (pathname === '/sse') {
      const transport = new SSEServerTransport('/messages', response)
      this.#streams.set(transport.sessionId, transport)
      await server.connect(transport)
      return
    }
    if (request.method !== 'POST') return send(response, { status: 405 })
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true })
    response.once('close', () => void server.close())
    // The optional members of the SDK's interface may be undefined in its own class.
    await server.connect(transport as Parameters<Server['connect']>[0])
    await transport.handleRequest(request, response, body)
  }

  #protocol(headers: IncomingMessage['headers']): Server {
    const server = new Server({ name: 'fake', version: '1.2.3' }, { capabilities: { tools: {} } })
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: this.tools.map(({ run: _, ...tool }) => ({
        ...tool,
        inputSchema: { type: 'object' as const, properties: { text: { type: 'string' } } },
      })),
    }))
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      const tool = this.tools.find(({ name }) => name === params.name)
      if (tool === undefined) throw new Error(`no tool ${params.name}`)
      return tool.run(params.arguments ?? {}, headers)
    })
    return server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function send(response: ServerResponse, { status, headers = {}, body }: StagedAnswer): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', ...headers })
    .end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body))
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

function toolOf(body: unknown): string | undefined {
  const { method, params } = Object(body)
  return method === 'tools/call' ? String(Object(params).name) : undefined
}
