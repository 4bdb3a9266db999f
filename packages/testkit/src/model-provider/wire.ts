import type { Finish, StreamError, Usage } from './turn.ts'

/** Which protocol a request speaks. */
export type Protocol =
  | 'openai-chat'
  | 'openai-responses'
  | 'anthropic'
  | 'gemini'
  | 'bedrock-converse'
  | 'bedrock-invoke'

/** What a request wants: an answer in one of the protocols, or one of the other routes. */
export type RequestKind = Protocol | 'models' | 'count-tokens' | 'other'

/** An event of a stream as it is sent: of Server-Sent Events with the empty line at its end, or a binary message. */
export type WireEvent = string | Uint8Array

/** What an encoder knows about the answer that it writes. */
export interface AnswerHead {
  /** Number of the answer, from which its ids are made. */
  readonly number: number
  readonly model: string
  /** The request's body. */
  readonly asked: Readonly<Record<string, unknown>>
  readonly usage: Required<Usage>
}

/** A tool call with everything decided. */
export interface PlannedCall {
  readonly id: string
  readonly name: string
  /** JSON, or what the script has instead. */
  readonly args: string
}

/** A part of an answer that is not streamed. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reasoning'; readonly text: string; readonly signature: string | undefined }
  | { readonly kind: 'redacted'; readonly data: string }
  | { readonly kind: 'call'; readonly call: PlannedCall }

/** Writes one streamed answer: each method gives the events of one thing. */
export interface StreamEncoder {
  begin(): readonly WireEvent[]
  text(delta: string): readonly WireEvent[]
  reasoning(delta: string, signature: string | undefined): readonly WireEvent[]
  redacted(data: string): readonly WireEvent[]
  callBegins(call: PlannedCall): readonly WireEvent[]
  callGoesOn(call: PlannedCall, piece: string): readonly WireEvent[]
  callEnds(call: PlannedCall): readonly WireEvent[]
  ping(): readonly WireEvent[]
  error(error: StreamError): readonly WireEvent[]
  end(finish: Finish): readonly WireEvent[]
}

/** How a provider speaks. */
export interface Wire {
  readonly contentType: string
  /** Names of the headers that identify an answer. */
  readonly requestIdHeader: string
  /** A new id for the call of this number. */
  callId(number: number): string
  stream(head: AnswerHead): StreamEncoder
  /** Body of an answer that is not streamed. */
  whole(head: AnswerHead, blocks: readonly Block[], finish: Finish): unknown
  /** Body of an error. */
  refusal(status: number, message: string, type: string | undefined): unknown
}

/** An event of Server-Sent Events. */
export function event(data: unknown, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
}

/** All text of the blocks of one kind. */
export function textOf(blocks: readonly Block[], kind: 'text' | 'reasoning'): string {
  return blocks.map((block) => (block.kind === kind ? block.text : '')).join('')
}

/** The tool calls among the blocks. */
export function callsOf(blocks: readonly Block[]): readonly PlannedCall[] {
  return blocks.flatMap((block) => (block.kind === 'call' ? [block.call] : []))
}

/** What a call's arguments say, or their text when they are no JSON. */
export function parsedArgs(args: string): unknown {
  try {
    return args === '' ? {} : JSON.parse(args)
  } catch {
    return args
  }
}
