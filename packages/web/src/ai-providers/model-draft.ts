import type {
  AIProviderType,
  ChatModelCallConfig,
  ChatModelConfig,
  CreateChatModelConfigRequest,
  ReasoningEffort,
} from '@slipway/contract'

export const EFFORTS: readonly ReasoningEffort[] = [
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
]

/** A model as it is edited: numbers are texts, empty where the provider decides. */
export interface ModelDraft {
  readonly provider: string
  readonly model: string
  readonly display_name: string
  readonly enabled: boolean
  readonly is_default: boolean
  readonly context_limit: string
  readonly compression_threshold: string
  readonly max_output_tokens: string
  readonly temperature: string
  readonly top_p: string
  readonly top_k: string
  readonly presence_penalty: string
  readonly frequency_penalty: string
  /** Both empty: the model takes no effort. */
  readonly effort_default: ReasoningEffort | ''
  readonly effort_max: ReasoningEffort | ''
  readonly responses_api: boolean
  /** JSON text of `provider_options`. */
  readonly provider_options: string
}

export const NEW_MODEL: ModelDraft = {
  provider: '',
  model: '',
  display_name: '',
  enabled: true,
  is_default: false,
  context_limit: '200000',
  compression_threshold: '70',
  max_output_tokens: '',
  temperature: '',
  top_p: '',
  top_k: '',
  presence_penalty: '',
  frequency_penalty: '',
  effort_default: '',
  effort_max: '',
  responses_api: false,
  provider_options: '',
}

const NUMBERS = [
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_k',
  'presence_penalty',
  'frequency_penalty',
] as const

export function modelDraft(config: ChatModelConfig): ModelDraft {
  const options = config.model_config ?? {}
  const text = (value: number | undefined) => (value === undefined ? '' : String(value))
  return {
    provider: config.ai_provider_id,
    model: config.model,
    display_name: config.display_name,
    enabled: config.enabled,
    is_default: config.is_default,
    context_limit: String(config.context_limit),
    compression_threshold: String(config.compression_threshold),
    max_output_tokens: text(options.max_output_tokens),
    temperature: text(options.temperature),
    top_p: text(options.top_p),
    top_k: text(options.top_k),
    presence_penalty: text(options.presence_penalty),
    frequency_penalty: text(options.frequency_penalty),
    effort_default: options.reasoning_effort?.default ?? '',
    effort_max: options.reasoning_effort?.max ?? '',
    responses_api: options.openai_config?.use_responses_api === true,
    provider_options:
      options.provider_options === undefined || Object.keys(options.provider_options).length === 0
        ? ''
        : JSON.stringify(options.provider_options, undefined, 2),
  }
}

function callConfig(draft: ModelDraft): ChatModelCallConfig {
  const numbers = Object.fromEntries(
    NUMBERS.flatMap((name) => (draft[name].trim() === '' ? [] : [[name, Number(draft[name])]])),
  )
  const options = parseOptions(draft.provider_options)
  return {
    ...numbers,
    ...(draft.effort_default === '' || draft.effort_max === ''
      ? {}
      : { reasoning_effort: { default: draft.effort_default, max: draft.effort_max } }),
    ...(draft.responses_api ? { openai_config: { use_responses_api: true } } : {}),
    ...(options === undefined ? {} : { provider_options: options }),
  }
}

/** What is sent, to make one and to change one. */
export function modelRequest(draft: ModelDraft): CreateChatModelConfigRequest {
  return {
    ai_provider_id: draft.provider,
    model: draft.model.trim(),
    display_name: draft.display_name.trim(),
    enabled: draft.enabled,
    is_default: draft.is_default,
    context_limit: Number(draft.context_limit),
    compression_threshold: Number(draft.compression_threshold),
    model_config: callConfig(draft),
  }
}

export function isSameModel(one: ModelDraft, other: ModelDraft): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

type Options = NonNullable<ChatModelCallConfig['provider_options']>

/** `undefined` for an empty text and for what is no object of objects. */
function parseOptions(text: string): Options | undefined {
  if (text.trim() === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isOptions(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOptions(value: unknown): value is Options {
  return isObject(value) && Object.values(value).every(isObject)
}

const RANGES = {
  max_output_tokens: [1, Number.POSITIVE_INFINITY, true],
  temperature: [0, 2, false],
  top_p: [0, 1, false],
  top_k: [0, Number.POSITIVE_INFINITY, true],
  presence_penalty: [-2, 2, false],
  frequency_penalty: [-2, 2, false],
} as const

/** What is wrong with a draft, by field (CH-504). */
export function modelFaults(draft: ModelDraft): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {}
  if (draft.provider === '') faults.ai_provider_id = 'Choose a provider.'
  if (draft.model.trim() === '') faults.model = 'The id by which the provider knows it.'
  if (!isWhole(draft.context_limit, 1, 100_000_000)) faults.context_limit = 'A whole number of tokens.'
  if (!isWhole(draft.compression_threshold, 0, 100))
    faults.compression_threshold = 'A whole number from 0 to 100.'
  for (const name of NUMBERS) {
    const [least, most, whole] = RANGES[name]
    const value = Number(draft[name])
    if (draft[name].trim() === '') continue
    if (!Number.isFinite(value) || value < least || value > most || (whole && !Number.isInteger(value)))
      faults[name] =
        most === Number.POSITIVE_INFINITY
          ? `A whole number, at least ${least}.`
          : `A number from ${least} to ${most}.`
  }
  if ((draft.effort_default === '') !== (draft.effort_max === ''))
    faults.reasoning_effort = 'Fill in both, or neither.'
  else if (
    draft.effort_default !== '' &&
    draft.effort_max !== '' &&
    EFFORTS.indexOf(draft.effort_default) > EFFORTS.indexOf(draft.effort_max)
  )
    faults.reasoning_effort = 'The default effort is above the highest.'
  if (draft.provider_options.trim() !== '' && parseOptions(draft.provider_options) === undefined)
    faults.provider_options = 'JSON: an object that contains one object per provider.'
  return faults
}

function isWhole(text: string, least: number, most: number): boolean {
  const value = Number(text)
  return text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most
}

/** A model that many use, with what is known about it. */
interface KnownModel {
  readonly model: string
  readonly name: string
  readonly context: number
  readonly efforts?: { readonly default: ReasoningEffort; readonly max: ReasoningEffort }
}

const CLAUDE: readonly KnownModel[] = [
  {
    model: 'claude-sonnet-4-5',
    name: 'Claude Sonnet 4.5',
    context: 200_000,
    efforts: { default: 'medium', max: 'high' },
  },
  {
    model: 'claude-opus-4-5',
    name: 'Claude Opus 4.5',
    context: 200_000,
    efforts: { default: 'medium', max: 'high' },
  },
  { model: 'claude-haiku-4-5', name: 'Claude Haiku 4.5', context: 200_000 },
]
const GPT: readonly KnownModel[] = [
  { model: 'gpt-5', name: 'GPT-5', context: 400_000, efforts: { default: 'medium', max: 'high' } },
  { model: 'gpt-5-mini', name: 'GPT-5 mini', context: 400_000, efforts: { default: 'medium', max: 'high' } },
  { model: 'gpt-4.1', name: 'GPT-4.1', context: 1_047_576 },
]
const GEMINI: readonly KnownModel[] = [
  {
    model: 'gemini-2.5-pro',
    name: 'Gemini 2.5 Pro',
    context: 1_048_576,
    efforts: { default: 'medium', max: 'high' },
  },
  { model: 'gemini-2.5-flash', name: 'Gemini 2.5 Flash', context: 1_048_576 },
]
const prefixed = (prefix: string, models: readonly KnownModel[]) =>
  models.map((model) => ({ ...model, model: prefix + model.model }))

/** What is offered for a type of provider; every other id can be typed. */
export function knownModels(type: AIProviderType | undefined): readonly KnownModel[] {
  switch (type) {
    case 'anthropic':
      return CLAUDE
    case 'openai':
    case 'azure':
      return GPT
    case 'google':
      return GEMINI
    case 'bedrock':
      return [
        {
          model: 'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
          name: 'Claude Sonnet 4.5',
          context: 200_000,
        },
        {
          model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0',
          name: 'Claude Haiku 4.5',
          context: 200_000,
        },
      ]
    case 'openrouter':
      return [
        { model: 'anthropic/claude-sonnet-4.5', name: 'Claude Sonnet 4.5', context: 200_000 },
        ...prefixed('openai/', GPT.slice(0, 2)),
        ...prefixed('google/', GEMINI),
      ]
    case 'vercel':
      return [
        { model: 'anthropic/claude-sonnet-4.5', name: 'Claude Sonnet 4.5', context: 200_000 },
        ...prefixed('openai/', GPT.slice(0, 2)),
      ]
    default:
      return []
  }
}

/** A draft that begins from a known model. */
export function fromKnown(draft: ModelDraft, known: KnownModel): ModelDraft {
  return {
    ...draft,
    model: known.model,
    display_name: known.name,
    context_limit: String(known.context),
    effort_default: known.efforts?.default ?? '',
    effort_max: known.efforts?.max ?? '',
  }
}
