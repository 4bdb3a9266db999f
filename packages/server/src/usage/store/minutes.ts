import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { SessionCounts } from '../families.ts'

/** What an agent did in a minute. */
export interface AgentMinute {
  readonly agentId: string
  /** Its beginning, in milliseconds since 1970. */
  readonly minute: number
  /** The most sessions of each kind; undefined when nothing was said of them. */
  readonly sessions: SessionCounts | undefined
  /** Whether sessions are known to have ended. */
  readonly ended: boolean
  readonly rxBytes: number
  readonly txBytes: number
  readonly latencyMs: number | undefined
}

/** That somebody used an app in a minute. */
export interface AppMinute {
  readonly agentId: string
  readonly userId: string
  readonly slug: string
  readonly minute: number
}

/**
 * Adds to what is known of minutes. Agents that are gone, prebuilt workspaces, which nobody uses, and apps that the
 * template does not name are left out. That an agent has no session is kept only where it had some before: most have none
 * most of the time.
 *
 * @throws ApiError 403 without `system:update`.
 */
export async function storeUsage(
  actor: Actor,
  tx: Db,
  usage: { readonly agents: readonly AgentMinute[]; readonly apps: readonly AppMinute[] },
): Promise<void> {
  authorize(actor, 'update', { type: 'system' })
  if (usage.agents.length > 0) await storeAgentMinutes(tx, usage.agents)
  if (usage.apps.length > 0) await storeAppMinutes(tx, usage.apps)
}

async function storeAgentMinutes(tx: Db, minutes: readonly AgentMinute[]): Promise<void> {
  const given = minutes.map(({ agentId, minute, sessions, ended, rxBytes, txBytes, latencyMs }) => ({
    agent_id: agentId,
    minute: new Date(minute),
    ...sessions,
    ended,
    rx_bytes: rxBytes,
    tx_bytes: txBytes,
    latency_ms: latencyMs,
  }))
  // In one order, so that replicas do not wait for each other in a circle.
  await sql`
    insert into workspace_agent_stats as known
      (agent_id, minute, user_id, template_id, vscode, jetbrains, reconnecting_pty, ssh, sftp, other,
       rx_bytes, tx_bytes, latency_ms)
    select g.agent_id, g.minute, a.owner_id, a.template_id, g.vscode, g.jetbrains, g.reconnecting_pty, g.ssh, g.sftp,
           g.other, g.rx_bytes, g.tx_bytes, g.latency_ms
      from jsonb_to_recordset(${JSON.stringify(given)}::jsonb) as g (
             agent_id uuid, minute timestamptz, vscode smallint, jetbrains smallint, reconnecting_pty smallint,
             ssh smallint, sftp smallint, other smallint, ended boolean, rx_bytes bigint, tx_bytes bigint,
             latency_ms double precision)
      join agents_with_workspace a on a.id = g.agent_id
      join users u on u.id = a.owner_id and not u.is_system
     where g.ended or g.rx_bytes + g.tx_bytes > 0
        or g.vscode::int + g.jetbrains + g.reconnecting_pty + g.ssh + g.sftp + g.other > 0
        or (select l.sessions from workspace_agent_stats l
             where l.agent_id = g.agent_id and l.sessions is not null order by l.minute desc limit 1) > 0
     order by g.agent_id, g.minute
    on conflict (agent_id, minute) do update
      set vscode = greatest(known.vscode, excluded.vscode),
          jetbrains = greatest(known.jetbrains, excluded.jetbrains),
          reconnecting_pty = greatest(known.reconnecting_pty, excluded.reconnecting_pty),
          ssh = greatest(known.ssh, excluded.ssh),
          sftp = greatest(known.sftp, excluded.sftp),
          other = greatest(known.other, excluded.other),
          rx_bytes = known.rx_bytes + excluded.rx_bytes,
          tx_bytes = known.tx_bytes + excluded.tx_bytes,
          latency_ms = coalesce(excluded.latency_ms, known.latency_ms)`.execute(tx)
}

async function storeAppMinutes(tx: Db, minutes: readonly AppMinute[]): Promise<void> {
  const given = minutes.map(({ agentId, userId, slug, minute }) => ({
    agent_id: agentId,
    user_id: userId,
    slug,
    minute: new Date(minute),
  }))
  const used = sql`
    select g.agent_id, g.user_id, g.slug, g.minute, a.template_id, p.display_name, p.icon
      from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
             as g (agent_id uuid, user_id uuid, slug text, minute timestamptz)
      join agents_with_workspace a on a.id = g.agent_id
      join workspace_apps p on p.agent_id = g.agent_id and p.slug = g.slug`
  await sql`
    insert into workspace_app_stats (agent_id, user_id, slug, minute, template_id)
    select agent_id, user_id, slug, minute, template_id from (${used}) as used
     order by agent_id, user_id, slug, minute
    on conflict do nothing`.execute(tx)
  await sql`
    insert into template_used_apps as known (template_id, slug, display_name, icon)
    select distinct on (template_id, slug) template_id, slug, display_name, icon from (${used}) as used
     order by template_id, slug
    on conflict (template_id, slug) do update
      set display_name = excluded.display_name, icon = excluded.icon
      where (known.display_name, known.icon) is distinct from (excluded.display_name, excluded.icon)`.execute(
    tx,
  )
}
