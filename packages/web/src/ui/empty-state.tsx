import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

/** Says what this place is, why it is empty, and the next step. */
export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
}: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <div className="flex flex-col items-center gap-1 px-6 py-14 text-center">
      <span className="mb-3 inline-flex size-10 items-center justify-center rounded-card border border-line bg-bg text-ink-3">
        <Icon className="size-5" strokeWidth={1.5} aria-hidden="true" />
      </span>
      <h2 className="text-base font-medium">{title}</h2>
      {children === undefined ? null : <div className="max-w-md text-sm text-ink-2">{children}</div>}
      {action === undefined ? null : <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  )
}
