import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

/** All that replicas keep in memory, as it is stored. */
export interface StoredGovernance {
  readonly settings: unknown
  readonly guardrailWebhookSecret: Buffer | null
  readonly exportWebhookSecret: Buffer | null
  /** The oldest first. */
  readonly policies: readonly {
    readonly group_id: string
    readonly allow: readonly string[]
    readonly deny: readonly string[]
    readonly aliases: Readonly<Record<string, string>>
  }[]
  readonly privacy: readonly {
    readonly organization_id: string
    readonly level: string
    readonly own_sessions: boolean
  }[]
  readonly routing: readonly { readonly provider_id: string; readonly routing: unknown }[]
}

/** Reads what is asked on the way of every request, in one statement. @throws ApiError 403. */
export async function readGovernance(actor: Actor, db: Db): Promise<StoredGovernance> {
  authorize(actor, 'read', { type: 'group' })
  authorize(actor, 'read', { type: 'organization' })
  authorize(actor, 'read', { type: 'ai_provider' })
  const { rows } = await sql<StoredGovernance>`
    select s.settings, s.guardrail_webhook_secret as "guardrailWebhookSecret",
           s.export_webhook_secret as "exportWebhookSecret",
           (select coalesce(jsonb_agg(jsonb_build_object('group_id', group_id, 'allow', allow, 'deny', deny,
                   'aliases', aliases) order by created_at, group_id), '[]')
              from group_ai_model_policies) as policies,
           (select coalesce(jsonb_agg(jsonb_build_object('organization_id', organization_id, 'level', level,
                   'own_sessions', own_sessions)), '[]')
              from organization_ai_privacy) as privacy,
           (select coalesce(jsonb_agg(jsonb_build_object('provider_id', provider_id, 'routing', routing)), '[]')
              from ai_provider_routing) as routing
      from (select 1) one left join ai_gateway_settings s on true`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a statement that has one row has none')
  return row
}
