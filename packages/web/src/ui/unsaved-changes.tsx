import { useBlocker } from '@tanstack/react-router'
import type { RefObject } from 'react'

import { ConfirmDialog } from './dialog.tsx'

/**
 * Asks before a form is left whose changes would be lost (UI-505): by link, back, reload or closing the tab. `changed` is
 * read at the moment of leaving, so that whoever has just saved can go on at once.
 */
export function UnsavedChanges({
  changed,
  what,
}: {
  readonly changed: RefObject<boolean>
  /** "the app backstage" */
  readonly what: string
}) {
  const leaving = useBlocker({
    shouldBlockFn: ({ current, next }) => changed.current && current.pathname !== next.pathname,
    enableBeforeUnload: () => changed.current,
    withResolver: true,
  })
  return (
    <ConfirmDialog
      open={leaving.status === 'blocked'}
      onClose={() => leaving.reset?.()}
      title="Leave without saving?"
      description={`Your changes to ${what} will be lost.`}
      verb="Leave"
      danger
      busy={false}
      error={null}
      onConfirm={() => leaving.proceed?.()}
    />
  )
}
