import type { TemplateVersionExternalAuth } from '@slipway/contract'
import { type Actor, isAllowed } from '../authz/index.ts'
import { ApiError, forbidden } from '../errors/index.ts'
import { declaredProviders, type ExternalAuth, orFailed } from '../external-auth/index.ts'
import type { VersionRow } from './store/versions.ts'

/**
 * The providers that a version asks for, and whether a user is connected to them (WS-113). Tokens are refreshed and
 * tried on the way, so only who may make workspaces for that user gets so far.
 *
 * @throws ApiError 403, 404 for a provider that is not configured any more, 500 when one cannot be asked.
 */
export async function listRequirements(
  external: ExternalAuth,
  actor: Actor,
  version: VersionRow,
  userId: string,
): Promise<TemplateVersionExternalAuth[]> {
  const workspace = { type: 'workspace', organization: version.organization_id, owner: userId } as const
  if (userId !== actor.id && !isAllowed(actor, 'create', workspace))
    throw forbidden('Unauthorized to create workspace.', {
      detail: 'You do not have permission to create workspaces for this owner in this organization.',
    })
  const requirements = await orFailed('Failed to check the external auth of the user.', () =>
    external.requirements(userId, declaredProviders(version.external_auth_providers)),
  )
  return requirements.map(({ id, optional, provider, authenticated }) => {
    if (provider === undefined)
      throw new ApiError(
        404,
        `The template version references external auth ${JSON.stringify(id)}, which is not configured.`,
      )
    return {
      id,
      type: provider.type,
      display_name: provider.displayName,
      display_icon: provider.displayIcon,
      authenticate_url: external.pageOf(provider),
      authenticated,
      optional,
    }
  })
}
