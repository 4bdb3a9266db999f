import { CircleAlert, CircleCheck, CircleOff } from 'lucide-react'

import type { AIProvider, ChatModelConfig } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

export function providerLook({ status }: Pick<AIProvider, 'status'>): StateLook {
  switch (status) {
    case 'enabled':
      return { label: 'Ready', tone: 'ok', icon: CircleCheck }
    case 'disabled':
      return { label: 'Off', tone: 'off', icon: CircleOff }
    case 'error':
      return { label: 'Failing', tone: 'bad', icon: CircleAlert }
  }
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
