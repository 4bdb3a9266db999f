import { Asides } from './asides.ts'
import { GenerationMetrics } from './metrics.ts'
import { type ChatExtension, type GenerationParts, TIMINGS } from './parts.ts'
import { ChatWorker } from './worker.ts'

/** What carries chats on; it does nothing before it is started. */
export class ChatGeneration {
  readonly parts: GenerationParts
  #worker: ChatWorker | undefined

  constructor(
    parts: Omit<GenerationParts, 'metrics' | 'asides' | 'pushes' | 'timings'>,
    { timings = {}, tools }: ChatExtension = {},
  ) {
    const { context, openTools } = parts
    this.parts = {
      ...parts,
      openTools: async (turn) => {
        const open = await openTools(turn)
        if (tools === undefined) return open
        return {
          tools: [...open.tools, ...tools(turn)],
          skipped: open.skipped,
          [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
        }
      },
      metrics: new GenerationMetrics(context, () => this.#worker?.active ?? new Map()),
      asides: new Asides(context.log),
      pushes: new Asides(context.log),
      timings: { ...TIMINGS, ...timings },
    }
  }

  /** Starts to take chats; disposing the result gives them to other replicas (CH-609, B-17). */
  start(): ChatWorker {
    this.#worker = new ChatWorker(this.parts)
    return this.#worker
  }
}
