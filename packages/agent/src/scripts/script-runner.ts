import { Cron } from 'croner'

import type { AgentScriptReport, ManifestScript } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import type { ControlPlane } from '../control-plane.ts'
import { runScript, type ScriptResult, type ScriptSurroundings } from './run-script.ts'

/** How a phase of scripts went. */
export type PhaseResult = 'ok' | 'timeout' | 'error'

/** Runs the scripts of a workspace at its start, by schedule and at its end (AC-117). */
export class ScriptRunner implements Disposable {
  readonly #scripts: readonly ManifestScript[]
  readonly #around: ScriptSurroundings
  readonly #controlPlane: ControlPlane
  readonly #log: Logger
  readonly #schedules: Cron[] = []

  constructor(options: {
    readonly scripts: readonly ManifestScript[]
    readonly around: ScriptSurroundings
    readonly controlPlane: ControlPlane
    readonly log: Logger
  }) {
    this.#scripts = options.scripts
    this.#around = options.around
    this.#controlPlane = options.controlPlane
    this.#log = options.log
  }

  /** All scripts of a phase, side by side; the worst outcome counts. */
  async run(phase: 'start' | 'stop', signal?: AbortSignal): Promise<PhaseResult> {
    const due = this.#scripts.filter((script) =>
      phase === 'start' ? script.run_on_start : script.run_on_stop,
    )
    const results = await Promise.all(due.map((script) => this.#one(script, phase, signal)))
    if (results.some((result) => result.status === 'timed_out')) return 'timeout'
    return results.some((result) => result.exitCode !== 0) ? 'error' : 'ok'
  }

  /** Starts the schedules; they run until disposal, one run of a script at a time. */
  schedule(): void {
    for (const script of this.#scripts) {
      if (script.cron === '') continue
      try {
        this.#schedules.push(
          new Cron(script.cron, { protect: true, unref: true }, async () => {
            await this.#one(script, 'cron')
          }),
        )
      } catch (error) {
        this.#around.onLine(
          script.log_source_id,
          `the schedule ${script.cron} cannot be read: ${describeError(error)}`,
        )
      }
    }
  }

  async #one(
    script: ManifestScript,
    stage: AgentScriptReport['stage'],
    signal?: AbortSignal,
  ): Promise<ScriptResult> {
    const result = await this.#run(script, signal)
    try {
      await this.#controlPlane.scriptCompleted({
        script_id: script.id,
        start: result.start.toISOString(),
        end: result.end.toISOString(),
        exit_code: result.exitCode,
        stage,
        status: result.status,
      })
    } catch (error) {
      this.#log.warn('the end of a script could not be reported', { error: describeError(error) })
    }
    return result
  }

  /** A script that cannot even be started has failed; it must not take the agent down. */
  async #run(script: ManifestScript, signal: AbortSignal | undefined): Promise<ScriptResult> {
    const start = new Date()
    try {
      return await runScript(script, this.#around, signal)
    } catch (error) {
      this.#around.onLine(script.log_source_id, `the script could not be run: ${describeError(error)}`)
      return { exitCode: 255, status: 'exit_failure', start, end: new Date() }
    }
  }

  [Symbol.dispose](): void {
    for (const schedule of this.#schedules) schedule.stop()
  }
}
