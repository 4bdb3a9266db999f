import { useEffect, useRef } from 'react'

import { describeError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { CopyableId } from '../ui/copyable.tsx'
import { StandAlonePage } from './stand-alone-page.tsx'

const FIRST_MS = 1000
const LAST_MS = 30_000

/** The server could not be asked who the viewer is: says so and keeps trying, from 1 s to 30 s (UI-2103). */
export function ServerUnreachable({
  error,
  retry,
  busy,
}: {
  readonly error: unknown
  readonly retry: () => void
  readonly busy: boolean
}) {
  const attempt = useRef(0)
  useEffect(() => {
    if (busy) return
    const timer = setTimeout(
      () => {
        attempt.current++
        retry()
      },
      Math.min(FIRST_MS * 2 ** attempt.current, LAST_MS),
    )
    return () => clearTimeout(timer)
  }, [busy, retry])
  const { message, requestId } = describeError(error)
  return (
    <StandAlonePage title="The server cannot be reached" context={message}>
      <div className="flex flex-col items-start gap-4">
        <p className="text-base text-ink-2">
          You were not signed out. This page opens by itself when the server answers.
        </p>
        {requestId === undefined ? null : (
          <p className="text-xs text-ink-2">
            Request <CopyableId id={requestId} />
          </p>
        )}
        <Button tone="primary" busy={busy} onClick={retry}>
          Try now
        </Button>
      </div>
    </StandAlonePage>
  )
}
