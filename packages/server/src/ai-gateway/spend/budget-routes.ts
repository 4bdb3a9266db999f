import * as contract from '@slipway/contract'
import type { Governance } from '../../ai-governance/index.ts'
import { type AuditedGroupBudget, type AuditedOverride, audited } from '../../audit/index.ts'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import { badRequest, notFound } from '../../errors/index.ts'
import { getUser } from '../../identity/index.ts'
import { isUuid } from '../../search/index.ts'
import { measureAt } from '../exchange/admission.ts'
import {
  type BudgetGroup,
  deleteGroupBudget,
  deleteOverride,
  findGroupBudget,
  findOverride,
  type GroupBudgetRow,
  getBudgetGroup,
  type OverrideRow,
  upsertGroupBudget,
  upsertOverride,
} from '../store/budget-rows.ts'
import { findInitiator } from '../store/budgets.ts'
import { dollars } from './budget-message.ts'
import { periodOf, presentPeriod } from './period.ts'

/** A million dollars (AG-112). */
const MAX_LIMIT = 1_000_000_000_000

/** What groups and users may spend on models, and have spent (chapter 05 section 16.3). */
export function budgetRoutes(context: AppContext, governance: Governance): BoundRoute[] {
  const { database, clock } = context
  const { db } = database
  const groupOf = async (
    actor: Parameters<typeof getBudgetGroup>[0],
    { group = '' }: Readonly<Record<string, string>>,
  ): Promise<BudgetGroup> => {
    if (!isUuid(group)) throw notFound()
    return getBudgetGroup(actor, db, group)
  }

  return [
    forSession(contract.getGroupAIBudget, async ({ actor, params }) => {
      const budget = await findGroupBudget(actor, db, await groupOf(actor, params))
      if (budget === undefined) throw notFound()
      return presentBudget(budget)
    }),
    forSession(contract.upsertGroupAIBudget, (incoming) =>
      audited(context, incoming, { type: 'group_ai_budget', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const group = await groupOf(actor, params)
        const limitMicros = limitOf(body)
        Object.assign(draft, { organizationId: group.organization_id, target: group.name })
        const before = await findGroupBudget(actor, db, group)
        if (before !== undefined) draft.before = auditedBudget(before, group)
        const after = await upsertGroupBudget(actor, db, group, limitMicros)
        draft.after = auditedBudget(after, group)
        return presentBudget(after)
      }),
    ),
    forSession(contract.deleteGroupAIBudget, (incoming) =>
      audited(context, incoming, { type: 'group_ai_budget', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const group = await groupOf(actor, params)
        Object.assign(draft, { organizationId: group.organization_id, target: group.name })
        const gone = await deleteGroupBudget(actor, db, group)
        if (gone === undefined) throw notFound()
        draft.before = auditedBudget(gone, group)
        return undefined
      }),
    ),
    forSession(contract.getUserAIBudgetOverride, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      const override = await findOverride(actor, db, user.id)
      if (override === undefined) throw notFound()
      return presentOverride(override)
    }),
    forSession(contract.upsertUserAIBudgetOverride, (incoming) =>
      audited(context, incoming, { type: 'user_ai_budget_override', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        const limitMicros = limitOf(body)
        const group = await getBudgetGroup(actor, db, body.group_id)
        draft.organizationId = group.organization_id
        const before = await findOverride(actor, db, user.id)
        if (before !== undefined) draft.before = auditedOverride(before, user.username)
        const set = await database.transaction((tx) => upsertOverride(actor, tx, user.id, group, limitMicros))
        if (!set)
          throw badRequest('User is not a member of the referenced group.', {
            validations: [{ field: 'group_id', detail: 'the user must be a member of this group' }],
          })
        const after = await findOverride(actor, db, user.id)
        if (after === undefined) throw notFound()
        draft.after = auditedOverride(after, user.username)
        return presentOverride(after)
      }),
    ),
    forSession(contract.deleteUserAIBudgetOverride, (incoming) =>
      audited(context, incoming, { type: 'user_ai_budget_override', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const user = await getUser(actor, db, params.user ?? '')
        const before = await findOverride(actor, db, user.id)
        if (before === undefined) throw notFound()
        draft.organizationId = before.group.organization_id
        draft.before = auditedOverride(before, user.username)
        await deleteOverride(actor, db, user.id, before.group)
        return undefined
      }),
    ),
    forSession(contract.getUserAISpend, async ({ actor, params }) => {
      const user = await getUser(actor, db, params.user ?? '')
      const now = clock.now()
      const settings = governance.settings()
      const period = periodOf(now, settings.budgetPeriod)
      const found = await findInitiator(actor, db, user.id, measureAt(now, settings, undefined))
      if (found === undefined) throw notFound()
      const { groupId, limitMicros, limitSource, spendMicros } = found.spend
      return {
        user_id: user.id,
        effective_group_id: groupId ?? null,
        effective_budget:
          limitMicros === undefined || limitSource === undefined
            ? null
            : { spend_limit_micros: limitMicros, limit_source: limitSource },
        current_spend_micros: spendMicros,
        ...presentPeriod(period),
      }
    }),
  ]
}

function limitOf({ spend_limit_micros: limit }: contract.UpsertGroupAIBudgetRequest): number {
  if (limit === undefined || !Number.isInteger(limit) || limit < 0 || limit > MAX_LIMIT)
    throw badRequest('Invalid AI spend limit.', {
      validations: [{ field: 'spend_limit_micros', detail: `must be a whole number from 0 to ${MAX_LIMIT}` }],
    })
  return limit
}

function presentBudget(row: GroupBudgetRow): contract.GroupAIBudget {
  return {
    group_id: row.group_id,
    spend_limit_micros: row.spend_limit_micros,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

function presentOverride(row: OverrideRow): contract.UserAIBudgetOverride {
  return { user_id: row.user_id, ...presentBudget(row) }
}

function auditedBudget(row: GroupBudgetRow, group: BudgetGroup): AuditedGroupBudget {
  return { ...row, group_name: group.name, spend_limit: dollars(row.spend_limit_micros) }
}

function auditedOverride({ group, ...row }: OverrideRow, username: string): AuditedOverride {
  return { ...row, username, group_name: group.name, spend_limit: dollars(row.spend_limit_micros) }
}
