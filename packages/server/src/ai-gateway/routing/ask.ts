import { setTimeout as delay } from 'node:timers/promises'

import type { ProviderRouting } from '../../ai-governance/index.ts'
import { decodedAnswer } from '../answers/decoded-answer.ts'
import { hidingKey } from '../answers/hidden-key.ts'
import { type AnswerHeaders, readAtMost, type UpstreamAnswer } from '../answers/upstream.ts'
import { bedrockCredential } from '../bedrock/credential.ts'
import { asInvokeModel } from '../bedrock/invoke-model.ts'
import type { ExchangeParts, ModelRequest } from '../exchange/exchange-parts.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import { type Credential, forwardedHeaders, keyCredential } from '../keys/credentials.ts'
import { type CooldownReason, cooldownOf } from '../keys/key-pool.ts'
import type { Dumped } from '../recording/dumps.ts'
import { foundAnswering, foundFailing, foundResting } from '../resilience/found-troubles.ts'

/** How a provider is asked. */
export interface Asking {
  readonly stream: boolean
  readonly routing: ProviderRouting
  /** What is to stay with its key, see `sessionOf`. */
  readonly session: () => string
  /** Headers beside those of the client. */
  readonly extra: Readonly<Record<string, string>>
  /** Whether an answer that has no byte yet has not begun. */
  readonly fromFirstByte: boolean
  /** Whether what fails without a pool of keys is asked again (AG-55). */
  readonly retries: boolean
  /** What it is written down as where requests are; undefined for what never is. */
  readonly dumped?: Dumped
  /** Hears which credential has been answered, whatever the answer is. */
  readonly usedKey: (hint: string) => void
}

/** Of a refusal that nobody gets to see, in bytes. */
const MAX_REFUSAL = 64 * 1024
/** AG-55; times in milliseconds. */
const MAX_RETRIES = 2
const FIRST_WAIT = 500
const LONGEST_WAIT = 8_000
/** Waits are shorter by up to that part, so that not all come back at the same moment. */
const JITTER = 0.25

/**
 * Asks the provider of a request with what credential there is: the user's own, the signature of AWS, or one key of the
 * provider after the other.
 *
 * @throws GatewayError when no key is left (AG-54), when the provider cannot be reached or is too slow; the reason of the
 * signal.
 */
export function askProvider(
  parts: ExchangeParts,
  request: ModelRequest,
  asking: Asking,
): Promise<UpstreamAnswer> {
  const own = request.byok ?? bedrockCredential(parts.aws, request.provider)
  return own === undefined ? askWithPool(parts, request, asking) : askWithOwn(parts, request, asking, own)
}

/** Leaves an answer whose place another one takes; what it says is not waited for. */
export function discard(answer: UpstreamAnswer): void {
  void readAtMost(answer, MAX_REFUSAL)
}

/** Asks with one key after the other until one is neither refused nor limited; the others rest (AG-53). */
async function askWithPool(
  parts: ExchangeParts,
  request: ModelRequest,
  asking: Asking,
): Promise<UpstreamAnswer> {
  const { metrics } = parts
  const { provider } = request
  const { keyStrategy } = asking.routing
  const pool = parts.pools.of(provider)
  const session = keyStrategy === 'primary' ? '' : asking.session()
  const usable = pool.inOrder(keyStrategy, session)
  const keys = usable.length === 0 && request.triesResting === true ? pool.limited() : usable
  let lastLimit: number | undefined
  for (const [index, tried] of keys.entries()) {
    const { id, key, hint } = tried
    const over = keyStrategy === 'least_busy' ? pool.use(id) : undefined
    const credential = keyCredential(provider, 'centralized', key, hint)
    const answer = await ask(parts, request, asking, credential, over)
    asking.usedKey(hint)
    if (answer.status !== 401 && answer.status !== 429) {
      metrics.tried(provider.name, index + 1)
      foundAnswering(parts, provider, tried, answer.status)
      if (keys !== usable && answer.status < 400) pool.wake(id)
      if (keyStrategy !== 'primary') pool.keep(session, id)
      return answer
    }
    const reason: CooldownReason = answer.status === 429 ? 'rate_limited' : 'unauthorized'
    const cooldown = answer.status === 429 ? cooldownOf(answer.headers) : undefined
    if (answer.status === 429) lastLimit = cooldown ?? 0
    if (pool.rest(id, reason, cooldown)) metrics.keyRests(provider.name, reason)
    const refusal = { status: answer.status, reason, forMs: pool.restOf(id) }
    if (request.relayRefusal && index === keys.length - 1) {
      foundResting(parts, provider, tried, { ...refusal, body: '' })
      return answer
    }
    void readAtMost(answer, MAX_REFUSAL).then((body) =>
      foundResting(parts, provider, tried, { ...refusal, body: body.toString('utf8') }),
    )
  }
  let exhaustion = pool.exhaustion()
  // A key that was limited for no time at all rests no more, and was not refused either.
  if (exhaustion.kind === 'unauthorized' && lastLimit !== undefined)
    exhaustion = { kind: 'rate_limited', retryAfterMs: lastLimit }
  if (exhaustion.kind === 'unauthorized') {
    metrics.exhausted(provider.name, 'auth_failed')
    throw new GatewayError(
      502,
      'keys_refused',
      'all configured keys failed authentication. Contact your Administrator',
    )
  }
  metrics.exhausted(provider.name, 'rate_limited')
  const retryAfterSeconds = Math.ceil(exhaustion.retryAfterMs / 1_000)
  throw new GatewayError(
    429,
    'rate_limit_exceeded',
    `all configured keys are rate-limited (retry after ${retryAfterSeconds}s)`,
    { retryAfterSeconds },
  )
}

/** Asks with the one credential there is, and again where that may help (AG-55). */
async function askWithOwn(
  parts: ExchangeParts,
  request: ModelRequest,
  asking: Asking,
  own: Credential,
): Promise<UpstreamAnswer> {
  const { signal, provider, byok } = request
  for (let retry = 0; ; retry += 1) {
    const last = !asking.retries || retry === MAX_RETRIES
    let wait: number
    try {
      const answer = await ask(parts, request, asking, own)
      asking.usedKey(own.hint)
      const asked = cooldownOf(answer.headers)
      // Whoever is asked to wait for long is told so rather than kept.
      if (last || !mayHelp(answer) || (asked ?? 0) > LONGEST_WAIT) {
        foundAnswering(parts, provider, byok === undefined ? 'deployment' : 'user', answer.status)
        return answer
      }
      discard(answer)
      wait = asked ?? backoff(retry)
    } catch (error) {
      if (last || !(error instanceof GatewayError) || error.code !== 'upstream_unreachable') throw error
      wait = backoff(retry)
    }
    try {
      await delay(wait, undefined, { signal })
    } catch {
      throw signal.reason
    }
  }
}

function mayHelp({ status, headers }: { readonly status: number; readonly headers: AnswerHeaders }): boolean {
  if (status < 400) return false
  const said = headers['x-should-retry']
  if (said === 'true' || said === 'false') return said === 'true'
  return status === 408 || status === 409 || status === 429 || status >= 500
}

function backoff(retry: number): number {
  return Math.min(FIRST_WAIT * 2 ** retry, LONGEST_WAIT) * (1 - Math.random() * JITTER)
}

/** Sends a request with a credential, which no error shows that comes back (AG-99). @throws GatewayError and the reason of the signal, as `Upstream.send`. */
async function ask(
  parts: ExchangeParts,
  { provider, method, url, headers, body, signal }: ModelRequest,
  { stream, routing, extra, fromFirstByte, dumped }: Asking,
  credential: Credential,
  over?: () => void,
): Promise<UpstreamAnswer> {
  const { upstream, dumps } = parts
  const unsigned = {
    method,
    url,
    body,
    headers: {
      ...forwardedHeaders(headers),
      'accept-encoding': 'identity',
      ...extra,
    },
  }
  const translation = asInvokeModel(provider, unsigned, stream)
  const sent = translation?.request ?? unsigned
  try {
    const signed = { ...sent, headers: await credential.sign(sent) }
    const send = (): Promise<UpstreamAnswer> =>
      upstream.send({ ...signed, signal, stream, timeouts: routing, fromFirstByte, over })
    const sentBack =
      dumps === undefined || dumped === undefined
        ? await send()
        : await dumps.around(dumped, provider.name, signed, send)
    const answer = decodedAnswer(sentBack, method)
    const translated = translation === undefined ? answer : await translation.answered(answer)
    return hidingKey(translated, credential.key, !fromFirstByte)
  } catch (error) {
    foundFailing(parts, provider, error)
    throw error
  }
}
