import * as contract from '@slipway/contract'
import type { Governance } from '../../ai-governance/index.ts'
import type { Actor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import { badRequest, notFound } from '../../errors/index.ts'
import { findNamedGroup } from '../../groups/index.ts'
import { getOrganization } from '../../organizations/index.ts'
import { isUuid } from '../../search/index.ts'
import { type BudgetGroup, getBudgetGroup } from '../store/budget-rows.ts'
import {
  type GroupSpendRow,
  listGroupSpend,
  listMemberSpend,
  type MemberSpendRow,
  sumDailySpend,
} from '../store/spend-reports.ts'
import { exportSpend } from './export-spend.ts'
import { type BudgetPeriod, dayOf, periodOf, presentPeriod } from './period.ts'

/** Ids that one request may ask for (AG-116). */
const MAX_IDS = 100
const DAY_MS = 86_400_000
const DAYS = 30
const TOP = 20

/** What groups, their members and organizations have spent on models (AG-116, AG-117). */
export function spendRoutes(context: AppContext, governance: Governance): BoundRoute[] {
  const { clock, database } = context
  const { db } = database
  const period = (): BudgetPeriod => periodOf(clock.now(), governance.settings().budgetPeriod)
  const groupOf = (actor: Actor, id: string): Promise<BudgetGroup> => getBudgetGroup(actor, db, id)
  const members = async (
    actor: Actor,
    group: BudgetGroup,
    given: string | undefined,
  ): Promise<contract.GroupMembersAISpend> => {
    const ids = idsOf('user_ids', given)
    const now = period()
    const rows = await listMemberSpend(actor, db, group, ids, {
      policy: governance.settings().budgetPolicy,
      since: dayOf(now.start),
    })
    return { members: rows.map((row) => presentMember(row, group)), ...presentPeriod(now) }
  }
  return [
    forSession(contract.getGroupAISpend, async ({ actor, params }) => {
      const group = await groupOf(actor, params.group ?? '')
      const now = period()
      const [row] = await listGroupSpend(actor, db, group.organization_id, [group.id], dayOf(now.start))
      if (row === undefined) throw notFound()
      return { ...presentGroup(row), ...presentPeriod(now) }
    }),
    forSession(contract.getGroupMembersAISpend, async ({ actor, params, query }) =>
      members(actor, await groupOf(actor, params.group ?? ''), query.user_ids),
    ),
    forSession(contract.getGroupMembersAISpendByOrganization, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const group = await findNamedGroup(context, actor, `${organization.name}/${params.groupName ?? ''}`)
      if (group === undefined) throw notFound()
      return members(actor, group, query.user_ids)
    }),
    forSession(contract.getOrganizationGroupsAISpend, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const ids = idsOf('group_ids', query.group_ids)
      const now = period()
      const rows = await listGroupSpend(actor, db, organization.id, ids, dayOf(now.start))
      return { groups: rows.map(presentGroup), ...presentPeriod(now) }
    }),
    forSession(contract.exportOrganizationAISpend, async ({ actor, params, query, reply }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      await exportSpend(context, actor, reply, organization, query)
      return undefined
    }),
    forSession(contract.getOrganizationAISpendDaily, async ({ actor, params, query }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const tomorrow = periodOf(clock.now(), 'day').end
      const start = new Date(tomorrow.getTime() - (query.days ?? DAYS) * DAY_MS)
      const spend = await sumDailySpend(
        actor,
        db,
        { organizationId: organization.id, start, end: tomorrow },
        query.top ?? TOP,
      )
      return {
        organization_id: organization.id,
        ...presentPeriod({ start, end: tomorrow }),
        days: [...spend.days],
        models: [...spend.models],
        model_days: [...spend.model_days],
        users: [...spend.users],
      }
    }),
  ]
}

/** @throws ApiError 400. */
function idsOf(field: 'group_ids' | 'user_ids', given: string | undefined): string[] {
  const ids = (given ?? '')
    .split(',')
    .map((id) => id.trim().toLowerCase())
    .filter((id) => id !== '')
  const fault = (detail: string) =>
    badRequest('Query parameters have invalid values.', { validations: [{ field, detail }] })
  if (ids.length === 0) throw fault(`${field} is required.`)
  if (ids.length > MAX_IDS) throw fault(`${field} has ${ids.length} entries, maximum is ${MAX_IDS}.`)
  if (ids.some((id) => !isUuid(id))) throw fault(`${field} must be a list of UUIDs.`)
  return [...new Set(ids)]
}

function presentGroup({ id, ...row }: GroupSpendRow): contract.OrganizationGroupAISpend {
  return { group_id: id, ...row }
}

function presentMember(row: MemberSpendRow, group: BudgetGroup): contract.GroupMemberAISpend {
  const { effective_group_id, spend_limit_micros, limit_source } = row
  const own = effective_group_id === group.id
  return {
    user_id: row.user_id,
    // Who reads one organization learns nothing of another.
    effective_group_id: row.effective_organization_id === group.organization_id ? effective_group_id : null,
    group_budget:
      own && spend_limit_micros !== null && limit_source !== null
        ? { spend_limit_micros, limit_source }
        : null,
    group_spend_micros: row.group_spend_micros,
  }
}
