import type { ChatError, ChatErrorKind } from '@slipway/contract'

/** What is known of a failed call of a model. */
export interface Failure {
  /** Of the answer of HTTP, or what stands for it in an error of a stream. */
  readonly status?: number | undefined
  /** What the provider or the network says, and the bodies of answers; searched for known signs. */
  readonly text: string
  /** What the gateway itself has refused. */
  readonly gatewayCode?: string | undefined
  /** What the run itself has noticed. */
  readonly own?: 'interrupted' | 'cut' | 'silence' | 'deadline' | 'content_filter' | undefined
}

/** A failure as chats tell it, and whether the model is asked again. */
export interface Classified {
  readonly kind: ChatErrorKind
  readonly retryable: boolean
  readonly status?: number | undefined
}

const MARKERS =
  /\binterrupted by (the )?user\b|thinking blocks? .*cannot be modified|reasoning.*without its required following item|tool_use.*without.*tool_result/is
const OVERLOADED = /\boverloaded\b|overloaded_error/i
const QUOTA_CODE = /insufficient_quota/i
const BUDGET_CODES: ReadonlySet<string> = new Set(['budget_exceeded'])
/** What the gateway says of models rather than of credentials, although it forbids. */
const MODEL_CODES: ReadonlySet<string> = new Set(['model_not_allowed', 'model_not_priced'])
/** What the gateway says of a provider that it lost or could not reach. */
const TRANSPORT_CODES: ReadonlySet<string> = new Set([
  'upstream_disconnected',
  'upstream_unreachable',
  'timeout',
])
const QUOTA_TEXT = /\bquota\b|\bbilling\b|credit balance|payment required|usage limit/i
const AUTH =
  /authentication|\bunauthorized\b|invalid[ _-]?(x-)?api[ _-]?key|incorrect api key|invalid key|\bexpired (api )?(key|token)\b/i
const FORBIDDEN = /\bforbidden\b|permission[ _]denied|permission_error/i
const RATE = /rate[ _-]?limit|too many requests|resource_exhausted/i
const CONFIG =
  /(invalid|unknown|unsupported|nonexistent|no such) model|model[^.\n]{0,80}(not found|does not exist|not exist|is not supported|not available)|context[ _](length|window)|maximum context|prompt is too long|too many tokens|(input|request)[^.\n]{0,40}too (long|large)|malformed (config|configuration)|invalid[ _](configuration|parameter|value)|unsupported[ _](parameter|value)/i
const TRANSPORT =
  /ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|UND_ERR_|socket hang up|connection (reset|refused|closed|error)|unexpected (eof|end of)|\bEOF\b|terminated|fetch failed|REFUSED_STREAM|ENHANCE_YOUR_CALM|INTERNAL_ERROR|GOAWAY|timed? ?out|cannot connect to api|operation was aborted/i
const SERVER = /server[ _]error|internal[ _]error/i
const TIMEOUT_STATUS: ReadonlySet<number> = new Set([408, 502, 503, 504])

/** The kind of a failure, and whether asking again may help: the first row of CH-7.4 that fits. */
export function classify({ status, text, gatewayCode, own }: Failure): Classified {
  const as = (kind: ChatErrorKind, retryable: boolean): Classified => ({ kind, retryable, status })
  if (own === 'content_filter') return as('content_filter', false)
  if (own === 'silence') return as('stream_silence_timeout', true)
  if (own === 'interrupted' || MARKERS.test(text)) return as('generic', false)
  if (own === 'cut') return as('timeout', true)
  if (gatewayCode === 'missing_credential') return as('missing_key', false)
  if (status === 529 || OVERLOADED.test(text)) return as('overloaded', true)
  if (QUOTA_CODE.test(text) || (gatewayCode !== undefined && BUDGET_CODES.has(gatewayCode)))
    return as('usage_limit', false)
  if (status !== 429 && QUOTA_TEXT.test(text)) return as('usage_limit', false)
  const config = CONFIG.test(text) || (gatewayCode !== undefined && MODEL_CODES.has(gatewayCode))
  if (status === 401 || AUTH.test(text)) return as('auth', false)
  if ((status === 403 || FORBIDDEN.test(text)) && !config) return as('auth', false)
  if ((status === 429 || RATE.test(text)) && !config) return as('rate_limit', true)
  if (gatewayCode === 'provider_disabled') return as('provider_disabled', false)
  const lost =
    own === 'deadline' ||
    (status !== undefined && TIMEOUT_STATUS.has(status)) ||
    (gatewayCode !== undefined && TRANSPORT_CODES.has(gatewayCode)) ||
    TRANSPORT.test(text)
  if (!config && lost) return as('timeout', own !== 'deadline')
  if (config) return as('config', false)
  if (status === 500 || SERVER.test(text)) return as('generic', true)
  return as('generic', false)
}

/** Characters of the detail of an error (CH-7.4). */
const MAX_DETAIL = 500
const SECRET = /\b(sk|rk|pk|key|ghp|gho|xox[abp]|AKIA|AIza)[-_]?[A-Za-z0-9_-]{12,}|Bearer\s+\S+/g

/** A failure as clients see it. `detail` is what the provider itself says, and never has a credential in it. */
export function chatError(classified: Classified, provider: string | undefined, detail: string): ChatError {
  const { kind, retryable, status } = classified
  const shown = detail.replaceAll(SECRET, '[redacted]').trim()
  return {
    message: messageOf(classified),
    ...(shown === '' ? {} : { detail: cut(shown) }),
    kind,
    ...(provider === undefined ? {} : { provider }),
    retryable,
    ...(status === undefined ? {} : { status_code: status }),
  }
}

function cut(text: string): string {
  return text.length <= MAX_DETAIL ? text : `${text.slice(0, MAX_DETAIL - 1).toWellFormed()}…`
}

function messageOf({ kind, retryable }: Classified): string {
  switch (kind) {
    case 'overloaded':
      return 'The provider of the model is overloaded.'
    case 'rate_limit':
      return 'The provider of the model limits the rate of requests.'
    case 'timeout':
      return retryable
        ? 'The connection to the provider of the model failed.'
        : 'The model did not finish in time. Ask for less at once, or choose another model.'
    case 'stream_silence_timeout':
      return 'The model stopped answering.'
    case 'auth':
      return 'The provider of the model refused the credentials. Check its API key.'
    case 'config':
      return 'The provider of the model refused the request. Check the configuration of the model.'
    case 'usage_limit':
      return 'A limit of usage is reached.'
    case 'missing_key':
      return 'There is no API key for the provider of the model. Add your own key or ask an administrator.'
    case 'provider_disabled':
      return 'The provider of the model is disabled. Choose another model or ask an administrator.'
    case 'content_filter':
      return 'The provider of the model withheld the answer. Change the last message.'
    case 'hook_dispatch_failed':
      return 'A lifecycle hook could not be asked.'
    case 'hook_denied':
      return 'A lifecycle hook refused this.'
    case 'generic':
      return 'The model could not answer.'
  }
}
