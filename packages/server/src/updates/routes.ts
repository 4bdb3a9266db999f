import * as contract from '@slipway/contract'
import { type BoundRoute, forAnyone } from '../edge/index.ts'
import type { UpdateCheck } from './update-check.ts'

/** Whether there is a newer release, for everybody (OP-113). */
export function updateRoutes(updates: UpdateCheck): BoundRoute[] {
  return [forAnyone(contract.checkForUpdate, async () => updates.answer)]
}
