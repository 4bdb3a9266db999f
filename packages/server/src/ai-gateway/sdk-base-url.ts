import type { ModelProvider } from '../ai-providers/index.ts'

/**
 * The base URL that an AI SDK provider of this type is made with, so that what it asks goes to the provider's address:
 * Anthropic's has `/v1`, which the stored one lacks (AG-2), and Google's own API lies beside the one that speaks like
 * OpenAI. Undefined for Bedrock without an address of its own, whose region says where it is.
 */
export function sdkBaseUrl({ type, baseUrl, bedrock }: ModelProvider): string | undefined {
  const base = baseUrl.replace(/\/+$/, '')
  if (bedrock !== undefined && type === 'bedrock') return bedrock.protocol === 'mantle' ? withV1(base) : base
  switch (type) {
    case 'anthropic':
      return withV1(base)
    case 'google':
      return base.replace(/\/openai$/, '')
    case 'openai':
    case 'azure':
    case 'bedrock':
    case 'openai-compat':
    case 'openrouter':
    case 'vercel':
    case 'copilot':
      return base
  }
}

function withV1(base: string): string {
  return base.endsWith('/v1') ? base : `${base}/v1`
}
