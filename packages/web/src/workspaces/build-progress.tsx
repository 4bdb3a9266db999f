import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

import type { Workspace } from '@slipway/contract'
import { templateQuery } from '../templates/queries.ts'
import { formatDuration } from '../ui/duration.ts'
import { isMoving } from './workspace-look.ts'

/** Nearly there is not there. */
const ALMOST = 0.95

/** How far a build probably is, by what builds of its template usually take (UI-721, UI-806). */
export function BuildProgress({ workspace }: { readonly workspace: Workspace }) {
  const { latest_build: build } = workspace
  const stats = useQuery(templateQuery(workspace.organization_id, workspace.template_name)).data
    ?.build_time_stats
  const usual = stats?.[build.transition]
  const [now, setNow] = useState(() => Date.now())
  const moving = isMoving(build.status)
  useEffect(() => {
    if (!moving) return
    const timer = setInterval(() => setNow(Date.now()), 250)
    return () => clearInterval(timer)
  }, [moving])
  const started = build.job.started_at
  const median = usual?.P50 ?? 0
  if (!moving || started === undefined || median <= 0) return null
  const slow = Math.max(usual?.P95 ?? 0, median)
  const elapsed = Math.max(0, now - Date.parse(started))
  const share = Math.min(ALMOST, elapsed / slow)
  const left = median - elapsed
  return (
    <div className="flex flex-col gap-1.5">
      <div
        role="progressbar"
        aria-label="Build"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        className="h-1 overflow-hidden rounded-full bg-line"
      >
        <div
          className="h-full rounded-full bg-run transition-[width] duration-(--slow)"
          style={{ width: `${share * 100}%` }}
        />
      </div>
      <p className="text-xs text-ink-2 tabular-nums">
        {formatDuration(elapsed)} so far
        {left > 1000
          ? `, usually ${formatDuration(median)}`
          : slow > elapsed
            ? ', nearly done'
            : ', longer than usual'}
      </p>
    </div>
  )
}
