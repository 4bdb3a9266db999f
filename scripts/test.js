// `npm test`: every test; arguments are handed on to the test runner.
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { findBrowser } from './browser.js'
import { buildDashboard } from './dashboard.js'
import { joinFiles } from './join-files.js'
import { runNode } from './run-node.js'

/** More files than this do not fail because the machine was busy. */
const MOST_REPEATED = 4

const env = { ...process.env, SLIPWAY_CHROMIUM: findBrowser() ?? '' }
const args = process.argv.slice(2)
process.exitCode =
  (await joinFiles()) || (await buildDashboard()) || (await (args.length > 0 ? run(args) : runAll()))

function run(args, more = {}) {
  return runNode(['node_modules/vitest/vitest.mjs', 'run', ...args], { env: { ...env, ...more } })
}

/**
 * Runs every test. A few files that failed are run once more by themselves: a test that meets what its own first try left
 * behind, or starves beside others, passes then, and is named; one whose rule is broken fails again.
 */
async function runAll() {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-failed-'))
  try {
    const list = path.join(folder, 'files')
    const code = await run([], { SLIPWAY_FAILED_FILES: list })
    if (code !== 1 || !existsSync(list)) return code
    const files = (await readFile(list, 'utf8')).split('\n').filter((file) => file !== '')
    if (files.length === 0 || files.length > MOST_REPEATED) return code
    console.log(`\nOnce more, by themselves:\n  ${files.join('\n  ')}\n`)
    const again = await run(files)
    if (again === 0)
      console.log(`Passed only by themselves (look into each: a race?):\n  ${files.join('\n  ')}\n`)
    return again
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
