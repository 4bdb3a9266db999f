import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import { ErrorNotice } from '../../ui/error-notice.tsx'
import { AfterDelay } from '../../ui/skeleton.tsx'

/** A setting once it is read; until then its place, or why it cannot be. */
export function SettingState<Data>({
  query,
  failure,
  children,
}: {
  readonly query: Pick<UseQueryResult<Data>, 'data' | 'error' | 'isError' | 'refetch'>
  /** "Your instructions could not be read" */
  readonly failure: string
  readonly children: (data: Data) => ReactNode
}) {
  if (query.data !== undefined) return children(query.data)
  return query.isError ? (
    <ErrorNotice error={query.error} title={failure} onRetry={() => void query.refetch()} />
  ) : (
    <AfterDelay>
      <div className="skeleton h-24" aria-busy="true" />
    </AfterDelay>
  )
}
