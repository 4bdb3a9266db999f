import type { InitializeRequest } from '@modelcontextprotocol/server'

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
  readonly meta: Readonly<Record<string, unknown>> | undefined
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
  const { name, arguments: args = {}, _meta: meta = NO_META } = params
  if (!isObject(meta) || 'progressToken' in meta) return undefined
  const tool = typeof name === 'string' ? tools.offered.get(name) : undefined
  if (tool === undefined || tool.isLong || !isObject(args)) return undefined
  if ('issues' in tool.inputSchema['~standard'].validate(args)) return undefined
  // The library refuses other members, and ids that are no exact numbers.
  const isPlain = Object.keys(body).length === 4 && (typeof id === 'string' || Number.isSafeInteger(id))
  return { id, tool, args, meta: isPlain ? meta : undefined }
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
  readonly version: string | undefined
  readonly method: string | undefined
  readonly name: string | undefined
}

/** What was said beside a call, and of which revision that made it. */
interface Judged extends DeclaredHeaders {
  readonly meta: Readonly<Record<string, unknown>>
  readonly era: Era
}

/** Of which revision calls are, by what says so in them: a client says the same of itself each time. */
export class Eras {
  /** By the credential that is known for a while, the latest. */
  readonly #latest = new WeakMap<object, Judged>()

  /** What `judge` says of the revision of a call, if it is one or the other; asked once for all that say the same. */
  of(
    key: object,
    { meta }: DirectCall,
    headers: DeclaredHeaders,
    judge: () => Era | undefined,
  ): Era | undefined {
    if (meta === undefined) return judge()
    const { version, method, name } = headers
    const latest = this.#latest.get(key)
    if (
      latest !== undefined &&
      latest.version === version &&
      latest.method === method &&
      latest.name === name &&
      isSameJson(latest.meta, meta)
    )
      return latest.era
    const era = judge()
    if (era !== undefined && JSON.stringify(meta).length <= MAX_META)
      this.#latest.set(key, { version, method, name, meta, era })
    return era
  }
}

/** Whether values of JSON are the same; lists count as different. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (!isObject(one) || !isObject(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSameJson(one[name], other[name]))
  )
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

/** Of what a client says of itself, in characters of JSON: more is not kept. */
const MAX_META = 2_048
const NO_META = {}
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

/** The end of a result, by the version of the server: all results have the same. */
const ends = new Map<string, string>()

function modern(parts: ServerParts): string {
  const { version } = parts.context
  const known = ends.get(version)
  if (known !== undefined) return known
  const info = JSON.stringify(serverInfo(parts))
  const end = `,"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":${info}}`
  ends.set(version, end)
  return end
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
