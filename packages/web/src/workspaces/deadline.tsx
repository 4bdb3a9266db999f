import { useMutation } from '@tanstack/react-query'
import { Minus, Plus } from 'lucide-react'
import { useEffect, useState } from 'react'

import { extendWorkspace, type Workspace } from '@slipway/contract'
import { api } from '../api/client.ts'
import { Button } from '../ui/button.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshWorkspace } from './queries.ts'

const HOUR_MS = 3_600_000
/** The server wants at least this much ahead. */
const SOONEST_MS = 30 * 60_000
const SETTLE_MS = 700

/** When a running workspace stops by itself, and an hour more or less; several clicks are one request (UI-724). */
export function Deadline({ workspace }: { readonly workspace: Workspace }) {
  const { deadline, max_deadline } = workspace.latest_build
  const [wanted, setWanted] = useState<number>()
  const extend = useMutation({
    mutationFn: (at: number) =>
      api.call(extendWorkspace, {
        params: { workspace: workspace.id },
        body: { deadline: new Date(at).toISOString() },
      }),
    onError: (error) => toasts.failed('The stop time was not changed', error),
    onSettled: () => {
      setWanted(undefined)
      refreshWorkspace(workspace)
    },
  })
  const { mutate } = extend
  useEffect(() => {
    if (wanted === undefined) return
    const timer = setTimeout(() => mutate(wanted), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [wanted, mutate])
  if (deadline === null) return <span className="text-ink-2">never</span>
  const at = wanted ?? Date.parse(deadline)
  const latest = max_deadline === null ? Number.POSITIVE_INFINITY : Date.parse(max_deadline)
  const mayEarlier = at - HOUR_MS > Date.now() + SOONEST_MS
  const mayLater = at + HOUR_MS <= latest
  return (
    <span className="flex items-center justify-end gap-1">
      <Button
        tone="quiet"
        size="dense"
        aria-label="An hour earlier"
        title={mayEarlier ? 'An hour earlier' : 'It must run for at least another half hour'}
        disabled={!mayEarlier || extend.isPending}
        onClick={() => setWanted(at - HOUR_MS)}
        icon={<Minus className="size-3.5" />}
      />
      <TimeAgo time={new Date(at).toISOString()} />
      <Button
        tone="quiet"
        size="dense"
        aria-label="An hour later"
        title={mayLater ? 'An hour later' : 'The template does not allow it to run longer'}
        disabled={!mayLater || extend.isPending}
        onClick={() => setWanted(at + HOUR_MS)}
        icon={<Plus className="size-3.5" />}
      />
    </span>
  )
}
