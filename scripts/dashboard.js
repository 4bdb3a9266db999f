// Builds the dashboard when it is missing or older than its sources; takes about two seconds.
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { runNode } from './run-node.js'
import { newest } from './sources.js'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const web = path.join(root, 'packages', 'web')
const built = path.join(web, 'dist', 'index.html')
const sources = ['packages/web', 'packages/contract/src', 'packages/client/src', 'package-lock.json']

/** Resolves to the exit code of the build, 0 when there is nothing to do. */
export async function buildDashboard() {
  if (
    existsSync(built) &&
    sources.every((source) => newest(path.join(root, source)) <= statSync(built).mtimeMs)
  )
    return 0
  console.log('Building the dashboard …')
  return runNode([path.join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: web,
  })
}
