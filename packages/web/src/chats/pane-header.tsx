import { ArrowLeft, PanelLeftOpen } from 'lucide-react'
import type { ReactNode } from 'react'

import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { useAgents } from './agents-context.ts'

/** Top of a pane: back to the list where it is narrow, or a way to open the list, and what the pane is about. */
export function PaneHeader({
  children,
  actions,
}: {
  readonly children?: ReactNode
  readonly actions?: ReactNode
}) {
  const { listOpen, setListOpen, query } = useAgents()
  return (
    <header
      className={classNames(
        'flex h-12 shrink-0 items-center gap-1 pl-2 pr-2',
        children !== undefined && 'border-b border-line',
      )}
    >
      <AppLink
        href={paths.agents(query)}
        aria-label="All chats"
        className={classNames(buttonClass({ tone: 'quiet', size: 'icon' }), 'min-[800px]:hidden')}
      >
        <ArrowLeft className="size-4" />
      </AppLink>
      {listOpen ? (
        <span className="hidden w-1 min-[800px]:block" />
      ) : (
        <Button
          tone="quiet"
          size="icon"
          aria-label="Open the list"
          title="Open the list"
          onClick={() => setListOpen(true)}
          className="max-[799px]:hidden"
          icon={<PanelLeftOpen className="size-4" strokeWidth={1.75} />}
        />
      )}
      <div className="flex min-w-0 flex-1 items-center gap-2">{children}</div>
      {actions === undefined ? null : <div className="flex shrink-0 items-center gap-0.5">{actions}</div>}
    </header>
  )
}
