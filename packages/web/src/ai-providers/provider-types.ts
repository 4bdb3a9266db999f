import type { AIProviderType } from '@slipway/contract'

/** What a provider of a type needs (AG-97, AG-105). */
interface ProviderKind {
  readonly type: AIProviderType
  readonly label: string
  readonly about: string
  /** Stands for the type where it has no icon. */
  readonly mark: string
  /** Where it is served usually; empty where everybody has an address of their own. */
  readonly baseUrl: string
  readonly basePlaceholder: string
  readonly baseHelp: string
  /** `bedrock` signs with credentials of AWS, `copilot` with the users' own. */
  readonly credentials: 'keys' | 'aws' | 'none'
  readonly keyPlaceholder: string
  /** Whether chats can use it (CH-133). */
  readonly forAgents: boolean
}

const kind = (
  type: AIProviderType,
  label: string,
  about: string,
  baseUrl: string,
  more: Partial<ProviderKind> = {},
): ProviderKind => ({
  type,
  label,
  about,
  mark: label.slice(0, 2),
  baseUrl,
  basePlaceholder: baseUrl,
  baseHelp: 'Change it only to use your own proxy.',
  credentials: 'keys',
  keyPlaceholder: '',
  forAgents: true,
  ...more,
})

export const PROVIDER_KINDS: readonly ProviderKind[] = [
  kind('anthropic', 'Anthropic', 'Claude models', 'https://api.anthropic.com/', {
    keyPlaceholder: 'sk-ant-…',
  }),
  kind('openai', 'OpenAI', 'GPT and o models', 'https://api.openai.com/v1/', {
    mark: 'OA',
    keyPlaceholder: 'sk-…',
  }),
  kind('google', 'Google', 'Gemini models', 'https://generativelanguage.googleapis.com/v1beta/openai/', {
    keyPlaceholder: 'AIza…',
  }),
  kind('bedrock', 'Amazon Bedrock', 'Claude models in your AWS account', '', {
    mark: 'Be',
    basePlaceholder: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
    baseHelp: 'The endpoint of the region.',
    credentials: 'aws',
  }),
  kind('azure', 'Azure OpenAI', 'Deployments in an Azure resource', '', {
    basePlaceholder: 'https://my-resource.openai.azure.com/openai/v1/',
    baseHelp: 'The endpoint of the resource, with its version.',
  }),
  kind('openrouter', 'OpenRouter', 'Models from many vendors', 'https://openrouter.ai/api/v1/', {
    mark: 'OR',
    keyPlaceholder: 'sk-or-…',
  }),
  kind('vercel', 'Vercel AI Gateway', 'Models from many vendors', 'https://ai-gateway.vercel.sh/v1/'),
  kind('openai-compat', 'OpenAI-compatible', 'vLLM, Ollama, LiteLLM and other servers you run', '', {
    mark: 'API',
    basePlaceholder: 'http://models.internal:8000/v1/',
    baseHelp: 'Its address, including the version.',
  }),
  kind(
    'copilot',
    'GitHub Copilot',
    'For the gateway only; agents cannot use it',
    'https://api.githubcopilot.com/',
    { mark: 'GH', credentials: 'none', forAgents: false },
  ),
]

const FALLBACK = kind('openai-compat', 'Unknown', '', '')

export function providerKind(type: string): ProviderKind {
  return PROVIDER_KINDS.find((one) => one.type === type) ?? FALLBACK
}
