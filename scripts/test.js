// `npm test`: every test; arguments are handed on to the test runner.
import { findBrowser } from './browser.js'
import { buildDashboard } from './dashboard.js'
import { joinFiles } from './join-files.js'
import { runNode } from './run-node.js'

const env = { ...process.env, SLIPWAY_CHROMIUM: findBrowser() ?? '' }
process.exitCode =
  (await joinFiles()) ||
  (await buildDashboard()) ||
  (await runNode(['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], { env }))
