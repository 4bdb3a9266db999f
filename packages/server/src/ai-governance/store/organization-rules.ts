import { type Selectable, sql } from 'kysely'

import { type Action, type Actor, authorize, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { OrganizationAiBudgetsTable, OrganizationAiPrivacyTable } from '../../database/tables.ts'
import type { GroupLimitsRow, ModelPolicyRow } from './group-rules.ts'

/** What all members of an organization may spend together. */
export type OrganizationBudgetRow = Selectable<OrganizationAiBudgetsTable>

/** How much is kept of what members of an organization ask. */
export type OrganizationPrivacyRow = Selectable<OrganizationAiPrivacyTable>

function authorizeOrganization(actor: Actor, action: Action, id: string): void {
  authorize(actor, action, { type: 'organization', id, organization: id })
}

/** The budget of an organization; undefined without one. @throws ApiError 403. */
export async function findOrganizationBudget(
  actor: Actor,
  db: Db,
  organizationId: string,
): Promise<OrganizationBudgetRow | undefined> {
  authorizeOrganization(actor, 'read', organizationId)
  return db
    .selectFrom('organization_ai_budgets')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
}

/** Sets the budget of an organization. @throws ApiError 403 without `organization:update`. */
export async function upsertOrganizationBudget(
  actor: Actor,
  db: Db,
  organizationId: string,
  limitMicros: number,
): Promise<OrganizationBudgetRow> {
  authorizeOrganization(actor, 'update', organizationId)
  const limit = { spend_limit_micros: limitMicros }
  return db
    .insertInto('organization_ai_budgets')
    .values({ organization_id: organizationId, ...limit })
    .onConflict((on) => on.column('organization_id').doUpdateSet({ ...limit, updated_at: sql<Date>`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Takes the budget of an organization away; undefined when there was none. @throws ApiError 403 without `organization:update`. */
export async function deleteOrganizationBudget(
  actor: Actor,
  db: Db,
  organizationId: string,
): Promise<OrganizationBudgetRow | undefined> {
  authorizeOrganization(actor, 'update', organizationId)
  return db
    .deleteFrom('organization_ai_budgets')
    .where('organization_id', '=', organizationId)
    .returningAll()
    .executeTakeFirst()
}

/** The privacy of an organization; undefined while nothing was set. @throws ApiError 403. */
export async function findOrganizationPrivacy(
  actor: Actor,
  db: Db,
  organizationId: string,
): Promise<OrganizationPrivacyRow | undefined> {
  authorizeOrganization(actor, 'read', organizationId)
  return db
    .selectFrom('organization_ai_privacy')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
}

/** What is set of the privacy of an organization; what is left out stays, and is that of the release at first. */
export type PrivacyChange = Partial<Pick<OrganizationPrivacyRow, 'level' | 'own_sessions'>>

/** Sets the privacy of an organization. @throws ApiError 403 without `organization:update`. */
export async function upsertOrganizationPrivacy(
  actor: Actor,
  db: Db,
  organizationId: string,
  change: PrivacyChange,
): Promise<OrganizationPrivacyRow> {
  authorizeOrganization(actor, 'update', organizationId)
  return db
    .insertInto('organization_ai_privacy')
    .values({ organization_id: organizationId, level: 'full', own_sessions: false, ...change })
    .onConflict((on) => on.column('organization_id').doUpdateSet({ ...change, updated_at: sql<Date>`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** What is set for a group. */
export interface GroupRules {
  readonly groupId: string
  readonly policy: ModelPolicyRow | undefined
  readonly limits: GroupLimitsRow | undefined
  /** What each member may spend; undefined without a limit. */
  readonly budgetMicros: number | undefined
}

/** What is set for the groups of an organization that the actor may read, by their names. @throws ApiError 403. */
export async function listGroupRules(actor: Actor, db: Db, organizationId: string): Promise<GroupRules[]> {
  authorizeOrganization(actor, 'read', organizationId)
  const groups = await db
    .selectFrom('groups as g')
    .leftJoin('group_ai_budgets as b', 'b.group_id', 'g.id')
    .select(['g.id', 'b.spend_limit_micros'])
    .where('g.organization_id', '=', organizationId)
    .where(
      sqlFilter(actor, 'read', 'group', {
        id: sql.ref<string>('g.id'),
        organization: sql.ref<string>('g.organization_id'),
        groupAcl: sql`jsonb_build_object(g.id::text, '["read"]'::jsonb)`,
      }),
    )
    .orderBy('g.name')
    .execute()
  const ids = groups.map(({ id }) => id)
  if (ids.length === 0) return []
  const policies = await db
    .selectFrom('group_ai_model_policies')
    .selectAll()
    .where('group_id', 'in', ids)
    .execute()
  const limits = await db.selectFrom('group_ai_limits').selectAll().where('group_id', 'in', ids).execute()
  const policyOf = new Map(policies.map((row) => [row.group_id, row]))
  const limitsOf = new Map(limits.map((row) => [row.group_id, row]))
  return groups.map(({ id, spend_limit_micros }) => ({
    groupId: id,
    policy: policyOf.get(id),
    limits: limitsOf.get(id),
    budgetMicros: spend_limit_micros ?? undefined,
  }))
}
