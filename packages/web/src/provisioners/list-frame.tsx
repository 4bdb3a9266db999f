import type { UseQueryResult } from '@tanstack/react-query'
import { type LucideIcon, X } from 'lucide-react'
import type { ReactNode } from 'react'

import { useAddress } from '../navigation/address.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { parseTags, tagEntries } from './provisioner-words.ts'
import { NEWEST } from './queries.ts'

interface ListFrameProps {
  readonly about: string
  /** What narrows the list beside ids and tags. */
  readonly control: ReactNode
  readonly failure: string
  readonly list: Pick<UseQueryResult<readonly unknown[]>, 'data' | 'error' | 'refetch'>
  readonly children: ReactNode
}

/** Around a list of provisioners or of jobs: what it is, what of it shows, and how much. */
export function ListFrame({ about, control, failure, list, children }: ListFrameProps) {
  const [{ ids, tags }, change] = useAddress()
  const texts = tagEntries(parseTags(tags)).map(([key, value]) => `${key}=${value}`)
  const only =
    ids === undefined ? (tags === undefined ? undefined : texts.join(', ') || 'some tags') : 'chosen ones'
  return (
    <>
      <div className="mb-4 flex min-h-8 flex-wrap items-center gap-x-4 gap-y-2">
        <p className="min-w-0 flex-1 basis-72 text-sm text-ink-2">{about}</p>
        {only === undefined ? null : (
          <span className="inline-flex h-7 max-w-full items-center gap-1 rounded-full bg-accent-wash pl-2.5 pr-1 text-xs font-medium text-accent pointer-coarse:h-9">
            <span className="truncate">{only}</span>
            <button
              type="button"
              aria-label={`Not only ${only}`}
              onClick={() => change({ ids: undefined, tags: undefined })}
              className="inline-flex size-5 items-center justify-center rounded-full hover:bg-surface pointer-coarse:size-8"
            >
              <X className="size-3" aria-hidden="true" />
            </button>
          </span>
        )}
        {control}
      </div>
      {list.error === null ? null : (
        <div className="mb-4">
          <ErrorNotice error={list.error} title={failure} onRetry={() => void list.refetch()} />
        </div>
      )}
      {list.error !== null && list.data === undefined ? null : (
        <div className="rounded-card border border-line bg-surface">{children}</div>
      )}
      {list.data?.length === NEWEST ? (
        <p className="mt-3 text-xs text-ink-2">These are the newest {NEWEST}; there may be more.</p>
      ) : null}
    </>
  )
}

/** In the place of rows when what was asked for is not there. */
export function NoneLikeThat({ icon, title }: { readonly icon: LucideIcon; readonly title: string }) {
  const [, change] = useAddress()
  return (
    <EmptyState
      icon={icon}
      title={title}
      action={
        <Button onClick={() => change({ ids: undefined, tags: undefined, status: undefined })}>
          Show all
        </Button>
      }
    />
  )
}
