import type { TestMCPServerConfigRequest, TestMCPServerConfigResponse } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { McpServers } from './mcp-servers.ts'
import { McpServerError, plainMessage } from './runtime/errors.ts'
import { exposedName, isOffered } from './runtime/tool-names.ts'
import type { ConnectedServer } from './runtime/toolset.ts'
import { getConfig } from './store/configs.ts'

/**
 * Connects to a server as a chat of the caller would and lists its tools, also while it is off; with a tool it calls that
 * as well. Who does not see where the server is gets reasons that do not say it (OA-101).
 *
 * @throws ApiError 404.
 */
export async function testServer(
  context: AppContext,
  servers: McpServers,
  actor: Actor,
  of: { readonly organizationId: string; readonly id: string },
  { tool = '', arguments: args = {} }: TestMCPServerConfigRequest,
): Promise<TestMCPServerConfigResponse> {
  const { row, full } = await getConfig(actor, context.database.db, of.organizationId, of.id)
  const shown = ({ code, message }: McpServerError) => ({
    code,
    message: full ? message : plainMessage(code),
  })
  const started = performance.now()
  await using toolset = await servers.open([row], { ownerId: actor.id })
  const latency_ms = Math.round(performance.now() - started)
  const [connected] = toolset.servers
  const [skipped] = toolset.skipped
  if (connected === undefined)
    return {
      ok: false,
      latency_ms,
      protocol_version: '',
      server_name: '',
      server_version: '',
      tools: [],
      ...(skipped === undefined ? {} : { error: shown(skipped.error) }),
    }
  const answer = { ok: true, latency_ms, ...described(connected) }
  if (tool === '') return answer
  try {
    const result = await toolset.call(exposedName(row.slug, tool), args)
    return {
      ...answer,
      result: { is_error: result.isError, content: result.content.map((part) => ({ ...part })) },
    }
  } catch (error) {
    if (!(error instanceof McpServerError)) throw error
    return { ...answer, ok: false, error: shown(error) }
  }
}

function described({ config, connection }: ConnectedServer) {
  return {
    protocol_version: connection.protocolVersion,
    server_name: connection.server.name,
    server_version: connection.server.version,
    tools: connection.tools.map((tool) => ({
      name: tool.name,
      exposed_name: exposedName(config.slug, tool.name),
      title: tool.title ?? tool.annotations?.title ?? '',
      description: tool.description ?? '',
      input_schema: { ...tool.inputSchema },
      read_only: tool.annotations?.readOnlyHint === true,
      destructive: tool.annotations?.destructiveHint !== false && tool.annotations?.readOnlyHint !== true,
      offered: isOffered(config, tool.name),
    })),
  }
}
