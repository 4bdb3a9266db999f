import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

import type { ManifestMetadata } from '@slipway/contract'
import { describeError, type Logger } from '@slipway/request-log'
import type { ControlPlane } from './control-plane.ts'

const MAX_OUTPUT_BYTES = 10 * 1024
const SEND_MS = 1_000
/** What a script has left running may hold its output open; nobody waits for that. */
const PIPES_GRACE_MS = 250

/** Where and how metadata is measured. */
export interface MetadataOptions {
  readonly items: readonly ManifestMetadata[]
  readonly env: Readonly<Record<string, string>>
  readonly directory: string
  readonly shell: string
  readonly controlPlane: ControlPlane
  readonly log: Logger
}

interface Measured {
  readonly value: string
  readonly error: string
}

/** Measures the values that the dashboard shows, each at its interval, and reports them together (AC-118). */
export class MetadataCollector implements Disposable {
  readonly #options: MetadataOptions
  readonly #timers: NodeJS.Timeout[] = []
  readonly #running = new Set<string>()
  readonly #results = new Map<string, Measured>()
  readonly #ended = new AbortController()

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
    const result = await measure(item, this.#options, this.#ended.signal).catch(
      (error: unknown): Measured => ({
        value: '',
        error: error instanceof Error ? error.message : String(error),
      }),
    )
    this.#running.delete(item.key)
    this.#results.set(item.key, result)
  }

  async #send(): Promise<void> {
    if (this.#results.size === 0) return
    const sent = [...this.#results]
    this.#results.clear()
    try {
      await this.#options.controlPlane.metadata({
        metadata: sent.map(([key, result]) => ({ key, ...result })),
      })
    } catch (error) {
      // Some are measured only once, so they are kept; a newer measurement wins.
      for (const [key, result] of sent) if (!this.#results.has(key)) this.#results.set(key, result)
      this.#options.log.debug('metadata could not be sent', { error: describeError(error) })
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#ended.abort()
  }
}

/** Runs the script of an item once; after its time it is killed with everything that it has started. */
async function measure(
  item: ManifestMetadata,
  { env, directory, shell }: MetadataOptions,
  ended: AbortSignal,
): Promise<Measured> {
  const seconds = item.timeout > 0 ? item.timeout : Math.max(item.interval, 1)
  const child = spawn(shell, ['-c', item.script], {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let timedOut = false
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // The group has ended already.
    }
  }
  const timer = setTimeout(() => {
    timedOut = true
    kill()
  }, seconds * 1_000).unref()
  ended.addEventListener('abort', kill, { once: true })
  const failure = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) =>
      resolve(code === 0 ? '' : code === null ? `ended by ${signal}` : `exit status ${code}`),
    )
  })
  clearTimeout(timer)
  ended.removeEventListener('abort', kill)
  await Promise.race([closed, delay(PIPES_GRACE_MS, undefined, { ref: false })])
  child.stdout.destroy()
  child.stderr.destroy()
  if (timedOut) return { value: stdout(), error: `timed out after ${seconds} s` }
  return { value: stdout(), error: failure === '' ? '' : stderr().trim() || failure }
}

/** Keeps the first 10 KiB of an output and lets the rest pass. */
function collect(stream: NodeJS.ReadableStream): () => string {
  let kept = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    const room = MAX_OUTPUT_BYTES - kept.length
    if (room > 0) kept = Buffer.concat([kept, chunk.subarray(0, room)])
  })
  return () => kept.toString('utf8')
}
