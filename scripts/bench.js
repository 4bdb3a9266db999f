// `npm run bench`: measures what has a number; arguments name single benches.
import { findBrowser } from './browser.js'
import { runNode } from './run-node.js'
import { buildServer } from './server-bundle.js'

const env = { ...process.env, SLIPWAY_CHROMIUM: findBrowser() ?? '' }
process.exitCode =
  (await buildServer()) || (await runNode(['bench/run.ts', ...process.argv.slice(2)], { env }))
