import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceTemplate,
} from '@modelcontextprotocol/server'

import {
  listResources,
  parseResourceUri,
  readResource,
  resourceKinds,
  type ToolContext,
} from '@slipway/mcp-tools'
import { covers } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { explainFailure } from './explain-failure.ts'
import type { InProcessApi, Outer } from './in-process-api.ts'

/** What resources are read with. */
export interface ResourceParts {
  readonly context: AppContext
  readonly api: InProcessApi
}

/** Who talks with a client about its subscriptions; absent without a session. */
export interface Subscriptions {
  subscribe(uri: string): Promise<void>
  unsubscribe(uri: string): Promise<void>
}

/** Registers the kinds of resources that a token may read, and what clients ask about them. */
export function registerResources(
  server: McpServer,
  parts: ResourceParts,
  outer: Outer,
  subscriptions: Subscriptions | undefined,
): void {
  const api = toolApi(parts, outer)
  const answer = <T>(work: () => Promise<T>): Promise<T> => answered(parts, outer, work)
  for (const kind of resourceKinds) {
    if (!covers(outer.key.scopes, kind.scopes)) continue
    server.registerResource(
      kind.name,
      new ResourceTemplate(`coder://${kind.name}/{id}`, {
        list: () => answer(async () => ({ resources: await listResources(api, kind.name) })),
      }),
      { title: kind.title, description: kind.description, mimeType: 'application/json' },
      (uri) => answer(async () => ({ contents: [await contentOf(parts, outer, uri.href)] })),
    )
  }
  server.server.setRequestHandler('resources/subscribe', ({ params }) =>
    answer(async () => {
      if (subscriptions === undefined)
        throw new ProtocolError(ProtocolErrorCode.InvalidRequest, 'Only sessions have subscriptions.')
      if (parseResourceUri(params.uri) !== undefined) await contentOf(parts, outer, params.uri)
      await subscriptions.subscribe(params.uri)
      return {}
    }),
  )
  server.server.setRequestHandler('resources/unsubscribe', ({ params }) =>
    answer(async () => {
      await subscriptions?.unsubscribe(params.uri)
      return {}
    }),
  )
}

/** What comes of a request about resources. @throws ProtocolError that shows nothing of the inside (OA-90, ID-119). */
async function answered<T>({ context }: ResourceParts, outer: Outer, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ProtocolError) throw error
    throw new ProtocolError(
      ProtocolErrorCode.InternalError,
      explainFailure(context, outer, { what: 'a request about resources failed' }, error),
    )
  }
}

function toolApi(parts: ResourceParts, outer: Outer): ToolContext['api'] {
  return {
    call: async (route, input = {}) => JSON.parse(await parts.api.call(outer, 'resources', route, input)),
    upload: async (route, data, type, input = {}) =>
      JSON.parse(await parts.api.call(outer, 'resources', route, { ...input, bytes: { data, type } })),
  }
}

/** A resource as its reader may see it. @throws ProtocolError for one that is not there, or hidden. */
export async function contentOf(
  parts: ResourceParts,
  outer: Outer,
  uri: string,
): Promise<{ readonly uri: string; readonly mimeType: string; readonly text: string }> {
  const named = parseResourceUri(uri)
  try {
    if (named === undefined) throw new ApiError(404, 'There is no such resource.')
    return {
      uri,
      mimeType: 'application/json',
      text: await readResource(toolApi(parts, outer), named.kind, named.id),
    }
  } catch (error) {
    if (error instanceof ApiError && error.status < 500)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Resource not found', { uri })
    throw error
  }
}
