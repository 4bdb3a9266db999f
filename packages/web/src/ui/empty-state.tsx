import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

import { classNames } from './class-names.ts'
import { usePageHeading } from './use-page-heading.ts'

/** Says what this place is, why it is empty, and the next step. */
export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
  page = false,
}: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
  /** There is nothing else on the page, so this is its heading. */
  readonly page?: boolean
}) {
  const heading = usePageHeading(page ? title : undefined)
  const Heading = page ? 'h1' : 'h2'
  return (
    <div
      className={classNames('flex flex-col items-center gap-1 px-6 text-center', page ? 'py-28' : 'py-14')}
    >
      <span className="mb-3 inline-flex size-10 items-center justify-center rounded-card border border-line bg-bg text-ink-3">
        <Icon className="size-5" strokeWidth={1.5} aria-hidden="true" />
      </span>
      <Heading
        ref={heading}
        {...(page ? { tabIndex: -1 } : {})}
        className="text-base font-medium text-balance"
      >
        {title}
      </Heading>
      {children === undefined ? null : (
        <div className="max-w-md text-sm text-balance text-ink-2">{children}</div>
      )}
      {action === undefined ? null : (
        <div className="mt-4 flex flex-wrap justify-center gap-2 max-sm:flex-col">{action}</div>
      )}
    </div>
  )
}
