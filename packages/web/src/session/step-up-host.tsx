import { lazy, Suspense, useSyncExternalStore } from 'react'

import { stepUpRequests } from '../api/step-up.ts'

const StepUpDialog = lazy(async () => ({ default: (await import('./step-up-dialog.tsx')).StepUpDialog }))

/** Where the question for a fresh proof appears, above whatever asked for it. */
export function StepUpHost() {
  const request = useSyncExternalStore(stepUpRequests.subscribe, stepUpRequests.request)
  if (request === undefined) return null
  return (
    <Suspense fallback={null}>
      <StepUpDialog request={request} />
    </Suspense>
  )
}
