// Shows push messages, and nothing else: it keeps no files and answers no requests (UI-1602, UI-1604).
const HOME = '/agents'
const NAME = 'Slipway'
const SUBSCRIPTION = '/api/v2/users/me/webpush/subscription'

// It holds no page back: none depends on which one of two releases runs.
self.addEventListener('install', () => void self.skipWaiting())
self.addEventListener('push', (event) => event.waitUntil(show(messageOf(event.data))))
self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(goTo(pathOf(event.notification.data?.url, HOME)))
})
self.addEventListener('pushsubscriptionchange', (event) =>
  event.waitUntil(renew(event.oldSubscription, event.newSubscription)),
)

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
