import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { EngineError } from '../engine.ts'
import { ENTRY } from './sandbox-protocol.ts'

const LIMIT_MS = 30_000
/** Of this, half is what its garbage collector keeps to where it can. */
const MEMORY_KIB = 1_048_576
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024
const MAX_SHOWN = 5
const CRASHED = 'the compiler has failed, perhaps for want of memory: simplify them'

const PACKAGE = path.dirname(fileURLToPath(import.meta.resolve('@slipway/template')))
const COMPILER = findCompiler()

/**
 * Checks the types of a template against `@slipway/template`, as an editor does. The compiler only reads: it
 * runs in a process of its own, bounded in time and memory, and what it says about files outside of the
 * template is never shown.
 *
 * @param folder folder in which the sources are put for as long as the check takes.
 * @returns false when this installation has no compiler; the template then goes unchecked.
 * @throws EngineError naming file and line of the first faults.
 */
export async function checkTypes(
  files: ReadonlyMap<string, string>,
  folder: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (COMPILER === undefined) return false
  const root = await mkdtemp(path.join(folder, 'types-'))
  try {
    const sources = path.join(root, 'sources')
    await writeSources(sources, files)
    await writeFile(path.join(root, 'tsconfig.json'), JSON.stringify(settings(sources)))
    const project = path.join(root, 'tsconfig.json')
    let { output, failure } = await run(COMPILER, project, sources, signal)
    // On a machine that is short of something for a moment a second run may well have it.
    if (failure === CRASHED) ({ output, failure } = await run(COMPILER, project, sources, signal))
    const read = output.match(/^\/.*$/gm) ?? []
    const foreign = read.find((file) => !isInside(file, [sources, PACKAGE, path.dirname(COMPILER)]))
    if (foreign !== undefined)
      throw new EngineError('the template refers to files outside of its archive: remove the references')
    const faults = output.split('\n').filter((line) => /^[^\s(][^(]*\(\d+,\d+\): error /.test(line))
    if (faults.length > 0) throw new EngineError(faults.slice(0, MAX_SHOWN).map(worded).join('\n'))
    if (failure !== undefined)
      throw new EngineError(`the types of the template could not be checked: ${failure}`)
    return true
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function findCompiler(): string | undefined {
  try {
    const typescript = createRequire(createRequire(import.meta.url).resolve('typescript/package.json'))
    const platform = typescript.resolve(
      `@typescript/typescript-${process.platform}-${process.arch}/package.json`,
    )
    return path.join(path.dirname(platform), 'lib', process.platform === 'win32' ? 'tsc.exe' : 'tsc')
  } catch {
    return undefined
  }
}

function settings(sources: string): unknown {
  return {
    compilerOptions: {
      noEmit: true,
      strict: true,
      target: 'esnext',
      module: 'preserve',
      lib: ['esnext'],
      types: [],
      allowJs: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      resolveJsonModule: false,
      skipLibCheck: true,
      paths: { '@slipway/template': [path.join(PACKAGE, 'index.ts')] },
    },
    files: [path.join(sources, ENTRY)],
  }
}

async function writeSources(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, text] of files) {
    const file = path.join(folder, name)
    if (!isInside(file, [folder])) throw new EngineError(`refusing to extract to non-local path: ${name}`)
    try {
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, text)
    } catch (error) {
      throw new EngineError(`the file ${name} of the template cannot be written`, { cause: error })
    }
  }
}

function run(
  compiler: string,
  project: string,
  cwd: string,
  signal: AbortSignal,
): Promise<{ readonly output: string; readonly failure: string | undefined }> {
  const args = ['--project', project, '--pretty', 'false', '--singleThreaded', '--listFiles']
  const [program, all] =
    process.platform === 'linux'
      ? ['/bin/sh', ['-c', `ulimit -d ${MEMORY_KIB}; exec "$0" "$@"`, compiler, ...args]]
      : [compiler, args]
  return new Promise((resolve) => {
    execFile(
      program,
      all,
      {
        cwd,
        env: { GOMEMLIMIT: `${MEMORY_KIB / 2}KiB` },
        timeout: LIMIT_MS,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
        signal,
      },
      (error, stdout) => {
        // Codes 1 and 2 say that there are faults, which the output names.
        const failure =
          error === null || error.code === 1 || (error.code === 2 && stdout !== '')
            ? undefined
            : error.killed === true
              ? `it took more than ${LIMIT_MS / 1000} s, or needed too much: simplify them`
              : CRASHED
        resolve({ output: stdout, failure })
      },
    )
  })
}

function isInside(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.resolve(file).startsWith(`${path.resolve(folder)}${path.sep}`))
}

/** `template.ts(4,17): error TS2322: …` as errors of the sandbox read. */
function worded(line: string): string {
  return line.replace(/^([^(]+)\((\d+),(\d+)\): error (TS\d+): /, '$1:$2:$3: $4: ')
}
