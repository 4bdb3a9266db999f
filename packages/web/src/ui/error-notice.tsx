import { CircleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

import { describeError } from '../api/errors.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from './button.tsx'
import { CopyableId } from './copyable.tsx'
import { Notice } from './notice.tsx'
import { usePageHeading } from './use-page-heading.ts'

/** A failed request in the words of the server: message, detail, request id, and a way to try again (UI-2). */
export function ErrorNotice({
  error,
  title,
  onRetry,
}: {
  readonly error: unknown
  readonly title?: string
  readonly onRetry?: () => void
}) {
  if (error === null || error === undefined) return null
  const { message, detail, requestId, retryable, validations } = describeError(error)
  return (
    <Notice
      tone="bad"
      title={title === undefined ? message : `${title}: ${message}`}
      {...(onRetry !== undefined && retryable
        ? {
            action: (
              <Button size="dense" onClick={onRetry}>
                Try again
              </Button>
            ),
          }
        : {})}
    >
      {validations.length > 0 ? (
        <ul className="list-disc pl-4">
          {validations.map(({ field, detail: reason }) => (
            <li key={field} className="first-letter:uppercase">
              {sentenceOf(field, reason)}
            </li>
          ))}
        </ul>
      ) : null}
      {detail === undefined || validations.some((one) => one.detail === detail) ? null : (
        <p className="whitespace-pre-wrap">{detail}</p>
      )}
      {requestId === undefined ? null : (
        <p className="mt-1 text-xs">
          Request <CopyableId id={requestId} />
        </p>
      )}
    </Notice>
  )
}

/** "is reserved" of `base_url` is "base url is reserved"; what is a sentence already stays one. */
function sentenceOf(field: string, reason: string): string {
  return /^(is|are|must|may|can|cannot|needs?|has|have|does) /.test(reason)
    ? `${field
        .split('.')
        .at(-1)
        ?.replaceAll('_', ' ')
        .replace(/\burl\b/, 'URL')} ${reason}`
    : reason
}

/** A whole page that could not be shown: what it is about, the cause, the request id, and ways on. */
export function ErrorPage({
  title,
  error,
  onRetry,
  children,
}: {
  readonly title: string
  readonly error?: unknown
  readonly onRetry?: () => void
  readonly children?: ReactNode
}) {
  const heading = usePageHeading(title)
  const described = error === undefined ? undefined : describeError(error)
  return (
    <div className="mx-auto flex w-full max-w-lg flex-col items-start gap-3 px-6 py-20">
      <CircleAlert className="size-6 text-bad" strokeWidth={1.5} aria-hidden="true" />
      <h1 ref={heading} tabIndex={-1} className="text-xl font-semibold">
        {title}
      </h1>
      {described === undefined ? null : (
        <div className="text-base text-ink-2">
          <p>{described.message}</p>
          {described.detail === undefined ? null : <p className="mt-1 text-sm">{described.detail}</p>}
          {described.requestId === undefined ? null : (
            <p className="mt-3 text-xs">
              Request <CopyableId id={described.requestId} />
            </p>
          )}
        </div>
      )}
      {children === undefined ? null : <div className="text-base text-ink-2">{children}</div>}
      <div className="mt-3 flex gap-2">
        {onRetry === undefined ? null : (
          <Button tone="primary" onClick={onRetry}>
            Try again
          </Button>
        )}
        <AppLink href={paths.workspaces()} className={buttonClass({})}>
          Go to workspaces
        </AppLink>
      </div>
    </div>
  )
}
