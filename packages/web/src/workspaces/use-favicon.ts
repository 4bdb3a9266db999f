import { useEffect } from 'react'

import type { WorkspaceStatus } from '@slipway/contract'

const ICON = '/favicon.svg'
const VARIANTS: Partial<Record<WorkspaceStatus, string>> = {
  pending: 'running',
  starting: 'running',
  stopping: 'running',
  deleting: 'running',
  canceling: 'warning',
  canceled: 'warning',
  running: 'success',
  failed: 'error',
}

/** The browser's tab shows the state of the workspace that it is about (UI-108). */
export function useFavicon(status: WorkspaceStatus | undefined): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    const variant = status === undefined ? undefined : VARIANTS[status]
    if (link === null || variant === undefined) return
    link.href = `/favicons/favicon-${variant}.svg`
    return () => {
      link.href = ICON
    }
  }, [status])
}
