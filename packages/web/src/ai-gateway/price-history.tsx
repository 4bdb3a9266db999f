import { useQuery } from '@tanstack/react-query'

import type { AIModelPriceChange } from '@slipway/contract'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { changeWords, providerLabel } from './model-prices.ts'
import { priceChangesQuery } from './queries.ts'

/** What has changed of the price of a model, or of all prices: when, and by whom (AG-108). */
export function PriceHistory({
  of,
  onClose,
}: {
  /** Undefined for all models. */
  readonly of: { readonly provider: string; readonly model: string } | undefined
  readonly onClose: () => void
}) {
  const changes = useQuery(priceChangesQuery(of))
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={of === undefined ? 'Price changes' : `Prices of ${of.model}`}
      description="Dollars per million tokens, the latest first. Each request was charged at the price of its time."
    >
      <ErrorNotice error={changes.error} title="The changes could not be read" />
      {changes.isPending ? <p className="text-sm text-ink-2">Loading…</p> : null}
      {changes.data?.length === 0 ? (
        <p className="text-sm text-ink-2">Nothing has changed yet.</p>
      ) : (
        <ol className="flex flex-col divide-y divide-line">
          {changes.data?.map((change) => (
            <Change key={change.id} change={change} named={of === undefined} />
          ))}
        </ol>
      )}
    </Dialog>
  )
}

function Change({ change, named }: { readonly change: AIModelPriceChange; readonly named: boolean }) {
  return (
    <li className="flex flex-col gap-0.5 py-2.5 first:pt-0 last:pb-0">
      {named ? (
        <span className="flex min-w-0 items-baseline gap-2">
          <bdi className="truncate font-mono text-[13px] font-medium">{change.model}</bdi>
          <span className="whitespace-nowrap text-xs text-ink-2">{providerLabel(change.provider)}</span>
        </span>
      ) : null}
      <span className="text-sm tabular-nums">{changeWords(change)}</span>
      <span className="text-xs text-ink-2">
        {change.changed_by === null ? (
          'With the release'
        ) : (
          <>
            By <bdi>{change.changed_by.username}</bdi>
          </>
        )}
        {' · '}
        <TimeAgo time={change.changed_at} />
      </span>
    </li>
  )
}
