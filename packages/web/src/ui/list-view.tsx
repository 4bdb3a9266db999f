import type { UseQueryResult } from '@tanstack/react-query'
import { type LucideIcon, SearchX } from 'lucide-react'
import type { ReactNode } from 'react'

import { filterFault } from '../api/errors.ts'
import type { ListAddress } from '../navigation/list-address.ts'
import { Button } from './button.tsx'
import { EmptyState } from './empty-state.tsx'
import { ErrorNotice } from './error-notice.tsx'
import { Pagination } from './pagination.tsx'

interface ListViewProps {
  readonly list: Pick<UseQueryResult, 'data' | 'error' | 'refetch'>
  readonly address: ListAddress
  /** What is said when it cannot be read: "The members could not be read". */
  readonly failure: string
  /** All rows that match, not only those of the page; a list without pages has none. */
  readonly count?: number | undefined
  /** Where the server stops counting. */
  readonly cap?: number | undefined
  readonly children: ReactNode
}

/** What stands under a filter: rows and pages, or in their place why there are none (UI-2). A failure keeps what is there. */
export function ListView({ list, address, failure, count, cap, children }: ListViewProps) {
  const failed = list.error !== null
  const refused = filterFault(list.error) !== undefined
  return (
    <>
      {failed && !refused ? (
        <div className="mb-4">
          <ErrorNotice error={list.error} title={failure} onRetry={() => void list.refetch()} />
        </div>
      ) : null}
      {failed && list.data === undefined ? (
        refused ? (
          <div className="rounded-card border border-line bg-surface">
            <EmptyState
              icon={SearchX}
              title="The filter cannot be read"
              action={<Button onClick={address.reset}>Clear the filter</Button>}
            >
              The message under the filter says what is wrong.
            </EmptyState>
          </div>
        ) : null
      ) : (
        <div className="rounded-card border border-line bg-surface">
          {children}
          {count === undefined ? null : (
            <Pagination page={address.page} count={count} cap={cap} onPage={address.setPage} />
          )}
        </div>
      )}
    </>
  )
}

/** In the place of rows that a filter or the number of a page has left none of. */
export function NothingFound({
  icon,
  title,
  address,
  children,
}: {
  readonly icon: LucideIcon
  /** "Nobody matches the filter". */
  readonly title: string
  readonly address: ListAddress
  readonly children?: ReactNode
}) {
  const { page, setPage, reset } = address
  return (
    <EmptyState
      icon={icon}
      title={page > 1 ? 'There is nothing on this page' : title}
      action={
        page > 1 ? (
          <Button onClick={() => setPage(1)}>Go to the first page</Button>
        ) : (
          <Button onClick={reset}>Clear the filter</Button>
        )
      }
    >
      {children}
    </EmptyState>
  )
}
