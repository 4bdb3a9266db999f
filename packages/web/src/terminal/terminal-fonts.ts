import '@fontsource-variable/fira-code/wght.css'
import '@fontsource-variable/geist-mono/wght.css'
import '@fontsource-variable/source-code-pro/wght.css'
import '@fontsource/ibm-plex-mono/400.css'
import '@fontsource/ibm-plex-mono/700.css'

import type { TerminalFont } from '../theme/theme.ts'

/** Fonts of terminals by what style sheets call them; the browser loads the one that is used. */
export const TERMINAL_FONTS: Readonly<
  Record<TerminalFont, { readonly label: string; readonly family: string }>
> = {
  'jetbrains-mono': { label: 'JetBrains Mono', family: '"JetBrains Mono Variable"' },
  'geist-mono': { label: 'Geist Mono', family: '"Geist Mono Variable"' },
  'ibm-plex-mono': { label: 'IBM Plex Mono', family: '"IBM Plex Mono"' },
  'fira-code': { label: 'Fira Code', family: '"Fira Code Variable"' },
  'source-code-pro': { label: 'Source Code Pro', family: '"Source Code Pro Variable"' },
}

/** The font, and what takes its place while it loads. */
export function fontStack(font: TerminalFont): string {
  return `${TERMINAL_FONTS[font].family}, ui-monospace, Menlo, Consolas, monospace`
}
