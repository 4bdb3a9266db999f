import type { ErrorComponentProps } from '@tanstack/react-router'
import { Component, type ReactNode } from 'react'

import { describeError, statusOf } from '../api/errors.ts'
import { StandAlonePage } from '../session/stand-alone-page.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorPage } from '../ui/error-notice.tsx'

/** A file of another build, or one that the network has lost, as the browsers say it. */
const LOST_FILE = /dynamically imported module|importing a module script failed/i

/** A page that broke: the rest of the frame goes on (UI-2101). Its files are asked for again only by a new document (UI-2105). */
export function RouteError({ error, reset }: ErrorComponentProps) {
  if (statusOf(error) !== undefined)
    return <ErrorPage title="This page could not be shown" error={error} onRetry={reset} />
  const { message } = describeError(error)
  return LOST_FILE.test(message) ? (
    <ErrorPage title="This page could not be loaded" onRetry={() => location.reload()}>
      Its files did not arrive: the connection was lost, or the server was updated meanwhile.
    </ErrorPage>
  ) : (
    <ErrorPage title="This page stopped working" onRetry={reset}>
      <Fault text="It failed while it was drawn." message={message} />
    </ErrorPage>
  )
}

/** What somebody who can mend it has to know. */
function Fault({ text, message }: { readonly text: string; readonly message: string }) {
  return (
    <>
      <p>{text} What the server keeps is not touched. If it happens again, report these words:</p>
      <p className="mt-3">
        <code className="text-sm break-words">{message}</code>
      </p>
    </>
  )
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
      <StandAlonePage title="The dashboard stopped working">
        <div className="text-base text-ink-2">
          <Fault text="A fault of its own keeps it from going on." message={describeError(error).message} />
        </div>
        <div className="mt-7 flex gap-2">
          <Button tone="primary" onClick={() => location.reload()}>
            Reload
          </Button>
          <Button onClick={() => location.assign('/')}>Go to the start</Button>
        </div>
      </StandAlonePage>
    )
  }
}
