import { PRODUCT } from '../ui/product.ts'

/** The script that stands between pages and the network: push messages, and a page while there is no network. */
export const SERVICE_WORKER = '/service-worker.js'
const CACHES = /^slipway-/
/** What the page that shows without a server calls the product: nobody can ask for it then (OP-154). */
const NAME = 'slipway.name'

/**
 * Starts the service worker, which shows a page of ours while the server cannot be reached (UI-1604). Browsers without
 * one, and private windows, do without (UI-2107).
 */
export function startServiceWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return
  try {
    localStorage.setItem(NAME, PRODUCT)
  } catch {
    // Storage is switched off: that page keeps its own words (UI-2107).
  }
  const register = () =>
    void navigator.serviceWorker
      .register(SERVICE_WORKER, { scope: '/', updateViaCache: 'none' })
      .catch(() => undefined)
  // After the page itself: nothing of it waits for the worker.
  if (document.readyState === 'complete') register()
  else window.addEventListener('load', register, { once: true })
}

/** Removes what the service worker keeps, when the viewer signs out (UI-205). Never throws. */
export async function forgetKeptFiles(): Promise<void> {
  if (!('caches' in window)) return
  try {
    const names = (await caches.keys()).filter((name) => CACHES.test(name))
    await Promise.all(names.map((name) => caches.delete(name)))
  } catch {
    // Private windows have the interface and refuse its use.
  }
}
