import { useEffect, useState } from 'react'

import type { OfferedAction } from './use-workspace-actions.tsx'

/** A menu that closes by itself when an action that it offered is none any more, so that nobody chooses it (UI-715). */
export function useClosingMenu(
  actions: readonly OfferedAction[],
  onOpenChange?: (open: boolean) => void,
): { readonly open: boolean; readonly onOpenChange: (open: boolean) => void } {
  const [offered, setOffered] = useState<readonly string[]>()
  const now = actions.map(({ action }) => action)
  const gone = offered?.some((action) => !now.some((one) => one === action)) === true
  useEffect(() => {
    if (!gone) return
    setOffered(undefined)
    onOpenChange?.(false)
  }, [gone, onOpenChange])
  return {
    open: offered !== undefined && !gone,
    onOpenChange: (open) => {
      setOffered(open ? now : undefined)
      onOpenChange?.(open)
    },
  }
}
