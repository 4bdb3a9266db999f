import { setTimeout as delay } from 'node:timers/promises'

import { describeError, type Logger } from '@slipway/request-log'
import { type ControlPlane, ControlPlaneError } from './control-plane.ts'

const FLUSH_MS = 250
const MAX_BYTES = 1024 * 1024
/** A batch that would pass the limit is refused whole, so small ones lose little of a log that overflows. */
const MAX_BATCH_BYTES = 64 * 1024
/** The server takes no more at once. */
const MAX_BATCH_LINES = 5_000
/** What is kept of the end once there is no room for all (AC-303). */
const TAIL_BYTES = 64 * 1024
/** How long the end of the agent waits for its log. */
const FAREWELL_MS = 5_000
/** Between two batches of the end of a log that is full. */
const TAIL_MS = 1_000

interface Line {
  readonly sourceId: string
  readonly level: 'info' | 'error' | 'debug' | 'warn'
  readonly output: string
  /** In bytes. */
  readonly size: number
}

/**
 * Sends the output of scripts to the control plane in batches. What cannot be sent yet is kept up to 1 MiB (AC-93);
 * of what comes after that, and of all that comes once the server's log is full, only the newest 64 KiB are kept and
 * sent in the end, so that the end of a script that fails can be read (AC-303).
 */
export class LogSender implements AsyncDisposable {
  readonly #controlPlane: Pick<ControlPlane, 'logs'>
  readonly #log: Logger
  #waiting: Line[] = []
  #bytes = 0
  #tail: Line[] = []
  #tailBytes = 0
  /** Lines that nobody will see. */
  #missing = 0
  #full = false
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined

  constructor(controlPlane: Pick<ControlPlane, 'logs'>, log: Logger) {
    this.#controlPlane = controlPlane
    this.#log = log
  }

  /** Takes a line; never blocks. Where lines had to be left out, a line in their place says how many. */
  write(sourceId: string, output: string, level: Line['level'] = 'info'): void {
    // An empty line takes room too, here and in the batch.
    const line = { sourceId, level, output, size: Buffer.byteLength(output) + 1 }
    if (this.#full || this.#tail.length > 0 || this.#bytes + line.size > MAX_BYTES) this.#keepTail([line])
    else {
      this.#waiting.push(line)
      this.#bytes += line.size
    }
    this.#timer ??= setTimeout(() => void this.flush(), this.#full ? TAIL_MS : FLUSH_MS)
  }

  #keepTail(lines: readonly Line[]): void {
    for (const line of lines) {
      this.#tail.push(line)
      this.#tailBytes += line.size
      // Twice as much before it is cut, so that cutting costs little.
      if (this.#tailBytes > 2 * TAIL_BYTES) this.#cutTail()
    }
  }

  #cutTail(): void {
    let first = 0
    while (this.#tailBytes > TAIL_BYTES) {
      this.#tailBytes -= this.#tail[first]?.size ?? this.#tailBytes
      first += 1
    }
    this.#tail = this.#tail.slice(first)
    this.#missing += first
  }

  /** Sends what waits; what fails waits for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
      if (this.#waiting.length + this.#tail.length > 0 && !this.#closed)
        this.#timer ??= setTimeout(() => void this.flush(), TAIL_MS)
    })
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    if (!(await this.#sendWaiting())) return
    // One round for what comes after: in a flood there is always more.
    this.#takeTail()
    await this.#sendWaiting()
  }

  /** @returns whether nothing waits any more. */
  async #sendWaiting(): Promise<boolean> {
    while (this.#waiting.length > 0) {
      const batch = nextBatch(this.#waiting)
      if (!(await this.#send(batch))) return false
      this.#waiting = this.#waiting.slice(batch.length)
      this.#bytes -= sizeOf(batch)
    }
    return true
  }

  /** The end of the log comes next, behind a line that says what is missing before it. */
  #takeTail(): void {
    this.#cutTail()
    const [first] = this.#tail
    if (first === undefined) return
    const output = `… ${this.#missing} lines are missing here: there is no room for them, or they came too fast`
    const note: Line = {
      sourceId: first.sourceId,
      level: 'warn',
      output,
      size: Buffer.byteLength(output) + 1,
    }
    this.#waiting = this.#missing === 0 ? this.#tail : [note, ...this.#tail]
    this.#bytes = sizeOf(this.#waiting)
    this.#tail = []
    this.#tailBytes = 0
    this.#missing = 0
  }

  /** @returns whether the batch is done with: sent, or refused for good. */
  async #send(batch: readonly Line[]): Promise<boolean> {
    try {
      await this.#controlPlane.logs({
        log_source_id: batch[0]?.sourceId ?? '',
        logs: batch.map(({ level, output }) => ({ level, output })),
      })
      return true
    } catch (error) {
      const status = error instanceof ControlPlaneError ? error.status : 0
      if (status === 413) {
        // The server keeps the end of what it refuses.
        if (!this.#full) this.#becomeFull(batch.length)
        return true
      }
      this.#log.debug('logs could not be sent', { error: describeError(error) })
      // A batch that can never be read must not hold up all that come after it.
      return status === 400
    }
  }

  /** What waits behind the batch that was refused has no room either. */
  #becomeFull(refused: number): void {
    this.#full = true
    const late = this.#tail
    this.#tail = []
    this.#tailBytes = 0
    const batch = this.#waiting.slice(0, refused)
    this.#keepTail([...this.#waiting.slice(refused), ...late])
    this.#waiting = batch
    this.#bytes = sizeOf(batch)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish()
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Sends all that waits, for at most 5 s: the end of the agent does not wait for a server that hangs (AC-119). */
  async finish(): Promise<void> {
    const late = new AbortController()
    await Promise.race([
      this.#drain(),
      delay(FAREWELL_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
  }

  async #drain(): Promise<void> {
    await this.flush()
    // What came while the last batch was on its way.
    if (this.#waiting.length + this.#tail.length > 0) await this.flush()
  }
}

/** The first lines that one request may carry: all of one source, of bounded size and number. */
function nextBatch(lines: readonly Line[]): Line[] {
  const sourceId = lines[0]?.sourceId
  let size = 0
  const end = lines.findIndex((line, i) => {
    size += line.size
    return line.sourceId !== sourceId || (i > 0 && size > MAX_BATCH_BYTES) || i === MAX_BATCH_LINES
  })
  return lines.slice(0, end < 0 ? lines.length : end)
}

function sizeOf(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + line.size, 0)
}
