import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'

const LOOK_MS = 1_000
/** Share of the time that the event loop is at work, and how many looks in a row that makes a load of it. */
const BUSY = 0.8
const LOOKS = 4
/** By how much the space grows at a time: V8's own, and to its full size at once. */
const USUAL = 2
const FULL = 16

/**
 * Has the space of young objects grow to its full size under load, instead of twofold each time that as much has outlived
 * it as it holds. As long as it is small, what the requests under way hold passes for old, and to collect that stops
 * everybody for 10 ms, every second or so (`npm run bench -- authcheck`). Not on the command line, nor at once: a server
 * that only keeps many agents connected would hold 30 MB for nothing, and code is found in the compile cache only under
 * the flags that it was stored with.
 */
export class YoungSpace implements Disposable {
  readonly #timer: NodeJS.Timeout
  readonly #growBy: (factor: number) => void
  #before = performance.eventLoopUtilization()
  #busy = 0
  #factor = USUAL

  /** `growBy` sets what it is called with; V8's flag unless it is said. */
  constructor(growBy = (factor: number) => setFlagsFromString(`--semi-space-growth-factor=${factor}`)) {
    this.#growBy = growBy
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  #look(): void {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, this.#before)
    this.#before = now
    this.#busy = utilization >= BUSY ? this.#busy + 1 : 0
    this.#set(this.#busy >= LOOKS ? FULL : USUAL)
  }

  #set(factor: number): void {
    if (factor === this.#factor) return
    this.#factor = factor
    this.#growBy(factor)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#set(USUAL)
  }
}
