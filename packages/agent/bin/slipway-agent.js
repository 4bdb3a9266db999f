#!/usr/bin/env node
// The agent of a workspace, as a server on the same machine starts it.
import { enableCompileCache } from 'node:module'

import { COMPILE_CACHE, entryOf } from '../../../scripts/joined-files.js'

enableCompileCache(COMPILE_CACHE)
await import(entryOf('agent'))
