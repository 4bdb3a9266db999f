import { ChevronLeft, ChevronRight } from 'lucide-react'

import { Button } from './button.tsx'

export const PAGE_SIZE = 25

/** Range and steps of a paged list; nothing when everything fits (UI-502). */
export function Pagination({
  page,
  count,
  cap,
  onPage,
}: {
  readonly page: number
  readonly count: number
  /** Where the server stops counting: there may be more than `count` then. */
  readonly cap?: number | undefined
  readonly onPage: (page: number) => void
}) {
  const pages = Math.max(1, Math.ceil(count / PAGE_SIZE))
  if (pages === 1 && page === 1) return null
  const open = cap !== undefined && count > cap
  const first = (page - 1) * PAGE_SIZE + 1
  return (
    <nav
      aria-label="Pages"
      className="flex items-center justify-end gap-2 border-t border-line px-4 py-2 text-xs text-ink-2"
    >
      <span className="tabular-nums">
        {open && page * PAGE_SIZE > cap
          ? `From ${first.toLocaleString('en')}`
          : page > pages
            ? 'No such page'
            : `${first} to ${Math.min(page * PAGE_SIZE, count)} of ${countText(count, cap)}`}
      </span>
      <Button
        size="dense"
        aria-label="Previous page"
        disabled={page <= 1}
        onClick={() => onPage(open ? page - 1 : Math.min(page - 1, pages))}
        icon={<ChevronLeft className="size-3.5" />}
      />
      <Button
        size="dense"
        aria-label="Next page"
        disabled={page >= pages && !open}
        onClick={() => onPage(page + 1)}
        icon={<ChevronRight className="size-3.5" />}
      />
    </nav>
  )
}

/** A number of things; with a plus where the server has stopped counting (UI-1405). */
export function countText(count: number, cap?: number): string {
  return cap !== undefined && count > cap ? `${cap.toLocaleString('en')}+` : count.toLocaleString('en')
}
