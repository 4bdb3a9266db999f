import type { AuditAction, AuditDiff, AuditResourceType } from '@slipway/contract'

const PAST = {
  create: 'created',
  write: 'updated',
  delete: 'deleted',
  start: 'started',
  stop: 'stopped',
  login: 'logged in',
  logout: 'logged out',
  register: 'registered',
  request_password_reset: 'password reset requested',
  connect: 'connected',
  disconnect: 'disconnected',
  open: 'opened',
  close: 'closed',
} as const satisfies Record<AuditAction, string>

/** Types whose names people would not say. */
const FRIENDLY: Partial<Readonly<Record<AuditResourceType, string>>> = {
  api_key: 'api key',
  git_ssh_key: 'git ssh key',
  template_version: 'template version',
  workspace_build: 'workspace',
  organization_member: 'organization member',
  custom_role: 'custom role',
  convert_login: 'login type conversion',
  workspace_proxy: 'workspace proxy',
  user_secret: 'user secret',
  oauth2_provider_app: 'oauth2 app',
  oauth2_provider_app_secret: 'oauth2 app secret',
}

/**
 * What happens to what a user has granted to an app (OA-B18). By its type and action it would be a sign-in of the user, or a
 * change of the app.
 */
const OF_GRANTS: ReadonlyMap<unknown, string> = new Map([
  ['consent_granted', '{user} authorized oauth2 app {target}'],
  ['consent_denied', '{user} declined to authorize oauth2 app {target}'],
  ['code_redeemed', 'oauth2 app {target} got access as {user}'],
  ['device_code_redeemed', 'oauth2 app {target} got access as {user}'],
  ['token_refreshed', 'oauth2 app {target} renewed its access as {user}'],
  ['token_revoked', 'oauth2 app {target} gave back its access as {user}'],
  ['code_replayed', 'oauth2 app {target} lost its access as {user}: a code was used twice'],
  ['token_reused', 'oauth2 app {target} lost its access as {user}: a refresh token was used twice'],
  ['grant_revoked', '{user} ended an authorization of oauth2 app {target}'],
  ['grants_revoked', '{user} ended all authorizations of oauth2 app {target}'],
])

/** The past of an action; one of a newer release is named as it is. */
const pasts: ReadonlyMap<string, string> = new Map(Object.entries(PAST))
const friendlies: ReadonlyMap<string, string> = new Map(Object.entries(FRIENDLY))

/** What an entry tells. */
export interface Described {
  readonly type: string
  readonly action: string
  readonly status: number
  readonly diff: AuditDiff
  /** What else is known of it. */
  readonly more: Readonly<Record<string, unknown>>
}

/** A sentence about an entry; readers put names for `{user}` and `{target}` (RB-104). */
export function describeEntry({ type, action, status, diff, more }: Described): string {
  const ofGrant = type === 'oauth2_provider_app' ? OF_GRANTS.get(more.oauth2_event) : undefined
  if (ofGrant !== undefined) return ofGrant
  const friendly = friendlies.get(type) ?? type.replaceAll('_', ' ')
  if (action === 'request_password_reset' && status < 400) return 'password reset requested for {target}'
  const verb =
    status === 303
      ? `was redirected attempting to ${action}`
      : status >= 400
        ? `unsuccessfully attempted to ${action.replaceAll('_', ' ')}`
        : (pasts.get(action) ?? `did ${action.replaceAll('_', ' ')} to`)
  if (action === 'login' || action === 'logout' || action === 'register') return `{user} ${verb}`
  if (type === 'git_ssh_key') return `{user} ${verb} the git ssh key`
  if (type === 'chat' && action === 'write' && status < 400) return describeChat(diff, verb)
  const to = type === 'convert_login' ? 'to ' : ''
  return `{user} ${verb} ${friendly} ${to}{target}`
}

function describeChat(diff: AuditDiff, verb: string): string {
  const fields = Object.keys(diff)
  if (fields.length === 1 && fields[0] === 'archived')
    return `{user} ${diff.archived?.new === true ? 'archived' : 'unarchived'} chat {target}`
  if (fields.length > 0 && fields.every((field) => field === 'user_acl' || field === 'group_acl'))
    return '{user} updated sharing for chat {target}'
  return `{user} ${verb} chat {target}`
}
