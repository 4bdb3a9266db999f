import { sql } from 'kysely'

import type { ChatStatus } from '@slipway/contract'
import { type Actor, authorize } from '../../authz/index.ts'
import { type ChatRow, ownedChat } from '../../chats/index.ts'
import type { Db } from '../../database/index.ts'

const CHATS = { type: 'chat' } as const

/** What somebody works on, by the kind of chat: caps hold for each (CH-607). */
export type Pool = 'root' | 'subagent'

/** A chat that waits for a worker. */
export interface Candidate {
  readonly id: string
  readonly status: ChatStatus
  readonly pool: Pool
  /** Whether somebody has had it, who gives no sign of life any more: it has had its turn (CH-607). */
  readonly held: boolean
}

/**
 * Chats that nobody works on although they should be worked on, in the order of CH-603: what was interrupted first, then
 * what the client has to answer, then what should run; in each of them owners take turns (B-4), and so do roots and
 * subagents. Whoever has chats that run has had as many turns; of two who have had as many, the one whose chats have
 * last changed longer ago is next, so that a long queue of one lets the others in between. What was lost by somebody who
 * had it comes before what has not begun.
 *
 * @param staleSeconds age from which a heartbeat counts for nothing (CH-602).
 * @throws ApiError 403 without `chat:read`.
 */
export async function listCandidates(
  actor: Actor,
  db: Db,
  { staleSeconds, limit }: { readonly staleSeconds: number; readonly limit: number },
): Promise<readonly Candidate[]> {
  authorize(actor, 'read', CHATS)
  const { rows } = await sql<Candidate>`
    with waiting as (
      select c.id, c.status, c.updated_at, c.owner_id, c.runner_id is not null as held,
             case when c.parent_chat_id is null then 'root' else 'subagent' end as pool,
             case c.status when 'interrupting' then 0 when 'requires_action' then 1 else 2 end as class
        from chats c
       where not c.archived and c.status in ('running', 'interrupting', 'requires_action')
         and (c.runner_id is null or not exists (
           select 1 from chat_heartbeats h
            where h.chat_id = c.id and h.runner_id = c.runner_id
              and h.heartbeat_at > clock_timestamp() - make_interval(secs => ${staleSeconds})))
    ), served as (
      select o.owner_id, o.pool, count(h.chat_id) as running,
             max(c.updated_at) filter (where h.chat_id is not null or c.status in ('waiting', 'error')) as last
        from (select distinct owner_id, pool from waiting) o
        join chats c on c.owner_id = o.owner_id and (c.parent_chat_id is null) = (o.pool = 'root')
        left join chat_heartbeats h on h.chat_id = c.id and h.runner_id = c.runner_id
         and h.heartbeat_at > clock_timestamp() - make_interval(secs => ${staleSeconds})
       group by o.owner_id, o.pool
    ), turns as (
      select w.*, s.last,
             s.running + row_number() over (partition by class, w.pool, w.owner_id order by updated_at, id) as turn
        from waiting w join served s on s.owner_id = w.owner_id and s.pool = w.pool
    ), ranks as (
      select t.*, row_number() over (partition by class, pool order by turn, last nulls first, updated_at, id) as rank
        from turns t
    )
    select id, status, pool, held from ranks order by class, held desc, rank, updated_at, id limit ${limit}`.execute(
    db,
  )
  return rows
}

/** Whether somebody works on a chat: its run has given a sign of life not long ago. @throws ApiError 403. */
export async function hasLiveRunner(
  actor: Actor,
  tx: Db,
  chat: ChatRow,
  staleSeconds: number,
): Promise<boolean> {
  authorize(actor, 'read', ownedChat(chat))
  if (chat.runner_id === null) return false
  const row = await tx
    .selectFrom('chat_heartbeats')
    .select('heartbeat_at')
    .where('chat_id', '=', chat.id)
    .where('runner_id', '=', chat.runner_id)
    .where('heartbeat_at', '>', sql<Date>`clock_timestamp() - make_interval(secs => ${staleSeconds})`)
    .executeTakeFirst()
  return row !== undefined
}

/** The first sign of life of a run, in the transaction in which it takes its chat (CH-604). @throws ApiError 403. */
export async function insertHeartbeat(actor: Actor, tx: Db, chat: ChatRow, runnerId: string): Promise<void> {
  authorize(actor, 'update', ownedChat(chat))
  await tx.insertInto('chat_heartbeats').values({ chat_id: chat.id, runner_id: runnerId }).execute()
}

/** A run that has a chat. */
export interface Lease {
  readonly chatId: string
  readonly runnerId: string
}

/**
 * Signs of life of all runs of a worker (CH-604). Gives the chats of those that still have theirs.
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function beat(actor: Actor, db: Db, leases: readonly Lease[]): Promise<ReadonlySet<string>> {
  authorize(actor, 'update', CHATS)
  const { rows } = await sql<{ chat_id: string }>`
    insert into chat_heartbeats (chat_id, runner_id, heartbeat_at)
    select c.id, c.runner_id, clock_timestamp()
      from unnest(${leases.map((lease) => lease.chatId)}::uuid[], ${leases.map((lease) => lease.runnerId)}::uuid[])
           as l (chat_id, runner_id)
      join chats c on c.id = l.chat_id and c.runner_id = l.runner_id
    on conflict (chat_id, runner_id) do update set heartbeat_at = excluded.heartbeat_at
    returning chat_id`.execute(db)
  return new Set(rows.map((row) => row.chat_id))
}

/** Deletes the signs of life of runs that are over, or gone. @throws ApiError 403 without `chat:update`. */
export async function sweepHeartbeats(
  actor: Actor,
  db: Db,
  {
    runnerIds,
    olderThanSeconds,
  }: { readonly runnerIds: readonly string[]; readonly olderThanSeconds: number },
): Promise<void> {
  authorize(actor, 'update', CHATS)
  await db
    .deleteFrom('chat_heartbeats')
    .where((eb) =>
      eb.or([
        eb('heartbeat_at', '<', sql<Date>`clock_timestamp() - make_interval(secs => ${olderThanSeconds})`),
        ...(runnerIds.length === 0 ? [] : [eb('runner_id', 'in', [...runnerIds])]),
      ]),
    )
    .execute()
}

/**
 * Lets nobody else take up a chat of any kind until the transaction ends, so that caps hold (CH-607).
 *
 * @throws ApiError 403 without `chat:update`.
 */
export async function holdAdmission(actor: Actor, tx: Db): Promise<void> {
  authorize(actor, 'update', CHATS)
  await sql`select pg_advisory_xact_lock(hashtextextended('chat admission', 0))`.execute(tx)
}

/** How many chats of a kind run now, by their signs of life (CH-607). @throws ApiError 403 without `chat:read`. */
export async function countRunning(
  actor: Actor,
  db: Db,
  { pool, staleSeconds }: { readonly pool: Pool; readonly staleSeconds: number },
): Promise<number> {
  authorize(actor, 'read', CHATS)
  const { rows } = await sql<{ running: number }>`
    select count(*) as running
      from chats c join chat_heartbeats h on h.chat_id = c.id and h.runner_id = c.runner_id
     where c.status = 'running' and not c.archived and (c.parent_chat_id is null) = ${pool === 'root'}
       and h.heartbeat_at > clock_timestamp() - make_interval(secs => ${staleSeconds})`.execute(db)
  return rows[0]?.running ?? 0
}

/** What a run compares with what it believes: who has a chat, and how far it is. */
export type ChatVersions = Pick<
  ChatRow,
  | 'id'
  | 'status'
  | 'archived'
  | 'worker_id'
  | 'runner_id'
  | 'snapshot_version'
  | 'history_version'
  | 'retry_state_version'
>

/** The versions of chats, for runs that may have missed an event (CH-605). @throws ApiError 403 without `chat:read`. */
export async function listVersions(
  actor: Actor,
  db: Db,
  ids: readonly string[],
): Promise<readonly ChatVersions[]> {
  authorize(actor, 'read', CHATS)
  if (ids.length === 0) return []
  return db
    .selectFrom('chats')
    .select([
      'id',
      'status',
      'archived',
      'worker_id',
      'runner_id',
      'snapshot_version',
      'history_version',
      'retry_state_version',
    ])
    .where('id', 'in', [...ids])
    .execute()
}

/** How many chats of each kind should run and have no worker; for metrics. @throws ApiError 403 without `chat:read`. */
export async function countWaiting(
  actor: Actor,
  db: Db,
): Promise<readonly { readonly pool: Pool; readonly n: number }[]> {
  authorize(actor, 'read', CHATS)
  const { rows } = await sql<{ pool: Pool; n: number }>`
    select case when parent_chat_id is null then 'root' else 'subagent' end as pool, count(*) as n
      from chats where not archived and status = 'running' and runner_id is null group by 1`.execute(db)
  return rows
}
