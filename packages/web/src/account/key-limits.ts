import type { APIKeyAILimits } from '@slipway/contract'
import { linesOf } from '../ai-gateway/gateway-draft.ts'
import { amountFault, amountText, parseAmount } from '../ai-gateway/money.ts'

/** With which a token reaches the AI gateway and nothing else (AG-B7). */
export const GATEWAY_SCOPE = 'coder:ai_gateway.use'

/** What a token may do at the gateway, as it is typed; empty is no limit (AG-B8). */
export interface KeyLimitsDraft {
  readonly monthly: string
  readonly requests: string
  readonly tokens: string
  readonly models: string
  readonly providers: string
}

export function keyLimitsDraft(limits: APIKeyAILimits | null): KeyLimitsDraft {
  return {
    monthly: amountText(limits?.monthly_spend_limit_micros ?? null),
    requests: countText(limits?.requests_per_second),
    tokens: countText(limits?.tokens_per_minute),
    models: (limits?.models ?? []).join('\n'),
    providers: (limits?.providers ?? []).join('\n'),
  }
}

export function keyLimitsFaults(
  draft: KeyLimitsDraft,
): Readonly<Partial<Record<keyof KeyLimitsDraft, string>>> {
  const monthly = amountFault(draft.monthly, false)
  const requests = countFault(draft.requests, 1, 100_000)
  const tokens = countFault(draft.tokens, 0, 1_000_000_000_000)
  const models = linesFault(draft.models, 256)
  const providers = linesFault(draft.providers, 64)
  return {
    ...(monthly === undefined ? {} : { monthly }),
    ...(requests === undefined ? {} : { requests }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(models === undefined ? {} : { models }),
    ...(providers === undefined ? {} : { providers }),
  }
}

/** All of it; only for a draft without faults. */
export function keyLimitsOf(draft: KeyLimitsDraft): APIKeyAILimits {
  const list = (text: string) => {
    const lines = linesOf(text)
    return lines.length === 0 ? null : lines
  }
  const count = (text: string) => (text.trim() === '' ? null : Number(plain(text)))
  return {
    monthly_spend_limit_micros: parseAmount(draft.monthly) ?? null,
    requests_per_second: count(draft.requests),
    tokens_per_minute: count(draft.tokens),
    models: list(draft.models),
    providers: list(draft.providers),
  }
}

/** Whether nothing limits it. */
export function isUnlimited(limits: APIKeyAILimits): boolean {
  return Object.values(limits).every((limit) => limit === null)
}

function countText(value: number | null | undefined): string {
  return value == null ? '' : String(value)
}

function countFault(text: string, least: number, most: number): string | undefined {
  if (text.trim() === '') return undefined
  const value = Number(plain(text))
  return Number.isInteger(value) && value >= least && value <= most
    ? undefined
    : `A whole number from ${least} to ${most.toLocaleString('en-US')}, or leave it empty.`
}

function linesFault(text: string, most: number): string | undefined {
  const lines = linesOf(text)
  if (lines.some((line) => /\s/.test(line))) return 'One name per line.'
  return lines.length > most ? `At most ${most} lines.` : undefined
}

function plain(text: string): string {
  return text.trim().replaceAll(',', '')
}
