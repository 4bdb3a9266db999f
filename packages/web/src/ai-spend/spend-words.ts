import type { OrganizationAISpendDaily } from '@slipway/contract'

type Usage = OrganizationAISpendDaily['days'][number]

/** Sums over all days. */
export function totals(days: readonly Usage[]): Omit<Usage, 'day'> {
  const sum = (value: (usage: Usage) => number) => days.reduce((all, usage) => all + value(usage), 0)
  return {
    requests: sum((usage) => usage.requests),
    input_tokens: sum((usage) => usage.input_tokens),
    output_tokens: sum((usage) => usage.output_tokens),
    cache_read_tokens: sum((usage) => usage.cache_read_tokens),
    cache_write_tokens: sum((usage) => usage.cache_write_tokens),
    cost_micros: sum((usage) => usage.cost_micros),
    unpriced_requests: sum((usage) => usage.unpriced_requests),
  }
}

/** "12 Mar" for a day of UTC. */
export function dayLabel(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  })
}

const DAY_MS = 86_400_000

/** What the period of a budget is called: "this month". */
export function periodWords(start: string, end: string): string {
  const days = Math.round((Date.parse(end) - Date.parse(start)) / DAY_MS)
  if (days === 1) return 'today'
  if (days === 7) return 'this week'
  if (days >= 28 && days <= 31) return 'this month'
  return 'in all'
}

/** When a budget begins anew; undefined when it never does. */
export function renewalWords(start: string, end: string): string | undefined {
  return periodWords(start, end) === 'in all' ? undefined : `Resets on ${dayLabel(end.slice(0, 10))} (UTC)`
}

/** A model of a provider, as an address has it. */
export function modelKey({
  provider_name,
  model,
}: {
  readonly provider_name: string
  readonly model: string
}): string {
  return `${provider_name}/${model}`
}

/** Bounds of a month of UTC: this one, or the one before. An export covers at most 31 days (AG-117). */
export function monthBounds(now: number, back: 0 | 1): { readonly from: string; readonly to: string } {
  const today = new Date(now)
  const first = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back, 1)
  const next = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back + 1, 1)
  return { from: new Date(first).toISOString(), to: new Date(next).toISOString() }
}

/** "3 allowed, 1 denied, 2 aliases": what a model policy comes to. */
export function policyWords(
  policy: {
    readonly allow: readonly string[]
    readonly deny: readonly string[]
    readonly aliases: Readonly<Record<string, string>>
  } | null,
): string {
  if (policy === null) return 'All models'
  const aliases = Object.keys(policy.aliases).length
  const parts = [
    policy.allow.length === 0
      ? 'All models'
      : policy.allow.length === 1
        ? `Only ${policy.allow[0]}`
        : `${policy.allow.length} allowed`,
    ...(policy.deny.length === 0 ? [] : [`${policy.deny.length} denied`]),
    ...(aliases === 0 ? [] : [aliases === 1 ? '1 alias' : `${aliases} aliases`]),
  ]
  return parts.join(', ')
}
