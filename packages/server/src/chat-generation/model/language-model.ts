import type { LanguageModel as AnyLanguageModel } from 'ai'

import { sdkBaseUrl } from '../../ai-gateway/index.ts'
import type { ModelProvider } from '../../ai-providers/index.ts'
import type { ModelConfig } from '../../chat-settings/index.ts'

/** A model behind one interface, whatever its provider speaks. */
export type LanguageModel = Extract<AnyLanguageModel, { readonly specificationVersion: 'v4' }>
/** What a model is asked. */
export type CallOptions = Parameters<LanguageModel['doStream']>[0]
/** What a model is told of the conversation. */
export type Prompt = CallOptions['prompt']
/** A piece of a streamed answer. */
export type StreamPart =
  Awaited<ReturnType<LanguageModel['doStream']>>['stream'] extends ReadableStream<infer Piece> ? Piece : never
/** What a model gives in one piece. */
export type Generated = Awaited<ReturnType<LanguageModel['doGenerate']>>
/** Options that only one provider knows, by its name. */
export type ProviderOptions = NonNullable<CallOptions['providerOptions']>

/** Which transport of a provider carries the conversation; also decides which media it takes. */
export type Transport =
  | 'openai-responses'
  | 'openai-chat'
  | 'anthropic'
  | 'bedrock'
  | 'google'
  | 'openai-compatible'
  | 'openrouter'

/** The way in which a model is spoken to. */
export function transportOf(provider: ModelProvider, { call }: Pick<ModelConfig, 'call'>): Transport {
  switch (provider.type) {
    case 'openai':
      return (call.openai_config?.use_responses_api ?? isOpenAi(provider.baseUrl))
        ? 'openai-responses'
        : 'openai-chat'
    case 'azure':
      return call.openai_config?.use_responses_api === true ? 'openai-responses' : 'openai-chat'
    case 'anthropic':
      return provider.bedrock !== undefined && provider.bedrock.protocol !== 'mantle'
        ? 'bedrock'
        : 'anthropic'
    case 'bedrock':
      return provider.bedrock?.protocol === 'mantle' ? 'anthropic' : 'bedrock'
    case 'google':
      return 'google'
    case 'openrouter':
      return 'openrouter'
    case 'openai-compat':
    case 'vercel':
    case 'copilot':
      return 'openai-compatible'
  }
}

/** Others who speak like OpenAI rarely have its newer transport. */
function isOpenAi(baseUrl: string): boolean {
  return URL.canParse(baseUrl) && new URL(baseUrl).hostname === 'api.openai.com'
}

/** The gateway puts the real one in its place. */
const PLACEHOLDER_KEY = 'gateway'

/** A model of a provider, with libraries that are loaded when their provider is used for the first time. */
export async function languageModel(
  provider: ModelProvider,
  config: Pick<ModelConfig, 'model' | 'call'>,
  fetch: typeof globalThis.fetch,
): Promise<LanguageModel> {
  const baseURL = sdkBaseUrl(provider)
  const base = { apiKey: PLACEHOLDER_KEY, fetch, ...(baseURL === undefined ? {} : { baseURL }) }
  const transport = transportOf(provider, config)
  switch (transport) {
    case 'openai-responses':
    case 'openai-chat': {
      if (provider.type === 'azure') {
        const { createAzure } = await import('@ai-sdk/azure')
        const azure = createAzure(base)
        return transport === 'openai-chat' ? azure.chat(config.model) : azure.responses(config.model)
      }
      const { createOpenAI } = await import('@ai-sdk/openai')
      const openai = createOpenAI(base)
      return transport === 'openai-chat' ? openai.chat(config.model) : openai.responses(config.model)
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic')
      return createAnthropic(base).languageModel(config.model)
    }
    case 'bedrock': {
      const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock')
      const region = provider.bedrock?.region ?? ''
      return createAmazonBedrock({ ...base, region: region === '' ? 'us-east-1' : region }).languageModel(
        config.model,
      )
    }
    case 'google': {
      const { createGoogleGenerativeAI } = await import('@ai-sdk/google')
      return createGoogleGenerativeAI(base).languageModel(config.model)
    }
    case 'openrouter': {
      const { createOpenRouter } = await import('@openrouter/ai-sdk-provider')
      return createOpenRouter({ ...base, compatibility: 'strict' }).chat(config.model)
    }
    case 'openai-compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
      return createOpenAICompatible({
        ...base,
        name: COMPATIBLE_NAME,
        baseURL: baseURL ?? provider.baseUrl,
        includeUsage: true,
      }).languageModel(config.model)
    }
  }
}

/** Under this name its library looks for options. */
export const COMPATIBLE_NAME = 'openaicompat'
