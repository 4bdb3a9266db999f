import { writeFileSync } from 'node:fs'

import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/**
 * Writes which files failed, a line each, to the file that `SLIPWAY_FAILED_FILES` names.
 *
 * Nothing is written into it when the run failed for something that is no file's, such as an unhandled rejection.
 */
export class FailedFiles implements Reporter {
  readonly #path = process.env.SLIPWAY_FAILED_FILES

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    if (this.#path === undefined) return
    const failed = unhandled.length > 0 ? [] : modules.filter((module) => !module.ok())
    writeFileSync(this.#path, failed.map((module) => `${module.relativeModuleId}\n`).join(''))
  }
}
