import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { type MCPServerConfig, type Organization, updateMcpServerConfigAcl } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { groupChoicesQuery } from '../groups/queries.ts'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { memberSearchQuery } from '../organizations/queries.ts'
import { AccessAdder, type AccessChange, AccessList, type AccessRole } from '../sharing/access-list.tsx'
import { groupPrincipal, matching, userPrincipal } from '../sharing/principals.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { mcpServerListsQuery } from './queries.ts'

const ROLES: readonly AccessRole[] = [
  { value: 'read', label: 'Use', about: 'Choose the server for their chats.' },
]
const SETTLE_MS = 150

/** Whose chats may use the server (OA-113). */
export function ServerSharing({
  server,
  organization,
}: {
  readonly server: MCPServerConfig
  readonly organization: Organization
}) {
  const listsQuery = mcpServerListsQuery(organization.id, server.id)
  const lists = useQuery(listsQuery)
  const [text, setText] = useState('')
  const wanted = useSettled(text, SETTLE_MS)
  const members = useQuery(memberSearchQuery(organization.id, wanted))
  const groups = useQuery(groupChoicesQuery(organization.id))
  const [closing, setClosing] = useState<AccessChange>()
  const save = useMutation({
    mutationFn: ({ principal, role }: AccessChange) => {
      const roles = { [principal.id]: role === 'read' ? ('read' as const) : ('' as const) }
      return api.call(updateMcpServerConfigAcl, {
        params: { organization: organization.id, mcpserverconfig: server.id },
        body: principal.kind === 'user' ? { user_roles: roles } : { group_roles: roles },
      })
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: listsQuery.queryKey })
      setClosing(undefined)
    },
  })
  const title = organizationTitle(organization)
  const entries =
    lists.data === undefined
      ? undefined
      : [
          ...lists.data.groups.map((group) => ({ ...groupPrincipal(group), role: group.role })),
          ...lists.data.users.map((user) => ({ ...userPrincipal(user), role: user.role })),
        ]
  const open = entries?.some(({ id }) => id === organization.id)
  const change = (wish: AccessChange) => {
    save.reset()
    // Closing the server to everyone is felt by many: it asks first.
    if (wish.role === '' && wish.principal.id === organization.id) setClosing(wish)
    else save.mutate(wish)
  }
  const people = (members.data ?? []).map((member) => userPrincipal({ ...member, id: member.user_id }))
  return (
    <Section title="Sharing" help="Whose chats can use the server." flush>
      <div className="flex flex-col gap-3 px-4 py-3">
        {closing === undefined ? (
          <ErrorNotice error={save.error} title="The sharing was not changed" />
        ) : null}
        {open === undefined ? null : open ? (
          <Notice tone="info" title={`Open to everyone in ${title}`}>
            Remove that row to limit the server to those listed.
          </Notice>
        ) : (
          <Notice tone="warn" title="Open only to those listed">
            Other members do not see the server. Chats that already use it keep it until it is turned off.
          </Notice>
        )}
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
          onAdd={change}
        />
      </div>
      <div className="border-t border-line">
        {lists.isError && entries === undefined ? (
          <div className="p-4">
            <ErrorNotice
              error={lists.error}
              title="The list could not be read"
              onRetry={() => void lists.refetch()}
            />
          </div>
        ) : (
          <AccessList
            label="Shared with"
            entries={entries}
            roles={ROLES}
            editable
            pending={save.isPending ? save.variables : undefined}
            onChange={change}
            empty={{
              title: 'Nobody is listed',
              text: 'Only administrators see the server. Add a member or a group above.',
            }}
          />
        )}
      </div>
      <ConfirmDialog
        open={closing !== undefined}
        onClose={() => {
          setClosing(undefined)
          save.reset()
        }}
        title={`Close ${server.display_name} to everyone?`}
        description="Members who are not listed can no longer choose it for a chat. Chats that already use it keep it."
        verb="Close it"
        busy={save.isPending}
        error={save.error}
        onConfirm={() => (closing === undefined ? undefined : save.mutate(closing))}
      />
    </Section>
  )
}
