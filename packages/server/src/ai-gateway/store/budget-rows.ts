import { type Selectable, sql } from 'kysely'

import { type Actor, authorize, isAllowed, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { GroupAiBudgetsTable, UserAiBudgetOverridesTable } from '../../database/tables.ts'
import { notFound } from '../../errors/index.ts'

/** A group that a budget may be for. */
export interface BudgetGroup {
  readonly id: string
  readonly organization_id: string
  readonly name: string
}

/** What each member of a group may spend. */
export type GroupBudgetRow = Selectable<GroupAiBudgetsTable>

/** What one user may spend instead, with the group that it is charged to. */
export type OverrideRow = Selectable<UserAiBudgetOverridesTable> & { readonly group: BudgetGroup }

function groupObject({ id, organization_id }: BudgetGroup): ResourceObject {
  return { type: 'group', id, organization: organization_id, groupAcl: { [id]: ['read'] } }
}

/** A group of a live organization. @throws ApiError 404 when it is absent or may not be read. */
export async function getBudgetGroup(actor: Actor, db: Db, id: string): Promise<BudgetGroup> {
  const row = await db
    .selectFrom('groups as g')
    .innerJoin('organizations as o', 'o.id', 'g.organization_id')
    .select(['g.id', 'g.organization_id', 'g.name'])
    .where('g.id', '=', id)
    .where('o.deleted', '=', false)
    .executeTakeFirst()
  if (row === undefined || !isAllowed(actor, 'read', groupObject(row))) throw notFound()
  return row
}

/** The budget of a group; undefined without one. @throws ApiError 403. */
export async function findGroupBudget(
  actor: Actor,
  db: Db,
  group: BudgetGroup,
): Promise<GroupBudgetRow | undefined> {
  authorize(actor, 'read', groupObject(group))
  return db.selectFrom('group_ai_budgets').selectAll().where('group_id', '=', group.id).executeTakeFirst()
}

/** Sets the budget of a group. @throws ApiError 403 without `group:update`. */
export async function upsertGroupBudget(
  actor: Actor,
  db: Db,
  group: BudgetGroup,
  limitMicros: number,
): Promise<GroupBudgetRow> {
  authorize(actor, 'update', groupObject(group))
  return db
    .insertInto('group_ai_budgets')
    .values({ group_id: group.id, spend_limit_micros: limitMicros })
    .onConflict((on) =>
      on.column('group_id').doUpdateSet({ spend_limit_micros: limitMicros, updated_at: sql<Date>`now()` }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Takes the budget of a group away; undefined when there was none. @throws ApiError 403 without `group:update`. */
export async function deleteGroupBudget(
  actor: Actor,
  db: Db,
  group: BudgetGroup,
): Promise<GroupBudgetRow | undefined> {
  authorize(actor, 'update', groupObject(group))
  return db.deleteFrom('group_ai_budgets').where('group_id', '=', group.id).returningAll().executeTakeFirst()
}

/** What a user may spend in place of what their groups say; undefined without it. @throws ApiError 403. */
export async function findOverride(actor: Actor, db: Db, userId: string): Promise<OverrideRow | undefined> {
  authorize(actor, 'read', { type: 'user', id: userId, owner: userId })
  const row = await db
    .selectFrom('user_ai_budget_overrides as b')
    .innerJoin('groups as g', 'g.id', 'b.group_id')
    .selectAll('b')
    .select(['g.organization_id', 'g.name'])
    .where('b.user_id', '=', userId)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { organization_id, name, ...override } = row
  return { ...override, group: { id: override.group_id, organization_id, name } }
}

/**
 * Sets what a user may spend; false when they are no member of the group, who stays one until the transaction ends.
 *
 * @throws ApiError 403 without the right to update both the user and the group.
 */
export async function upsertOverride(
  actor: Actor,
  tx: Db,
  userId: string,
  group: BudgetGroup,
  limitMicros: number,
): Promise<boolean> {
  authorize(actor, 'update', { type: 'user', id: userId, owner: userId })
  authorize(actor, 'update', groupObject(group))
  const { rows } =
    group.id === group.organization_id
      ? await sql`select 1 from organization_members
                   where user_id = ${userId} and organization_id = ${group.id} for key share`.execute(tx)
      : await sql`select 1 from group_members
                   where user_id = ${userId} and group_id = ${group.id} for key share`.execute(tx)
  if (rows.length === 0) return false
  const values = { group_id: group.id, spend_limit_micros: limitMicros }
  await tx
    .insertInto('user_ai_budget_overrides')
    .values({ user_id: userId, ...values })
    .onConflict((on) => on.column('user_id').doUpdateSet({ ...values, updated_at: sql<Date>`now()` }))
    .execute()
  return true
}

/** Takes what a user may spend away. @throws ApiError 403 without the right to update both the user and the group. */
export async function deleteOverride(
  actor: Actor,
  db: Db,
  userId: string,
  group: BudgetGroup,
): Promise<void> {
  authorize(actor, 'update', { type: 'user', id: userId, owner: userId })
  authorize(actor, 'update', groupObject(group))
  await db.deleteFrom('user_ai_budget_overrides').where('user_id', '=', userId).execute()
}
