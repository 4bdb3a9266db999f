/** What a model is told to do, in no provider's protocol. */
export type Turn = Speech | PlainAnswer | ConnectionFault

/** No answer at all: none ever comes, or the connection is reset when the request has arrived. */
export interface ConnectionFault {
  readonly connection: 'silent' | 'reset'
}

/** An answer with status 200. */
export interface Speech {
  /** What happens, in order; each step is asked for when its time has come. */
  readonly steps: Iterable<Step>
  /** By default `tool_calls` when tools are called, otherwise `stop`. */
  readonly finish?: Finish
  readonly usage?: Usage
  /** Model that the answer names; by default the one that was asked for. */
  readonly model?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Replaces the right one. */
  readonly contentType?: string
  /** Nothing is sent before this is settled, headers included. */
  readonly after?: Promise<unknown>
  /** Nor before this many milliseconds have passed. */
  readonly beforeMs?: number
  /** Milliseconds from one step of a stream to the next, counted from the first so that delays do not add up. */
  readonly paceMs?: number
  /** The connection is closed after this many events of the stream. */
  readonly cutAfterEvents?: number
  /** The stream is written in pieces of this many bytes, in the middle of characters too. */
  readonly fragmentBytes?: number
  /** Lines of the stream end with CR LF. */
  readonly crlf?: boolean
  /** An informational response (1xx) goes first. */
  readonly informational?: 'processing' | 'early hints'
  /** Sent after a streamed body. */
  readonly trailers?: Readonly<Record<string, string>>
}

/** An answer of HTTP alone, usually a refusal. Without a body it has an error in the provider's own shape. */
export interface PlainAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly message?: string
  /** Type of the error in the provider's shape; by default what belongs to the status. */
  readonly type?: string
  readonly body?: string
}

/**
 * One thing in an answer; a string is a piece of text. Pieces of text, or of reasoning, that follow each other belong to
 * one block. What breaks the protocol (`raw`, `error`, `cut`, `end`) does so in streams; of an answer that is not
 * streamed, `cut` sends half.
 */
export type Step =
  | string
  /** `signature` is the provider's proof of it (opaque), and ends the block. */
  | { readonly reasoning: string; readonly signature?: string }
  /** Reasoning that only the provider can read; protocols without it leave it out. */
  | { readonly redactedReasoning: string }
  | { readonly call: ToolCall }
  /** Calls whose arguments arrive in turns, one piece of each. */
  | { readonly calls: readonly ToolCall[] }
  /** Waits until it is settled. */
  | { readonly wait: Promise<unknown> }
  | { readonly delayMs: number }
  /** A sign of life without content. */
  | { readonly ping: true }
  /** Bytes of a stream as they are. */
  | { readonly raw: string | Uint8Array }
  /** The provider fails in mid-stream and says so, as its protocol does; then the stream ends. */
  | { readonly error: StreamError }
  /** Nothing more comes, and the connection stays open. */
  | { readonly stall: true }
  /** The connection is closed in the middle of the answer, or reset. */
  | { readonly cut: true | 'reset' }
  /** The stream ends as if it were complete, without its last events. */
  | { readonly end: true }

/** A tool that the model calls. */
export interface ToolCall {
  /** By default a new one. */
  readonly id?: string
  readonly name: string
  /** A string is sent as it is, JSON or not. By default an empty object. */
  readonly args?: Readonly<Record<string, unknown>> | string
  /** In how many pieces a stream brings the arguments; by default 2. */
  readonly pieces?: number
}

/** An error in mid-stream. */
export interface StreamError {
  readonly message: string
  /** In the provider's terms: `overloaded_error`, `server_error`, `RESOURCE_EXHAUSTED`. */
  readonly type: string
  /** OpenAI responses know two ways to fail: `response.failed`, and with this an `error` event. */
  readonly asErrorEvent?: true
}

/** Why an answer ends. */
export type Finish = 'stop' | 'length' | 'content_filter' | 'tool_calls'

/** Tokens of an answer; what is left out is 10 of input, 5 of output and 0 of the others. */
export interface Usage {
  /** All input, cached or not. */
  readonly input?: number
  /** Of the input: read from the provider's cache. */
  readonly cached?: number
  /** Of the input: written to the provider's cache. */
  readonly cacheWritten?: number
  /** All output, reasoning included. */
  readonly output?: number
  readonly reasoning?: number
}

/** A point in a script that a test opens. */
export class Gate {
  /** What `wait` and `after` take. */
  readonly opened: Promise<void>
  /** Lets everything go on that waits here; again it does nothing. */
  open: () => void = () => undefined

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve
    })
  }
}

/** An answer of these pieces of text. */
export function says(...pieces: readonly string[]): Speech {
  return { steps: pieces }
}

/** An answer that calls these tools, one after the other. */
export function callsTools(...calls: readonly ToolCall[]): Speech {
  return { steps: calls.map((call) => ({ call })) }
}

/** A refusal with `Retry-After` in seconds. */
export function rateLimited(retryAfterSeconds: number): PlainAnswer {
  return { status: 429, headers: { 'Retry-After': String(retryAfterSeconds) } }
}
