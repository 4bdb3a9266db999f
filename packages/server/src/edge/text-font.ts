import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ASSETS = fileURLToPath(new URL('../../../web/dist/assets/', import.meta.url))

/** The `@font-face` of the Latin text of the dashboard, for pages that look like it; empty without a built dashboard. */
export const TEXT_FONT = textFont()

function textFont(): string {
  if (!existsSync(ASSETS)) return ''
  const file = readdirSync(ASSETS).find((name) => /^inter-latin-wght-normal-[\w-]+\.woff2$/.test(name))
  // The range is that of the file; other letters are of the system.
  return file === undefined
    ? ''
    : `@font-face { font-family: "Inter Variable"; font-weight: 100 900; font-display: swap; src: url(/assets/${file}) format("woff2"); unicode-range: U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD; }`
}
