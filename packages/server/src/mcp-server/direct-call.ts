import type { CallToolResult } from '@modelcontextprotocol/server'
import { LRUCache } from 'lru-cache'

import type { Tool } from '@slipway/mcp-tools'
import { type CallSituation, type Client, callTool, type ServerParts, serverInfo } from './tool-server.ts'

/** A call that needs nothing of a server but its tool. */
export interface DirectCall {
  readonly id: string | number
  readonly tool: Tool
  readonly args: unknown
  /** Beside the call itself, all by which its revision is told; undefined for one that the library judges anew. */
  readonly meta: string | undefined
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
  // The library refuses other members, and ids that are no exact numbers.
  const isPlain = Object.keys(body).length === 4 && (typeof id === 'string' || Number.isSafeInteger(id))
  return { id, tool, args, meta: isPlain ? JSON.stringify(meta) : undefined }
}

/** Of which revision calls are, by what says so in them: a client says the same of itself each time. */
export class Eras {
  readonly #known = new LRUCache<string, 'legacy' | 'modern'>({ max: MAX_ERAS })

  /** What `judge` says of the revision of a call, if it is one or the other; asked once for all that say the same. */
  of(
    call: DirectCall,
    headers: Readonly<Record<string, string | undefined>>,
    judge: () => 'legacy' | 'modern' | undefined,
  ): 'legacy' | 'modern' | undefined {
    const key = call.meta === undefined ? undefined : JSON.stringify([call.meta, headers])
    if (key === undefined || key.length > MAX_ERA_LENGTH) return judge()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const era = judge()
    if (era !== undefined) this.#known.set(key, era)
    return era
  }
}

/** What ends a call before its answer. There is a signal of it only for tools that look at one. */
export class Ending {
  readonly #ended = Promise.withResolvers<never>()
  #controller: AbortController | undefined
  #reason: unknown

  /** Ends it; the first reason counts. */
  readonly end = (reason: unknown): void => {
    this.#reason ??= reason
    this.#controller?.abort(this.#reason)
    this.#ended.reject(this.#reason)
  }

  /** Aborted once it has ended. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  /** What comes of the work. @throws why it has ended, if it does so before. */
  or<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#ended.promise])
  }
}

const MAX_ERAS = 500
const MAX_ERA_LENGTH = 2_048
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
