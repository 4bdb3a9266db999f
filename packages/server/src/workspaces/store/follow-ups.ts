import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import {
  mayTransition,
  transitionAction,
  type WorkspaceOwnership,
  workspaceObject,
} from './workspace-object.ts'

/** So often one is tried (WS-178). */
const MAX_ATTEMPTS = 3

/** What the next build is to be made of. */
export interface NewFollowUp {
  readonly parentBuildId: string
  /** Undefined for the version that is the active one by then. */
  readonly versionId: string | undefined
  readonly presetId: string | undefined
  readonly parameters: readonly { readonly name: string; readonly value: string }[]
}

/** A build that is to follow, with that which it follows: the parent has ended. */
export interface FollowUp {
  readonly id: string
  readonly template_version_id: string | null
  readonly template_version_preset_id: string | null
  readonly rich_parameter_values: { readonly name: string; readonly value: string }[]
  readonly parent_id: string
  readonly parent_number: number
  readonly parent_status: 'succeeded' | 'failed' | 'canceled'
  readonly initiator_id: string
  readonly reason:
    | 'initiator'
    | 'dashboard'
    | 'cli'
    | 'ssh_connection'
    | 'vscode_connection'
    | 'jetbrains_connection'
    | 'task_manual_pause'
    | 'task_resume'
  readonly log_level: 'debug' | null
  readonly workspace_id: string
  readonly workspace_name: string
  readonly organization_id: string
  readonly owner_name: string
  /** Deleted, dormant, or built by somebody else since; undefined when nothing is in the way. */
  readonly obstacle: 'deleted' | 'dormant' | 'superseded' | null
}

/** Queues a start for the end of a stop (WS-177). @throws ApiError 403 without the rights to do both. */
export async function insertFollowUp(
  actor: Actor,
  tx: Db,
  workspace: WorkspaceOwnership,
  followUp: NewFollowUp,
): Promise<void> {
  for (const transition of ['stop', 'start'] as const)
    if (!mayTransition(actor, transition, workspace))
      authorize(actor, transitionAction(transition, workspace), workspaceObject(workspace))
  await tx
    .insertInto('workspace_build_orchestrations')
    .values({
      parent_build_id: followUp.parentBuildId,
      template_version_id: followUp.versionId ?? null,
      template_version_preset_id: followUp.presetId ?? null,
      rich_parameter_values: JSON.stringify(followUp.parameters),
    })
    .execute()
}

/**
 * The oldest one whose parent has ended and whose time has come, for this transaction alone; others pass it over (WS-178).
 *
 * @throws ApiError 403 without `workspace_build_orchestration:update`.
 */
export async function takeFollowUp(actor: Actor, tx: Db, now: Date): Promise<FollowUp | undefined> {
  authorize(actor, 'update', { type: 'workspace_build_orchestration' })
  const { rows } = await sql<FollowUp>`
    select o.id, o.template_version_id, o.template_version_preset_id, o.rich_parameter_values,
           p.id as parent_id, p.build_number as parent_number, j.job_status as parent_status, p.initiator_id,
           p.reason, j.input ->> 'log_level' as log_level,
           w.id as workspace_id, w.name as workspace_name, w.organization_id, u.username as owner_name,
           case when w.deleted then 'deleted' when w.dormant_at is not null then 'dormant'
                when exists (select from workspace_builds l where l.workspace_id = w.id and l.build_number > p.build_number)
                then 'superseded' end as obstacle
      from workspace_build_orchestrations o
      join workspace_builds p on p.id = o.parent_build_id
      join provisioner_jobs j on j.id = p.job_id
      join workspaces w on w.id = p.workspace_id
      join users u on u.id = w.owner_id
     where o.status = 'pending' and coalesce(o.next_attempt_at, '-infinity') <= ${now} and j.completed_at is not null
     order by o.created_at, o.id limit 1 for update of o skip locked`.execute(tx)
  return rows[0]
}

/** Notes what became of one. @throws ApiError 403 without `workspace_build_orchestration:update`. */
export async function endFollowUp(
  actor: Actor,
  tx: Db,
  id: string,
  end: {
    readonly status: 'completed' | 'failed' | 'canceled'
    readonly childBuildId?: string
    readonly error?: string
  },
): Promise<void> {
  authorize(actor, 'update', { type: 'workspace_build_orchestration' })
  await tx
    .updateTable('workspace_build_orchestrations')
    .set({
      status: end.status,
      child_build_id: end.childBuildId ?? null,
      error: end.error ?? null,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .execute()
}

/**
 * Has one tried again later, unless this was the last time (WS-178).
 *
 * @returns whether it has failed for good.
 * @throws ApiError 403 without `workspace_build_orchestration:update`.
 */
export async function postponeFollowUp(
  actor: Actor,
  db: Db,
  id: string,
  again: { readonly at: Date; readonly error: string },
): Promise<boolean> {
  authorize(actor, 'update', { type: 'workspace_build_orchestration' })
  const row = await db
    .updateTable('workspace_build_orchestrations')
    .set({
      attempts: sql<number>`attempts + 1`,
      status: sql<
        'pending' | 'failed'
      >`case when attempts + 1 >= ${sql.lit(MAX_ATTEMPTS)} then 'failed' else 'pending' end`,
      next_attempt_at: again.at,
      error: again.error,
      updated_at: sql<Date>`now()`,
    })
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .returning('status')
    .executeTakeFirst()
  return row?.status === 'failed'
}
