import type { ErrorComponentProps } from '@tanstack/react-router'
import { Component, type ReactNode } from 'react'

import { Button } from '../ui/button.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'
import { LogoMark } from '../ui/logo.tsx'

/** A page that broke: the rest of the frame goes on (UI-2101). */
export function RouteError({ error, reset }: ErrorComponentProps) {
  return <ErrorPage title="This page could not be shown" error={error} onRetry={reset} />
}

interface BoundaryState {
  readonly error: unknown
}

/** The last resort: works without router, cache or any other context (UI-2101). */
export class GlobalBoundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: undefined }

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return (
      <main className="flex min-h-dvh flex-col items-center justify-center gap-2 px-6 text-center">
        <LogoMark className="mb-4 size-8 text-ink-3" />
        <h1 className="text-xl font-semibold">The dashboard stopped working</h1>
        <p className="max-w-md text-base text-ink-2">
          {error instanceof Error ? error.message : String(error)}. Reload the page to go on.
        </p>
        <div className="mt-4 flex gap-2">
          <Button tone="primary" onClick={() => location.reload()}>
            Reload
          </Button>
          <Button onClick={() => location.assign('/')}>Go to the start</Button>
        </div>
      </main>
    )
  }
}
