import type { UpstreamAnswer } from '../answers/upstream.ts'
import type { ExchangeParts, ModelRequest } from '../exchange/exchange-parts.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import type { Outcome } from '../resilience/circuit-breakers.ts'
import { type Asking, askProvider, discard } from './ask.ts'
import { requestAt, type Target } from './target.ts'

/** One provider that was asked for a request, as it is recorded (AG-B10). */
export interface Attempt {
  readonly provider: string
  readonly model: string
  /** Why the next one was asked: a status of the provider, or what the gateway calls it. */
  readonly error?: string
}

/** How targets are asked. */
export type AskingTargets = Omit<Asking, 'routing'> & {
  /** Hears that the next target is asked, and after which attempts; of the first one it does not. */
  readonly moved: (to: Target, attempts: readonly Attempt[]) => void
}

/**
 * Asks one provider after the other until one answers, each behind its own breaker and with its own keys (AG-59, AG-B10).
 * What has begun to be answered stays where it is.
 *
 * @param targets at least one.
 * @throws GatewayError of the last one; the reason of the signal.
 */
export async function askTargets(
  parts: ExchangeParts,
  request: ModelRequest,
  targets: readonly Target[],
  asking: AskingTargets,
): Promise<UpstreamAnswer> {
  const { signal, route } = request
  const failed: Attempt[] = []
  for (const [index, target] of targets.entries()) {
    const { provider, model, routing } = target
    const next = targets[index + 1]
    let went: (outcome: Outcome) => void = () => undefined
    let error: string
    try {
      went = parts.breakers.enter({ provider: provider.name, route, model })
      const answer = await askProvider(parts, requestAt(request, target), {
        ...asking,
        routing,
        // Another provider is asked sooner than the same one again.
        retries: asking.retries && next === undefined,
      })
      // AG-60 and decision 17.
      went(answer.status >= 500 ? 'failure' : 'success')
      if (next === undefined || (answer.status < 500 && answer.status !== 429)) return answer
      discard(answer)
      error = String(answer.status)
    } catch (thrown) {
      went(!signal.aborted && isUnreachable(thrown) ? 'failure' : 'unknown')
      if (next === undefined || signal.aborted || !(thrown instanceof GatewayError) || !isOfProvider(thrown))
        throw thrown
      error = thrown.code
    }
    failed.push({ provider: provider.name, model, error })
    parts.resilience.fellBack(provider.name, next.provider.name)
    asking.moved(next, [...failed, { provider: next.provider.name, model: next.model }])
  }
  throw new TypeError('there is nobody to ask')
}

/** AG-62. */
function isUnreachable(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'upstream_unreachable' || error.code === 'timeout')
}

/** Whether another provider may do better (AG-B10). */
function isOfProvider({ code }: GatewayError): boolean {
  return (
    code === 'upstream_unreachable' ||
    code === 'timeout' ||
    code === 'provider_error' ||
    code === 'circuit_open' ||
    code === 'rate_limit_exceeded'
  )
}
