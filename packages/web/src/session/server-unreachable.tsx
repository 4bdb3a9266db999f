import { useEffect, useRef } from 'react'

import { describeError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { CopyableId } from '../ui/copyable.tsx'
import { LogoMark } from '../ui/logo.tsx'

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
    <main className="flex min-h-dvh flex-col items-center justify-center gap-2 px-6 text-center">
      <LogoMark className="mb-4 size-8 text-ink-3" />
      <h1 className="text-xl font-semibold">The server cannot be reached</h1>
      <p className="max-w-sm text-base text-ink-2">
        {message} Nobody was signed out; this page goes on by itself when the server answers.
      </p>
      {requestId === undefined ? null : (
        <p className="text-xs text-ink-2">
          Request <CopyableId id={requestId} />
        </p>
      )}
      <Button className="mt-4" busy={busy} onClick={retry}>
        Try now
      </Button>
    </main>
  )
}
