import { CircleAlert, CircleCheck, CircleOff, KeyRound, TriangleAlert } from 'lucide-react'

import type { AIProvider, AIProviderTrouble, ChatModelConfig } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'
import { providerKind } from './provider-types.ts'

/** How a provider is, as far as requests have found out. */
export function providerLook(
  provider: Pick<AIProvider, 'status' | 'type' | 'last_check' | LiveState>,
): StateLook {
  switch (provider.status) {
    case 'enabled':
      if (problemsOf(provider).length > 0) return { label: 'Trouble', tone: 'warn', icon: TriangleAlert }
      if (lacksKey(provider)) return { label: 'No key', tone: 'warn', icon: KeyRound }
      return { label: 'Ready', tone: 'ok', icon: CircleCheck }
    case 'disabled':
      return { label: 'Off', tone: 'off', icon: CircleOff }
    case 'error':
      return { label: 'Failing', tone: 'bad', icon: CircleAlert }
  }
}

/** Nothing answers without a key but servers of one's own, unless a test has found otherwise. */
function lacksKey({
  type,
  api_keys: keys,
  last_check: check,
}: Pick<AIProvider, 'type' | 'api_keys' | 'last_check'>): boolean {
  return (
    keys.length === 0 &&
    type !== 'openai-compat' &&
    providerKind(type).credentials === 'keys' &&
    check?.ok !== true
  )
}

type LiveState = 'trouble' | 'api_keys' | 'open_circuits'

const KINDS: Readonly<Record<AIProviderTrouble['kind'], string>> = {
  rate_limited: 'has reached a limit',
  unauthorized: 'was refused',
  forbidden: 'was refused',
  failing: 'fails',
}

/** Something that requests have found wrong, and since when. */
export interface ProviderProblem {
  readonly text: string
  readonly since: string
}

/** What requests have found wrong with a provider, in words (AG-B18). */
export function problemsOf({
  trouble,
  api_keys: keys,
  open_circuits: circuits,
}: Pick<AIProvider, LiveState>): readonly ProviderProblem[] {
  const closed = circuits.map(({ model, route, since }) => ({
    text: `${model || route} failed too often and is left alone for a while`,
    since,
  }))
  const refused = keys.flatMap(({ masked, trouble: found }) =>
    found === null
      ? []
      : [{ text: `The key ${masked} ${KINDS[found.kind]}: ${found.error}`, since: found.since }],
  )
  return [
    ...(trouble === null
      ? []
      : [{ text: `The last request failed: ${trouble.error}`, since: trouble.since }]),
    ...refused,
    ...closed,
  ]
}

/** What stops with a provider: "2 models stop working, one of them the default." */
export function whatStops(provider: AIProvider, models: readonly ChatModelConfig[] | undefined): string {
  const lost = (models ?? []).filter(({ ai_provider_id: id, enabled }) => id === provider.id && enabled)
  if (lost.length === 0) return 'Agents use no model of it.'
  const many = lost.length === 1 ? 'One model stops working' : `${lost.length} models stop working`
  const standard = lost.some(({ is_default: first }) => first)
    ? lost.length === 1
      ? ', the default of all chats'
      : ', including the default of all chats'
    : ''
  return `${many} for agents${standard}.`
}
