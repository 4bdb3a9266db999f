import { randomUUID } from 'node:crypto'

import { Type } from 'typebox'
import { Check } from 'typebox/value'

import { describeError, type Logger } from '@slipway/request-log'
import type { GuardrailSettings } from '../../ai-governance/index.ts'
import type { GuardedFetch } from '../../outbound/index.ts'
import { bodyText, parseJson, storable } from '../wires/json.ts'
import { webhookHeaders } from './signed-webhook.ts'

/** Who asks what. */
export interface WebhookQuestion {
  readonly userId: string
  readonly username: string
  readonly provider: string
  readonly model: string
  readonly route: string
  readonly client: string
}

/** What a service has said of a request; `unavailable` where it has said nothing in time. */
export interface WebhookDecision {
  readonly decision: 'allowed' | 'blocked' | 'unavailable'
  /** For the client, and the record. */
  readonly reason?: string
}

/** Bytes of a request that go with the question, and of the answer. */
const MAX_REQUEST = 1024 * 1024
const MAX_ANSWER = 64 * 1024
const MAX_REASON = 256

const Answer = Type.Object({
  action: Type.Enum(['allow', 'block']),
  reason: Type.Optional(Type.String()),
})

/**
 * Asks a service whether a request may go to its provider (AG-B17): a POST of JSON, signed where there is a secret. It
 * answers 200 with `{"action":"allow"}` or `{"action":"block","reason":"…"}`.
 *
 * @param request as it would be sent.
 * @throws the reason of the signal.
 */
export async function askWebhook(
  parts: { readonly fetch: GuardedFetch; readonly now: Date; readonly log: Logger },
  settings: Pick<GuardrailSettings, 'webhookUrl' | 'webhookTimeoutMs' | 'webhookSecret'>,
  question: WebhookQuestion & {
    readonly prompt: string | undefined
    readonly findings: Readonly<Record<string, number>>
  },
  request: Uint8Array,
  signal: AbortSignal,
): Promise<WebhookDecision> {
  const { userId, username, provider, model, route, client, prompt, findings } = question
  const text = request.length > MAX_REQUEST ? undefined : bodyText(request)
  // What is only relayed may be no JSON.
  const whole = text === undefined || parseJson(text) === undefined ? undefined : text
  const head = JSON.stringify({
    type: 'ai_gateway.request',
    id: randomUUID(),
    time: parts.now.toISOString(),
    user: { id: userId, username },
    provider,
    model,
    route,
    client,
    prompt,
    findings,
    truncated: whole === undefined,
  })
  const body = `${head.slice(0, -1)},"request":${whole ?? 'null'}}`
  try {
    const response = await parts.fetch.fetch(
      { timeoutMs: settings.webhookTimeoutMs, maxBytes: MAX_ANSWER },
      settings.webhookUrl,
      { method: 'POST', body, headers: webhookHeaders(body, settings.webhookSecret, parts.now), signal },
    )
    if (!response.ok) {
      await response.body?.cancel()
      throw new Error(`it answered ${response.status}`)
    }
    const answer = parseJson(await response.text())
    if (!Check(Answer, answer)) throw new Error('its answer is not {"action":"allow"} or {"action":"block"}')
    if (answer.action === 'allow') return { decision: 'allowed' }
    return {
      decision: 'blocked',
      ...(answer.reason === undefined ? {} : { reason: storable(answer.reason, MAX_REASON) }),
    }
  } catch (error) {
    signal.throwIfAborted()
    parts.log.warn('the guardrail of the AI gateway could not be asked', { error: describeError(error) })
    return { decision: 'unavailable' }
  }
}
