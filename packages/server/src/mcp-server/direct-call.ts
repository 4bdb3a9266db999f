import type { CallToolResult } from '@modelcontextprotocol/server'

import type { Tool } from '@slipway/mcp-tools'
import { type CallSituation, type Client, callTool, type ServerParts, serverInfo } from './tool-server.ts'

/** A call that needs nothing of a server but its tool. */
export interface DirectCall {
  readonly id: string | number
  readonly tool: Tool
  readonly args: unknown
}

/**
 * The call that a body is, when its answer is one message and nothing can happen on the way there: no progress is wanted,
 * and the tool waits for nothing. Making a server of the library for such a call, and validating all that passes through
 * it, takes several times as long as the call. Whatever is out of the ordinary is left to the library.
 */
export function directCallOf({ tools }: Client, body: unknown): DirectCall | undefined {
  if (!isObject(body) || body.jsonrpc !== '2.0' || body.method !== 'tools/call') return undefined
  const { id, params } = body
  if (!(typeof id === 'string' || (typeof id === 'number' && Number.isInteger(id)))) return undefined
  if (!isObject(params) || Object.keys(params).some((key) => !KNOWN.has(key))) return undefined
  const { name, arguments: args = {}, _meta: meta = {} } = params
  if (!isObject(meta) || 'progressToken' in meta) return undefined
  const tool = typeof name === 'string' ? tools.offered.get(name) : undefined
  if (tool === undefined || tool.isLong || !isObject(args)) return undefined
  if ('issues' in tool.inputSchema['~standard'].validate(args)) return undefined
  return { id, tool, args }
}

const KNOWN: ReadonlySet<string> = new Set(['name', 'arguments', '_meta'])

/**
 * Carries out a call and gives the message that answers it.
 *
 * @param era of the revision that the client speaks: `modern` ones say of each result that it is complete, and by whom.
 */
export async function answerDirectly(
  parts: ServerParts,
  { outer }: Client,
  { id, tool, args }: DirectCall,
  situation: CallSituation,
  era: 'legacy' | 'modern',
): Promise<{ readonly result: CallToolResult; readonly jsonrpc: '2.0'; readonly id: string | number }> {
  const result = await callTool(parts, outer, tool, args, situation)
  return { result: era === 'legacy' ? legacy(result) : { ...result, ...modern(parts) }, jsonrpc: '2.0', id }
}

/** Results of the older revisions are objects: anything else is in one of them, as the schemas that they are told say. */
function legacy(result: CallToolResult): CallToolResult {
  const { structuredContent: content } = result
  return content === undefined || isObject(content)
    ? result
    : { ...result, structuredContent: { result: content } }
}

function modern(parts: ServerParts): Pick<CallToolResult, 'resultType' | '_meta'> {
  return { resultType: 'complete', _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo(parts) } }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
