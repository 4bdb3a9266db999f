// `npm test`: every test; arguments are handed on to the test runner.
import { runNode } from './run-node.js'

process.exitCode = await runNode(['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)])
