import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'

import { until } from '@slipway/testkit'
import type { CommandLine } from './command-line.ts'

/** A run of the program that goes on while the test does. */
export class RunningCommand implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #closed: Promise<unknown[]>
  stdout = ''
  stderr = ''

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#closed = once(child, 'close')
    child.stdin.on('error', () => undefined)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
  }

  static start(cli: CommandLine, ...args: readonly string[]): RunningCommand {
    return new RunningCommand(cli.start(...args))
  }

  /** Waits until it has said this, on either output. */
  async says(text: string): Promise<void> {
    await until(text, () => (`${this.stdout}${this.stderr}`.includes(text) ? true : undefined)).catch(() => {
      throw new Error(`${JSON.stringify(text)} is not in ${JSON.stringify([this.stdout, this.stderr])}`)
    })
  }

  /** Writes to its standard input. */
  type(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Ends its standard input. */
  end(): void {
    this.#child.stdin.end()
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Its exit code, when it has ended. */
  async ended(): Promise<number> {
    const [code] = await this.#closed
    return Number(code ?? -1)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }
}
