import { CircleAlert, CircleCheck, CircleDashed, CirclePause, KeyRound } from 'lucide-react'

import type { MCPServerConfig } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

/** How a server shows that has been looked at, or is off. */
export function serverLook({ enabled, health }: Pick<MCPServerConfig, 'enabled' | 'health'>): StateLook {
  if (!enabled) return { label: 'Off', tone: 'off', icon: CirclePause }
  switch (health.status) {
    case 'healthy':
      return { label: 'Healthy', tone: 'ok', icon: CircleCheck }
    case 'needs_auth':
      return { label: 'Answers', tone: 'ok', icon: KeyRound }
    case 'unhealthy':
      return { label: 'Failing', tone: 'bad', icon: CircleAlert }
    case 'unknown':
      return { label: 'Not checked', tone: 'off', icon: CircleDashed }
  }
}

/** How servers may know who calls; the first ones are the usual ones. */
export const AUTH_TYPES = [
  { value: 'none', label: 'None', about: 'The server accepts everybody.' },
  {
    value: 'oauth2',
    label: 'OAuth2',
    about: 'Each person connects their own account, once.',
  },
  { value: 'api_key', label: 'API key', about: 'One key for everybody, sent in a header.' },
  { value: 'custom_headers', label: 'Custom headers', about: 'Headers with the same values for everybody.' },
  {
    value: 'user_oidc',
    label: 'Identity provider token',
    about: "The access token of each person's own sign-in, without asking them.",
  },
] as const

export const AVAILABILITIES = [
  { value: 'default_off', label: 'On request', about: 'Chats use it when somebody adds it.' },
  { value: 'default_on', label: 'By default', about: 'A chat has it until somebody takes it out.' },
  { value: 'force_on', label: 'Always', about: 'Every chat has it.' },
] as const

export const TRANSPORTS = [
  { value: 'streamable_http', label: 'Streamable HTTP' },
  { value: 'sse', label: 'SSE (older servers)' },
] as const

/** The word for a value of one of these lists; the value where there is none. */
export function wordFor(
  list: readonly { readonly value: string; readonly label: string }[],
  value: string,
): string {
  return list.find((one) => one.value === value)?.label ?? value
}
