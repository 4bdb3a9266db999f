import { execFile } from 'node:child_process'

import type { ManifestMetadata } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import type { ControlPlane } from './control-plane.ts'

const MAX_OUTPUT_BYTES = 10 * 1024
const SEND_MS = 1_000

/** Where and how metadata is measured. */
export interface MetadataOptions {
  readonly items: readonly ManifestMetadata[]
  readonly env: Readonly<Record<string, string>>
  readonly directory: string
  readonly shell: string
  readonly controlPlane: ControlPlane
  readonly log: Logger
}

/** Measures the values that the dashboard shows, each at its interval, and reports them together (AC-118). */
export class MetadataCollector implements Disposable {
  readonly #options: MetadataOptions
  readonly #timers: NodeJS.Timeout[] = []
  readonly #running = new Set<string>()
  readonly #results = new Map<string, { readonly value: string; readonly error: string }>()

  constructor(options: MetadataOptions) {
    this.#options = options
    for (const item of options.items) {
      void this.#measure(item)
      if (item.interval > 0)
        this.#timers.push(setInterval(() => void this.#measure(item), item.interval * 1_000).unref())
    }
    this.#timers.push(setInterval(() => void this.#send(), SEND_MS).unref())
  }

  /** One run; a run that is still going is not started again. */
  async #measure(item: ManifestMetadata): Promise<void> {
    if (this.#running.has(item.key)) return
    this.#running.add(item.key)
    const { env, directory, shell } = this.#options
    const seconds = item.timeout > 0 ? item.timeout : Math.max(item.interval, 1)
    const result = await new Promise<{ value: string; error: string }>((resolve) => {
      execFile(
        shell,
        ['-c', item.script],
        { env, cwd: directory, timeout: seconds * 1_000, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL' },
        (error, stdout, stderr) => {
          if (error === null) return resolve({ value: stdout, error: '' })
          resolve({
            value: stdout,
            error: error.killed ? `timed out after ${seconds} s` : stderr.trim() || error.message,
          })
        },
      )
    })
    this.#running.delete(item.key)
    this.#results.set(item.key, result)
  }

  async #send(): Promise<void> {
    if (this.#results.size === 0) return
    const metadata = [...this.#results].map(([key, result]) => ({ key, ...result }))
    this.#results.clear()
    try {
      await this.#options.controlPlane.metadata({ metadata })
    } catch (error) {
      // The next measurement replaces it anyway.
      this.#options.log.debug('metadata could not be sent', { error: describeError(error) })
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
  }
}
