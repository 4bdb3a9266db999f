import { type Insertable, type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../authz/index.ts'
import type { Db } from '../database/index.ts'
import type { ReplicasTable } from '../database/tables.ts'
import { notFound } from '../errors/index.ts'

/** Stores this replica, or says that it is still there and how it is (OP-60). @throws ApiError 403. */
export async function registerReplica(
  actor: Actor,
  db: Db,
  replica: Pick<
    Insertable<ReplicasTable>,
    'id' | 'hostname' | 'relay_address' | 'region_id' | 'version' | 'error' | 'database_latency'
  >,
): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  const { error, database_latency } = replica
  await db
    .insertInto('replicas')
    .values(replica)
    .onConflict((found) =>
      found.column('id').doUpdateSet({ updated_at: sql<Date>`now()`, error, database_latency }),
    )
    .execute()
}

/** A replica that was heard of since then is live: it may have missed two heartbeats. */
const LATELY = sql<Date>`now() - interval '15 seconds'`

/** Takes a replica out, and those that have not been heard of for half an hour. @throws ApiError 403. */
export async function removeReplicas(actor: Actor, db: Db, id: string): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  await db
    .deleteFrom('replicas')
    .where((eb) =>
      eb.or([eb('id', '=', id), eb('updated_at', '<', sql<Date>`now() - interval '30 minutes'`)]),
    )
    .execute()
}

/** A replica as the API shows it. */
export type ListedReplica = Pick<
  Selectable<ReplicasTable>,
  'id' | 'hostname' | 'created_at' | 'relay_address' | 'region_id' | 'error' | 'database_latency'
>

/** Those that are live, the oldest first (OP-71). @throws ApiError 404 without `replicas:read`. */
export async function listReplicas(actor: Actor, db: Db): Promise<ListedReplica[]> {
  if (!isAllowed(actor, 'read', { type: 'replicas' })) throw notFound()
  return db
    .selectFrom('replicas')
    .select(['id', 'hostname', 'created_at', 'relay_address', 'region_id', 'error', 'database_latency'])
    .where('updated_at', '>', LATELY)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** Whether no live replica is on another machine than this one. @throws ApiError 403 without `replicas:read`. */
export async function isOnlyMachine(actor: Actor, db: Db, hostname: string): Promise<boolean> {
  authorize(actor, 'read', { type: 'replicas' })
  const row = await db
    .selectFrom('replicas')
    .select('id')
    .where('hostname', '!=', hostname)
    .where('updated_at', '>', LATELY)
    .limit(1)
    .executeTakeFirst()
  return row === undefined
}

/** Relay address of the live replica that an agent is connected to; undefined without one. @throws ApiError 403. */
export async function findRelayAddress(
  actor: Actor,
  db: Db,
  agentId: string,
  ownId: string,
): Promise<string | undefined> {
  authorize(actor, 'read', { type: 'replicas' })
  const row = await db
    .selectFrom('workspace_agents as a')
    .innerJoin('replicas as r', 'r.id', 'a.last_connected_replica_id')
    .select('r.relay_address')
    .where('a.id', '=', agentId)
    .where('r.id', '!=', ownId)
    .where('r.updated_at', '>', LATELY)
    .where(sql<boolean>`agent_status(a) = 'connected'`)
    .executeTakeFirst()
  return row?.relay_address
}

/** Relay address of a live replica. @throws ApiError 403 without `replicas:read`. */
export async function relayAddressOf(actor: Actor, db: Db, replicaId: string): Promise<string | undefined> {
  authorize(actor, 'read', { type: 'replicas' })
  const row = await db
    .selectFrom('replicas')
    .select('relay_address')
    .where('id', '=', replicaId)
    .where('updated_at', '>', LATELY)
    .executeTakeFirst()
  return row?.relay_address
}

/** More replicas than anybody runs. */
const MAX_REPLICAS = 100

/** Relay addresses of the other live replicas. @throws ApiError 403 without `replicas:read`. */
export async function listRelayAddresses(actor: Actor, db: Db, ownId: string): Promise<readonly string[]> {
  authorize(actor, 'read', { type: 'replicas' })
  const rows = await db
    .selectFrom('replicas')
    .select('relay_address')
    .distinct()
    .where('id', '!=', ownId)
    .where('updated_at', '>', LATELY)
    .limit(MAX_REPLICAS)
    .execute()
  return rows.map((row) => row.relay_address)
}
