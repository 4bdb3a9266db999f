import type { ReactNode } from 'react'

/** Facts about a thing, each a word and its value. */
export function DetailList({ children }: { readonly children: ReactNode }) {
  return <dl className="-my-1.5 flex flex-col text-sm">{children}</dl>
}

/** One fact of a {@link DetailList}. */
export function Detail({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className="flex min-h-8 items-center justify-between gap-4 py-0.5">
      <dt className="shrink-0 text-ink-2">{label}</dt>
      <dd className="min-w-0 truncate text-right">{children}</dd>
    </div>
  )
}
