import {
  createWebpushSubscription,
  deleteWebpushSubscription,
  getBuildInfo,
  testWebpush,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { statusOf } from '../api/errors.ts'
import { SERVICE_WORKER } from '../offline/service-worker.ts'
import { within } from './within.ts'

/** Whose messages this browser takes: several people may use it, one after the other. */
const OWNER = 'slipway.push.owner'
/** How long signing out waits for a push service or the server, in milliseconds. */
const PATIENCE_MS = 3000
const me = { params: { user: 'me' } }

/** What this browser does with push messages for the viewer (UI-1602). */
export type PushState = 'unsupported' | 'denied' | 'off' | 'on'

/** How it is, without asking the viewer anything. What somebody else has left here ends. */
export async function readPushState(userId: string, publicKey: string): Promise<PushState> {
  if (!isSupported()) return 'unsupported'
  if (Notification.permission === 'denied') return 'denied'
  try {
    const subscription = await subscribed()
    if (subscription === undefined) return 'off'
    if (owner.get() !== userId) {
      await subscription.unsubscribe()
      return 'off'
    }
    return Notification.permission === 'granted' && keyOf(subscription) === publicKey ? 'on' : 'off'
  } catch {
    // Private windows have the interfaces and refuse their use (UI-2107).
    return 'unsupported'
  }
}

/**
 * Asks the viewer for permission and, when it is given, subscribes; to be called by a click.
 *
 * @throws ApiFailure when the server refuses, Error when the browser cannot.
 */
export async function turnPushOn(userId: string): Promise<void> {
  if ((await Notification.requestPermission()) !== 'granted') return
  const registration = await navigator.serviceWorker.register(SERVICE_WORKER, {
    scope: '/',
    updateViaCache: 'none',
  })
  await navigator.serviceWorker.ready
  // The key of the page may be old by now.
  const { webpush_public_key: applicationServerKey } = await api.call(getBuildInfo)
  if (applicationServerKey === undefined) throw new Error('This deployment has no keys for push messages.')
  const before = await registration.pushManager.getSubscription()
  if (before !== null) await before.unsubscribe()
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey,
  })
  try {
    await register(subscription)
  } catch (error) {
    await subscription.unsubscribe()
    throw error
  }
  owner.set(userId)
}

/** Ends the subscription. @throws ApiFailure when the server refuses. */
export async function turnPushOff(): Promise<void> {
  const subscription = await subscribed()
  if (subscription === undefined) return
  await forget(subscription)
  await subscription.unsubscribe()
  owner.clear()
}

/** Sends a message to the browsers of the viewer. @throws ApiFailure when none of them can be reached. */
export async function testPush(): Promise<void> {
  const subscription = await subscribed()
  // The server may have given it up meanwhile.
  if (subscription !== undefined) await register(subscription)
  await api.call(testWebpush, me)
}

/** A subscription that the server has given up. */
interface ReleasedPush {
  /** Ends it in the browser, too. */
  readonly end: () => Promise<void>
  /** Takes it up again: the viewer is still signed in. */
  readonly restore: () => Promise<void>
}

/**
 * Has the server send nothing more to this browser, before the viewer signs out (UI-205). Never throws, and waits for
 * nobody for long.
 */
export async function releasePush(): Promise<ReleasedPush | undefined> {
  const subscription = isSupported() ? await within(PATIENCE_MS, subscribed()) : undefined
  if (subscription === undefined) return undefined
  await within(PATIENCE_MS, forget(subscription))
  return {
    end: async () => {
      await within(PATIENCE_MS, subscription.unsubscribe())
      owner.clear()
    },
    restore: async () => void (await within(PATIENCE_MS, register(subscription))),
  }
}

function isSupported(): boolean {
  return 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
}

async function subscribed(): Promise<PushSubscription | undefined> {
  const registration = await navigator.serviceWorker.getRegistration('/')
  return (await registration?.pushManager.getSubscription()) ?? undefined
}

async function register(subscription: PushSubscription): Promise<void> {
  const { endpoint = '', keys = {} } = subscription.toJSON()
  const { auth: auth_key = '', p256dh: p256dh_key = '' } = keys
  await api.call(createWebpushSubscription, { ...me, body: { endpoint, auth_key, p256dh_key } })
}

async function forget({ endpoint }: PushSubscription): Promise<void> {
  try {
    await api.call(deleteWebpushSubscription, { ...me, body: { endpoint } })
  } catch (error) {
    // It was none, or somebody else's.
    if (statusOf(error) !== 404) throw error
  }
}

/** The key that a subscription was made with, as the server writes it. */
function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer())
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

/** Kept where it can be; a browser that keeps nothing is asked again after a while (UI-2107). */
const owner = {
  get(): string | null {
    try {
      return localStorage.getItem(OWNER)
    } catch {
      return null
    }
  },
  set(userId: string): void {
    try {
      localStorage.setItem(OWNER, userId)
    } catch {
      // Storage is switched off.
    }
  },
  clear(): void {
    try {
      localStorage.removeItem(OWNER)
    } catch {
      // Storage is switched off.
    }
  },
}
