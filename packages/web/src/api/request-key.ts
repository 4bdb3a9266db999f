const STORAGE = 'slipway.sending'
/** Requests that are remembered; the oldest are forgotten first. */
const MOST = 10

/** Keys of what this tab is sending, by what and body; in its own storage, too, so that they outlive a reload. */
const sending = new Map<string, string>(Object.entries(read()))

/** The idempotency key of a request until it is answered; the same request has the same one. */
export function requestKey(what: string, body: string): string {
  const name = `${what} ${body}`
  const key = sending.get(name) ?? randomKey()
  sending.set(name, key)
  for (const oldest of [...sending.keys()].slice(0, -MOST)) sending.delete(oldest)
  write()
  return key
}

/** The request was answered: the same one again is another request. */
export function forgetRequestKey(what: string, body: string): void {
  sending.delete(`${what} ${body}`)
  write()
}

function read(): Readonly<Record<string, string>> {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(STORAGE) ?? '{}')
    if (typeof stored !== 'object' || stored === null) return {}
    return Object.fromEntries(
      Object.entries(stored).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}

function write(): void {
  try {
    sessionStorage.setItem(STORAGE, JSON.stringify(Object.fromEntries(sending)))
  } catch {
    // Storage is switched off or full: the keys last as long as the page (UI-2107).
  }
}

/** `crypto.randomUUID` is missing on plain HTTP. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
