import type { ReasoningEffort } from '@slipway/contract'
import type { ModelProvider } from '../../ai-providers/index.ts'
import type { ModelConfig, RunModel } from '../../chat-settings/index.ts'
import { isJsonObject } from './json.ts'
import { type CallOptions, COMPATIBLE_NAME, type ProviderOptions, transportOf } from './language-model.ts'

/** What a model is called with beside the conversation: sampling, limits, effort, and options of its provider (CH-504). */
export function callSettings({ config, provider, effort }: RunModel): Partial<CallOptions> {
  const { call } = config
  const reasoning = unifiedEffort(effort)
  return {
    ...(call.max_output_tokens === undefined ? {} : { maxOutputTokens: call.max_output_tokens }),
    ...(call.temperature === undefined ? {} : { temperature: call.temperature }),
    ...(call.top_p === undefined ? {} : { topP: call.top_p }),
    ...(call.top_k === undefined ? {} : { topK: call.top_k }),
    ...(call.presence_penalty === undefined ? {} : { presencePenalty: call.presence_penalty }),
    ...(call.frequency_penalty === undefined ? {} : { frequencyPenalty: call.frequency_penalty }),
    ...(reasoning === undefined ? {} : { reasoning }),
    providerOptions: providerOptions(provider, config, effort),
  }
}

/** Efforts that every library understands; the greatest one is told to providers by their own name for it. */
function unifiedEffort(effort: ReasoningEffort | undefined): CallOptions['reasoning'] {
  return effort === 'max' ? 'xhigh' : effort
}

function providerOptions(
  provider: ModelProvider,
  config: Pick<ModelConfig, 'call'>,
  effort: ReasoningEffort | undefined,
): ProviderOptions {
  const transport = transportOf(provider, config)
  const own = (block: string): ProviderOptions[string] => {
    const value = config.call.provider_options?.[block]
    return isJsonObject(value) ? value : {}
  }
  switch (transport) {
    case 'openai-responses': {
      // Nothing stays with the provider: what it needs to see again comes with each request.
      const openai = { store: false, include: ['reasoning.encrypted_content'], ...own('openai') }
      return provider.type === 'azure' ? { openai, azure: openai } : { openai }
    }
    case 'openai-chat':
      return provider.type === 'azure'
        ? { openai: own('openai'), azure: own('openai') }
        : { openai: own('openai') }
    case 'anthropic':
      return { anthropic: { ...(effort === 'max' ? { effort: 'max' } : {}), ...own('anthropic') } }
    case 'bedrock':
      return { bedrock: own('anthropic'), amazonBedrock: own('anthropic') }
    case 'google':
      return { google: own('google') }
    case 'openrouter':
      return { openrouter: { usage: { include: true }, ...own('openrouter') } }
    case 'openai-compatible':
      return { [COMPATIBLE_NAME]: own(provider.type === 'vercel' ? 'vercel' : 'openaicompat') }
  }
}
