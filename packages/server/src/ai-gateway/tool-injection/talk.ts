import type { MemberChanges } from '../data-plane/json-members.ts'
import type { SseEvent } from './sse-events.ts'

/** A call of an injected tool that a model has chosen. */
export interface InjectedCall {
  readonly id: string
  /** As models see it. */
  readonly name: string
  /** JSON, if the model is right. */
  readonly args: string
}

/** What a tool gave, for the model. */
export interface CallResult {
  readonly call: InjectedCall
  readonly isError: boolean
  /** Parts of the content as MCP has them; of an error one text. */
  readonly content: readonly Readonly<Record<string, unknown>>[]
}

/** One answer of the provider, while it is read. */
export interface Round {
  /** What the client gets of an event now; events of injected tools are withheld (AG-74). */
  event(event: SseEvent): string
  /** Takes an answer that is not streamed. */
  whole(body: string): void
  /** Calls to carry out, once the answer has ended; without any it is the last one. */
  calls(): readonly InjectedCall[]
  /** Of a stream, what was withheld and the client gets because no call is to be carried out. */
  rest(): string
  /** The answer that was not streamed, with the tokens of all of them. */
  answer(): string
  /** Changes that make of the request the next one: with this answer and the results (AG-74). */
  next(results: readonly CallResult[]): MemberChanges
}

/** How one API speaks of tools, over all answers to one request of a client. */
export interface Talk {
  /** Sign of life that clients pass over; undefined where the relay sends one of its own. */
  readonly keepAlive: string | undefined
  /** The request with tools in it (AG-72, AG-73). */
  inject(body: string): string
  round(): Round
  /** An error in the middle of a stream. */
  failure(error: { readonly type: string; readonly message: string }): string
}

/** Which tools are injected, by name. */
export type InjectedNames = ReadonlySet<string>

/** Longest text of a result, in characters; models read no more. */
const MAX_RESULT = 256 * 1024

/** The text of a result; what is no text is named. */
export function textOfResult({ content }: Pick<CallResult, 'content'>): string {
  const texts = content.map((part) => {
    if (typeof part.text === 'string') return part.text
    const resource = part.resource
    if (typeof resource === 'object' && resource !== null && 'text' in resource) return String(resource.text)
    return typeof part.uri === 'string' ? part.uri : `[${String(part.type)}]`
  })
  return cut(texts.join('\n'))
}

/** A text that is not too long for a model. */
export function cut(text: string): string {
  return text.length <= MAX_RESULT ? text : `${text.slice(0, MAX_RESULT)}\n[cut off]`
}

/** The JSON of an array with more behind its elements, which stay as they are. */
export function appended(array: string | undefined, more: readonly unknown[]): string {
  return arrayOf(elementsOf(array), written(more))
}

/** The JSON of an array with more before its elements, which stay as they are. */
export function prepended(array: string | undefined, more: readonly unknown[]): string {
  return arrayOf(written(more), elementsOf(array))
}

function arrayOf(...parts: readonly string[]): string {
  return `[${parts.filter((part) => part !== '').join(',')}]`
}

function written(elements: readonly unknown[]): string {
  return elements.map((one) => JSON.stringify(one)).join(',')
}

function elementsOf(array: string | undefined): string {
  const text = array?.trim() ?? ''
  return text.startsWith('[') ? text.slice(1, -1).trim() : ''
}

/** Counts of several answers together: numbers are added, wherever they stand; all else is the later one's. */
export function added(before: unknown, after: unknown): unknown {
  if (typeof before === 'number' && typeof after === 'number') return before + after
  if (!isObject(before) || !isObject(after)) return after ?? before
  return Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(after)])].map((name) => [
      name,
      added(before[name], after[name]),
    ]),
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
