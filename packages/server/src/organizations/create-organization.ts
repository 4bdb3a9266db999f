import type { CreateOrganizationRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { insertMember } from '../identity/index.ts'
import { requireGoodLabels } from './names.ts'
import { insertOrganization, type OrganizationRow } from './store/organizations.ts'
import { reconcileSystemRoles } from './store/sharing.ts'

/** Refuses the word that addresses the default organization (WS-4, WS-41). @throws ApiError 400. */
export function requireFreeWord(name: string): void {
  if (name.toLowerCase() === 'default')
    throw badRequest(`Organization name ${JSON.stringify(name)} is reserved.`, {
      validations: [{ field: 'name', detail: 'reserved' }],
    })
}

/**
 * Makes an organization with its implied roles, its Everyone group and who makes it as a plain member, all at once
 * (WS-41).
 *
 * @throws ApiError 403 without `organization:create`, 400 for names, 409 on a taken one.
 */
export async function createOrganization(
  context: AppContext,
  actor: Actor,
  { name, display_name: displayName = '', description = '', icon = '' }: CreateOrganizationRequest,
): Promise<OrganizationRow> {
  requireFreeWord(name)
  requireGoodLabels({ name, display_name: displayName, description, icon })
  return context.database.transaction(async (tx) => {
    const organization = await insertOrganization(actor, tx, {
      name,
      display_name: displayName === '' ? name : displayName,
      description,
      icon,
    })
    await reconcileSystemRoles(actor, tx, organization.id)
    await insertMember(actor, tx, { organizationId: organization.id, userId: actor.id })
    return organization
  })
}
