import type { ReactNode } from 'react'

import { classNames } from './class-names.ts'

/**
 * Content of a page: 1,280 px at most, `wide` for logs, tables and terminals. A `narrow` one begins where the others do,
 * so that title and way back stay in their place from page to page.
 */
export function Page({
  children,
  width = 'regular',
}: {
  readonly children: ReactNode
  readonly width?: 'narrow' | 'regular' | 'wide'
}) {
  return (
    <div
      className={classNames(
        'mx-auto w-full px-4 pb-16 pt-6 sm:px-6 lg:px-8',
        width !== 'wide' && 'max-w-[1280px]',
      )}
    >
      {width === 'narrow' ? <div className="max-w-3xl">{children}</div> : children}
    </div>
  )
}

/** A framed part of a page with a heading. */
export function Section({
  title,
  help,
  actions,
  children,
  flush = false,
}: {
  readonly title: string
  readonly help?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
  /** Children bring their own padding (tables, logs). */
  readonly flush?: boolean
}) {
  return (
    <section className="min-w-0 rounded-card border border-line bg-surface">
      <div className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
        <div className="min-w-0 flex-1">
          <h2 className="text-base font-semibold">{title}</h2>
          {help === undefined ? null : <p className="text-sm text-ink-2">{help}</p>}
        </div>
        {actions}
      </div>
      <div className={classNames('border-t border-line', !flush && 'p-4')}>{children}</div>
    </section>
  )
}
