// `npm start`: the server with its embedded database; arguments are handed on to it.
import { buildDashboard } from './dashboard.js'
import { runNode } from './run-node.js'

process.exitCode =
  (await buildDashboard()) ||
  (await runNode(['packages/server/bin/slipway-server.js', ...process.argv.slice(2)]))
