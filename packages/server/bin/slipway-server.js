#!/usr/bin/env node
// The server from its joined files while they are as new as the sources, else from these. A JavaScript entry, because only
// modules that are loaded after the first call come from the compile cache.
import { enableCompileCache } from 'node:module'

import { COMPILE_CACHE, entryOf } from '../../../scripts/joined-files.js'

enableCompileCache(COMPILE_CACHE)
const { main } = await import(entryOf('server'))
process.exitCode = await main(process.argv.slice(2))
