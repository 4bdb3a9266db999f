import { useQuery } from '@tanstack/react-query'

import { Detail, DetailList } from '../ui/detail.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { dollars } from './chat-words.ts'
import { chatCostQuery } from './queries.ts'

/** What the chat and those inside of it have cost (CH-804). */
export function CostTab({ chat }: { readonly chat: string }) {
  const cost = useQuery(chatCostQuery(chat))
  if (cost.data === undefined)
    return cost.isError ? (
      <ErrorNotice
        error={cost.error}
        title="The cost could not be read"
        onRetry={() => void cost.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="skeleton h-24 rounded-card" aria-busy="true" />
      </AfterDelay>
    )
  const { total_cost_micros: micros, request_count: requests, unpriced_request_count: unpriced } = cost.data
  return (
    <div className="flex flex-col gap-4">
      <div>
        <div className="text-2xl font-semibold tabular-nums tracking-[-0.018em]">
          {requests > 0 && unpriced === requests ? 'Not known' : dollars(micros)}
        </div>
        <p className="text-sm text-ink-2">for this chat and the chats inside of it</p>
      </div>
      <div className="rounded-card border border-line bg-surface px-3 py-2.5">
        <DetailList>
          <Detail label="Model calls">
            <span className="tabular-nums">{requests.toLocaleString('en-US')}</span>
          </Detail>
          <Detail label="On average">
            <span className="tabular-nums">
              {requests - unpriced > 0 ? dollars(micros / (requests - unpriced)) : '–'}
            </span>
          </Detail>
        </DetailList>
      </div>
      {unpriced === 0 ? null : (
        <Notice
          tone="info"
          title={
            unpriced === 1
              ? 'One call has no price'
              : `${unpriced.toLocaleString('en-US')} calls have no price`
          }
        >
          Their model has no price in this deployment, so they are not in the sum.
        </Notice>
      )}
    </div>
  )
}
