// `npm run generate`: everything that is derived from other sources. `--check` fails when a file is stale.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { runNode } from './run-node.js'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const steps = [
  { script: 'scripts/generate-tables.ts', files: ['packages/server/src/database/tables.ts'] },
  { script: 'scripts/generate-openapi.ts', files: ['packages/contract/openapi.json'] },
  { script: 'scripts/generate-server-options.ts', files: ['docs/server-options.md'] },
  { script: 'scripts/generate-system-actors.ts', files: ['docs/system-actors.md'] },
]
const read = (file) => {
  try {
    return readFileSync(path.join(root, file), 'utf8')
  } catch {
    return ''
  }
}

for (const step of steps) {
  const before = step.files.map(read)
  const code = await runNode([step.script])
  if (code !== 0) process.exit(code)
  const format = await runNode([
    'node_modules/@biomejs/biome/bin/biome',
    'format',
    '--write',
    '--log-level=error',
    '--no-errors-on-unmatched',
    ...step.files,
  ])
  if (format !== 0) process.exit(format)
  const stale = step.files.filter((file, i) => read(file) !== before[i])
  if (process.argv.includes('--check') && stale.length > 0) {
    console.error(`Stale: ${stale.join(', ')}. Run \`npm run generate\` and commit the result.`)
    process.exit(1)
  }
}
