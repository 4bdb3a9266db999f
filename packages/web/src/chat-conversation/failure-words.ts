import type { ChatError, ChatErrorKind } from '@slipway/contract'

/** What a failed turn is called, and what can be done about it (UI-1132). */
interface FailureWords {
  readonly title: string
  readonly next: 'again' | 'model' | 'key' | 'budget' | 'shorten' | 'none'
  readonly advice: string
}

const WORDS: Record<ChatErrorKind, FailureWords> = {
  generic: { title: 'The answer failed', next: 'again', advice: 'Send your message again, or change it.' },
  overloaded: {
    title: 'The provider is overloaded',
    next: 'again',
    advice: 'Try again in a while, or choose another model.',
  },
  rate_limit: {
    title: 'The provider limits how often it is asked',
    next: 'again',
    advice: 'Try again in a while, or choose another model.',
  },
  timeout: {
    title: 'The provider did not answer in time',
    next: 'again',
    advice: 'Try again, or choose another model.',
  },
  stream_silence_timeout: {
    title: 'The model fell silent',
    next: 'again',
    advice: 'Nothing came for ten minutes. Try again.',
  },
  auth: {
    title: 'The provider refused the key',
    next: 'key',
    advice: 'The API key is wrong or may not use this model.',
  },
  config: {
    title: 'The model cannot take this request',
    next: 'model',
    advice: 'Choose another model, compact what came before, or change your message.',
  },
  usage_limit: {
    title: 'The budget is used up',
    next: 'budget',
    advice: 'An administrator can raise it; otherwise wait for the next period.',
  },
  missing_key: {
    title: 'An API key is missing',
    next: 'key',
    advice: 'Add your own key, or choose a model of another provider.',
  },
  provider_disabled: {
    title: 'The provider is switched off',
    next: 'model',
    advice: 'Choose a model of another provider.',
  },
  content_filter: {
    title: 'The provider held the answer back',
    next: 'shorten',
    advice: 'Its content filter stopped it. Change your message.',
  },
  hook_dispatch_failed: {
    title: 'A hook of this deployment failed',
    next: 'again',
    advice: 'Nothing was sent to the model. Try again, or ask an administrator.',
  },
  hook_denied: {
    title: 'A hook of this deployment refused the request',
    next: 'shorten',
    advice: 'Change your message as the reason says.',
  },
}

export function failureWords({ kind }: ChatError): FailureWords {
  return WORDS[kind]
}

/** Where providers say how they are, of those that do (UI-1131). */
const STATUS_PAGES: Readonly<Record<string, string>> = {
  anthropic: 'https://status.anthropic.com/',
  openai: 'https://status.openai.com/',
  openrouter: 'https://status.openrouter.ai/',
  google: 'https://status.cloud.google.com/',
  azure: 'https://azure.status.microsoft/',
  bedrock: 'https://health.aws.amazon.com/health/status',
}

export function statusPage(provider: string | undefined): string | undefined {
  return provider === undefined ? undefined : STATUS_PAGES[provider]
}

const REASONS: Partial<Record<ChatErrorKind, string>> = {
  overloaded: 'The provider is overloaded',
  rate_limit: 'The provider limits how often it is asked',
  timeout: 'The provider did not answer',
  stream_silence_timeout: 'The model fell silent',
}

/** Why a call is made again, in a few words. */
export function retryReason(kind: ChatErrorKind): string {
  return REASONS[kind] ?? 'The call failed'
}
