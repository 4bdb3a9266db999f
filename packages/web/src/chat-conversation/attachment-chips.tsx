import { FileText, RotateCcw, TextCursorInput, X } from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'

import { classNames } from '../ui/class-names.ts'
import { Spinner } from '../ui/spinner.tsx'
import { chatFileAddress } from './chat-files.ts'
import { fileSize } from './composer-text.ts'
import type { Attachment, Attachments } from './use-attachments.ts'

/** The files that go with the next message. */
export function AttachmentChips({
  attachments,
  onInsert,
}: {
  readonly attachments: Attachments
  /** Puts pasted text into the message instead. */
  readonly onInsert: (text: string) => void
}) {
  if (attachments.items.length === 0) return null
  return (
    <ul aria-label="Attachments" className="flex flex-wrap gap-2 px-3 pt-3">
      {attachments.items.map((item) => (
        <li
          key={item.key}
          className={classNames(
            'flex h-10 min-w-0 max-w-72 items-center gap-2 rounded-control border bg-surface pl-1.5 pr-1 text-xs',
            item.state === 'failed' ? 'border-bad' : 'border-line-strong',
          )}
        >
          <Thumbnail item={item} />
          <span className="min-w-0">
            <span className="block truncate font-medium" title={item.name}>
              <bdi>{item.name}</bdi>
            </span>
            <span
              role={item.state === 'failed' ? 'alert' : undefined}
              title={item.error}
              className={classNames(
                'block truncate tabular-nums',
                item.state === 'failed' ? 'text-bad' : 'text-ink-3',
              )}
            >
              {item.state === 'failed'
                ? item.error
                : item.state === 'uploading'
                  ? `${Math.round(item.progress * 100)} % of ${fileSize(item.size)}`
                  : item.size === 0
                    ? 'Attached'
                    : fileSize(item.size)}
            </span>
          </span>
          <span className="flex shrink-0">
            {item.pasted === undefined ? null : (
              <ChipButton
                label="Put the text into the message instead"
                onClick={() => {
                  onInsert(item.pasted ?? '')
                  attachments.remove(item.key)
                }}
              >
                <TextCursorInput className="size-3.5" />
              </ChipButton>
            )}
            {item.state === 'failed' && item.file !== undefined ? (
              <ChipButton label={`Upload ${item.name} again`} onClick={() => attachments.retry(item.key)}>
                <RotateCcw className="size-3.5" />
              </ChipButton>
            ) : null}
            <ChipButton label={`Remove ${item.name}`} onClick={() => attachments.remove(item.key)}>
              <X className="size-3.5" />
            </ChipButton>
          </span>
        </li>
      ))}
    </ul>
  )
}

function Thumbnail({ item }: { readonly item: Attachment }) {
  const [local, setLocal] = useState<string>()
  const image = item.type.startsWith('image/')
  const { file } = item
  useEffect(() => {
    if (!image || file === undefined) return
    const address = URL.createObjectURL(file)
    setLocal(address)
    return () => URL.revokeObjectURL(address)
  }, [image, file])
  if (item.state === 'uploading') return <Spinner className="mx-1.5 size-4 text-run" />
  const source = local ?? (image && item.id !== undefined ? chatFileAddress(item.id) : undefined)
  if (source !== undefined) return <img src={source} alt="" className="size-7 rounded-sm object-cover" />
  return <FileText className="mx-1 size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
}

function ChipButton({
  label,
  onClick,
  children,
}: {
  readonly label: string
  readonly onClick: () => void
  readonly children: ReactNode
}) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={onClick}
      className="inline-flex size-7 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink"
    >
      {children}
    </button>
  )
}
