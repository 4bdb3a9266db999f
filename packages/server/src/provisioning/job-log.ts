import { describeError, type Logger } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { appendJobLogs, type NewJobLog } from './store/logs.ts'

/** Bytes of log that one job may have (PR-44). */
const MAX_BYTES = 1024 * 1024
const FLUSH_MS = 100
const OVERFLOW =
  'Provisioner logs exceeded the max size of 1MB. Will not continue to write provisioner logs for workspace build.'

/**
 * The log of one running job: takes lines at once, writes them in batches, and stops at the limit with one
 * notice (PR-44, PR-56). What waits to be written is bounded by that same limit.
 */
export class JobLog implements AsyncDisposable {
  readonly #db: Db
  readonly #jobId: string
  readonly #log: Logger
  #waiting: NewJobLog[] = []
  #bytes = 0
  #pendingBytes = 0
  #overflowed = false
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(options: { readonly db: Db; readonly jobId: string; readonly log: Logger }) {
    this.#db = options.db
    this.#jobId = options.jobId
    this.#log = options.log
  }

  /** Adds a line; never blocks and never throws. */
  write(line: NewJobLog): void {
    if (this.#overflowed) return
    const size = Buffer.byteLength(line.output)
    if (this.#bytes + size + OVERFLOW.length > MAX_BYTES) {
      this.#overflowed = true
      this.#add({ ...line, level: 'warn', output: OVERFLOW }, OVERFLOW.length)
      return
    }
    this.#add({ ...line, output: line.output.replaceAll('\0', '\u274c') }, size)
  }

  #add(line: NewJobLog, size: number): void {
    this.#bytes += size
    this.#pendingBytes += size
    this.#waiting.push(line)
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS)
  }

  /** Writes what waits; a failure costs these lines and is logged, the job goes on. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#waiting
    const size = this.#pendingBytes
    this.#waiting = []
    this.#pendingBytes = 0
    if (lines.length === 0) return this.#writing
    this.#writing = this.#writing
      .then(() =>
        appendJobLogs(
          systemActor('provisionerd', 'what a provisioner says of its job'),
          this.#db,
          this.#jobId,
          lines,
          {
            size,
            overflowed: this.#overflowed,
          },
        ),
      )
      .catch((error: unknown) => {
        this.#log.warn('lines of a job log are lost', {
          job_id: this.#jobId,
          lines: lines.length,
          error: describeError(error),
        })
      })
    return this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
  }
}
