import { CornerDownLeft, Paperclip, Pencil, X, Zap } from 'lucide-react'
import { type ReactNode, useState } from 'react'

import type { ChatQueuedMessage } from '@slipway/contract'
import { Spinner } from '../ui/spinner.tsx'
import { toasts } from '../ui/toast.tsx'
import { textOf } from './chat-store.ts'
import { useChatView, useConversation } from './conversation-context.ts'

/** As many as the server takes (CH-130). */
export const MOST_QUEUED = 20

/** Messages that wait for the answer to end: change them, take them out, or send one at once (UI-1135). */
export function QueueList({ onEdit }: { readonly onEdit: (message: ChatQueuedMessage) => void }) {
  const { session, canWrite } = useConversation()
  const queue = useChatView(session, ({ chat }) => chat.queue)
  const [busy, setBusy] = useState<number>()
  if (queue.length === 0) return null
  const act = async (id: number, what: string, action: () => Promise<void>) => {
    setBusy(id)
    try {
      await action()
    } catch (error) {
      toasts.failed(what, error)
    } finally {
      setBusy(undefined)
    }
  }
  return (
    <section
      aria-label="Queued messages"
      className="mx-2 overflow-hidden rounded-t-card border border-b-0 border-line bg-bg"
    >
      <ol className="max-h-44 overflow-y-auto">
        {queue.map((message) => {
          const text = textOf(message.content)
          const files = message.content.filter(({ type }) => type === 'file').length
          return (
            <li
              key={message.id}
              className="flex min-h-9 min-w-0 items-center gap-2 border-b border-line pl-3 pr-1 text-sm last:border-0"
            >
              {busy === message.id ? (
                <Spinner className="size-3.5 text-ink-3" />
              ) : (
                <CornerDownLeft className="size-3.5 shrink-0 text-ink-3" aria-hidden="true" />
              )}
              <span className="min-w-0 flex-1 truncate text-ink-2" title={text}>
                <bdi>{text === '' ? 'Files only' : text}</bdi>
              </span>
              {files === 0 ? null : (
                <span className="inline-flex shrink-0 items-center gap-1 text-xs text-ink-3">
                  <Paperclip className="size-3" aria-hidden="true" />
                  {files}
                </span>
              )}
              {canWrite ? (
                <span className="flex shrink-0">
                  <QueueButton
                    label="Send now"
                    disabled={busy !== undefined}
                    onClick={() =>
                      void act(message.id, 'The message was not sent', () => session.promote(message.id))
                    }
                  >
                    <Zap className="size-3.5" />
                  </QueueButton>
                  <QueueButton
                    label="Change"
                    disabled={busy !== undefined}
                    onClick={() =>
                      void act(message.id, 'The message could not be taken out', async () => {
                        await session.removeQueued(message.id)
                        onEdit(message)
                      })
                    }
                  >
                    <Pencil className="size-3.5" />
                  </QueueButton>
                  <QueueButton
                    label="Remove"
                    disabled={busy !== undefined}
                    onClick={() =>
                      void act(message.id, 'The message was not removed', () =>
                        session.removeQueued(message.id),
                      )
                    }
                  >
                    <X className="size-3.5" />
                  </QueueButton>
                </span>
              ) : null}
            </li>
          )
        })}
      </ol>
      {queue.length >= MOST_QUEUED ? (
        <p className="border-t border-line px-3 py-1.5 text-xs text-warn">
          The queue is full. Remove a message, or send one now.
        </p>
      ) : null}
    </section>
  )
}

function QueueButton({
  label,
  disabled,
  onClick,
  children,
}: {
  readonly label: string
  readonly disabled: boolean
  readonly onClick: () => void
  readonly children: ReactNode
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={onClick}
      className="inline-flex size-8 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink disabled:opacity-50 pointer-coarse:size-10"
    >
      {children}
    </button>
  )
}
