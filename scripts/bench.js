// `npm run bench`: measures what has a number; arguments name single benches.
import { findBrowser } from './browser.js'
import { joinFiles } from './join-files.js'
import { runNode } from './run-node.js'

const env = { ...process.env, SLIPWAY_CHROMIUM: findBrowser() ?? '' }
process.exitCode = (await joinFiles()) || (await runNode(['bench/run.ts', ...process.argv.slice(2)], { env }))
