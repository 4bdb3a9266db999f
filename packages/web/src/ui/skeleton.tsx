import { type ReactNode, useEffect, useState } from 'react'

const DELAY_MS = 150

/** Shows its children only when loading takes longer than 150 ms, so that fast answers do not flicker (UI-2). */
export function AfterDelay({ children }: { readonly children: ReactNode }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), DELAY_MS)
    return () => clearTimeout(timer)
  }, [])
  return <div className={late ? undefined : 'invisible'}>{children}</div>
}

/** Skeleton of a page: heading and a framed body. */
export function PageSkeleton() {
  return (
    <AfterDelay>
      <div className="mx-auto w-full max-w-[1280px] px-4 pt-6 sm:px-6 lg:px-8" aria-busy="true">
        <div role="status" className="sr-only">
          Loading
        </div>
        <div className="skeleton h-6 w-48" />
        <div className="skeleton mt-2 h-4 w-72 max-w-full" />
        <div className="mt-6 rounded-card border border-line bg-surface">
          {[0, 1, 2, 3, 4].map((row) => (
            <div key={row} className="flex h-11 items-center gap-4 border-b border-line px-4 last:border-0">
              <div className="skeleton h-3.5 w-40" />
              <div className="skeleton h-3.5 w-20" />
            </div>
          ))}
        </div>
      </div>
    </AfterDelay>
  )
}
