const NAME = 'slipway.session'

/** Tells the other tabs of this browser that the session ended (UI-204). */
export function announceSessionEnd(): void {
  if (!('BroadcastChannel' in window)) return
  const channel = new BroadcastChannel(NAME)
  channel.postMessage('ended')
  channel.close()
}

/** Calls back when another tab says so. It lasts as long as the page. */
export function onSessionEndElsewhere(listener: () => void): void {
  if (!('BroadcastChannel' in window)) return
  new BroadcastChannel(NAME).addEventListener('message', listener)
}
