import { ExternalLink } from 'lucide-react'

import type { Task } from '@slipway/contract'
import { safeHref } from '../ui/safe-href.ts'
import { SafeLink } from '../ui/safe-link.tsx'
import { StateBadge } from '../ui/state-badge.tsx'
import { taskLook } from './task-look.ts'

/** How a task does, and where its program points to: a pull request, a page (UI-1202). */
export function StatusChip({ task }: { readonly task: Task }) {
  return (
    <span className="inline-flex max-w-full shrink-0 items-center gap-x-2.5">
      <StateBadge look={taskLook(task)} />
      <StateLink uri={task.current_state?.uri ?? ''} />
    </span>
  )
}

/** A link that a program has given: whatever it is, it opens only as a page of its own (UI-2005). */
function StateLink({ uri }: { readonly uri: string }) {
  const href = safeHref(uri)
  if (href === undefined) return null
  const { host, pathname, protocol } = new URL(href)
  const said = protocol === 'mailto:' ? pathname : host
  return (
    <span className="inline-flex min-w-0 items-center gap-1 text-xs">
      <SafeLink href={href} text={said}>
        <span className="inline-flex max-w-40 items-center gap-1 align-middle">
          <span className="truncate">{said}</span>
          <ExternalLink className="size-3 shrink-0" strokeWidth={1.75} aria-hidden="true" />
        </span>
      </SafeLink>
    </span>
  )
}
