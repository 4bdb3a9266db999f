// Shows push messages (UI-1602), and a page of its own while the server cannot be reached. It keeps that page and files
// whose names hold a digest of their content: nothing of anybody's, and nothing that an older release could serve
// instead of a newer one (UI-1604).
const HOME = '/agents'
const NAME = 'Slipway'
const SUBSCRIPTION = '/api/v2/users/me/webpush/subscription'

/** Sign-out removes it (UI-205); another name, after a change of what is kept, leaves the old one behind. */
const KEPT = 'slipway-files'
const OFFLINE = ['/offline.html', '/offline.js']
/** Files of releases that are gone make room for others. */
const MOST_FILES = 400
/** Pages that are not the dashboard's: apps of workspaces, APIs, sign-in on its way (UI-1604). */
const NOT_OURS =
  /^\/(?:api|oauth2|scim|\.well-known|derp[^/]*|bin)(?:\/|$)|^\/external-auth\/[^/]+\/callback|^\/(?:@|%40)[^/]+\/[^/]+\/apps(?:\/|$)/i

// It holds no page back: none depends on which one of two releases runs.
self.addEventListener('install', (event) => {
  self.skipWaiting()
  event.waitUntil(keepOfflinePage(true))
})
self.addEventListener('activate', (event) => event.waitUntil(begin()))
self.addEventListener('fetch', (event) => {
  const { request } = event
  const { origin, pathname } = new URL(request.url)
  if (request.method !== 'GET' || origin !== self.location.origin) return
  if (pathname.startsWith('/assets/') || pathname === '/offline.js') event.respondWith(file(event))
  else if (request.mode === 'navigate' && !NOT_OURS.test(pathname)) event.respondWith(page(event))
})
self.addEventListener('push', (event) => event.waitUntil(show(messageOf(event.data))))
self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(goTo(pathOf(event.notification.data?.url, HOME)))
})
self.addEventListener('pushsubscriptionchange', (event) =>
  event.waitUntil(renew(event.oldSubscription, event.newSubscription)),
)

/** @param anew also when it is there: a new worker brings a new page. */
async function keepOfflinePage(anew = false) {
  const kept = await caches.open(KEPT)
  if (anew || (await kept.match(OFFLINE[0])) === undefined) await kept.addAll(OFFLINE)
}

async function begin() {
  for (const name of await caches.keys()) if (name !== KEPT) await caches.delete(name)
  // Pages are asked for while the worker starts: it makes none of them later.
  await self.registration.navigationPreload?.enable()
  await self.clients.claim()
}

/** A file whose content never changes: kept once it was loaded. */
async function file({ request }) {
  const kept = await caches.open(KEPT)
  const held = await kept.match(request)
  if (held !== undefined) return held
  const response = await fetch(request)
  if (response.status === 200) {
    await kept.put(request, response.clone())
    // The oldest come first; the page for being offline came before all of them.
    const files = (await kept.keys()).filter(({ url }) => new URL(url).pathname.startsWith('/assets/'))
    for (const oldest of files.slice(0, -MOST_FILES)) await kept.delete(oldest)
  }
  return response
}

/** A page of the dashboard, always from the server; without one a page that waits for it. */
async function page(event) {
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request))
    event.waitUntil(keepOfflinePage())
    return response
  } catch (error) {
    const waiting = await caches.match(OFFLINE[0])
    if (waiting === undefined) throw error
    return waiting
  }
}

function messageOf(data) {
  try {
    const message = data?.json()
    return typeof message === 'object' && message !== null ? message : {}
  } catch {
    return {}
  }
}

function textOf(value, otherwise) {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

/** A path of this origin; `otherwise` for anything else. */
function pathOf(value, otherwise) {
  if (typeof value !== 'string' || !value.startsWith('/') || !URL.canParse(value, self.location.origin))
    return otherwise
  const { origin, pathname, search, hash } = new URL(value, self.location.origin)
  return origin === self.location.origin ? pathname + search + hash : otherwise
}

function windows() {
  return self.clients.matchAll({ type: 'window', includeUncontrolled: true })
}

function shows(client, path) {
  return new URL(client.url).pathname === new URL(path, self.location.origin).pathname
}

async function show(message) {
  const path = pathOf(message.data?.url, HOME)
  const seen = (client) => client.focused && client.visibilityState === 'visible' && shows(client, path)
  if ((await windows()).some(seen)) return
  const tag = textOf(message.tag, '')
  await self.registration.showNotification(textOf(message.title, NAME), {
    body: textOf(message.body, ''),
    icon: pathOf(message.icon, '/favicon.ico'),
    tag,
    // Of a chat that has ended one more turn.
    renotify: tag !== '',
    data: { url: path },
  })
}

async function goTo(path) {
  const there = (await windows()).find((client) => shows(client, path))
  if (there === undefined) await self.clients.openWindow(path)
  else await there.focus()
}

/** The browser has ended a subscription by itself: the server gets the new one in its place. */
async function renew(before, given) {
  const fresh = given ?? (await subscribeAgain())
  const { endpoint, keys = {} } = fresh.toJSON()
  const token = await csrfToken()
  const response = await send('POST', token, {
    endpoint,
    auth_key: keys.auth,
    p256dh_key: keys.p256dh,
  })
  // Nobody is signed in any more: nobody is to be told.
  if (response.status === 401) await fresh.unsubscribe()
  else if (response.ok && before && before.endpoint !== endpoint)
    await send('DELETE', token, { endpoint: before.endpoint })
}

async function subscribeAgain() {
  const { webpush_public_key: key } = await (await fetch('/api/v2/buildinfo')).json()
  return self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
}

/** Every page of ours has one. */
async function csrfToken() {
  const page = await (await fetch(HOME, { credentials: 'same-origin' })).text()
  return /property="csrf-token" content="([^"]*)"/.exec(page)?.[1] ?? ''
}

function send(method, token, body) {
  return fetch(SUBSCRIPTION, {
    method,
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-TOKEN': token },
    body: JSON.stringify(body),
  })
}
