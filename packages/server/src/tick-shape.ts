import { executionAsyncResource } from 'node:async_hooks'
import { nextTick } from 'node:process'

/**
 * Keeps one object alive of the kind that Node makes for each `process.nextTick`. Without one, a full collection of
 * garbage at a quiet moment takes away their hidden class, and V8 then makes them the slow way until the process ends:
 * 0.6 µs for each, of which a request with a body has five (`npm run bench -- mcp`).
 */
export class TickShape implements Disposable {
  #kept: object | undefined

  constructor() {
    nextTick(() => {
      this.#kept = executionAsyncResource()
    })
  }

  /** Whether there is one. */
  get isKept(): boolean {
    return this.#kept !== undefined
  }

  [Symbol.dispose](): void {
    this.#kept = undefined
  }
}
