import { CircleCheck, CircleDashed, CircleSlash } from 'lucide-react'

import type { User } from '@slipway/contract'
import type { StateLook } from '../ui/state-badge.tsx'

export const STATUS_LOOKS: Readonly<Record<User['status'], StateLook>> = {
  active: { label: 'Active', tone: 'ok', icon: CircleCheck },
  dormant: { label: 'Dormant', tone: 'off', icon: CircleDashed },
  suspended: { label: 'Suspended', tone: 'bad', icon: CircleSlash },
}

const LOGIN_LABELS: Readonly<Record<User['login_type'], string>> = {
  password: 'Password',
  github: 'GitHub',
  oidc: 'OpenID Connect',
  none: 'Nothing',
  token: 'Token',
  oauth2_provider_app: 'OAuth2 app',
}

/** How somebody signs in; programs do not. */
export function loginLabel(user: Pick<User, 'login_type' | 'is_service_account'>): string {
  return user.is_service_account ? 'Service account' : LOGIN_LABELS[user.login_type]
}

/** Ways to sign in that accounts can have, for menus. */
export const LOGIN_TYPES = (['password', 'oidc', 'github', 'none'] as const).map((value) => ({
  value,
  label: LOGIN_LABELS[value],
}))

/** What a role of the deployment is called, in sentence case. */
export function roleTitle({
  name,
  display_name,
}: {
  readonly name: string
  readonly display_name: string
}): string {
  return ROLES.find(({ value }) => value === name)?.label ?? (display_name || name)
}

/** Roles that come with the deployment, for menus. */
export const ROLES = [
  { value: 'owner', label: 'Owner' },
  { value: 'user-admin', label: 'User admin' },
  { value: 'template-admin', label: 'Template admin' },
  { value: 'auditor', label: 'Auditor' },
]
