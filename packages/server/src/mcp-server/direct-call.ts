import type { InitializeRequest } from '@modelcontextprotocol/server'
import { LRUCache } from 'lru-cache'

import type { Tool } from '@slipway/mcp-tools'
import { requestOf } from './messages.ts'
import { LEGACY_VERSIONS } from './revisions.ts'
import {
  type CallOutcome,
  type CallSituation,
  type Client,
  relayAtOnce,
  runTool,
  type ServerParts,
  serverInfo,
} from './tool-server.ts'

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

/** Whether a client speaks a revision with `initialize`, or a later one. */
export type Era = 'legacy' | 'modern'

/** What is told of an outcome, as JSON: a string, and the object that it spells. */
interface Told {
  readonly text: string
  /** Undefined for a failure. */
  readonly json: string | undefined
}

/** What headers say of a message. */
interface DeclaredHeaders {
  readonly protocolVersionHeader?: string
  readonly mcpMethodHeader?: string
  readonly mcpNameHeader?: string
}

/** Of which revision calls are, by what says so in them: a client says the same of itself each time. */
export class Eras {
  readonly #known = new LRUCache<string, Era>({ max: MAX_ERAS })

  /** What `judge` says of the revision of a call, if it is one or the other; asked once for all that say the same. */
  of(call: DirectCall, headers: DeclaredHeaders, judge: () => Era | undefined): Era | undefined {
    const { protocolVersionHeader: version, mcpMethodHeader: method, mcpNameHeader: name } = headers
    // No header holds a line feed.
    const key = call.meta === undefined ? undefined : `${version}\n${method}\n${name}\n${call.meta}`
    if (key === undefined || key.length > MAX_ERA_LENGTH) return judge()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const era = judge()
    if (era !== undefined) this.#known.set(key, era)
    return era
  }
}

/**
 * What the server says of itself in a handshake: the same to all who agree on a revision and have the same families of
 * tools, so that the library is asked once. A server of it for each session costs more memory than the session.
 */
export class Greetings {
  readonly #known = new Map<string, unknown>()

  /** The answer to an `initialize`, which `ask` has the library give where it is not known. */
  async answer(
    { id, params }: InitializeRequest & { readonly id?: unknown },
    { tools }: Client,
    ask: () => Promise<unknown>,
  ): Promise<unknown> {
    const { protocolVersion } = params
    if (!LEGACY_VERSIONS.includes(protocolVersion)) return ask()
    const key = `${protocolVersion} ${tools.hasMore}`
    const known = this.#known.get(key)
    if (known !== undefined) return { result: known, jsonrpc: '2.0', id }
    const answer = await ask()
    if (isObject(answer) && 'result' in answer) this.#known.set(key, answer.result)
    return answer
  }
}

/** What ends a call before its answer. There is a signal of it only for tools that look at one. */
export class Ending {
  #controller: AbortController | undefined
  #isOver = false
  #reason: unknown
  #reject: ((reason: unknown) => void) | undefined

  /** Ends it; the first reason counts. */
  readonly end = (reason: unknown): void => {
    if (this.#isOver) return
    this.#isOver = true
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#reject?.(reason)
  }

  /** Aborted once it has ended. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#isOver) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  /** What comes of the work. @throws why it has ended, if it does so before. */
  or<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject
      work.then(resolve, reject)
      if (this.#isOver) reject(this.#reason)
    })
  }
}

const MAX_ERAS = 500
const MAX_ERA_LENGTH = 2_048
const KNOWN: ReadonlySet<string> = new Set(['name', 'arguments', '_meta'])

/**
 * Carries out a call and gives the message that answers it, as JSON: what the result holds twice is written once.
 *
 * @param era of the revision that the client speaks: `modern` ones say of each result that it is complete, and by whom.
 */
export async function answerDirectly(
  parts: ServerParts,
  { outer }: Client,
  { id, tool, args }: DirectCall,
  situation: CallSituation,
  era: Era,
): Promise<string> {
  return messageOf(parts, id, told(await runTool(parts, outer, tool, args, situation)), era)
}

/** As {@link answerDirectly} for what can be told without waiting; undefined where it cannot. */
export function answerAtOnce(
  parts: ServerParts,
  { outer }: Client,
  { id, tool }: DirectCall,
  era: Era,
): string | undefined {
  const relayed = relayAtOnce(parts, outer, tool)
  return relayed === undefined
    ? undefined
    : messageOf(parts, id, { text: relayed.quoted, json: relayed.json }, era)
}

/** Whether a body calls a tool whose answer might be told without waiting. */
export function relaysAnswer({ tools }: Client, body: unknown): boolean {
  const request = requestOf(body)
  const name = request?.method === 'tools/call' ? request.params.name : undefined
  return typeof name === 'string' && tools.offered.get(name)?.relays !== undefined
}

function told(outcome: CallOutcome): Told {
  return outcome.isError
    ? { text: JSON.stringify(outcome.message), json: undefined }
    : { text: JSON.stringify(outcome.json), json: outcome.json }
}

function messageOf(parts: ServerParts, id: DirectCall['id'], { text, json }: Told, era: Era): string {
  const more = json === undefined ? ',"isError":true' : `,"structuredContent":${structured(json, era)}`
  const complete = era === 'legacy' ? '' : modern(parts)
  return `{"result":{"content":[{"type":"text","text":${text}}]${more}${complete}},"jsonrpc":"2.0","id":${JSON.stringify(id)}}`
}

/** Results of the older revisions are objects: anything else is in one of them, as the schemas that they are told say. */
function structured(json: string, era: Era): string {
  return era === 'modern' || json.startsWith('{') ? json : `{"result":${json}}`
}

function modern(parts: ServerParts): string {
  const info = JSON.stringify(serverInfo(parts))
  return `,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":${info}}`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
