import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { notFound } from '../errors/index.ts'
import { getOrganization } from '../organizations/index.ts'
import type { Governance } from './governance.ts'
import { presentGroupLimits, presentModelPolicy } from './group-routes.ts'
import {
  deleteOrganizationBudget,
  findOrganizationBudget,
  findOrganizationPrivacy,
  listGroupRules,
  type OrganizationBudgetRow,
  type OrganizationPrivacyRow,
  upsertOrganizationBudget,
  upsertOrganizationPrivacy,
} from './store/organization-rules.ts'

/** What holds for organizations: what all members may spend, and what is kept of what they ask (AG-B14, AG-B16). */
export function organizationRoutes(context: AppContext, governance: Governance): BoundRoute[] {
  const { db } = context.database

  return [
    forSession(contract.getOrganizationAIGovernance, async ({ actor, params }) => {
      const organization = await getOrganization(actor, db, params.organization ?? '')
      const budget = await findOrganizationBudget(actor, db, organization.id)
      const groups = await listGroupRules(actor, db, organization.id)
      return {
        organization_id: organization.id,
        spend_limit_micros: budget?.spend_limit_micros ?? null,
        groups: groups.map(({ groupId, policy, limits, budgetMicros }) => ({
          group_id: groupId,
          model_policy: policy === undefined ? null : presentModelPolicy(policy),
          limits: limits === undefined ? null : presentGroupLimits(limits),
          budget_micros: budgetMicros ?? null,
        })),
      }
    }),
    forSession(contract.getOrganizationAIBudget, async ({ actor, params }) => {
      const { id } = await getOrganization(actor, db, params.organization ?? '')
      const budget = await findOrganizationBudget(actor, db, id)
      if (budget === undefined) throw notFound()
      return presentBudget(budget)
    }),
    forSession(contract.upsertOrganizationAIBudget, (incoming) =>
      audited(context, incoming, { type: 'organization', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        // Whoever is refused has tried it here.
        draft.before = organization
        const before = await findOrganizationBudget(actor, db, organization.id)
        const after = await upsertOrganizationBudget(actor, db, organization.id, body.spend_limit_micros)
        draft.before = { ...organization, ai_spend_limit_micros: before?.spend_limit_micros ?? null }
        draft.after = { ...organization, ai_spend_limit_micros: after.spend_limit_micros }
        return presentBudget(after)
      }),
    ),
    forSession(contract.deleteOrganizationAIBudget, (incoming) =>
      audited(context, incoming, { type: 'organization', action: 'write' }, async (draft) => {
        const { actor, params } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        // Whoever is refused has tried it here.
        draft.before = organization
        const gone = await deleteOrganizationBudget(actor, db, organization.id)
        if (gone === undefined) throw notFound()
        draft.before = { ...organization, ai_spend_limit_micros: gone.spend_limit_micros }
        draft.after = { ...organization, ai_spend_limit_micros: null }
        return undefined
      }),
    ),
    forSession(contract.getOrganizationAIPrivacy, async ({ actor, params }) => {
      const { id } = await getOrganization(actor, db, params.organization ?? '')
      return presentPrivacy(id, await findOrganizationPrivacy(actor, db, id))
    }),
    forSession(contract.updateOrganizationAIPrivacy, (incoming) =>
      audited(context, incoming, { type: 'organization', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const organization = await getOrganization(actor, db, params.organization ?? '')
        // Whoever is refused has tried it here.
        draft.before = organization
        const before = presentPrivacy(
          organization.id,
          await findOrganizationPrivacy(actor, db, organization.id),
        )
        const after = presentPrivacy(
          organization.id,
          await upsertOrganizationPrivacy(actor, db, organization.id, body),
        )
        draft.before = { ...organization, ai_privacy: before }
        draft.after = { ...organization, ai_privacy: after }
        await governance.refresh()
        return after
      }),
    ),
  ]
}

function presentBudget(row: OrganizationBudgetRow): contract.OrganizationAIBudget {
  return {
    organization_id: row.organization_id,
    spend_limit_micros: row.spend_limit_micros,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

function presentPrivacy(
  organizationId: string,
  row: OrganizationPrivacyRow | undefined,
): contract.OrganizationAIPrivacy {
  return {
    organization_id: organizationId,
    level: row?.level ?? 'full',
    own_sessions: row?.own_sessions ?? false,
  }
}
