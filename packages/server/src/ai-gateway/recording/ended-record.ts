import { storable } from '../wires/json.ts'
import type { Observation, TokenUsage } from '../wires/observation.ts'
import { shortened } from './categories.ts'
import type { Ending } from './ending.ts'
import type { Privacy } from './privacy.ts'
import type { EndedRecord } from './stored-record.ts'

const MAX_TOKENS = 1_000_000_000_000
const MAX_ID = 256
/** Characters of what a tool server says is wrong. */
const MAX_ERROR = 1024

/** What of a request that has ended is stored, within what its organizations allow (AG-B16). */
export function endedRecord(
  ending: Ending,
  by: {
    readonly id: () => string
    readonly now: Date
    readonly privacy: Privacy
    readonly begun: boolean
    /** Whether it is to be exported. */
    readonly queued: boolean
    /** Called for counts that cannot be. */
    readonly impossible: () => void
  },
): EndedRecord {
  const { interception, observation, earlier, injected, prompt, answerer, failure, privacy: level } = ending
  const answers = [...earlier, { ...observation, answerer }]
  const responseId = storable(observation.responseId, MAX_ID)
  const { privacy } = by
  return {
    kind: 'interception',
    begun: by.begun,
    interception: { ...interception, startedAt: interception.startedAt.toISOString() },
    tokens: answers.flatMap((answer) => {
      const { usage } = answer
      if (usage === undefined) return []
      if (!isPossible(usage)) {
        by.impossible()
        return []
      }
      return [
        {
          id: by.id(),
          responseId: storable(answer.responseId, MAX_ID),
          input: usage.input,
          output: usage.output,
          cacheRead: usage.cacheRead,
          cacheWrite: usage.cacheWrite,
          metadata: {
            ...usage.extras,
            ...(ending.incomplete && answer === answers.at(-1) ? { incomplete: true } : {}),
          },
          providerType: answer.answerer.providerType,
          model: answer.answerer.model,
        },
      ]
    }),
    prompts:
      prompt === undefined
        ? []
        : [{ id: by.id(), responseId, prompt: storable(privacy.text(level, prompt)) }],
    tools: [
      ...answers.flatMap((answer) => choices(answer, injected)),
      ...injected.map(({ serverUrl, error, ...call }) => ({
        ...call,
        injected: { serverUrl, error },
      })),
    ].map((tool) => ({
      id: by.id(),
      responseId: storable(tool.responseId, MAX_ID),
      tool: storable(tool.tool, MAX_ID),
      callId: tool.callId === undefined ? undefined : storable(tool.callId, MAX_ID),
      itemId: storable(tool.itemId, MAX_ID),
      input: storable(privacy.json(level, tool.input)),
      injected: tool.injected && {
        serverUrl: storable(tool.injected.serverUrl),
        error:
          tool.injected.error === undefined
            ? undefined
            : storable(privacy.errorMessage(level, tool.injected.error), MAX_ERROR),
      },
    })),
    thoughts: answers.flatMap(({ thoughts }) =>
      thoughts.map(({ content, source }) => ({ content: storable(privacy.text(level, content)), source })),
    ),
    end: {
      at: by.now.toISOString(),
      credentialHint: ending.credentialHint,
      providerName: answerer.providerName === interception.providerName ? undefined : answerer.providerName,
      model: answerer.model === interception.model ? undefined : answerer.model,
      metadata: ending.metadata,
      queued: by.queued,
      error: failure && {
        type: failure.type,
        message: shortened(privacy.errorMessage(level, failure.message)),
      },
    },
  }
}

/** Tools that a model has chosen, without those that the gateway has called. */
export function choices(answer: Observation, injected: Ending['injected']) {
  const called = new Set(injected.map(({ callId }) => callId))
  return answer.tools
    .filter(({ callId }) => callId === undefined || !called.has(callId))
    .map((tool) => ({ ...tool, responseId: answer.responseId, injected: undefined }))
}

/** Whether counts are ones that an answer may have, and are stored (AG-84). */
export function isPossible({ input, output, cacheRead, cacheWrite }: TokenUsage): boolean {
  return [input, output, cacheRead, cacheWrite].every(
    (count) => Number.isSafeInteger(count) && count >= 0 && count <= MAX_TOKENS,
  )
}
