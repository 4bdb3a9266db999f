import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { listReplicas } from './store.ts'

/** Which processes serve this deployment (OP-71). */
export function replicaRoutes({ database }: AppContext): BoundRoute[] {
  return [
    forSession(contract.listReplicas, async ({ actor }) =>
      (await listReplicas(actor, database.db)).map((replica) => ({
        ...replica,
        created_at: replica.created_at.toISOString(),
      })),
    ),
  ]
}
