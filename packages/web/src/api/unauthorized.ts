/** Whether the session still stands: 401 of `/users/me` is the only "no" there is (UI-201). */
export type SessionProbe = 'alive' | 'expired' | 'unknown'

/**
 * What happens when any call other than `/users/me` answers 401 (UI-202): one probe, shared by all that fail
 * meanwhile. Only its own 401 ends the session; a failing probe ends nothing.
 */
export function unauthorizedHandler(
  probe: () => Promise<SessionProbe>,
  onExpired: () => void,
): () => Promise<void> {
  let running: Promise<void> | undefined
  const run = async () => {
    if ((await probe().catch(() => 'unknown' as const)) === 'expired') onExpired()
  }
  return () => {
    running ??= run().finally(() => {
      running = undefined
    })
    return running
  }
}
