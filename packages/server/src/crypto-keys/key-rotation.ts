import type { AppContext } from '../context.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { rotateKeys } from './rotate-keys.ts'

const PAUSE_MS = 10 * 60_000

/** Replaces keys in their time: at the start and every ten minutes, on one replica at a time (OP-74). */
export function keyRotationJob(context: AppContext): PeriodicJob {
  return new PeriodicJob(context, {
    service: 'key-rotation',
    pauseMs: PAUSE_MS,
    failure: 'keys could not be replaced',
    round: () => rotateKeys(context),
  })
}
