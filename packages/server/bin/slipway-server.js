#!/usr/bin/env node
// A JavaScript entry, because only modules that are loaded after this call come from the compile cache.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { main } = await import('../src/main.ts')
process.exitCode = await main(process.argv.slice(2))
