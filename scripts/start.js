// `npm start`: the server with its embedded database; arguments are handed on to it.
import { buildDashboard } from './dashboard.js'
import { runNode } from './run-node.js'
import { buildServer } from './server-bundle.js'

process.exitCode =
  (await buildServer()) ||
  (await buildDashboard()) ||
  (await runNode(['packages/server/bin/slipway-built.js', ...process.argv.slice(2)]))
