import { type Static, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { route } from './route.ts'

/** A process that serves this deployment (OP-71). */
export const Replica = Type.Object({
  id: Uuid,
  hostname: Type.String(),
  created_at: Time,
  /** Where other replicas reach it. */
  relay_address: Type.String(),
  region_id: Type.Integer(),
  /** What is wrong with it, such as other replicas that it cannot reach; empty when nothing is. */
  error: Type.String(),
  /** Of a round trip to the database, in microseconds. */
  database_latency: Type.Integer(),
})
export type Replica = Static<typeof Replica>

export const listReplicas = route('GET /api/v2/replicas', {
  id: 'get-active-replicas',
  tag: 'Enterprise',
  responses: { 200: Type.Array(Replica) },
})
