#!/usr/bin/env node
// Plain JavaScript, so that any Node.js can read it: it runs the command on the Node.js that this release brings.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { COMPILE_CACHE, entryOf, isJoined } from '../../../scripts/joined-files.js'

const here = path.dirname(fileURLToPath(import.meta.url))
const pinned = path.join(here, '..', '..', '..', 'node_modules', '.bin', 'node')
const [major = 0] = process.versions.node.split('.').map(Number)

if (major >= 24) {
  const args = process.argv.slice(2)
  module.enableCompileCache?.(COMPILE_CACHE)
  // The file of the command holds the server, too: whoever runs that has it as new as its sources.
  const isGood = !args.includes('server') || isJoined('server')
  const { main } = await import(isGood ? entryOf('cli') : '../src/main.ts')
  process.exitCode = await main(args)
} else if (existsSync(pinned)) {
  const { status } = spawnSync(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} else {
  process.stderr.write(
    'error: run `npm start` or `node scripts/install.js` once: the runtime is not installed yet\n',
  )
  process.exitCode = 1
}
