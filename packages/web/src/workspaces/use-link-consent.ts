import { useEffect, useState } from 'react'

/** How far a link that asks for a workspace at once has come (UI-738). */
interface LinkState {
  /** Whether the viewer is asked now. */
  readonly asking: boolean
  /** Why the form shows instead. */
  readonly reason: string | undefined
  readonly answer: () => void
}

/**
 * Asks once. An obstacle when everything is known leads to the form for good: it does not ask again when the
 * obstacle goes away.
 *
 * @param auto whether the link asks for a workspace at once.
 * @param known whether everything that could stand in the way has been read.
 * @param obstacle what does, in words for the viewer.
 */
export function useLinkConsent(auto: boolean, known: boolean, obstacle: string | undefined): LinkState {
  const [state, setState] = useState<{ readonly open: boolean; readonly reason?: string }>({ open: auto })
  useEffect(() => {
    if (state.open && known && obstacle !== undefined) setState({ open: false, reason: obstacle })
  }, [state.open, known, obstacle])
  return {
    asking: state.open && known && obstacle === undefined,
    reason: state.reason,
    answer: () => setState({ open: false }),
  }
}
