import { useSyncExternalStore } from 'react'

import { Choice, useChoice } from './choice.ts'

/** Which theme the viewer wants. */
export type Theme = 'system' | 'light' | 'dark'
/** Which colours of states the viewer can tell apart: usual sight, red-green or blue-yellow blindness. */
export type Vision = 'plain' | 'protan-deuter' | 'tritan'
/** More contrast as the device says, always, or never (UI-1703). */
export type Contrast = 'system' | 'more' | 'usual'
/** Fonts that terminals have, by their names on the wire. */
export type TerminalFont = 'jetbrains-mono' | 'geist-mono' | 'ibm-plex-mono' | 'fira-code' | 'source-code-pro'

const root = document.documentElement

/** Sets an attribute of the page that the token table asks for; `undefined` takes it away. */
function mark(name: 'theme' | 'vision' | 'contrast', value: string | undefined): void {
  if (value === undefined) delete root.dataset[name]
  else root.dataset[name] = value
}

const YEAR_S = 31_536_000

/** Consent and error pages come from the server, and know the choice by a cookie (UI-607). */
function tellPagesWithoutScripts(theme: Theme): void {
  const lasts = theme === 'system' ? 0 : YEAR_S
  // biome-ignore lint/suspicious/noDocumentCookie: the store that would replace it is not in every browser of UI-2107.
  document.cookie = `slipway_theme=${theme}; path=/; max-age=${lasts}; samesite=lax`
}

const systemDark = window.matchMedia('(prefers-color-scheme: dark)')
const systemContrast = window.matchMedia('(prefers-contrast: more)')

export const themeChoice = new Choice<Theme>('slipway.theme', ['system', 'light', 'dark'], (theme) => {
  mark('theme', theme === 'system' ? undefined : theme)
  tellPagesWithoutScripts(theme)
})
export const visionChoice = new Choice<Vision>(
  'slipway.vision',
  ['plain', 'protan-deuter', 'tritan'],
  (vision) => mark('vision', vision === 'plain' ? undefined : vision),
)
export const contrastChoice = new Choice<Contrast>(
  'slipway.contrast',
  ['system', 'more', 'usual'],
  (contrast) => {
    const more = contrast === 'more' || (contrast === 'system' && systemContrast.matches)
    mark('contrast', more ? 'more' : undefined)
  },
)
export const fontChoice = new Choice<TerminalFont>('slipway.terminal.font', [
  'jetbrains-mono',
  'geist-mono',
  'ibm-plex-mono',
  'fira-code',
  'source-code-pro',
])

// With "system", what changes on the device has to reach terminals too.
systemDark.addEventListener('change', themeChoice.refresh)
systemContrast.addEventListener('change', contrastChoice.refresh)

/** The wanted theme, live. */
export function useTheme(): Theme {
  return useChoice(themeChoice)
}

/** What the colours on screen depend on, live; another text means other colours. */
export function useShownColors(): string {
  const vision = useChoice(visionChoice)
  const contrast = useSyncExternalStore(contrastChoice.subscribe, () => root.dataset.contrast)
  const theme = useSyncExternalStore(themeChoice.subscribe, () => {
    const chosen = themeChoice.get()
    return chosen === 'system' ? (systemDark.matches ? 'dark' : 'light') : chosen
  })
  return `${theme} ${vision} ${contrast}`
}
