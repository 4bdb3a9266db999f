const STORAGE = 'slipway.agents.terminals'
/** Sessions that are remembered; the oldest are forgotten first. */
const MOST = 100
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Sessions by chat and program, in the order of their beginning. */
function read(): Readonly<Record<string, string>> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? '{}')
    if (typeof stored !== 'object' || stored === null) return {}
    return Object.fromEntries(
      Object.entries(stored).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string' && UUID.test(entry[1]),
      ),
    )
  } catch {
    return {}
  }
}

/**
 * The name of the shell beside a chat, or of the program with this slug: whoever comes back finds it as it was, and a
 * program runs once only (UI-1145).
 *
 * @param anew begins another one in its place.
 */
export function terminalSession(chat: string, app: string, anew = false): string {
  const all = read()
  const key = `${chat} ${app}`
  const known = anew ? undefined : all[key]
  if (known !== undefined) return known
  const session = crypto.randomUUID()
  const { [key]: _, ...rest } = all
  const kept = Object.entries(rest).slice(-MOST + 1)
  try {
    localStorage.setItem(STORAGE, JSON.stringify(Object.fromEntries([...kept, [key, session]])))
  } catch {
    // Storage is switched off: the session lasts as long as the tab (UI-2107).
  }
  return session
}
