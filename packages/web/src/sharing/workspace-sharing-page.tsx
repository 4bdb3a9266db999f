import { useMutation, useQuery } from '@tanstack/react-query'
import { Lock } from 'lucide-react'
import { useState } from 'react'

import { deleteWorkspaceAcl, getWorkspaceAcl, updateWorkspaceAcl, type Workspace } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { groupChoicesQuery } from '../groups/queries.ts'
import { memberSearchQuery, sharingSettingsQuery } from '../organizations/queries.ts'
import { useUser } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { useWorkspace } from '../workspaces/workspace-context.ts'
import { AccessAdder, type AccessChange, AccessList, type AccessRole } from './access-list.tsx'
import { groupPrincipal, matching, userPrincipal } from './principals.ts'

const ROLES: readonly AccessRole[] = [
  { value: 'use', label: 'Use', about: 'Open apps and terminals, connect over SSH, start and stop it.' },
  {
    value: 'admin',
    label: 'Admin',
    about: 'Everything the owner may do except delete it, including sharing it.',
  },
]

const SETTLE_MS = 150

/** `/@owner/workspace/sharing`: with whom the workspace is shared (UI-743). */
export function WorkspaceSharingPage() {
  const { workspace } = useWorkspace()
  const settings = useQuery(sharingSettingsQuery(workspace.organization_id))
  const may = useCheck('share', {
    resource_type: 'workspace',
    resource_id: workspace.id,
    owner_id: workspace.owner_id,
  })
  if (settings.data === undefined && settings.isError)
    return (
      <ErrorNotice
        error={settings.error}
        title="Whether workspaces are shared here could not be read"
        onRetry={() => void settings.refetch()}
      />
    )
  if (settings.data === undefined || may === undefined)
    return (
      <AfterDelay>
        <div className="skeleton h-64 rounded-card" />
      </AfterDelay>
    )
  if (settings.data.sharing_globally_disabled)
    return (
      <EmptyState icon={Lock} title="Sharing is switched off">
        This deployment does not share workspaces. An operator can allow it by removing{' '}
        <code>--disable-workspace-sharing</code>.
      </EmptyState>
    )
  if (settings.data.shareable_workspace_owners === 'none')
    return (
      <EmptyState icon={Lock} title="Sharing is switched off">
        The organization {workspace.organization_name} does not share workspaces. One of its administrators
        can allow it in its settings.
      </EmptyState>
    )
  if (!may)
    return (
      <EmptyState icon={Lock} title="You may not share this workspace">
        {settings.data.shareable_workspace_owners === 'service_accounts'
          ? `In ${workspace.organization_name} only workspaces of service accounts are shared.`
          : `Its owner ${workspace.owner_name} may, whoever has the role Admin on it, and administrators of the organization.`}
      </EmptyState>
    )
  return <Sharing key={workspace.id} workspace={workspace} />
}

function Sharing({ workspace }: { readonly workspace: Workspace }) {
  const me = useUser()
  const params = { workspace: workspace.id }
  const key = ['workspace-acl', workspace.id]
  const list = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => api.call(getWorkspaceAcl, { params, signal }),
  })
  const [text, setText] = useState('')
  const wanted = useSettled(text, SETTLE_MS)
  const members = useQuery(memberSearchQuery(workspace.organization_id, wanted))
  const groups = useQuery(groupChoicesQuery(workspace.organization_id))
  const [clearing, setClearing] = useState(false)
  const refresh = async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: key }),
      queries.invalidateQueries({ queryKey: ['workspaces'] }),
    ])
  }
  const save = useMutation({
    mutationFn: ({ principal, role }: AccessChange) =>
      api.call(updateWorkspaceAcl, {
        params,
        body:
          principal.kind === 'user'
            ? { user_roles: { [principal.id]: role } }
            : { group_roles: { [principal.id]: role } },
      }),
    onSuccess: refresh,
  })
  const clear = useMutation({
    mutationFn: () => api.call(deleteWorkspaceAcl, { params }),
    onSuccess: async () => {
      await refresh()
      setClearing(false)
    },
  })
  const owner = workspace.owner_id
  const entries =
    list.data === undefined
      ? undefined
      : [
          ...list.data.group.map((group) => ({ ...groupPrincipal(group), role: group.role })),
          ...list.data.users.map((user) => ({
            ...userPrincipal(user),
            role: user.role,
            ...(user.id === me.id ? { fixed: 'You' } : {}),
          })),
        ]
  const people = (members.data ?? [])
    .filter(({ user_id }) => user_id !== owner && user_id !== me.id)
    .map((member) => userPrincipal({ ...member, id: member.user_id }))
  return (
    <Section
      title="Sharing"
      help={`${workspace.owner_name} owns it. Those listed here have access, too.`}
      actions={
        entries === undefined || entries.length === 0 ? undefined : (
          <Button size="dense" onClick={() => setClearing(true)}>
            Stop sharing
          </Button>
        )
      }
      flush
    >
      <div className="flex flex-col gap-3 px-4 py-3">
        <ErrorNotice error={save.error} title="The sharing was not changed" />
        {workspace.dormant_at == null ? null : (
          <Notice tone="warn" title="Nobody can open it while it is dormant">
            The list applies again once the owner has activated it.
          </Notice>
        )}
        <p className="text-sm text-ink-2">
          Whoever may use it works in it as {workspace.owner_name}: they see its files and everything its
          programs are signed in to.
        </p>
        <AccessAdder
          roles={ROLES}
          text={text}
          onText={setText}
          found={
            members.data === undefined && !members.isError
              ? undefined
              : matching(text, (groups.data ?? []).map(groupPrincipal), people)
          }
          error={members.error !== null && groups.error !== null ? members.error : null}
          listed={new Set(entries?.map(({ id }) => id))}
          busy={save.isPending || entries === undefined}
          onAdd={(change) => save.mutate(change)}
        />
      </div>
      <div className="border-t border-line">
        {list.isError && entries === undefined ? (
          <div className="p-4">
            <ErrorNotice
              error={list.error}
              title="The list could not be read"
              onRetry={() => void list.refetch()}
            />
          </div>
        ) : (
          <AccessList
            label="Shared with"
            entries={entries}
            roles={ROLES}
            editable
            pending={save.isPending ? save.variables : undefined}
            onChange={(change) => save.mutate(change)}
            empty={{
              title: 'Shared with nobody',
              text: `Only ${workspace.owner_name} and administrators have access. Add a member or a group above.`,
            }}
          />
        )}
      </div>
      <ConfirmDialog
        open={clearing}
        onClose={() => {
          setClearing(false)
          clear.reset()
        }}
        title={`Stop sharing ${workspace.name}?`}
        description="Everybody is removed from the list, and open connections of others end within a minute."
        verb="Stop sharing"
        danger
        busy={clear.isPending}
        error={clear.error}
        onConfirm={() => clear.mutate()}
      />
    </Section>
  )
}
