// The Chromium of the browser tests: found on the machine, or installed by us.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
/** Those without windows first: each page of the others brings the windows' own pages along, at ten times the work. */
const NAMES = [
  'chromium-headless-shell',
  'chrome-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
]

/** Path of a Chromium: `SLIPWAY_CHROMIUM`, else one in the PATH, else one that the browser tool downloaded. */
export function findBrowser() {
  const named = process.env.SLIPWAY_CHROMIUM
  if (named) return named
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  for (const name of NAMES)
    for (const folder of folders) if (isProgram(path.join(folder, name))) return path.join(folder, name)
  return downloaded()
}

/** Installs Chromium: as the Debian package for root, else with the browser tool's own download. */
export function installBrowser() {
  const debian = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  console.log(`Installing Chromium for the browser tests (${debian ? 'Debian package' : 'download'}) …`)
  const installed = debian
    ? run('apt-get', 'update') &&
      // Older releases of Debian have it with windows only.
      (installPackage('chromium-headless-shell') || installPackage('chromium'))
    : run(
        process.execPath,
        path.join(root, 'node_modules/playwright-core/cli.js'),
        'install',
        'chromium-headless-shell',
      )
  if (!installed)
    console.error(
      'Chromium could not be installed, so the browser tests cannot run and will fail: ' +
        'install Chromium yourself, or name one with SLIPWAY_CHROMIUM.',
    )
}

/** @param {string} name */
function installPackage(name) {
  return run('apt-get', 'install', '-y', '--no-install-recommends', name, 'fonts-liberation')
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, ...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const result = spawnSync(command, args, { cwd: root, env, encoding: 'utf8' })
  if (result.status !== 0) console.error(result.stdout, result.stderr, result.error?.message ?? '')
  return result.status === 0
}

function downloaded() {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH ?? path.join(homedir(), '.cache', 'ms-playwright')
  for (const build of list(cache).filter((name) => name.startsWith('chromium')))
    for (const folder of list(path.join(cache, build)))
      for (const name of ['chrome-headless-shell', 'headless_shell', 'chrome']) {
        const program = path.join(cache, build, folder, name)
        if (isProgram(program)) return program
      }
  return undefined
}

function list(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
