import { Info, Link } from 'lucide-react'
import { Popover } from 'radix-ui'

import { CopyButton } from '../ui/copyable.tsx'
import { exactTime, TimeAgo } from '../ui/time-ago.tsx'
import { useConversation } from './conversation-context.ts'
import { messageLink } from './message-link.ts'
import type { Turn } from './rows.ts'

/** Under an answer: copy it, when it came, and what it took (UI-1133). */
export function EndRow({ turn: { text, last, outputTokens } }: { readonly turn: Turn }) {
  const { models } = useConversation()
  const model = models.find(({ id }) => id === last.model_config_id)
  const { usage } = last
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Model', model?.display_name ?? model?.model],
    ['Finished', exactTime(last.created_at)],
    ['Written, whole turn', tokens(outputTokens)],
    ['Read, last call', tokens(usage?.input_tokens)],
    ['From the cache', tokens(usage?.cache_read_tokens)],
    ['Thought, last call', tokens(usage?.reasoning_tokens)],
  ]
  return (
    <div className="-ml-1.5 flex h-7 items-center gap-0.5 text-xs text-ink-3">
      <CopyButton text={text} label="Copy the answer" />
      <CopyButton text={messageLink(last)} label="Copy a link to the answer" icon={Link} />
      <Popover.Root>
        <Popover.Trigger
          aria-label="What the answer took"
          title="What the answer took"
          className="inline-flex size-7 items-center justify-center rounded-control hover:bg-hover hover:text-ink"
        >
          <Info className="size-3.5" />
        </Popover.Trigger>
        <Popover.Portal>
          <Popover.Content
            side="top"
            align="start"
            sideOffset={4}
            collisionPadding={8}
            aria-label="What the answer took"
            className="z-50 animate-fade rounded-card border border-line bg-raised px-3 py-2 text-xs shadow-float"
          >
            <dl className="grid grid-cols-[auto_auto] gap-x-4 gap-y-1">
              {facts.map(([name, value]) =>
                value === undefined ? null : (
                  <div key={name} className="contents">
                    <dt className="text-ink-2">{name}</dt>
                    <dd className="text-right tabular-nums">{value}</dd>
                  </div>
                ),
              )}
            </dl>
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
      <span className="px-1">
        {model === undefined ? null : <>{model.display_name === '' ? model.model : model.display_name} · </>}
        <TimeAgo time={last.created_at} />
      </span>
    </div>
  )
}

function tokens(count: number | undefined): string | undefined {
  return count === undefined || count === 0 ? undefined : `${count.toLocaleString('en')} tokens`
}
