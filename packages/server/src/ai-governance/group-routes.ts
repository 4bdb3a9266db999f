import * as contract from '@slipway/contract'
import { type AuditDraft, audited } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { type GroupRow, getGroup } from '../groups/index.ts'
import { isUuid } from '../search/index.ts'
import type { Governance } from './governance.ts'
import { faultsOfAliases, faultsOfNames } from './names.ts'
import {
  deleteGroupLimits,
  deleteModelPolicy,
  findGroupLimits,
  findModelPolicy,
  type GroupLimitsRow,
  type ModelPolicyRow,
  upsertGroupLimits,
  upsertModelPolicy,
} from './store/group-rules.ts'

/** What holds for groups: which models their members may use, and how much (AG-B9, AG-B12, AG-B14). */
export function groupRoutes(context: AppContext, governance: Governance): BoundRoute[] {
  const { db } = context.database
  const groupOf = async (
    actor: Actor,
    { group = '' }: Readonly<Record<string, string>>,
  ): Promise<GroupRow> => {
    if (!isUuid(group)) throw notFound()
    return getGroup(actor, db, group)
  }

  return [
    forSession(contract.getGroupAIModelPolicy, async ({ actor, params }) => {
      const policy = await findModelPolicy(actor, db, await groupOf(actor, params))
      if (policy === undefined) throw notFound()
      return presentModelPolicy(policy)
    }),
    forSession(contract.upsertGroupAIModelPolicy, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const group = await groupOf(actor, params)
        const { aliases, ...globs } = body
        const faults = [
          ...faultsOfNames('allow', globs.allow),
          ...faultsOfNames('deny', globs.deny),
          ...faultsOfAliases(aliases),
        ]
        if (faults.length > 0) throw badRequest('Invalid model policy.', { validations: faults })
        const before = await findModelPolicy(actor, db, group)
        const after = await upsertModelPolicy(actor, db, group, {
          ...globs,
          ...(aliases === undefined ? {} : { aliases: JSON.stringify(aliases) }),
        })
        noteRules(
          draft,
          group,
          { ai_model_policy: auditedPolicy(before) },
          { ai_model_policy: auditedPolicy(after) },
        )
        await governance.refresh()
        return presentModelPolicy(after)
      }),
    ),
    forSession(contract.deleteGroupAIModelPolicy, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const group = await groupOf(actor, params)
        const gone = await deleteModelPolicy(actor, db, group)
        if (gone === undefined) throw notFound()
        noteRules(draft, group, { ai_model_policy: auditedPolicy(gone) }, {})
        await governance.refresh()
        return undefined
      }),
    ),
    forSession(contract.getGroupAILimits, async ({ actor, params }) => {
      const limits = await findGroupLimits(actor, db, await groupOf(actor, params))
      if (limits === undefined) throw notFound()
      return presentGroupLimits(limits)
    }),
    forSession(contract.upsertGroupAILimits, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const group = await groupOf(actor, params)
        const before = await findGroupLimits(actor, db, group)
        const after = await upsertGroupLimits(actor, db, group, body)
        noteRules(draft, group, { ai_limits: auditedLimits(before) }, { ai_limits: auditedLimits(after) })
        return presentGroupLimits(after)
      }),
    ),
    forSession(contract.deleteGroupAILimits, (incoming) =>
      audited(context, incoming, { type: 'group', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const group = await groupOf(actor, params)
        const gone = await deleteGroupLimits(actor, db, group)
        if (gone === undefined) throw notFound()
        noteRules(draft, group, { ai_limits: auditedLimits(gone) }, {})
        return undefined
      }),
    ),
  ]
}

interface Rules {
  readonly ai_model_policy?: object
  readonly ai_limits?: object
}

/** Rules are part of their group in the audit log; who is in it stays as it was. */
function noteRules(draft: AuditDraft<'group'>, group: GroupRow, before: Rules, after: Rules): void {
  draft.before = { ...group, members: [], ...before }
  draft.after = { ...group, members: [], ...after }
}

function auditedPolicy(row: ModelPolicyRow | undefined): object {
  return row === undefined ? {} : { allow: row.allow, deny: row.deny, aliases: row.aliases }
}

function auditedLimits(row: GroupLimitsRow | undefined): object {
  if (row === undefined) return {}
  const { total_spend_limit_micros, tokens_per_minute, member_tokens_per_minute } = row
  return { total_spend_limit_micros, tokens_per_minute, member_tokens_per_minute }
}

/** A model policy as the API shows it. */
export function presentModelPolicy(row: ModelPolicyRow): contract.GroupAIModelPolicy {
  return {
    group_id: row.group_id,
    allow: row.allow,
    deny: row.deny,
    aliases: Object.fromEntries(
      Object.entries(Object(row.aliases)).map(([name, model]) => [name, String(model)]),
    ),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

/** Limits of a group as the API shows them. */
export function presentGroupLimits(row: GroupLimitsRow): contract.GroupAILimits {
  return {
    group_id: row.group_id,
    total_spend_limit_micros: row.total_spend_limit_micros,
    tokens_per_minute: row.tokens_per_minute,
    member_tokens_per_minute: row.member_tokens_per_minute,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}
