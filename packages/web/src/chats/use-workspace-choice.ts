import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { listWorkspaces, type Organization } from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError } from '../api/errors.ts'
import { useUser } from '../session/session.tsx'
import { readMemory, remember } from './new-chat-memory.ts'

const MOST = 100
const NONE = { id: '', label: 'Let the agent create one', note: 'When it needs one' }

/** The workspace of a new chat: one's own in the organization, or none (UI-1113). */
export function useWorkspaceChoice(
  organization: Organization | undefined,
  remembered: Readonly<Record<string, string>> = {},
) {
  const user = useUser()
  const [chosen, setChosen] = useState(remembered)
  const list = useQuery({
    queryKey: ['workspaces', 'of-chats', organization?.id],
    queryFn: ({ signal }) =>
      api.call(listWorkspaces, {
        query: { q: `owner:me organization:${organization?.name ?? ''}`, limit: MOST },
        signal,
      }),
    enabled: organization !== undefined,
    staleTime: 15_000,
  })
  const wish = chosen[organization?.id ?? ''] ?? ''
  const workspaces = list.data?.workspaces ?? []
  const workspace = workspaces.find(({ id }) => id === wish)
  return {
    /** Empty when the agent makes one. */
    id: workspace?.id ?? '',
    /** What was remembered may be gone; nothing is sent before that is known. */
    settled: wish === '' || list.data !== undefined,
    failed: list.isError && list.data === undefined,
    text: workspace?.name ?? (wish !== '' && list.isPending ? 'Looking for the workspace' : 'New workspace'),
    count: workspaces.length,
    groups: [
      { title: '', options: [NONE] },
      {
        title: 'Yours',
        options: workspaces.map(({ id, name, template_display_name: title, template_name: template }) => ({
          id,
          label: name,
          note: title === '' ? template : title,
        })),
      },
    ],
    footer: list.isError
      ? `Your workspaces could not be read: ${describeError(list.error).message}`
      : list.data !== undefined && workspaces.length === 0
        ? 'You have no workspace in this organization.'
        : undefined,
    choose: (id: string) => {
      if (organization === undefined) return
      const all = { ...readMemory(user.id).workspaces, [organization.id]: id }
      setChosen(all)
      remember(user.id, { workspaces: all })
    },
  }
}
