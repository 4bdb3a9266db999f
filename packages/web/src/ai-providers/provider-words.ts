import { CircleAlert, CircleCheck, CircleOff, TriangleAlert } from 'lucide-react'

import type { AIProvider, AIProviderTrouble, ChatModelConfig } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

/** How a provider is, as far as requests have found out. */
export function providerLook(provider: Pick<AIProvider, 'status' | LiveState>): StateLook {
  switch (provider.status) {
    case 'enabled':
      if (problemsOf(provider).length > 0) return { label: 'Trouble', tone: 'warn', icon: TriangleAlert }
      return { label: 'Ready', tone: 'ok', icon: CircleCheck }
    case 'disabled':
      return { label: 'Off', tone: 'off', icon: CircleOff }
    case 'error':
      return { label: 'Failing', tone: 'bad', icon: CircleAlert }
  }
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
