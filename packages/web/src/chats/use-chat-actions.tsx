import {
  Archive,
  ArchiveRestore,
  ArrowDown,
  ArrowUp,
  FileJson,
  FileText,
  Link2,
  Pencil,
  Pin,
  PinOff,
  Trash2,
  UserRoundPlus,
} from 'lucide-react'
import { type ReactNode, useState } from 'react'

import { type Chat, updateChat } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useUser } from '../session/session.tsx'
import type { MenuItem } from '../ui/menu.tsx'
import { toasts } from '../ui/toast.tsx'
import { ArchiveBusyDialog, ArchiveWithWorkspaceDialog, isBusy, setArchived } from './archive-dialogs.tsx'
import { exportChat } from './export-chat.ts'
import { changeChat, refreshChats } from './queries.ts'
import { RenameDialog } from './rename-dialog.tsx'
import { copyChatLink, ShareDialog } from './share-dialog.tsx'

interface ChatActions {
  readonly actionsFor: (chat: Chat) => readonly (readonly MenuItem[])[]
  readonly share: (chat: Chat) => void
  readonly rename: (chat: Chat) => void
  readonly archive: (chat: Chat) => void
  readonly pin: (chat: Chat, order: number) => void
  /** Whatever asks a question just now. */
  readonly dialogs: ReactNode
}

interface Asking {
  readonly about: 'rename' | 'share' | 'archive' | 'workspace'
  readonly chat: Chat
}

/** Everything that is done with a chat from lists and headers (UI-1108). */
export function useChatActions(onArchived: (chat: Chat) => void): ChatActions {
  const me = useUser()
  const online = useOnline()
  const [asking, setAsking] = useState<Asking>()
  const close = () => setAsking(undefined)
  const done = (chat: Chat) => {
    onArchived(chat)
    toasts.done(`“${chat.title}” was archived`, {
      label: 'Undo',
      run: () => void restore(chat),
    })
  }
  const archive = async (chat: Chat) => {
    if (isBusy(chat)) {
      setAsking({ about: 'archive', chat })
      return
    }
    try {
      await setArchived(chat.id, true)
      done(chat)
    } catch (error) {
      toasts.failed(`“${chat.title}” was not archived`, error)
    }
  }
  const actionsFor = (chat: Chat): readonly (readonly MenuItem[])[] => {
    const root = chat.parent_chat_id === undefined
    const own = chat.owner_id === me.id
    const item = (
      id: string,
      label: string,
      icon: NonNullable<MenuItem['icon']>,
      run: () => void,
      more: Partial<MenuItem> = {},
    ): MenuItem => ({ id, label, icon, disabled: !online, onSelect: run, ...more })
    const pinned = chat.pin_order > 0
    return [
      [
        ...(root && own && !chat.archived
          ? [
              pinned
                ? item('unpin', 'Unpin', PinOff, () => void pin(chat, 0))
                : item('pin', 'Pin', Pin, () => void pin(chat, 1)),
              ...(pinned
                ? [
                    item('up', 'Move up', ArrowUp, () => void pin(chat, chat.pin_order - 1), {
                      disabled: !online || chat.pin_order === 1,
                    }),
                    item('down', 'Move down', ArrowDown, () => void pin(chat, chat.pin_order + 1)),
                  ]
                : []),
            ]
          : []),
        ...(own ? [item('rename', 'Rename', Pencil, () => setAsking({ about: 'rename', chat }))] : []),
      ],
      [
        ...(root && own
          ? [item('share', 'Share', UserRoundPlus, () => setAsking({ about: 'share', chat }))]
          : []),
        item('link', 'Copy link', Link2, () => void copyChatLink(chat), { disabled: false }),
        item('markdown', 'Export as Markdown', FileText, () => void save(chat, 'markdown')),
        item('json', 'Export as JSON', FileJson, () => void save(chat, 'json')),
      ],
      root && own
        ? chat.archived
          ? [item('restore', 'Take out of the archive', ArchiveRestore, () => void restore(chat))]
          : [
              item('archive', 'Archive', Archive, () => void archive(chat)),
              ...(chat.workspace_id === undefined
                ? []
                : [
                    item(
                      'workspace',
                      'Archive and delete workspace',
                      Trash2,
                      () => setAsking({ about: 'workspace', chat }),
                      { danger: true },
                    ),
                  ]),
            ]
        : [],
    ]
  }
  const asked = asking?.chat
  const workspace = asked?.workspace_id
  return {
    actionsFor,
    share: (chat) => setAsking({ about: 'share', chat }),
    // Keys of the list come here for chats of others, too.
    rename: (chat) => (chat.owner_id === me.id ? setAsking({ about: 'rename', chat }) : undefined),
    archive: (chat) => (chat.owner_id === me.id ? void archive(chat) : undefined),
    pin: (chat, order) => (chat.owner_id === me.id ? void pin(chat, order) : undefined),
    dialogs:
      asked === undefined ? null : asking?.about === 'rename' ? (
        <RenameDialog chat={asked} onClose={close} />
      ) : asking?.about === 'share' ? (
        <ShareDialog chat={asked} onClose={close} />
      ) : asking?.about === 'archive' ? (
        <ArchiveBusyDialog chat={asked} onClose={close} onArchived={() => done(asked)} />
      ) : workspace === undefined ? null : (
        <ArchiveWithWorkspaceDialog
          chat={{ ...asked, workspace_id: workspace }}
          onClose={close}
          onArchived={() => onArchived(asked)}
        />
      ),
  }
}

async function pin(chat: Chat, order: number): Promise<void> {
  const wanted = Math.max(order, 0)
  if (wanted === chat.pin_order) return
  changeChat(chat.id, { pin_order: wanted })
  try {
    await api.call(updateChat, { params: { chat: chat.id }, body: { pin_order: wanted } })
  } catch (error) {
    toasts.failed(wanted === 0 ? 'The chat was not unpinned' : 'The chat was not pinned', error)
  }
  // Others have moved too.
  await refreshChats(chat.id)
}

async function restore(chat: Chat): Promise<void> {
  try {
    await setArchived(chat.id, false)
  } catch (error) {
    toasts.failed(`“${chat.title}” stays in the archive`, error)
  }
}

async function save(chat: Chat, format: 'json' | 'markdown'): Promise<void> {
  try {
    await exportChat(chat, format)
  } catch (error) {
    toasts.failed('The chat was not exported', error)
  }
}
