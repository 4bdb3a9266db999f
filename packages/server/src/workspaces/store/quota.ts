import { sql } from 'kysely'

import { type Actor, authorize, isAllowed } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'

/** What the workspaces of a user may cost in an organization and what they do, in credits a day (WS-64). */
export interface Quota {
  readonly budget: number
  readonly consumed: number
}

/** A user in an organization. */
export interface QuotaHolder {
  readonly userId: string
  readonly organizationId: string
}

/**
 * The quota of a user, also of one who is no member (any more): nothing then, except what is left of workspaces
 * (WS-66).
 *
 * @throws ApiError 404 for who may read neither the user nor a membership of theirs.
 */
export async function getQuota(actor: Actor, db: Db, holder: QuotaHolder): Promise<Quota> {
  const { userId, organizationId } = holder
  const user = { id: userId, owner: userId }
  if (
    !isAllowed(actor, 'read', { type: 'user', ...user }) &&
    !isAllowed(actor, 'read', { type: 'organization_member', organization: organizationId, ...user })
  )
    throw notFound()
  return quotaOf(db, holder)
}

async function quotaOf(db: Db, { userId, organizationId }: QuotaHolder, exceptWorkspaceId?: string) {
  const { rows } = await sql<Quota>`
    select (select coalesce(sum(g.quota_allowance), 0)::bigint
              from group_members_expanded m join groups g on g.id = m.group_id
             where m.user_id = ${userId}::uuid and g.organization_id = ${organizationId}::uuid) as budget,
           (select coalesce(sum(b.daily_cost), 0)::bigint
              from workspaces w
              join lateral (select l.daily_cost from workspace_builds l where l.workspace_id = w.id
                             order by l.build_number desc limit 1) b on true
             where w.owner_id = ${userId}::uuid and w.organization_id = ${organizationId}::uuid and not w.deleted
               and w.id is distinct from ${exceptWorkspaceId ?? null}::uuid) as consumed`.execute(db)
  const [quota] = rows
  if (quota === undefined) throw new Error('a quota was not answered')
  return quota
}

/** A build whose cost is to be taken on. */
export interface CostingBuild {
  readonly id: string
  readonly workspaceId: string
  readonly previousBuildId: string | null
  readonly transition: 'start' | 'stop'
  readonly dailyCost: number
}

/**
 * Takes on the cost of a build, unless its owner's quota does not reach; a build that costs less than the one before is
 * always taken, and so is a stop that costs as much, so that nobody is kept from stopping (WS-65). For a serializable transaction, so that builds at the same time count one another.
 *
 * @returns the quota with the build in it, or as it is when the build is refused.
 * @throws ApiError 403 without `workspace:update`.
 */
export async function commitQuota(
  actor: Actor,
  tx: Db,
  holder: QuotaHolder,
  build: CostingBuild,
): Promise<Quota & { readonly ok: boolean }> {
  authorize(actor, 'update', { type: 'workspace' })
  const { budget, consumed } = await quotaOf(tx, holder, build.workspaceId)
  const previous =
    build.previousBuildId === null
      ? undefined
      : await tx
          .selectFrom('workspace_builds')
          .select('daily_cost')
          .where('id', '=', build.previousBuildId)
          .executeTakeFirst()
  const grows =
    previous === undefined ||
    (build.transition === 'stop'
      ? build.dailyCost > previous.daily_cost
      : build.dailyCost >= previous.daily_cost)
  if (consumed + build.dailyCost > budget && grows) return { ok: false, budget, consumed }
  await tx
    .updateTable('workspace_builds')
    .set({ daily_cost: build.dailyCost, updated_at: sql<Date>`now()` })
    .where('id', '=', build.id)
    .execute()
  return { ok: true, budget, consumed: consumed + build.dailyCost }
}
