import { useMutation, useQuery } from '@tanstack/react-query'

import { listWorkspaces, type OrganizationMemberWithUserData, removeMember } from '@slipway/contract'
import { api } from '../api/client.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { useOrganization } from './organization-context.ts'
import { organizationTitle } from './organization-titles.ts'
import { count } from './role-words.ts'

const NAMED = 5

/** Takes a member out of the organization, after saying what becomes of their workspaces (UI-1402). */
export function RemoveMemberDialog({
  member,
  onClose,
  onDone,
}: {
  readonly member: OrganizationMemberWithUserData
  readonly onClose: () => void
  readonly onDone: () => void
}) {
  const { organization } = useOrganization()
  const filter = `owner:${member.username} organization:${organization.name}`
  const owned = useQuery({
    queryKey: ['workspaces', 'of-member', filter],
    queryFn: ({ signal }) => api.call(listWorkspaces, { query: { q: filter, limit: NAMED }, signal }),
  })
  const remove = useMutation({
    mutationFn: () =>
      api.call(removeMember, { params: { organization: organization.id, user: member.user_id } }),
    onSuccess: () => {
      onDone()
      onClose()
      toasts.done(`${member.username} was removed`)
    },
  })
  const workspaces = owned.data?.workspaces ?? []
  const number = owned.data?.count ?? 0
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Remove ${member.username} from ${organizationTitle(organization)}?`}
      description="They lose their roles here, leave every group of the organization, and no longer see its templates. The account stays."
      verb="Remove member"
      danger
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      {owned.isError ? (
        <Notice tone="warn" title="Whether they have workspaces here could not be read" />
      ) : number > 0 ? (
        <Notice
          tone="warn"
          title={`${count(number, 'workspace')} of theirs ${number === 1 ? 'stays' : 'stay'} behind`}
        >
          {workspaces.map(({ name }) => name).join(', ')}
          {number > workspaces.length ? ` and ${number - workspaces.length} more` : ''}.{' '}
          {number === 1 ? 'It keeps' : 'They keep'} running, and {member.username} can no longer enter{' '}
          {number === 1 ? 'it' : 'them'}.{' '}
          <AppLink href={paths.workspaces({ filter })} className="link">
            See the workspaces
          </AppLink>
        </Notice>
      ) : null}
    </ConfirmDialog>
  )
}
