import { setTimeout as delay } from 'node:timers/promises'

import type { ModelGateway } from '../ai-gateway/index.ts'
import type { ChatSettings } from '../chat-settings/index.ts'
import type { PartBuffer } from '../chat-streams/index.ts'
import type { ChatTool, OpenTools } from '../chat-tools/index.ts'
import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import type { PushMessage } from '../web-push/index.ts'
import type { Asides } from './asides.ts'
import type { GenerationMetrics } from './metrics.ts'

/** How long things take and how often they are done; tests shorten them. */
export interface Timings {
  /** Signs of life of runs, in milliseconds; three that are missed lose the chat (CH-604). */
  readonly heartbeatMs: number
  /** Age from which a sign of life counts for nothing (CH-602). */
  readonly staleSeconds: number
  /**
   * Looks for chats that nobody has heard of (CH-601): often, so that those of a replica that has died go on within
   * 35 s, which are 30 s for its lease and one look.
   */
  readonly passMs: number
  /** Comparisons of what runs believe with what is stored (CH-605). */
  readonly syncMs: number
  /** How long a model may say nothing (CH-722). */
  readonly silenceMs: number
  /**
   * How long one attempt may take (CH-606): the tools of a step are taken up again then, and an answer that is not
   * complete fails.
   */
  readonly taskMs: number
  /** Waits; rejects with the reason of the signal. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** Whether titles and labels are made, which ask models beside the turns. */
  readonly asides: boolean
}

/** The timings of the specification. */
export const TIMINGS: Timings = {
  heartbeatMs: 9_000,
  staleSeconds: 30,
  passMs: 4_000,
  syncMs: 15_000,
  silenceMs: 10 * 60_000,
  taskMs: 15 * 60_000,
  asides: true,
  pause: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  },
}

/** What a run stands on beside its chat. */
export interface GenerationParts {
  readonly context: AppContext
  readonly settings: ChatSettings
  readonly gateway: ModelGateway
  readonly buffer: PartBuffer
  readonly openTools: (turn: { readonly chat: ChatRow; readonly signal: AbortSignal }) => Promise<OpenTools>
  /** Instructions and skills of the workspace of a chat, as blocks of its prompt (CH-702). */
  readonly workspaceContext: (chat: ChatRow) => Promise<readonly string[]>
  /** Tells the browsers of a user, also while these have no page of ours open (CH-1003). */
  readonly push: (userId: string, message: PushMessage, signal: AbortSignal) => Promise<unknown>
  readonly metrics: GenerationMetrics
  readonly asides: Asides
  /** Apart from the rest, which no push service shall hold up. */
  readonly pushes: Asides
  readonly timings: Timings
}

/** What tests put in the place of clocks, and beside the tools of the product. */
export interface ChatExtension {
  readonly timings?: Partial<Timings>
  readonly tools?: (turn: { readonly chat: ChatRow; readonly signal: AbortSignal }) => readonly ChatTool[]
}
