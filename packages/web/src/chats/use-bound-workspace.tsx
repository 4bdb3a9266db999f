import { useQuery } from '@tanstack/react-query'
import { Box } from 'lucide-react'
import { type ReactNode, useRef, useState } from 'react'

import { type Chat, listWorkspaces, updateChat } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { describeError } from '../api/errors.ts'
import { organizationsQuery } from '../session/queries.ts'
import { toasts } from '../ui/toast.tsx'
import { Picker } from './picker.tsx'
import { chatQuery } from './queries.ts'

const MOST = 100
/** Takes the workspace off a chat. */
const NIL = '00000000-0000-0000-0000-000000000000'

interface BoundWorkspace {
  readonly picker: ReactNode
  /** Sending waits for a change that is on its way (UI-1126). */
  readonly settled: () => Promise<void>
}

/** The workspace of a chat that goes on: one's own in its organization, or the one it has (UI-1120). */
export function useBoundWorkspace(chat: Chat, enabled: boolean): BoundWorkspace {
  const organizations = useQuery({ ...organizationsQuery, enabled })
  const name = organizations.data?.find(({ id }) => id === chat.organization_id)?.name
  const list = useQuery({
    queryKey: ['workspaces', 'of-chats', chat.organization_id],
    queryFn: ({ signal }) =>
      api.call(listWorkspaces, {
        query: { q: `owner:me organization:${name ?? ''}`, limit: MOST },
        signal,
      }),
    enabled: enabled && name !== undefined,
    staleTime: 15_000,
  })
  const saving = useRef<Promise<void>>(undefined)
  const [busy, setBusy] = useState(false)
  const { workspace_id: bound } = chat
  const own = list.data?.workspaces ?? []
  const present = own.find(({ id }) => id === bound)
  const choose = (id: string) => {
    if (id === (bound ?? '')) return
    const save = async () => {
      setBusy(true)
      show(chat.id, id)
      try {
        await api.call(updateChat, {
          params: { chat: chat.id },
          body: { workspace_id: id === '' ? NIL : id },
        })
      } catch (error) {
        toasts.failed('The workspace was not changed', error)
      }
      await queries.invalidateQueries({ queryKey: chatQuery(chat.id).queryKey, exact: true })
      setBusy(false)
    }
    saving.current = save()
  }
  const picker = (
    <Picker
      label="Workspace"
      icon={<Box className="size-3.5 shrink-0 opacity-70" strokeWidth={1.75} aria-hidden="true" />}
      text={
        present?.name ??
        (bound === undefined ? 'No workspace' : list.isPending ? 'Workspace' : 'Its workspace')
      }
      value={bound ?? ''}
      disabled={busy}
      searchable={own.length > 6}
      groups={[
        {
          title: '',
          options: [
            { id: '', label: 'None', note: 'The agent makes one when it needs it' },
            // One of somebody else stays for as long as it is bound, and cannot be chosen again.
            ...(bound !== undefined && present === undefined && list.data !== undefined
              ? [{ id: bound, label: 'The one it has', note: 'Not among yours' }]
              : []),
          ],
        },
        {
          title: 'Yours',
          options: own.map(({ id, name: title, template_display_name: shown, template_name: template }) => ({
            id,
            label: title,
            note: shown === '' ? template : shown,
          })),
        },
      ]}
      onChoose={choose}
      footer={
        list.isError
          ? `Your workspaces could not be read: ${describeError(list.error).message}`
          : list.data !== undefined && own.length === 0
            ? 'You have no workspace in this organization.'
            : undefined
      }
    />
  )
  return { picker, settled: () => saving.current ?? Promise.resolve() }
}

/** At once, before the server has answered. */
function show(chat: string, workspace: string): void {
  queries.setQueryData(chatQuery(chat).queryKey, (known: Chat | undefined): Chat | undefined => {
    if (known === undefined) return undefined
    const { workspace_id: _, ...rest } = known
    return workspace === '' ? rest : { ...rest, workspace_id: workspace }
  })
}
