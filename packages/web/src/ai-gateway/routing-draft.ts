import type { AIKeyStrategy, AIProvider, AIProviderRouting } from '@slipway/contract'
import { pairsFault, pairsText, parsePairs } from './pairs.ts'

/** Another provider as it is edited: its share, and names of models there where they are others. */
export interface TargetDraft {
  readonly key: number
  readonly provider: string
  readonly weight: string
  readonly models: string
}

export interface RoutingDraft {
  readonly key_strategy: AIKeyStrategy
  readonly weight: string
  readonly fallbacks: readonly TargetDraft[]
  readonly balance: readonly TargetDraft[]
  /** Seconds; empty is as the release has it. */
  readonly connect_timeout_ms: string
  readonly first_byte_timeout_ms: string
  readonly idle_timeout_ms: string
  readonly total_timeout_ms: string
}

/** Most providers that a request goes to beside its own, of each kind. */
export const MOST_TARGETS = 8

export const TIMEOUTS = [
  'connect_timeout_ms',
  'first_byte_timeout_ms',
  'idle_timeout_ms',
  'total_timeout_ms',
] as const
export type Timeout = (typeof TIMEOUTS)[number]

/** The longest of each, in seconds. */
const LONGEST: Readonly<Record<Timeout, number>> = {
  connect_timeout_ms: 120,
  first_byte_timeout_ms: 3600,
  idle_timeout_ms: 3600,
  total_timeout_ms: 86_400,
}

export function routingDraft(routing: AIProviderRouting): RoutingDraft {
  const seconds = (ms: number | null) => (ms === null ? '' : String(ms / 1000))
  return {
    key_strategy: routing.key_strategy,
    weight: String(routing.weight),
    fallbacks: routing.fallbacks.map(({ provider, models }, key) => ({
      key,
      provider,
      weight: '',
      models: pairsText(models),
    })),
    balance: routing.balance.map(({ provider, models, weight }, key) => ({
      key,
      provider,
      weight: String(weight),
      models: pairsText(models),
    })),
    connect_timeout_ms: seconds(routing.connect_timeout_ms),
    first_byte_timeout_ms: seconds(routing.first_byte_timeout_ms),
    idle_timeout_ms: seconds(routing.idle_timeout_ms),
    total_timeout_ms: seconds(routing.total_timeout_ms),
  }
}

/** What cannot be sent as it is typed; fields of targets are called `fallbacks.0.models`. */
export function routingFaults(draft: RoutingDraft): Readonly<Record<string, string>> {
  const faults: Record<string, string> = {}
  for (const name of TIMEOUTS) {
    const text = draft[name].trim()
    const value = Number(text)
    if (text !== '' && !(value >= 0.1 && value <= LONGEST[name]))
      faults[name] = `Seconds from 0.1 to ${LONGEST[name].toLocaleString('en-US')}, or leave it empty.`
  }
  if (draft.balance.length > 0 && !isWhole(draft.weight, 0)) faults.weight = 'A whole number from 0 to 1,000.'
  for (const kind of ['fallbacks', 'balance'] as const)
    for (const [index, target] of draft[kind].entries()) {
      const field = `${kind}.${index}`
      if (target.provider === '') faults[`${field}.provider`] = 'Choose a provider.'
      else if (draft[kind].findIndex(({ provider }) => provider === target.provider) < index)
        faults[`${field}.provider`] = 'It is already in the list.'
      const fault = pairsFault(target.models)
      if (fault !== undefined) faults[`${field}.models`] = fault
      if (kind === 'balance' && !isWhole(target.weight, 1))
        faults[`${field}.weight`] = 'A whole number from 1 to 1,000.'
    }
  return faults
}

/** All of it; only for a draft without faults. */
export function routingOf(draft: RoutingDraft): AIProviderRouting {
  const target = ({ provider, models }: TargetDraft) => {
    const pairs = parsePairs(models) ?? {}
    return { provider, ...(Object.keys(pairs).length === 0 ? {} : { models: { ...pairs } }) }
  }
  const milliseconds = (text: string) => (text.trim() === '' ? null : Math.round(Number(text) * 1000))
  return {
    key_strategy: draft.key_strategy,
    weight: Number(draft.weight),
    fallbacks: draft.fallbacks.map(target),
    balance: draft.balance.map((one) => ({ ...target(one), weight: Number(one.weight) })),
    connect_timeout_ms: milliseconds(draft.connect_timeout_ms),
    first_byte_timeout_ms: milliseconds(draft.first_byte_timeout_ms),
    idle_timeout_ms: milliseconds(draft.idle_timeout_ms),
    total_timeout_ms: milliseconds(draft.total_timeout_ms),
  }
}

export function isSameRouting(a: RoutingDraft, b: RoutingDraft): boolean {
  const plain = (draft: RoutingDraft) =>
    JSON.stringify(draft, (name, value: unknown) => (name === 'key' ? undefined : value))
  return plain(a) === plain(b)
}

/** Providers that requests to this one can go to as well: those that speak alike (AG-B10). */
export function kindred(
  provider: Pick<AIProvider, 'id' | 'type'>,
  all: readonly AIProvider[],
): readonly AIProvider[] {
  return all.filter((one) => one.id !== provider.id && familyOf(one.type) === familyOf(provider.type))
}

function familyOf(type: string): 'anthropic' | 'openai' | 'copilot' {
  return type === 'anthropic' || type === 'bedrock' ? 'anthropic' : type === 'copilot' ? 'copilot' : 'openai'
}

function isWhole(text: string, least: number): boolean {
  const value = Number(text)
  return text.trim() !== '' && Number.isInteger(value) && value >= least && value <= 1000
}
