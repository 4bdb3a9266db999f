import type { AIProviderType } from '@slipway/contract'

const FIVE_MIB = 5 * 1024 * 1024

/** Bytes of an image that a provider takes inside of a request; undefined where it sets no limit (CH-444). */
export function inlineImageLimit(type: AIProviderType): number | undefined {
  switch (type) {
    case 'anthropic':
    case 'bedrock':
      return FIVE_MIB
    case 'openai':
    case 'azure':
    case 'google':
    case 'openai-compat':
    case 'openrouter':
    case 'vercel':
    case 'copilot':
      return undefined
  }
}
