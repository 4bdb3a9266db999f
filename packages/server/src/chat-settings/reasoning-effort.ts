import { type ChatModelCallConfig, ReasoningEffort } from '@slipway/contract'
import { badRequest } from '../errors/index.ts'

/** From little to much (CH-504). */
const SCALE: readonly ReasoningEffort[] = ReasoningEffort.enum

type Call = Pick<ChatModelCallConfig, 'reasoning_effort'>

/** Where an effort is on the scale; the more, the higher. */
export function effortRank(effort: ReasoningEffort): number {
  return SCALE.indexOf(effort)
}

/** Whether a text is an effort. */
export function isReasoningEffort(text: unknown): text is ReasoningEffort {
  return SCALE.some((effort) => effort === text)
}

/**
 * The effort that a request names; undefined for none or an empty text.
 *
 * @throws ApiError 400 for a word that is not on the scale.
 */
export function parseReasoningEffort(text: string | undefined): ReasoningEffort | undefined {
  if (text === undefined || text === '') return undefined
  if (isReasoningEffort(text)) return text
  throw badRequest('Invalid reasoning_effort.', {
    detail: `Must be one of ${SCALE.join(', ')}.`,
    validations: [{ field: 'reasoning_effort', detail: `must be one of ${SCALE.join(', ')}` }],
  })
}

/** What may be chosen for a model: the scale up to its greatest effort; nothing for one without (CH-505). */
export function reasoningEfforts({ reasoning_effort: range }: Call): ReasoningEffort[] | undefined {
  return range === undefined ? undefined : SCALE.slice(0, effortRank(range.max) + 1)
}

/** What a call asks for: the wished effort or the default, at most the greatest; nothing for a model without (CH-505). */
export function effectiveEffort(
  { reasoning_effort: range }: Call,
  wished: ReasoningEffort | undefined,
): ReasoningEffort | undefined {
  if (range === undefined) return undefined
  const effort = wished ?? range.default
  return effortRank(effort) > effortRank(range.max) ? range.max : effort
}
