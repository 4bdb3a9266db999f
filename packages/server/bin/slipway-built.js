#!/usr/bin/env node
// As slipway-server.js, from the joined files that scripts/join-files.js has just made: it does not look whether they are new.
import { enableCompileCache } from 'node:module'

import { COMPILE_CACHE } from '../../../scripts/joined-files.js'

enableCompileCache(COMPILE_CACHE)
const { main } = await import('../dist/main.js')
process.exitCode = await main(process.argv.slice(2))
