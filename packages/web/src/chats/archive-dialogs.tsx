import { useMutation } from '@tanstack/react-query'

import { type Chat, createBuild, getWorkspace, interruptChat, updateChat } from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { toasts } from '../ui/toast.tsx'
import { changeChat, refreshChats } from './queries.ts'

const BUSY: ReadonlySet<string> = new Set(['running', 'interrupting', 'requires_action'])

/** Whether archiving has to stop something first. */
export function isBusy(chat: Chat): boolean {
  return BUSY.has(chat.status) || chat.children.some(({ status }) => BUSY.has(status))
}

export async function setArchived(chat: string, archived: boolean): Promise<void> {
  await api.call(updateChat, { params: { chat }, body: { archived } })
  changeChat(chat, { archived, ...(archived ? { pin_order: 0 } : {}) })
  await refreshChats(chat)
}

const TRIES = 20
const PAUSE_MS = 300

/** Stops what runs, and archives once it has stopped; gives up after a few seconds. */
async function stopAndArchive(chat: Chat): Promise<void> {
  const running = [chat, ...chat.children].filter(({ status }) => BUSY.has(status))
  for (const { id } of running)
    await api.call(interruptChat, { params: { chat: id } }).catch((error: unknown) => {
      // It has stopped by itself.
      if (statusOf(error) !== 409) throw error
    })
  for (let attempt = 1; ; attempt++)
    try {
      return await setArchived(chat.id, true)
    } catch (error) {
      if (statusOf(error) !== 409 || attempt === TRIES) throw error
      await new Promise((done) => setTimeout(done, PAUSE_MS))
    }
}

/** Asks before work is interrupted (UI-1108). */
export function ArchiveBusyDialog({
  chat,
  onClose,
  onArchived,
}: {
  readonly chat: Chat
  readonly onClose: () => void
  readonly onArchived: () => void
}) {
  const archive = useMutation({
    mutationFn: () => stopAndArchive(chat),
    onSuccess: () => {
      onClose()
      onArchived()
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Stop and archive “${chat.title}”?`}
      description="The agent is at work. What it has written so far is kept; the step that it is in is not finished."
      verb="Stop and archive"
      busy={archive.isPending}
      error={archive.error}
      onConfirm={() => archive.mutate()}
    />
  )
}

/** Archives a chat and deletes the workspace that it works in; says which of both failed (UI-1108). */
export function ArchiveWithWorkspaceDialog({
  chat,
  onClose,
  onArchived,
}: {
  readonly chat: Chat & { readonly workspace_id: string }
  readonly onClose: () => void
  readonly onArchived: () => void
}) {
  const archive = useMutation({
    mutationFn: async () => {
      if (isBusy(chat)) await stopAndArchive(chat)
      else await setArchived(chat.id, true)
      try {
        const params = { workspace: chat.workspace_id }
        const { name } = await api.call(getWorkspace, { params })
        await api.call(createBuild, { params, body: { transition: 'delete' } })
        return name
      } catch (error) {
        // Somebody was faster.
        if (statusOf(error) === 404 || statusOf(error) === 410) return undefined
        toasts.failed('The chat was archived, but its workspace was not deleted', error)
        return undefined
      }
    },
    onSuccess: (workspace) => {
      if (workspace !== undefined) toasts.done(`The workspace ${workspace} is being deleted`)
      onClose()
      onArchived()
    },
  })
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Archive “${chat.title}” and delete its workspace?`}
      description="All files in the workspace are lost, also those of other chats that work in it. The conversation stays in the archive."
      verb="Archive and delete"
      danger
      busy={archive.isPending}
      error={archive.error}
      onConfirm={() => archive.mutate()}
    />
  )
}
