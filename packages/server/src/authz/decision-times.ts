import { Histogram } from '../histogram/index.ts'

/** Upper bounds in seconds (RB-78). */
const BUCKETS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.25, 0.75, 1]
/** Looking at the clock takes as long as deciding: one decision in so many is timed, for all since the last one. */
const TIMED_EVERY = 64
const UNTIMED = -1

const allowedTimes = new Histogram(BUCKETS)
const refusedTimes = new Histogram(BUCKETS)
const filterTimes = new Histogram(BUCKETS)
let turn = 0
let allowedSince = 0
let refusedSince = 0
let lastSeconds = 0

/** Called before a decision; what it returns is for {@link decided}. */
export function beginDecision(): number {
  turn = (turn + 1) % TIMED_EVERY
  return turn === 0 ? performance.now() : UNTIMED
}

/** Counts a decision by its outcome. */
export function decided(begun: number, allowed: boolean): void {
  if (allowed) allowedSince += 1
  else refusedSince += 1
  if (begun === UNTIMED) return
  lastSeconds = (performance.now() - begun) / 1_000
  settle()
}

/** What has not been timed took as long as the last one that was. */
function settle(): void {
  if (allowedSince > 0) allowedTimes.observe(lastSeconds, allowedSince)
  if (refusedSince > 0) refusedTimes.observe(lastSeconds, refusedSince)
  allowedSince = 0
  refusedSince = 0
}

/** Counts a filter that was made for a list; `begun` is of `performance.now()`. */
export function filterMade(begun: number): void {
  filterTimes.observe((performance.now() - begun) / 1_000)
}

const DECIDE = 'coderd_authz_authorize_duration_seconds'
const PREPARE = 'coderd_authz_prepare_authorize_duration_seconds'

/** How long the decisions of this process took, and the filters of its lists, in the Prometheus text format (RB-78). */
export function renderDecisionTimes(): string {
  settle()
  return `${[
    `# HELP ${DECIDE} Duration of authorization decisions. One in ${TIMED_EVERY} is timed, all are counted.`,
    `# TYPE ${DECIDE} histogram`,
    ...allowedTimes.render(DECIDE, 'allowed="true"'),
    ...refusedTimes.render(DECIDE, 'allowed="false"'),
    `# HELP ${PREPARE} Duration of making the condition by which a list is filtered.`,
    `# TYPE ${PREPARE} histogram`,
    ...filterTimes.render(PREPARE, ''),
  ].join('\n')}\n`
}
