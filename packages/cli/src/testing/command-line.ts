import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The real program. */
export const BIN = fileURLToPath(new URL('../../bin/slipway.js', import.meta.url))

/** What an open question begins with. */
const QUESTION = '◆'

/** How a run of the program ended. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real program as somebody whose home is a folder of the test, without a terminal. */
export class CommandLine {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The environment of every run: nothing of the test's own but the path. */
  get environment(): Readonly<Record<string, string>> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.#folder,
      CODER_CONFIG_DIR: `${this.#folder}/config`,
    }
  }

  /** Runs it to its end, whatever that is. */
  run(...args: readonly string[]): Promise<Ran> {
    return this.runWith({}, ...args)
  }

  /** Runs it to its end in a folder that is not its home. */
  runIn(cwd: string, ...args: readonly string[]): Promise<Ran> {
    return this.#run(cwd, {}, args)
  }

  /** Starts it, without a terminal. */
  start(...args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, [BIN, ...args], { env: this.environment, cwd: this.#folder })
  }

  /** Runs it to its end with further variables; the last argument may bring what it reads on standard input. */
  runWith(
    environment: Readonly<Record<string, string>>,
    ...given: readonly (string | { readonly input: string | Uint8Array })[]
  ): Promise<Ran> {
    return this.#run(this.#folder, environment, given)
  }

  #run(
    cwd: string,
    environment: Readonly<Record<string, string>>,
    given: readonly (string | { readonly input: string | Uint8Array })[],
  ): Promise<Ran> {
    const args = given.filter((one) => typeof one === 'string')
    const last = given.at(-1)
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [BIN, ...args],
        { env: { ...this.environment, ...environment }, cwd },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
      )
      // A command that does not read may have ended before all is written.
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(typeof last === 'object' ? last.input : undefined)
    })
  }

  /** Runs it to its end, giving an answer and Enter to each question as it comes; `--force-tty` makes it ask. */
  async answer(args: readonly string[], answers: readonly string[]): Promise<Ran> {
    const child = spawn(process.execPath, [BIN, ...args], { env: this.environment, cwd: this.#folder })
    const [left, said] = [[...answers], { stdout: '', stderr: '' }]
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
        if (!text.includes(QUESTION) || left.length === 0) return
        child.stdin.write(`${left.shift()}\r`)
        if (left.length === 0) child.stdin.end()
      })
    const [code] = await once(child, 'close')
    return { code: Number(code), ...said }
  }

  /** Its output. @throws Error when it fails. */
  async good(...args: readonly string[]): Promise<string> {
    const ran = await this.run(...args)
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`)
    return ran.stdout
  }

  /** Its message. @throws Error unless it fails with 1 and says nothing on stdout. */
  async bad(...args: readonly string[]): Promise<string> {
    const ran = await this.run(...args)
    if (ran.code !== 1 || ran.stdout !== '')
      throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    return ran.stderr
  }
}
