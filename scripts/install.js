// Makes a checkout ready to run: installs the dependencies when they are missing or older than the lock file.
// Plain JavaScript without dependencies, because it runs before anything is installed, on any Node from 20 on.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const installed = path.join(root, 'node_modules', '.package-lock.json')
const wanted = path.join(root, 'package-lock.json')

// npm ci refuses a lock file that lacks the optional packages of other platforms; install takes the same versions.
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  const npm = process.env.npm_execpath
  const [command, ...prefix] = npm ? [process.execPath, npm] : ['npm']
  console.log('Installing dependencies …')
  const result = spawnSync(
    command,
    [...prefix, 'install', '--no-save', '--no-fund', '--no-audit', '--loglevel=error'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  )
  if (result.status !== 0) {
    console.error('The dependencies could not be installed: see the lines above, then run the command again.')
    process.exit(result.status ?? 1)
  }
}

if (process.argv.includes('--with-browser')) {
  const { findBrowser, installBrowser } = await import('./browser.js')
  if (findBrowser() === undefined) installBrowser()
}
