import { type Insertable, type Selectable, sql } from 'kysely'

import { type Action, type Actor, authorize, type ResourceObject } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import type { GroupAiLimitsTable, GroupAiModelPoliciesTable } from '../../database/tables.ts'

/** Which models members of a group may use. */
export type ModelPolicyRow = Selectable<GroupAiModelPoliciesTable>

/** What a group may use as a whole, and each member in a minute. */
export type GroupLimitsRow = Selectable<GroupAiLimitsTable>

/** A group that rules are for, as its own store has read it for the same actor. */
export interface RuledGroup {
  readonly id: string
  readonly organization_id: string
}

/** Whoever is in a group may read what holds for it (RB-16). */
function ruledGroupObject({ id, organization_id }: RuledGroup): ResourceObject {
  return { type: 'group', id, organization: organization_id, groupAcl: { [id]: ['read'] } }
}

function authorizeGroup(actor: Actor, action: Action, group: RuledGroup): void {
  authorize(actor, action, ruledGroupObject(group))
}

/** The model policy of a group; undefined without one. @throws ApiError 403. */
export async function findModelPolicy(
  actor: Actor,
  db: Db,
  group: RuledGroup,
): Promise<ModelPolicyRow | undefined> {
  authorizeGroup(actor, 'read', group)
  return db
    .selectFrom('group_ai_model_policies')
    .selectAll()
    .where('group_id', '=', group.id)
    .executeTakeFirst()
}

/** What is set of a model policy; what is left out stays, and is empty at first. */
export type ModelPolicyChange = Partial<
  Pick<Insertable<GroupAiModelPoliciesTable>, 'allow' | 'deny' | 'aliases'>
>

/** Sets the model policy of a group. @throws ApiError 403 without `group:update`. */
export async function upsertModelPolicy(
  actor: Actor,
  db: Db,
  group: RuledGroup,
  change: ModelPolicyChange,
): Promise<ModelPolicyRow> {
  authorizeGroup(actor, 'update', group)
  return db
    .insertInto('group_ai_model_policies')
    .values({ group_id: group.id, ...change })
    .onConflict((on) => on.column('group_id').doUpdateSet({ ...change, updated_at: sql<Date>`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Takes the model policy of a group away; undefined when there was none. @throws ApiError 403 without `group:update`. */
export async function deleteModelPolicy(
  actor: Actor,
  db: Db,
  group: RuledGroup,
): Promise<ModelPolicyRow | undefined> {
  authorizeGroup(actor, 'update', group)
  return db
    .deleteFrom('group_ai_model_policies')
    .where('group_id', '=', group.id)
    .returningAll()
    .executeTakeFirst()
}

/** The limits of a group; undefined without any. @throws ApiError 403. */
export async function findGroupLimits(
  actor: Actor,
  db: Db,
  group: RuledGroup,
): Promise<GroupLimitsRow | undefined> {
  authorizeGroup(actor, 'read', group)
  return db.selectFrom('group_ai_limits').selectAll().where('group_id', '=', group.id).executeTakeFirst()
}

/** What is set of limits; what is left out stays, and is no limit at first. */
export type GroupLimitsChange = Partial<
  Pick<GroupLimitsRow, 'total_spend_limit_micros' | 'tokens_per_minute' | 'member_tokens_per_minute'>
>

/** Sets the limits of a group. @throws ApiError 403 without `group:update`. */
export async function upsertGroupLimits(
  actor: Actor,
  db: Db,
  group: RuledGroup,
  change: GroupLimitsChange,
): Promise<GroupLimitsRow> {
  authorizeGroup(actor, 'update', group)
  return db
    .insertInto('group_ai_limits')
    .values({ group_id: group.id, ...change })
    .onConflict((on) => on.column('group_id').doUpdateSet({ ...change, updated_at: sql<Date>`now()` }))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Takes the limits of a group away; undefined when there were none. @throws ApiError 403 without `group:update`. */
export async function deleteGroupLimits(
  actor: Actor,
  db: Db,
  group: RuledGroup,
): Promise<GroupLimitsRow | undefined> {
  authorizeGroup(actor, 'update', group)
  return db.deleteFrom('group_ai_limits').where('group_id', '=', group.id).returningAll().executeTakeFirst()
}
