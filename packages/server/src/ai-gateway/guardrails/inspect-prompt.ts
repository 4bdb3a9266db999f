import { clientOf, type RequestHeaders } from '../exchange/clients.ts'
import type { RequestFacts } from '../wires/request-facts.ts'
import type { Guardrails, Inspection } from './guardrails.ts'

/** What guardrails look at of a request. */
interface Inspectable {
  readonly body: Uint8Array
  readonly headers: RequestHeaders
  readonly initiatorId: string
  readonly initiator: { readonly username: string }
  readonly provider: { readonly name: string }
  readonly route: string
  readonly signal: AbortSignal
}

/**
 * What guardrails say of a request before its provider is asked (AG-B17); undefined where there are none.
 *
 * @throws the reason of the signal.
 */
export async function inspectPrompt(
  { guardrails }: { readonly guardrails: Guardrails },
  request: Inspectable,
  facts: Pick<RequestFacts, 'model' | 'prompt'>,
): Promise<Inspection | undefined> {
  if (!guardrails.on) return undefined
  return guardrails.inspect({
    body: request.body,
    prompt: facts.prompt,
    signal: request.signal,
    question: {
      userId: request.initiatorId,
      username: request.initiator.username,
      provider: request.provider.name,
      model: facts.model,
      route: request.route,
      client: clientOf(request.headers),
    },
  })
}
