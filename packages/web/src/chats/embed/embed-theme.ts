import type { Vision } from '../../theme/theme.ts'

/** What a concrete theme asks of the page. */
export interface EmbedTheme {
  readonly theme: 'light' | 'dark'
  readonly vision: Vision
}

/** Reads the name of a concrete theme (UI-1702); undefined for what is none, so that the system's stays. */
export function readTheme(name: string | undefined): EmbedTheme | undefined {
  const [, theme, vision] = /^(light|dark)(?:-(protan-deuter|tritan))?$/.exec(name ?? '') ?? []
  if (theme !== 'light' && theme !== 'dark') return undefined
  return { theme, vision: vision === 'protan-deuter' || vision === 'tritan' ? vision : 'plain' }
}

/** For this page only: what the viewer has chosen for the dashboard is left alone. */
export function showTheme(wanted: EmbedTheme | undefined): void {
  const { dataset } = document.documentElement
  if (wanted === undefined) {
    delete dataset.theme
    delete dataset.vision
    return
  }
  dataset.theme = wanted.theme
  if (wanted.vision === 'plain') delete dataset.vision
  else dataset.vision = wanted.vision
}
