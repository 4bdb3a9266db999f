#!/usr/bin/env node
// As slipway-server.js, from the joined files of scripts/server-bundle.js.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { main } = await import('../dist/main.js')
process.exitCode = await main(process.argv.slice(2))
