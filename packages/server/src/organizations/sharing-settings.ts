import type { UpdateWorkspaceSharingSettingsRequest, WorkspaceSharingSettings } from '@slipway/contract'
import { ShareableWorkspaceOwners } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import type { OrganizationRow } from './store/organizations.ts'

/** How workspaces of an organization may be shared; the switch of the deployment goes before it (WS-50). */
export function presentSharing(
  { config }: Pick<AppContext, 'config'>,
  organization: OrganizationRow,
): WorkspaceSharingSettings {
  const mode = config.disableWorkspaceSharing ? 'none' : organization.shareable_workspace_owners
  return {
    shareable_workspace_owners: mode,
    sharing_disabled: mode === 'none',
    sharing_globally_disabled: config.disableWorkspaceSharing,
  }
}

/**
 * The mode that a request asks for: the older switch counts where the newer field is missing (RB-33).
 *
 * @throws ApiError 400 for a mode that does not exist, or for none.
 */
export function requestedMode(request: UpdateWorkspaceSharingSettingsRequest): ShareableWorkspaceOwners {
  const { shareable_workspace_owners: asked, sharing_disabled: disabled } = request
  if (!asked && disabled !== undefined) return disabled ? 'none' : 'everyone'
  const mode = ShareableWorkspaceOwners.enum.find((known) => known === asked)
  if (mode === undefined)
    throw badRequest('Invalid value for shareable workspace owners.', {
      validations: [
        {
          field: 'shareable_workspace_owners',
          detail: `must be one of ${ShareableWorkspaceOwners.enum.join(', ')}`,
        },
      ],
    })
  return mode
}
