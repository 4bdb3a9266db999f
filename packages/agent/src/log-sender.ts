import { describeError, type Logger } from '@slipway/request-log'
import { type ControlPlane, ControlPlaneError } from './control-plane.ts'

const FLUSH_MS = 250
const MAX_BYTES = 1024 * 1024
/** A batch that would pass the limit is refused whole, so small ones lose little of a log that overflows. */
const MAX_BATCH_BYTES = 64 * 1024

interface Line {
  readonly sourceId: string
  readonly level: 'info' | 'error' | 'debug' | 'warn'
  readonly output: string
  /** In bytes. */
  readonly size: number
}

/**
 * Sends the output of scripts to the control plane in batches. What cannot be sent yet is kept up to 1 MiB;
 * once the server says that the log is full, nothing more is kept (AC-93).
 */
export class LogSender implements AsyncDisposable {
  readonly #controlPlane: ControlPlane
  readonly #log: Logger
  #waiting: Line[] = []
  #bytes = 0
  #full = false
  #dropped: { readonly sourceId: string; readonly lines: number } | undefined
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined

  constructor(controlPlane: ControlPlane, log: Logger) {
    this.#controlPlane = controlPlane
    this.#log = log
  }

  /** Takes a line; never blocks. Lines beyond the limit are dropped, and a line in their place says how many. */
  write(sourceId: string, output: string, level: Line['level'] = 'info'): void {
    // An empty line takes room too, here and in the batch.
    const size = Buffer.byteLength(output) + 1
    if (this.#full) return
    if (this.#bytes + size > MAX_BYTES) {
      this.#dropped = { sourceId, lines: (this.#dropped?.lines ?? 0) + 1 }
      return
    }
    this.#bytes += size
    this.#waiting.push({ sourceId, level, output, size })
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS)
  }

  /** Sends what waits; what fails waits for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
      if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS * 4)
    })
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#full) {
      const sourceId = this.#waiting[0]?.sourceId ?? ''
      let size = 0
      const end = this.#waiting.findIndex((line, i) => {
        size += line.size
        return line.sourceId !== sourceId || (i > 0 && size > MAX_BATCH_BYTES)
      })
      const batch = this.#waiting.slice(0, end < 0 ? this.#waiting.length : end)
      try {
        await this.#controlPlane.logs({
          log_source_id: sourceId,
          logs: batch.map(({ level, output }) => ({ level, output })),
        })
      } catch (error) {
        if (error instanceof ControlPlaneError && error.status === 413) {
          this.#full = true
          this.#waiting = []
          this.#bytes = 0
          return
        }
        this.#log.debug('logs could not be sent yet', { error: describeError(error) })
        return
      }
      this.#waiting = this.#waiting.slice(batch.length)
      this.#bytes -= batch.reduce((sum, line) => sum + line.size, 0)
      if (this.#waiting.length === 0) this.#tellDropped()
    }
  }

  #tellDropped(): void {
    if (this.#dropped === undefined) return
    const { sourceId, lines } = this.#dropped
    this.#dropped = undefined
    this.write(
      sourceId,
      `… ${lines} lines are missing here: they came faster than they could be sent`,
      'warn',
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
    clearTimeout(this.#timer)
  }
}
