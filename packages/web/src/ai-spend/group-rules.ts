import type { GroupAIBudget, GroupAILimits, GroupAIModelPolicy } from '@slipway/contract'
import { linesOf } from '../ai-gateway/gateway-draft.ts'
import { amountFault, amountText, parseAmount } from '../ai-gateway/money.ts'
import { pairsFault, pairsText, parsePairs } from '../ai-gateway/pairs.ts'

/** What members of a group may spend and use, as it is typed; empty is no limit. */
interface LimitsDraft {
  readonly each: string
  readonly together: string
  readonly tokens: string
  readonly memberTokens: string
}

export function limitsDraft(budget: GroupAIBudget | null, limits: GroupAILimits | null): LimitsDraft {
  const count = (value: number | null | undefined) => (value == null ? '' : String(value))
  return {
    each: amountText(budget?.spend_limit_micros ?? null),
    together: amountText(limits?.total_spend_limit_micros ?? null),
    tokens: count(limits?.tokens_per_minute),
    memberTokens: count(limits?.member_tokens_per_minute),
  }
}

export function limitsFaults(draft: LimitsDraft): Readonly<Partial<Record<keyof LimitsDraft, string>>> {
  const faults: Partial<Record<keyof LimitsDraft, string>> = {}
  for (const name of ['each', 'together'] as const) {
    const fault = amountFault(draft[name], false)
    if (fault !== undefined) faults[name] = fault
  }
  for (const name of ['tokens', 'memberTokens'] as const)
    if (draft[name].trim() !== '' && parseCount(draft[name]) === undefined)
      faults[name] = 'A whole number, or leave it empty.'
  return faults
}

/** What is sent of a draft without faults; null is no limit. */
export function limitsOf(draft: LimitsDraft) {
  return {
    each: parseAmount(draft.each) ?? null,
    rest: {
      total_spend_limit_micros: parseAmount(draft.together) ?? null,
      tokens_per_minute: parseCount(draft.tokens) ?? null,
      member_tokens_per_minute: parseCount(draft.memberTokens) ?? null,
    },
  }
}

/** "100,000": a whole number as people type it. */
export function parseCount(text: string): number | undefined {
  const plain = text.trim().replaceAll(',', '')
  const value = Number(plain)
  return /^\d+$/.test(plain) && value <= 1_000_000_000_000 ? value : undefined
}

/** Which models members may use, a line for each entry. */
export interface PolicyDraft {
  readonly allow: string
  readonly deny: string
  readonly aliases: string
}

export function policyDraft(policy: GroupAIModelPolicy | null): PolicyDraft {
  return {
    allow: (policy?.allow ?? []).join('\n'),
    deny: (policy?.deny ?? []).join('\n'),
    aliases: pairsText(policy?.aliases),
  }
}

export function policyFaults(draft: PolicyDraft): Readonly<Partial<Record<keyof PolicyDraft, string>>> {
  const faults: Partial<Record<keyof PolicyDraft, string>> = {}
  for (const name of ['allow', 'deny'] as const) {
    const lines = linesOf(draft[name])
    if (lines.some((line) => /\s/.test(line))) faults[name] = 'One name or pattern per line.'
    else if (lines.length > 256) faults[name] = 'At most 256 lines.'
  }
  const fault = pairsFault(draft.aliases)
  if (fault !== undefined) faults.aliases = fault
  return faults
}

/** What is sent of a draft without faults; undefined when nothing is left of the policy. */
export function policyOf(draft: PolicyDraft) {
  const policy = {
    allow: linesOf(draft.allow),
    deny: linesOf(draft.deny),
    aliases: { ...parsePairs(draft.aliases) },
  }
  const empty =
    policy.allow.length === 0 && policy.deny.length === 0 && Object.keys(policy.aliases).length === 0
  return empty ? undefined : policy
}
