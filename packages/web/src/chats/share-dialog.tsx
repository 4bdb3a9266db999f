import { useMutation, useQuery } from '@tanstack/react-query'
import { Link2 } from 'lucide-react'
import { useState } from 'react'

import { type Chat, updateChatAcl } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { describeError, statusOf } from '../api/errors.ts'
import { groupChoicesQuery } from '../groups/queries.ts'
import { memberSearchQuery } from '../organizations/queries.ts'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { useCheck } from '../session/use-check.ts'
import { AccessAdder, type AccessChange, AccessList, type AccessRole } from '../sharing/access-list.tsx'
import { groupPrincipal, matching, userPrincipal } from '../sharing/principals.ts'
import { Button } from '../ui/button.tsx'
import { copyText } from '../ui/copy-text.ts'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { toasts } from '../ui/toast.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { changeChat, chatAclQuery } from './queries.ts'

const ROLES: readonly AccessRole[] = [
  { value: 'read', label: 'Read', about: 'Follows the conversation, and writes nothing into it.' },
]
const SETTLE_MS = 150

/** Puts the address of a chat on the clipboard. */
export async function copyChatLink(chat: Pick<Chat, 'id'>): Promise<void> {
  const link = new URL(paths.chat(chat.id), location.origin).href
  if (await copyText(link)) toasts.done('The link was copied')
  else toasts.failed('The link was not copied', new Error(`Select it instead: ${link}`))
}

/** Who may read a chat beside its owner (UI-1151, CH-305). */
export function ShareDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }) {
  const me = useUser()
  const acl = useQuery(chatAclQuery(chat.id))
  const may = useCheck('share', {
    resource_type: 'chat',
    owner_id: chat.owner_id,
    organization_id: chat.organization_id,
  })
  const off = statusOf(acl.error) === 403
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Share chat"
      description={
        off
          ? undefined
          : `Whoever is listed may read the conversation, its files and the chats inside of it. Only ${chat.owner_id === me.id ? 'you write' : 'its owner writes'}.`
      }
      footer={
        <>
          <Button
            onClick={() => void copyChatLink(chat)}
            icon={<Link2 className="size-4" strokeWidth={1.75} />}
          >
            Copy link
          </Button>
          <Button tone="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      {off ? (
        <Notice tone="info" title="Chats are not shared here">
          {describeError(acl.error).message} An operator can allow it by removing{' '}
          <code>--disable-chat-sharing</code>.
        </Notice>
      ) : (
        <Sharing chat={chat} editable={may === true} />
      )}
    </Dialog>
  )
}

function Sharing({ chat, editable }: { readonly chat: Chat; readonly editable: boolean }) {
  const me = useUser()
  const acl = useQuery(chatAclQuery(chat.id))
  const [text, setText] = useState('')
  const wanted = useSettled(text, SETTLE_MS)
  const members = useQuery({ ...memberSearchQuery(chat.organization_id, wanted), enabled: editable })
  const groups = useQuery({ ...groupChoicesQuery(chat.organization_id), enabled: editable })
  const save = useMutation({
    mutationFn: ({ principal, role }: AccessChange) =>
      api.call(updateChatAcl, {
        params: { chat: chat.id },
        body:
          principal.kind === 'user'
            ? { user_roles: { [principal.id]: role } }
            : { group_roles: { [principal.id]: role } },
      }),
    onSuccess: async (_, { role }) => {
      await queries.invalidateQueries({ queryKey: chatAclQuery(chat.id).queryKey })
      const rest = queries.getQueryData(chatAclQuery(chat.id).queryKey)
      changeChat(chat.id, {
        shared: role !== '' || (rest !== undefined && rest.users.length + rest.groups.length > 0),
      })
    },
  })
  const entries =
    acl.data === undefined
      ? undefined
      : [
          ...acl.data.groups.map((group) => ({ ...groupPrincipal(group), role: group.role })),
          // One's own entry cannot be changed, so it is not shown (UI-1151).
          ...acl.data.users
            .filter(({ id }) => id !== me.id)
            .map((user) => ({
              ...userPrincipal({ ...user, name: user.name ?? '', avatar_url: user.avatar_url ?? '' }),
              role: user.role,
            })),
        ]
  const change = (wish: AccessChange) => {
    save.reset()
    save.mutate(wish)
  }
  const people = (members.data ?? [])
    .filter(({ user_id: id }) => id !== me.id && id !== chat.owner_id)
    .map((member) => userPrincipal({ ...member, id: member.user_id }))
  if (acl.isError && entries === undefined)
    return (
      <ErrorNotice error={acl.error} title="The list could not be read" onRetry={() => void acl.refetch()} />
    )
  return (
    <div className="flex flex-col gap-3">
      <ErrorNotice error={save.error} title="The sharing was not changed" />
      {editable ? (
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
      ) : null}
      <div className="rounded-card border border-line">
        <AccessList
          label="Shared with"
          entries={entries}
          roles={ROLES}
          editable={editable}
          pending={save.isPending ? save.variables : undefined}
          onChange={change}
          empty={{
            title: chat.owner_id === me.id ? 'Only you' : 'Only its owner',
            text: editable ? 'Add somebody of the organization, or a group, above.' : 'Nobody else reads it.',
          }}
        />
      </div>
    </div>
  )
}
