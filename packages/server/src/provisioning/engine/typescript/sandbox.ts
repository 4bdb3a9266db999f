import { Worker } from 'node:worker_threads'

import { EngineError } from '../engine.ts'
import type { SandboxCall, SandboxLimits, SandboxReply, SandboxRequest } from './sandbox-protocol.ts'

/** 32 MB and one second: ample for a description, little for an attack. */
export const SANDBOX_LIMITS: SandboxLimits = {
  memoryBytes: 32 * 1024 * 1024,
  stackBytes: 256 * 1024,
  deadlineMs: 1000,
  resultBytes: 1024 * 1024,
}

/** Time beyond the deadline after which the thread itself counts as stuck; covers its start. */
const TERMINATE_AFTER_MS = 10_000
const MAX_WAITING = 256
/** Escapes in JSON of what no database stores as text; a backslash of its own comes doubled. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i

/**
 * Evaluates templates one after the other in one warm worker thread (see `sandbox-worker.ts`). The thread
 * starts at the first evaluation and is replaced when it crashes or gets stuck.
 *
 * @example
 * await using sandbox = new TemplateSandbox()
 * const said = await sandbox.evaluate(files, { name: 'declarations' })
 */
export class TemplateSandbox implements AsyncDisposable {
  readonly #limits: SandboxLimits
  #worker: Worker | undefined
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #disposed = false

  constructor(limits: Partial<SandboxLimits> = {}) {
    this.#limits = { ...SANDBOX_LIMITS, ...limits }
  }

  /**
   * The answer of the template in `files` to `call`, as parsed JSON that nobody has checked yet.
   * @throws EngineError with the place in the template when it fails or exceeds a limit
   */
  evaluate(files: ReadonlyMap<string, string>, call: SandboxCall): Promise<unknown> {
    if (this.#waiting >= MAX_WAITING) {
      return Promise.reject(new EngineError('too many templates are being evaluated, try again later'))
    }
    this.#waiting += 1
    const answer = this.#last
      .then(() => this.#ask({ files, call, limits: this.#limits }))
      .finally(() => {
        this.#waiting -= 1
      })
    // Only the order matters to the next caller; this caller gets the error.
    this.#last = answer.catch(() => undefined)
    return answer
  }

  async #ask(request: SandboxRequest): Promise<unknown> {
    if (this.#disposed) throw new EngineError('the server is shutting down')
    const worker = this.#worker ?? this.#start()
    const reply = await this.#exchange(worker, request)
    if (!reply.ok) throw new EngineError(reply.message)
    if (UNSTORABLE.test(reply.json))
      throw new EngineError('template.ts: a text holds a NUL character or half of a surrogate pair')
    return JSON.parse(reply.json)
  }

  #start(): Worker {
    const worker = new Worker(new URL('./sandbox-worker.ts', import.meta.url), {
      env: {},
      // Aborts of the engine print a line that helps nobody; errors of the thread arrive as events.
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    })
    worker.stderr.resume()
    worker.unref()
    this.#worker = worker
    return worker
  }

  #exchange(worker: Worker, request: SandboxRequest): Promise<SandboxReply> {
    const { promise, resolve, reject } = Promise.withResolvers<SandboxReply>()
    const broken = (error: unknown) => {
      if (this.#worker === worker) this.#worker = undefined
      void worker.terminate()
      reject(new EngineError('the template sandbox failed', { cause: error }))
    }
    const exited = (code: number) => broken(new Error(`worker exited with code ${code}`))
    const timer = setTimeout(
      () => broken(new Error('worker is stuck')),
      request.limits.deadlineMs + TERMINATE_AFTER_MS,
    )
    worker.once('message', resolve).once('error', broken).once('exit', exited)
    worker.postMessage(request)
    return promise.finally(() => {
      clearTimeout(timer)
      worker.off('message', resolve).off('error', broken).off('exit', exited)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    await this.#last
    await this.#worker?.terminate()
    this.#worker = undefined
  }
}
