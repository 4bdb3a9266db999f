// `npm run bench`: measures what has a number; arguments name single benches.
import { runNode } from './run-node.js'

process.exitCode = await runNode(['bench/run.ts', ...process.argv.slice(2)])
