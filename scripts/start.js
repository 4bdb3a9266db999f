// `npm start`: the server with its embedded database; arguments are handed on to it.
import { buildDashboard } from './dashboard.js'
import { joinFiles } from './join-files.js'
import { runNode } from './run-node.js'

process.exitCode =
  (await joinFiles()) ||
  (await buildDashboard()) ||
  (await runNode(['packages/server/bin/slipway-built.js', ...process.argv.slice(2)]))
