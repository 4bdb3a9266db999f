import type { FilePart, Json } from '../chats/index.ts'
import type { Db } from '../context.ts'

/** A call of a tool while it is carried out. */
export interface ToolCall {
  readonly toolCallId: string
  /** Aborted when the run ends before the tool does. */
  readonly signal: AbortSignal
  /** What an earlier process has noted for this very call (B-5); undefined when nothing was started yet. */
  readonly resume: Json | undefined
  /** Notes what finds the work of this call again, before it is waited for. */
  noteResume(state: Json): Promise<void>
  /**
   * Notes in a transaction what `resume` is once it commits, for work that is done there: both or neither happens, and
   * no other run begins the call meanwhile. To be called before any other chat is locked. @throws FencedOff when the run
   * does not have its chat any more.
   */
  noteDone(tx: Db, state: Json): Promise<void>
  /** Shows a piece of what comes to who watches (CH-908); what is returned is the result all the same. */
  readonly progress: (delta: string) => void
}

/** What a tool gives its model. */
export interface ToolOutcome {
  readonly result: Json
  readonly isError?: boolean
  /** The result is `{data (base64), media_type, text?}`. */
  readonly isMedia?: boolean
  /** Files that were stored, for the assistant's message (CH-124). */
  readonly files?: readonly FilePart[]
}

/** A tool that a model may call. */
export interface ChatTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly inputSchema: object
  /** Runs after the ones that run at the same time, in the order of the calls (CH-707). */
  readonly serial?: boolean
  /** May not be called together with any other (CH-709). */
  readonly exclusive?: boolean
  /** A success ends the turn, CH-700 (4). */
  readonly stopsTurn?: boolean
  readonly mcpServerConfigId?: string
  /** An old name: models are not told of it, and calls of it are carried out all the same. */
  readonly isRetired?: boolean
  /** Never throws for what a model can do something about: that is an outcome with `isError`. @throws what aborted the signal. */
  run(args: Json, call: ToolCall): Promise<ToolOutcome>
}

/** The tools of one turn. */
export interface OpenTools extends AsyncDisposable {
  readonly tools: readonly ChatTool[]
  /** Servers outside that the turn goes on without. */
  readonly skipped: readonly string[]
}
