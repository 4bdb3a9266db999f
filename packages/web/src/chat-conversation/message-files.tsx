import { useQuery } from '@tanstack/react-query'
import { FileText, FileX } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import { useState } from 'react'

import type { ChatMessagePart } from '@slipway/contract'
import { Dialog } from '../ui/dialog.tsx'
import { ModalContent } from '../ui/modal.tsx'
import { chatFileAddress, chatFileSourceQuery, chatFileTextQuery } from './chat-files.ts'

/** Files of a message: pictures as such, everything else as a chip (UI-1133). */
export function MessageFiles({ parts }: { readonly parts: readonly ChatMessagePart[] }) {
  return (
    <div className="flex flex-wrap gap-2">
      {parts.map((part, index) =>
        part.file_id === undefined ? null : (
          // biome-ignore lint/suspicious/noArrayIndexKey: a file may be there twice.
          <FilePart key={`${index}:${part.file_id}`} id={part.file_id} part={part} />
        ),
      )}
    </div>
  )
}

function FilePart({ id, part }: { readonly id: string; readonly part: ChatMessagePart }) {
  const name = part.name ?? 'file'
  if (part.media_type?.startsWith('image/') === true) return <Picture id={id} name={name} />
  return <FileChip id={id} name={name} type={part.media_type ?? ''} />
}

function Picture({ id, name }: { readonly id: string; readonly name: string }) {
  const [state, setState] = useState<'small' | 'large' | 'gone'>('small')
  const { data: address, isError: unreadable } = useQuery(chatFileSourceQuery(id))
  if (state === 'gone' || unreadable) return <Gone name={name} />
  return (
    <>
      <button
        type="button"
        onClick={() => setState('large')}
        aria-label={`Enlarge ${name}`}
        className="overflow-hidden rounded-card border border-line bg-bg"
      >
        {/* Its height is known before it loads, so that nothing moves when it does. */}
        <img
          src={address}
          alt={name}
          onError={() => setState('gone')}
          className="h-40 w-auto max-w-full object-contain"
        />
      </button>
      <Primitive.Root open={state === 'large'} onOpenChange={(open) => setState(open ? 'large' : 'small')}>
        <Primitive.Portal>
          <ModalContent
            aria-describedby={undefined}
            onClick={() => setState('small')}
            className="fixed inset-4 z-50 flex animate-fade items-center justify-center"
          >
            <Primitive.Title className="sr-only">{name}</Primitive.Title>
            <img
              src={address}
              alt={name}
              className="max-h-full max-w-full rounded-card bg-bg object-contain"
            />
          </ModalContent>
        </Primitive.Portal>
      </Primitive.Root>
    </>
  )
}

function FileChip({ id, name, type }: { readonly id: string; readonly name: string; readonly type: string }) {
  const [open, setOpen] = useState(false)
  const readable = type.startsWith('text/') || type === 'application/json'
  const content = useQuery({ ...chatFileTextQuery(id), enabled: open })
  if (content.data === null) return <Gone name={name} />
  const look =
    'inline-flex h-8 max-w-full items-center gap-2 rounded-control border border-line-strong bg-surface px-2.5 text-sm hover:bg-hover pointer-coarse:h-10'
  const inside = (
    <>
      <FileText className="size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
      <span className="min-w-0 truncate">
        <bdi>{name}</bdi>
      </span>
    </>
  )
  if (!readable)
    return (
      <a href={chatFileAddress(id)} download={name} className={look}>
        {inside}
      </a>
    )
  return (
    <>
      <button type="button" onClick={() => setOpen(true)} className={look}>
        {inside}
      </button>
      <Dialog open={open} onClose={() => setOpen(false)} title={name} wide>
        {content.isError ? (
          <p className="text-sm text-bad">The file could not be read: {content.error.message}</p>
        ) : (
          <pre
            // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it only when it has the focus.
            tabIndex={0}
            className="max-h-[60dvh] overflow-auto whitespace-pre-wrap text-xs leading-5 [overflow-wrap:anywhere]"
          >
            {content.data ?? 'Reading the file'}
          </pre>
        )}
      </Dialog>
    </>
  )
}

function Gone({ name }: { readonly name: string }) {
  return (
    <span className="inline-flex h-8 max-w-full items-center gap-2 rounded-control border border-line px-2.5 text-sm text-ink-2">
      <FileX className="size-4 shrink-0" strokeWidth={1.75} aria-hidden="true" />
      <span className="min-w-0 truncate">
        <bdi>{name}</bdi>
      </span>
      <span className="shrink-0 text-ink-3">no longer kept</span>
    </span>
  )
}
