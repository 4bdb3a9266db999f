import type { ReactNode } from 'react'

import { usePageHeading } from './use-page-heading.ts'

interface PageHeaderProps {
  readonly title: string
  /** What the browser's tab says before the application's name; the title by default. */
  readonly documentTitle?: string
  /** One line of context under the title. */
  readonly context?: ReactNode
  readonly lead?: ReactNode
  readonly badge?: ReactNode
  /** At most one primary button and a menu. */
  readonly actions?: ReactNode
}

/** Top of a page: title (takes focus on a route change, UI-1801), one line of context, actions. */
export function PageHeader({ title, documentTitle, context, lead, badge, actions }: PageHeaderProps) {
  const heading = usePageHeading(documentTitle ?? title)
  return (
    <header className="flex flex-wrap items-start gap-x-4 gap-y-3 pb-5">
      {lead}
      <div className="min-w-0 flex-1 basis-48">
        <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
          <h1 ref={heading} tabIndex={-1} className="min-w-0 text-xl font-semibold tracking-[-0.012em]">
            <bdi>{title}</bdi>
          </h1>
          {badge}
        </div>
        {context === undefined ? null : (
          <div className="mt-0.5 min-h-[1lh] text-sm text-ink-2">{context}</div>
        )}
      </div>
      {actions === undefined ? null : <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  )
}
