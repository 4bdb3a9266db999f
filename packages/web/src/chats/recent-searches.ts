const STORAGE = 'slipway.agents.searches'
const MOST = 6

/** What was last looked for in this browser, newest first. */
export function readRecent(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORAGE) ?? '[]')
    return Array.isArray(stored)
      ? stored.filter((text): text is string => typeof text === 'string').slice(0, MOST)
      : []
  } catch {
    return []
  }
}

export function rememberSearch(text: string): void {
  const wanted = text.trim()
  if (wanted === '') return
  try {
    const others = readRecent().filter((one) => one !== wanted)
    localStorage.setItem(STORAGE, JSON.stringify([wanted, ...others].slice(0, MOST)))
  } catch {
    // Storage is switched off: nothing is remembered.
  }
}
