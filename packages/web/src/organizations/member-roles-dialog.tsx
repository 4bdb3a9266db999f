import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { assignMemberRoles, type OrganizationMemberWithUserData } from '@slipway/contract'
import { api } from '../api/client.ts'
import { roleSyncQuery } from '../idp-sync/queries.ts'
import { rolesQuery } from '../roles/queries.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { MemberRoleChoices } from './member-role-choices.tsx'
import { useOrganization } from './organization-context.ts'

/** Which roles a member has in the organization, built-in ones and its own (UI-1402). */
export function MemberRolesDialog({
  member,
  onClose,
  onDone,
}: {
  readonly member: OrganizationMemberWithUserData
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const { organization, may } = useOrganization()
  const known = useQuery(rolesQuery(organization.id))
  const [roles, setRoles] = useState<readonly string[]>(member.roles.map(({ name }) => name))
  const byClaims = member.login_type === 'oidc'
  const sync = useQuery({
    ...roleSyncQuery(organization.id),
    enabled: byClaims && may.viewIdpSyncSettings,
  })
  const locked = byClaims && (sync.data?.field ?? '') !== ''
  const save = useMutation({
    mutationFn: () =>
      api.call(assignMemberRoles, {
        params: { organization: organization.id, user: member.user_id },
        body: { roles: [...roles] },
      }),
    onSuccess: () => {
      onDone()
      onClose()
      toasts.done(`Roles of ${member.username} saved`)
    },
  })
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Roles of ${member.username}`}
      description="They apply in this organization, from the next request on."
      footer={
        <>
          <Button onClick={onClose}>{locked ? 'Close' : 'Cancel'}</Button>
          {locked ? null : (
            <Button
              tone="primary"
              busy={save.isPending}
              disabled={known.data === undefined}
              onClick={() => save.mutate()}
            >
              Save roles
            </Button>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <ErrorNotice error={save.error} title="The roles were not saved" />
        {locked ? (
          <Notice tone="info" title="The identity provider decides">
            Roles of {member.username} come from the claim <code>{sync.data?.field}</code> at every sign-in.
            Change them there, or in the IdP sync of the organization.
          </Notice>
        ) : null}
        <MemberRoleChoices
          organizationId={organization.id}
          value={roles}
          onChange={setRoles}
          given={organization.default_org_member_roles}
          locked={locked}
        />
      </div>
    </Dialog>
  )
}
