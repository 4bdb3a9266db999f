import { Asides } from './asides.ts'
import { GenerationMetrics } from './metrics.ts'
import { type ChatExtension, type GenerationParts, TIMINGS } from './parts.ts'
import { ChatWorker } from './worker.ts'

/** Starts to carry chats on; disposing the result gives them to other replicas (CH-609, B-17). */
export function startChatGeneration(
  parts: Omit<GenerationParts, 'metrics' | 'asides' | 'timings'>,
  { timings = {}, tools }: ChatExtension = {},
): ChatWorker {
  const { context, openTools } = parts
  let worker: ChatWorker | undefined
  worker = new ChatWorker({
    ...parts,
    openTools: async (turn) => {
      const open = await openTools(turn)
      return tools === undefined
        ? open
        : {
            tools: [...open.tools, ...tools(turn)],
            skipped: open.skipped,
            [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
          }
    },
    metrics: new GenerationMetrics(context, () => worker?.active ?? new Map()),
    asides: new Asides(context.log),
    timings: { ...TIMINGS, ...timings },
  })
  return worker
}
