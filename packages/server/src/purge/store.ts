import { type RawBuilder, sql } from 'kysely'

import { type Actor, authorize, PREBUILDS_USER, type ResourceType } from '../authz/index.ts'
import type { Db } from '../database/index.ts'

/** What can be done about records of one kind that are older than a time. */
export interface OldRecords {
  /** Deletes at most `limit` of them; resolves to how many there were. @throws ApiError 403. */
  deleteOld(actor: Actor, db: Db, page: { readonly before: Date; readonly limit: number }): Promise<number>
  /** Counts those that would be deleted. @throws ApiError 403 without the right to delete them. */
  countOld(actor: Actor, db: Db, before: Date): Promise<number>
}

/** Whether this transaction may purge one kind of record; another replica at it keeps its turn. @throws ApiError 403. */
export async function tryPurgeLock(actor: Actor, tx: Db, kind: string): Promise<boolean> {
  authorize(actor, 'delete', { type: 'system' })
  const { rows } = await sql<{
    locked: boolean
  }>`select pg_try_advisory_xact_lock(hashtextextended(${`purge ${kind}`}, 0)) as locked`.execute(tx)
  return rows[0]?.locked === true
}

/**
 * @param type what must be deletable for the actor.
 * @param key columns that name a row.
 * @param old a query for the keys of the rows that are older, those that go first in front.
 */
function oldRecords(
  type: ResourceType,
  table: string,
  key: readonly string[],
  old: (before: Date) => RawBuilder<unknown>,
): OldRecords {
  return {
    async deleteOld(actor, db, { before, limit }) {
      authorize(actor, 'delete', { type })
      const columns = sql.join(key.map((column) => sql.ref(column)))
      const { numAffectedRows } =
        await sql`delete from ${sql.table(table)} where (${columns}) in (${old(before)} limit ${limit})`.execute(
          db,
        )
      return Number(numAffectedRows ?? 0)
    },
    async countOld(actor, db, before) {
      authorize(actor, 'delete', { type })
      const { rows } = await sql<{
        count: string
      }>`select count(*)::text as count from (${old(before)}) as old`.execute(db)
      return Number(rows[0]?.count ?? 0)
    },
  }
}

/** Logs of agents of builds that are not the latest, by when the agent was last there. */
export const agentLogs = oldRecords(
  'system',
  'workspace_agent_logs',
  ['id'],
  (before) => sql`
    select l.id from workspace_agent_logs l
      join workspace_agents a on a.id = l.agent_id
      join workspace_resources r on r.id = a.resource_id
      join workspace_builds b on b.job_id = r.job_id
     where coalesce(a.last_connected_at, a.created_at) < ${before}
       and exists (select 1 from workspace_builds later
                    where later.workspace_id = b.workspace_id and later.build_number > b.build_number)`,
)

/** Daemons that nobody has seen for long. */
export const daemons = oldRecords(
  'system',
  'provisioner_daemons',
  ['id'],
  (before) => sql`select id from provisioner_daemons where coalesce(last_seen_at, created_at) < ${before}`,
)

/** What became of notifications, by when they last changed. */
export const notificationMessages = oldRecords(
  'notification_message',
  'notification_messages',
  ['id'],
  (before) => sql`select id from notification_messages where updated_at < ${before} order by updated_at`,
)

/** Keys that expired long ago. */
export const expiredKeys = oldRecords(
  'api_key',
  'api_keys',
  ['id'],
  // A refresh token outlives the access token that it came with, and would go with it (OA-67).
  (before) => sql`
    select id from api_keys k where k.expires_at < ${before}
       and not exists (select from oauth2_provider_app_tokens t where t.api_key_id = k.id)`,
)

/** What a session token is called that a build is given. */
const SESSION_TOKEN = sql`'_session_token'`

/**
 * Ends keys of the user of prebuilt workspaces that nobody may use any more: session tokens of workspaces that it does not own, or
 * no longer, and keys that have no name (WS-220). They go once they have expired for long enough.
 *
 * @returns how many there were.
 * @throws ApiError 403 without `api_key:delete`.
 */
export async function endPrebuildKeys(actor: Actor, db: Db, now: Date): Promise<number> {
  authorize(actor, 'delete', { type: 'api_key', owner: PREBUILDS_USER })
  const { numAffectedRows } = await sql`
    update api_keys k set expires_at = ${now}, updated_at = ${now}
     where k.user_id = ${PREBUILDS_USER}::uuid and k.expires_at > ${now}
       and (k.token_name = '' or (k.token_name like ${`${PREBUILDS_USER}\\_%`} || ${SESSION_TOKEN}
            and not exists (select from workspaces w
                             where w.owner_id = k.user_id and not w.deleted
                               and k.token_name = k.user_id || '_' || w.id || ${SESSION_TOKEN})))`.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** Actions that old entries of the audit log have and new ones never get (RB-86). */
const LEGACY = sql`('connect', 'disconnect', 'open', 'close')`

/** Old connection events in the audit log, which have a log of their own now. */
export const legacyConnectionEvents = oldRecords(
  'system',
  'audit_logs',
  ['id'],
  (before) => sql`select id from audit_logs where action in ${LEGACY} and "time" < ${before} order by "time"`,
)

/** Entries of the audit log. */
export const auditEntries = oldRecords(
  'system',
  'audit_logs',
  ['id'],
  (before) =>
    sql`select id from audit_logs where action not in ${LEGACY} and "time" < ${before} order by "time"`,
)

/**
 * Links of the chain of the audit log before the first one whose entry is still there: a chain without its beginning can
 * be verified, one with a gap cannot (RB-131).
 */
export const auditLinks = oldRecords(
  'system',
  'audit_chain',
  ['sequence'],
  (before) => sql`
    select sequence from audit_chain
     where "time" < ${before} and sequence < (
       select c.sequence from audit_chain c
        where exists (select 1 from audit_logs l where l.id = c.audit_log_id) order by c.sequence limit 1)
     order by sequence`,
)

/** Wishes for builds to follow others that are fulfilled or given up (WS-178). */
export const endedFollowUps = oldRecords(
  'workspace_build_orchestration',
  'workspace_build_orchestrations',
  ['id'],
  (before) => sql`
    select id from workspace_build_orchestrations where status <> 'pending' and updated_at < ${before} order by updated_at`,
)
/**
 * Minutes that were rolled up more than a day ago, or are older than the time where nothing is rolled up. That much goes at
 * once as any batch may, the oldest first: rounds are shorter than the time that fills one (OP-79).
 */
const oldMinutes = (table: string, key: readonly string[]) =>
  oldRecords('system', table, key, (before) => {
    const columns = sql.join(key.map((column) => sql.ref(column)))
    return sql`
      select ${columns} from ${sql.table(table)}
       where minute < coalesce((select rolled_up_to - interval '1 day' from usage_rollup), ${before}::timestamptz)
       order by minute`
  })

/** What agents have told of minutes. */
export const agentStats = oldMinutes('workspace_agent_stats', ['agent_id', 'minute'])

/** Uses of apps by minutes. */
export const appStats = oldMinutes('workspace_app_stats', ['agent_id', 'user_id', 'slug', 'minute'])

/** Entries of the connection log. */
export const connections = oldRecords(
  'system',
  'connection_logs',
  ['id'],
  (before) => sql`select id from connection_logs where connect_time < ${before} order by connect_time`,
)

/** Visits that nobody has gone on with, so that the next one is another entry anyway (RB-111). */
export const endedVisits = oldRecords(
  'system',
  'connection_visits',
  ['agent_id', 'digest'],
  (before) => sql`select agent_id, digest from connection_visits where updated_at < ${before}`,
)

/** Accounts whose wrong guesses are remembered at once; those with the fewest go first when there are more. */
const REMEMBERED_FAILURES = 100_000

/** Wrong guesses that are forgotten (ID-209), and what a flood of made-up addresses leaves. */
export const forgottenFailures = oldRecords(
  'system',
  'sign_in_failures',
  ['account'],
  (before) => sql`
    select account from (
      select account, last_failure_at, row_number() over (order by failures desc, last_failure_at desc) as place
        from sign_in_failures) as remembered
     where last_failure_at < ${before} or place > ${REMEMBERED_FAILURES}`,
)

/** Used challenges of sign-ins that are over anyway. */
export const spentChallenges = oldRecords(
  'system',
  'spent_challenges',
  ['hashed_challenge'],
  (before) => sql`select hashed_challenge from spent_challenges where expires_at < ${before}`,
)

/** Used logout tokens that are too old to be sent again (ID-220). */
export const spentLogoutTokens = oldRecords(
  'system',
  'spent_logout_tokens',
  ['digest'],
  (before) => sql`select digest from spent_logout_tokens where expires_at < ${before}`,
)

/** Sessions of MCP clients that nobody has used for long. */
export const mcpSessions = oldRecords(
  'system',
  'mcp_sessions',
  ['id'],
  (before) => sql`select id from mcp_sessions where last_used_at < ${before}`,
)

/** What was sent in sessions of MCP clients, by when. */
export const mcpSessionMessages = oldRecords(
  'system',
  'mcp_session_messages',
  ['id'],
  (before) => sql`select id from mcp_session_messages where created_at < ${before}`,
)

/** Claims that test sign-ins at identity providers have shown (L-29). */
export const providerTests = oldRecords(
  'system',
  'identity_provider_tests',
  ['id'],
  (before) => sql`select id from identity_provider_tests where expires_at < ${before}`,
)

/** Tokens of minutes that nobody is measured by any more (AG-B12). */
export const minuteTokens = oldRecords(
  'aibridge_interception',
  'ai_minute_tokens',
  ['subject_type', 'subject_id', 'minute'],
  (before) => sql`select subject_type, subject_id, minute from ai_minute_tokens where minute < ${before}`,
)

/** What was set aside for requests whose replica has died (AG-B14). */
export const expiredReservations = oldRecords(
  'aibridge_interception',
  'ai_spend_reservations',
  ['interception_id'],
  (before) => sql`select interception_id from ai_spend_reservations where expires_at < ${before}`,
)

/**
 * Those that began before a time and are over, for as long as any request may last (AG-138): what one that is still under
 * way will leave would belong to nothing.
 */
const oldInterceptions = (before: Date) => sql`
  select id from aibridge_interceptions
   where started_at < ${before} and (ended_at is not null or started_at < ${before}::timestamptz - interval '1 day')`

/** Requests to models by when they began; all that belongs to one goes with it, and what was spent stays (AG-135). */
export const interceptions: OldRecords = {
  async deleteOld(actor, db, { before, limit }) {
    authorize(actor, 'delete', { type: 'aibridge_interception' })
    const { rows } = await sql<{ count: number }>`
      with gone as (
        delete from aibridge_interceptions where id in (
          ${oldInterceptions(before)} order by started_at limit ${limit})
        returning id),
      tokens as (delete from aibridge_token_usages where interception_id in (select id from gone)),
      prompts as (delete from aibridge_user_prompts where interception_id in (select id from gone)),
      tools as (delete from aibridge_tool_usages where interception_id in (select id from gone)),
      thoughts as (delete from aibridge_model_thoughts where interception_id in (select id from gone)),
      exports as (delete from aibridge_exports where interception_id in (select id from gone))
      select count(*)::int as count from gone`.execute(db)
    return rows[0]?.count ?? 0
  },
  async countOld(actor, db, before) {
    authorize(actor, 'delete', { type: 'aibridge_interception' })
    const { rows } = await sql<{ count: string }>`
      select count(*)::text as count from (${oldInterceptions(before)}) as old`.execute(db)
    return Number(rows[0]?.count ?? 0)
  },
}

/** Requests to providers that were relayed only, by when they began (AG-B20). */
export const passthroughs = oldRecords(
  'aibridge_interception',
  'aibridge_passthroughs',
  ['id'],
  (before) => sql`select id from aibridge_passthroughs where started_at < ${before} order by started_at`,
)
