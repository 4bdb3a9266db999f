import { useSyncExternalStore } from 'react'

/** Which theme the viewer wants on this device. */
export type Theme = 'system' | 'light' | 'dark'

const KEY = 'slipway.theme'
const listeners = new Set<() => void>()

function current(): Theme {
  const value = document.documentElement.dataset.theme
  return value === 'light' || value === 'dark' ? value : 'system'
}

function show(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  for (const listener of listeners) listener()
}

function parse(value: string | null): Theme {
  return value === 'light' || value === 'dark' ? value : 'system'
}

// Another tab chose: follow (UI-2108).
window.addEventListener('storage', (event) => {
  if (event.key === KEY) show(parse(event.newValue))
})
// With "system", a change of the system's scheme has to reach terminals too.
const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
systemDark.addEventListener('change', () => {
  for (const listener of listeners) listener()
})

/** Applies and remembers a theme. */
export function setTheme(theme: Theme): void {
  show(theme)
  try {
    if (theme === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // Storage is switched off: the choice lasts until the page goes (UI-2107).
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The wanted theme, live. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, current)
}

/** The shown one of the two, live. */
export function useShownTheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, () => {
    const theme = current()
    return theme === 'system' ? (systemDark.matches ? 'dark' : 'light') : theme
  })
}
