import type { Governance } from '../../ai-governance/index.ts'
import type { Actor } from '../../authz/index.ts'

const OWN_SESSIONS: Actor['roles'][number] = {
  name: 'ai-session-owner',
  definition: { displayName: 'Reader of own AI sessions', user: { aibridge_interception: ['read'] } },
}

/**
 * Who reads sessions: somebody whose organizations let their members read their own may do that too, as far as their
 * credential reaches (AG-B16).
 */
export function sessionReader(actor: Actor, governance: Pick<Governance, 'privacyOf'>): Actor {
  const organizations = actor.roles.flatMap(({ organizationId }) => organizationId ?? [])
  return governance.privacyOf([...new Set(organizations)]).ownSessions
    ? { ...actor, roles: [...actor.roles, OWN_SESSIONS] }
    : actor
}
