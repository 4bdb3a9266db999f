import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { enabledExperiments, SAFE_EXPERIMENTS } from './experiments.ts'

/** Which features are switched on by name (OP-115). */
export function experimentRoutes({ config }: AppContext): BoundRoute[] {
  return [
    forSession(contract.getExperiments, async () => enabledExperiments(config.experiments)),
    forSession(contract.getAvailableExperiments, async () => ({ safe: [...SAFE_EXPERIMENTS] })),
  ]
}
