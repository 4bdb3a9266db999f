import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ASSETS = fileURLToPath(new URL('../../../web/dist/assets/', import.meta.url))

/**
 * Address of the font that the dashboard writes Latin text in, for pages of the server that look like it; undefined
 * without a built dashboard.
 */
export function textFont(): string | undefined {
  if (!existsSync(ASSETS)) return undefined
  const file = readdirSync(ASSETS).find((name) => /^inter-latin-wght-normal-[\w-]+\.woff2$/.test(name))
  return file === undefined ? undefined : `/assets/${file}`
}
