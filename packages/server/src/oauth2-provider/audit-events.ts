import type { AuditAction } from '@slipway/contract'
import { type AuditUser, recordEntry } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import type { Incoming } from '../edge/index.ts'
import type { OAuthClient } from '../oauth2-clients/index.ts'

/** What happens to an authorization (OA-B18), and how the audit log calls it. */
const EVENTS = {
  consent_granted: { action: 'write', status: 302 },
  consent_denied: { action: 'write', status: 403 },
  code_redeemed: { action: 'login', status: 200 },
  code_replayed: { action: 'logout', status: 400 },
  device_code_redeemed: { action: 'login', status: 200 },
  token_refreshed: { action: 'write', status: 200 },
  token_reused: { action: 'logout', status: 400 },
  token_revoked: { action: 'logout', status: 200 },
  grant_revoked: { action: 'logout', status: 204 },
  grants_revoked: { action: 'logout', status: 204 },
} as const satisfies Record<string, { readonly action: AuditAction; readonly status: number }>

export type OAuth2Event = keyof typeof EVENTS

/** The request that something happens for. */
export type OAuth2Visit = Pick<Incoming<never>, 'context' | 'raw'>

/** Records what has happened to an authorization of a user (OA-B18). Never throws. */
export function recordEvent(
  app: AppContext,
  { context, raw }: OAuth2Visit,
  what: {
    readonly event: OAuth2Event
    readonly client: Pick<OAuthClient, 'id' | 'name' | 'icon'>
    /** Who has done it, or whom the client acts for. */
    readonly user: AuditUser
    /** Who has granted it, where somebody else ends it. */
    readonly grantedBy?: AuditUser | undefined
    readonly scopes: readonly string[]
    readonly grantId?: string | undefined
  },
): Promise<void> {
  const { client, event, user, grantedBy } = what
  return recordEntry(app, {
    type: 'oauth2_provider_app',
    ...EVENTS[event],
    user: { id: user.id, username: user.username, email: user.email },
    organizationId: undefined,
    resourceId: client.id,
    target: client.name,
    icon: client.icon,
    diff: {},
    additionalFields: {
      oauth2_event: event,
      scopes: what.scopes,
      ...(what.grantId === undefined ? {} : { grant_id: what.grantId }),
      ...(grantedBy === undefined ? {} : { granted_by: grantedBy.username, granted_by_id: grantedBy.id }),
    },
    requestId: context.id,
    ip: context.remoteAddress,
    userAgent: raw.headers['user-agent'] ?? '',
  })
}
