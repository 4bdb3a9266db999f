import type { AuthorizationCheck } from '@slipway/contract'
import { type Actor, isActionOf, isAllowed, isResourceType } from '../authz/index.ts'
import { badRequest } from '../errors/index.ts'

const MAX_CHECKS = 1_000

/**
 * Answers what the caller may do, by name of the check. The questions describe objects; nothing is read.
 *
 * @throws ApiError 400 naming the check whose type or action does not exist.
 */
export function checkAuthorization(
  actor: Actor,
  checks: Readonly<Record<string, AuthorizationCheck>>,
): Record<string, boolean> {
  const names = Object.keys(checks)
  if (names.length > MAX_CHECKS) throw badRequest(`At most ${MAX_CHECKS} checks can be asked at once.`)
  const answers: Record<string, boolean> = {}
  for (const [name, { action, object }] of Object.entries(checks)) {
    const type = object.resource_type
    if (!isResourceType(type) || !isActionOf(type, action))
      throw badRequest('Invalid authorization check.', {
        validations: [
          { field: `checks.${name}`, detail: `${JSON.stringify(`${type}:${action}`)} does not exist` },
        ],
      })
    answers[name] = isAllowed(actor, action, {
      type,
      id: object.resource_id || undefined,
      owner: object.owner_id === 'me' ? actor.id : object.owner_id || undefined,
      organization: object.organization_id || undefined,
      anyOrganization: object.any_org,
    })
  }
  return answers
}
