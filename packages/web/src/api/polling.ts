import { useSyncExternalStore } from 'react'

function subscribe(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener)
  return () => document.removeEventListener('visibilitychange', listener)
}

/** A polling interval with ±10 % jitter, or none while the last answer was an error (UI-321). Hidden tabs do not poll: react-query sees to that. */
export function pollEvery(milliseconds: number) {
  return (query: { readonly state: { readonly status: 'pending' | 'error' | 'success' } }): number | false =>
    query.state.status === 'error' ? false : milliseconds * (0.9 + 0.2 * Math.random())
}

/** Whether the tab is in front. */
export function useVisible(): boolean {
  return useSyncExternalStore(subscribe, () => !document.hidden)
}
