import type { Db } from '../context.ts'
import type { Engine, LogLevel, LogSink } from './engine/engine.ts'
import type { JobRow, JobType } from './store/jobs.ts'

/** What a handler gets for one job. */
export interface JobTools {
  readonly engine: Engine
  /** Aborted when the job is canceled, or is not ours any more, or the server stops. */
  readonly signal: AbortSignal
  /** Takes lines of the engine. */
  readonly engineLog: LogSink
  /** Writes a line of the provisioner itself, such as `Setting up`. */
  readonly say: (stage: string, output: string, level?: LogLevel) => void
  /** A folder of its own, removed afterwards. */
  readonly workDirectory: string
}

/** What a handler has to store when its job ends; written in the transaction that completes the job (PR-48). */
export type Outcome =
  | { readonly ok: true; readonly store: (tx: Db) => Promise<void> }
  | {
      readonly ok: false
      readonly error: string
      readonly code?: string | undefined
      readonly store: (tx: Db) => Promise<void>
    }

/** How jobs of one type are carried out. The features that queue jobs bring their handlers. */
export interface JobHandler {
  readonly type: JobType
  /** Runs the job. What it throws fails the job like an outcome that is not ok, without anything to store. */
  run(job: JobRow, tools: JobTools): Promise<Outcome>
  /** Stores what must be stored when the job was lost with its worker and is failed by the reaper (PR-42). */
  abandoned?(job: JobRow, tx: Db): Promise<void>
  /** Hears that the job is over, once that is stored: by its worker, or by the reaper. */
  ended?(job: JobRow, succeeded: boolean): Promise<void>
}
