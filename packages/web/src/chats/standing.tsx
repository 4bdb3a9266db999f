import { useMutation } from '@tanstack/react-query'

import type { Chat } from '@slipway/contract'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { toasts } from '../ui/toast.tsx'
import { setArchived } from './archive-dialogs.tsx'
import { GATEWAY_ENABLED } from './gateway.ts'

/** Why the viewer cannot write here, where that is so (UI-1107, UI-1151). */
export function Standing({ chat, own }: { readonly chat: Chat; readonly own: boolean }) {
  const online = useOnline()
  const restore = useMutation({
    mutationFn: () => setArchived(chat.id, false),
    onError: (error) => toasts.failed('The chat stays in the archive', error),
  })
  const owner = chat.owner_username ?? 'somebody else'
  if (chat.archived)
    return (
      <div role="status" className={STRIP}>
        <span className="min-w-0 flex-1">
          <strong className="font-medium text-ink">Archived</strong>
          {own ? ': take it out of the archive to go on.' : `, and of ${owner}.`}
        </span>
        {own && chat.parent_chat_id === undefined ? (
          <Button size="dense" busy={restore.isPending} disabled={!online} onClick={() => restore.mutate()}>
            Take out of the archive
          </Button>
        ) : null}
      </div>
    )
  if (own)
    return GATEWAY_ENABLED ? null : (
      <div role="status" className={STRIP}>
        <span className="min-w-0 flex-1">
          <strong className="font-medium text-ink">Agents are switched off</strong>: the chat can be read, and
          nothing can be sent until the AI gateway is enabled again.
        </span>
      </div>
    )
  return (
    <div role="status" className={STRIP}>
      <span className="min-w-0 flex-1">
        A chat of{' '}
        <strong className="font-medium text-ink">
          <bdi>{owner}</bdi>
        </strong>
        . You read along; only its owner writes.
      </span>
    </div>
  )
}

const STRIP =
  'flex min-h-10 shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-bg px-4 py-1.5 text-sm text-ink-2'
