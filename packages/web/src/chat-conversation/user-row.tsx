import { Clock, FileCode, Link, Pencil } from 'lucide-react'
import { type ReactNode, useId } from 'react'

import type { ChatMessage, ChatMessagePart } from '@slipway/contract'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copyable.tsx'
import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import { TimeAgo } from '../ui/time-ago.tsx'
import { type PendingMessage, textOf } from './chat-store.ts'
import { useConversation, useOpened } from './conversation-context.ts'
import { gapBefore, isMention, mentionText } from './mentions.ts'
import { MessageFiles } from './message-files.tsx'
import { messageLink } from './message-link.ts'

const FOLD_LINES = 14
const FOLD_CHARACTERS = 1400

/** What the user wrote, as it was written (UI-1133). */
export function UserRow({
  id,
  message,
  edited,
}: {
  readonly id: string
  readonly message: ChatMessage
  readonly edited: boolean
}) {
  const { canWrite, startEdit } = useConversation()
  const text = textOf(message.content)
  const files = message.content.filter(({ type }) => type === 'file')
  const references = message.content.filter((part) => part.type === 'file-reference' && !isMention(part))
  const notices = message.content.filter(({ type }) => type === 'hook-notice')
  return (
    <div className="group/user flex flex-col items-end gap-1 pt-3">
      {files.length === 0 ? null : (
        <div className="flex max-w-[85%] justify-end">
          <MessageFiles parts={files} />
        </div>
      )}
      <Bubble id={id} text={text} shown={withChips(message.content)} marked={edited}>
        {references.length === 0 ? null : (
          <ul className="mt-2 flex flex-wrap gap-1.5">
            {references.map((part, index) => (
              <li
                // biome-ignore lint/suspicious/noArrayIndexKey: the same lines may be named twice.
                key={index}
                title={part.content}
                className="inline-flex items-center gap-1 rounded-sm border border-line bg-surface px-1.5 py-0.5 font-mono text-xs"
              >
                <FileCode className="size-3 text-ink-3" aria-hidden="true" />
                {part.file_name}
                {part.start_line === undefined || part.start_line === 0
                  ? ''
                  : `:${part.start_line}-${part.end_line ?? part.start_line}`}
              </li>
            ))}
          </ul>
        )}
      </Bubble>
      {notices.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: notices have no identity but their place.
        <p key={index} className="text-xs text-ink-2">
          {part.text}
        </p>
      ))}
      <div className="-mb-1 flex h-7 items-center gap-0.5 text-xs text-ink-3 opacity-0 transition-opacity duration-(--fast) group-focus-within/user:opacity-100 group-hover/user:opacity-100 pointer-coarse:opacity-100">
        <span className="px-1">
          <TimeAgo time={message.created_at} />
        </span>
        <CopyButton text={text} label="Copy the message" />
        <CopyButton text={messageLink(message)} label="Copy a link to the message" icon={Link} />
        {canWrite ? (
          <button
            type="button"
            aria-label="Edit the message"
            title="Edit the message"
            onClick={() => startEdit(message.id)}
            className="inline-flex size-7 items-center justify-center rounded-control hover:bg-hover hover:text-ink"
          >
            <Pencil className="size-3.5" />
          </button>
        ) : null}
      </div>
    </div>
  )
}

/** A message that is on its way. */
export function PendingRow({ pending }: { readonly pending: PendingMessage }) {
  const online = useOnline()
  return (
    <div className="flex flex-col items-end gap-1 pt-3">
      <Bubble id={pending.key} text={pending.text} marked={false} />
      <p className="flex h-7 items-center gap-1.5 text-xs text-ink-3">
        <Clock className="size-3" aria-hidden="true" />
        {online ? 'Sending' : 'Goes out when the connection is back'}
        {pending.files === 0 ? '' : `, with ${pending.files === 1 ? 'a file' : `${pending.files} files`}`}
      </p>
    </div>
  )
}

/** The text with a chip where it names a file (UI-1122). */
function withChips(content: readonly ChatMessagePart[]): ReactNode {
  const nodes: ReactNode[] = []
  let afterMention = false
  for (const [index, part] of content.entries()) {
    const mention = isMention(part)
    if (part.type !== 'text' && !mention) continue
    const piece = mention ? mentionText(part) : (part.text ?? '')
    if (nodes.length > 0) nodes.push(mention || afterMention ? gapBefore(piece) : '\n\n')
    nodes.push(mention ? <FileChip key={index} part={part} /> : piece)
    afterMention = mention
  }
  return nodes
}

/** The end of a path says which file it is; the whole is told on demand. */
function FileChip({ part }: { readonly part: ChatMessagePart }) {
  const whole = mentionText(part).slice(1)
  const steps = whole.split('/')
  return (
    <span
      title={whole}
      className="inline-flex max-w-full items-baseline gap-1 rounded-sm border border-line bg-surface px-1.5 align-baseline font-mono text-xs"
    >
      <FileCode className="size-3 shrink-0 self-center text-ink-3" aria-hidden="true" />
      <span className="min-w-0 [overflow-wrap:anywhere]">
        <bdi>{withHiddenWrittenOut(steps.length > 3 ? `…/${steps.slice(-2).join('/')}` : whole)}</bdi>
      </span>
    </span>
  )
}

function Bubble({
  id,
  text,
  shown = text,
  marked,
  children,
}: {
  readonly id: string
  readonly text: string
  readonly shown?: ReactNode
  readonly marked: boolean
  readonly children?: ReactNode
}) {
  const [open, toggle] = useOpened(`long:${id}`, false)
  const body = useId()
  const long = text.length > FOLD_CHARACTERS || text.split('\n').length > FOLD_LINES
  if (text === '' && (children === undefined || children === null)) return null
  return (
    <div
      className={`max-w-[80%] rounded-card px-3.5 py-2 text-base max-sm:max-w-[92%] ${marked ? 'bg-accent-wash outline outline-1 outline-accent' : 'bg-hover'}`}
    >
      <div
        id={body}
        className={`whitespace-pre-wrap leading-relaxed [overflow-wrap:anywhere] ${long && !open ? 'max-h-60 overflow-hidden [mask-image:linear-gradient(black_70%,transparent)]' : ''}`}
      >
        <bdi>{shown}</bdi>
      </div>
      {long ? (
        <Button
          size="dense"
          tone="quiet"
          className="-ml-2 mt-1"
          aria-expanded={open}
          aria-controls={body}
          onClick={toggle}
        >
          {open ? 'Show less' : 'Show all'}
        </Button>
      ) : null}
      {children}
    </div>
  )
}
