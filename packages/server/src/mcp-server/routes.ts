import * as contract from '@slipway/contract'
import type { BoundRoute, OpenStreams } from '../edge/index.ts'
import { forSession, requireMcpOrigin } from '../edge/index.ts'
import { behindExperiments } from '../experiments/index.ts'
import type { McpService } from './serve.ts'
import type { McpExtension, ServerParts } from './tool-server.ts'

/** What the MCP endpoint is made of. */
export type McpServerParts = Omit<ServerParts, 'extension'> & {
  readonly streams: OpenStreams
  /** What tests add; nothing in the product. */
  readonly extension?: McpExtension | undefined
}

/** The endpoint of MCP clients (OA-83). Its library is loaded with the first request. */
export class McpServerEndpoint implements AsyncDisposable {
  readonly #parts: McpServerParts
  #service: Promise<McpService> | undefined
  #started: McpService | undefined
  #ended = false

  constructor(parts: McpServerParts) {
    this.#parts = parts
  }

  /** What answers requests. @throws Error once the server stops. */
  service(): Promise<McpService> {
    if (this.#ended) throw new Error('the server is stopping')
    this.#service ??= this.#start()
    return this.#service
  }

  /** The same once the library is there; undefined before, and when the server stops. */
  get started(): McpService | undefined {
    return this.#ended ? undefined : this.#started
  }

  async #start(): Promise<McpService> {
    const { McpService: Service } = await import('./serve.ts')
    const { streams, extension, ...parts } = this.#parts
    this.#started = new Service(parts, streams, extension)
    return this.#started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    await (await this.#service)?.[Symbol.asyncDispose]()
  }
}

/** The routes of the endpoint, on its address and on all below it. */
export function mcpEndpointRoutes(
  context: McpServerParts['context'],
  endpoint: McpServerEndpoint,
): BoundRoute[] {
  const everywhere = <R extends contract.Route>(route: R): R[] => [
    route,
    { ...route, path: `${route.path}/*` },
  ]
  const serviceFor = (raw: Parameters<typeof requireMcpOrigin>[0]): Promise<McpService> => {
    requireMcpOrigin(raw, context)
    return endpoint.service()
  }
  return behindExperiments(
    context,
    ['oauth2', 'mcp-server-http'],
    [
      ...everywhere(contract.postMcp).map((route) =>
        forSession(
          route,
          async (incoming) => (await serviceFor(incoming.raw)).post(incoming),
          {},
          (_, incoming) => {
            if (incoming === undefined) return undefined
            requireMcpOrigin(incoming.raw, context)
            return endpoint.started?.ready(incoming)
          },
        ),
      ),
      ...everywhere(contract.streamMcp).map((route) =>
        forSession(route, async (incoming) => (await serviceFor(incoming.raw)).stream(incoming)),
      ),
      ...everywhere(contract.endMcpSession).map((route) =>
        forSession(route, async (incoming) => (await serviceFor(incoming.raw)).end(incoming)),
      ),
    ],
  )
}
