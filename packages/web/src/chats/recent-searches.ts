const storage = (user: string) => `slipway.agents.searches.${user}`
const MOST = 6

/** What a user has last looked for in this browser, newest first. */
export function readRecent(user: string): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storage(user)) ?? '[]')
    return Array.isArray(stored)
      ? stored.filter((text): text is string => typeof text === 'string').slice(0, MOST)
      : []
  } catch {
    return []
  }
}

export function rememberSearch(user: string, text: string): void {
  const wanted = text.trim()
  if (wanted === '') return
  try {
    const others = readRecent(user).filter((one) => one !== wanted)
    localStorage.setItem(storage(user), JSON.stringify([wanted, ...others].slice(0, MOST)))
  } catch {
    // Storage is switched off: nothing is remembered.
  }
}
