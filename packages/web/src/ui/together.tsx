import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { AfterDelay } from './skeleton.tsx'

/**
 * Parts of a page that stand above each other, once all that they are made of is there or has failed: one that came
 * later would push away those that are being read (UI-1902).
 */
export function Together({
  queries,
  children,
}: {
  readonly queries: readonly Pick<UseQueryResult, 'isLoading'>[]
  readonly children: ReactNode
}) {
  const waits = queries.some(({ isLoading }) => isLoading)
  return (
    <>
      {waits ? (
        <AfterDelay>
          <div className="skeleton h-24" aria-busy="true" />
        </AfterDelay>
      ) : null}
      {/* They are there already, so that none of them waits to ask for what it shows. */}
      <div hidden={waits} className="contents">
        {children}
      </div>
    </>
  )
}
