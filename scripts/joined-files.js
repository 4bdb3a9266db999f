// Which programs run from joined files, and where these are.
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { newest } from './sources.js'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const AGENT = ['agent', 'contract', 'drpc', 'request-log', 'tailnet', 'tunnel']
const CLI = ['cli', 'client', 'mcp-tools', ...AGENT]

/**
 * The programs: where their sources begin, the joined file that takes their place, and the packages whose sources decide
 * whether that is still good. Of the server there are so many that only who builds it, or runs it by the command, looks.
 */
export const PROGRAMS = {
  server: {
    source: 'packages/server/src/main.ts',
    joined: 'packages/server/dist/main.js',
    packages: [...CLI, 'server', 'template'],
  },
  cli: { source: 'packages/cli/src/main.ts', joined: 'packages/server/dist/cli.js', packages: CLI },
  agent: { source: 'packages/agent/src/main.ts', joined: 'packages/agent/dist/main.js', packages: AGENT },
}

/**
 * Whether the joined file of a program is there and as new as its sources.
 *
 * @param {keyof typeof PROGRAMS} name
 */
export function isJoined(name) {
  const { joined, packages } = PROGRAMS[name]
  const file = path.join(root, joined)
  if (!existsSync(file)) return false
  const { mtimeMs } = statSync(file)
  return packages.every((part) => newest(path.join(root, 'packages', part, 'src')) <= mtimeMs)
}

/**
 * What to import to run a program: its joined file, or its sources where that is missing or older.
 *
 * @param {keyof typeof PROGRAMS} name
 */
export function entryOf(name) {
  const { source, joined } = PROGRAMS[name]
  return pathToFileURL(path.join(root, isJoined(name) ? joined : source)).href
}

/** Where compiled code is kept: in this installation, because others may write to the folder for temporary files. */
export const COMPILE_CACHE = path.join(root, 'node_modules/.cache/slipway-compiled')
