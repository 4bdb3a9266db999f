/**
 * What Bedrock takes of Anthropic's API, as its documentation says
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html):
 * what it does not know it refuses with 400 (AG-47). A model is known by a part of its id, wherever a region or a version
 * stands around it.
 */

/** How a model is told to think: within a budget of tokens, as it sees fit, or either. */
export type Thinking = 'budget' | 'either' | 'adaptive'

/** Those that are not listed think within a budget. */
const THINKING: readonly { readonly model: string; readonly thinking: Thinking }[] = [
  { model: 'anthropic.claude-opus-4-6', thinking: 'either' },
  { model: 'anthropic.claude-sonnet-4-6', thinking: 'either' },
  { model: 'anthropic.claude-opus-4-7', thinking: 'adaptive' },
  { model: 'anthropic.claude-opus-4-8', thinking: 'adaptive' },
]

/** Beta flags that are taken, by the models that know them; `undefined` is any. */
const BETAS: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ['computer-use-2025-01-24', undefined],
  ['token-efficient-tools-2025-02-19', undefined],
  ['interleaved-thinking-2025-05-14', undefined],
  ['output-128k-2025-02-19', undefined],
  ['dev-full-thinking-2025-05-14', undefined],
  ['context-1m-2025-08-07', undefined],
  ['context-management-2025-06-27', ['anthropic.claude-sonnet-4-5', 'anthropic.claude-haiku-4-5']],
  ['effort-2025-11-24', ['anthropic.claude-opus-4-5']],
  ['tool-search-tool-2025-10-19', undefined],
  ['tool-examples-2025-10-29', undefined],
])

/** Members of a request that are never taken. */
export const UNKNOWN_MEMBERS = ['metadata', 'service_tier', 'container', 'inference_geo'] as const

/** Members that are taken together with a beta flag only. */
export const BETA_MEMBERS: Readonly<Record<string, string>> = {
  output_config: 'effort-2025-11-24',
  context_management: 'context-management-2025-06-27',
}

/** Members of `output_config` that models which think as they see fit do not take. */
export const UNKNOWN_OUTPUT_MEMBERS = ['format'] as const

/** Part of `max_tokens` that a model may think for at each effort. */
export const BUDGET_RATIOS: Readonly<Record<string, number>> = { low: 0.2, medium: 0.5, high: 0.8, max: 0.95 }
export const DEFAULT_BUDGET_RATIO = 0.8
/** Fewer tokens are no budget. */
export const MIN_BUDGET = 1_024

/** In front of the ids of models that several regions serve. */
export const REGION_GROUPS = /^(?:global|us|us-gov|eu|apac|au|ca|jp)\./

/** How a model is told to think. */
export function thinkingOf(model: string): Thinking {
  return THINKING.find((known) => model.includes(known.model))?.thinking ?? 'budget'
}

/** Those of the beta flags that are taken with this model, each once. */
export function takenBetas(flags: readonly string[], model: string): string[] {
  return [...new Set(flags)].filter((flag) => {
    if (!BETAS.has(flag)) return false
    return BETAS.get(flag)?.some((known) => model.includes(known)) ?? true
  })
}
