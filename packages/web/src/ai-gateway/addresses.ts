import type { AIProvider, AIProviderType } from '@slipway/contract'

/** What clients speak to a provider at the gateway. */
export type GatewayApi = 'anthropic' | 'openai' | 'copilot'

/** What clients speak to a provider of a type. */
export function apiOf(type: AIProviderType): GatewayApi {
  if (type === 'anthropic' || type === 'bedrock') return 'anthropic'
  return type === 'copilot' ? 'copilot' : 'openai'
}

/** The base URL that tools get for a provider: SDKs of OpenAI want the version in it, all others add it themselves. */
export function gatewayAddress(origin: string, { type, name }: Pick<AIProvider, 'type' | 'name'>): string {
  const address = `${origin.replace(/\/+$/, '')}/api/v2/ai-gateway/${name}`
  return apiOf(type) === 'openai' ? `${address}/v1` : address
}
