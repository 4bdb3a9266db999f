import { sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'
import { type DeclaredProvider, declaredProviders } from '../../external-auth/index.ts'
import type { BuildRow } from './builds.ts'

/** Everything that carrying out a build needs of the database beside its job. */
export interface BuildInputs {
  readonly build: Pick<
    BuildRow,
    | 'id'
    | 'workspace_id'
    | 'transition'
    | 'build_number'
    | 'template_version_id'
    | 'workspace_name'
    | 'template_id'
  >
  readonly state: Buffer | null
  readonly ttl: number | null
  /** The schedule by which the workspace starts itself; null when it does not (WS-132). */
  readonly autostart: { readonly schedule: string; readonly blockedDays: number } | null
  readonly template: {
    readonly name: string
    readonly allowUserAutostop: boolean
    readonly defaultTtl: number
    /** Days on which workspaces must stop, the lowest bit being Monday, and in every how many weeks (WS-231). */
    readonly autostopDays: number
    readonly autostopWeeks: number
  }
  readonly versionName: string
  /** What the template asks for (PR-93). */
  readonly externalAuth: readonly DeclaredProvider[]
  readonly previousBuildId: string | null
  readonly organizationId: string
  /** The task that the workspace is of. */
  readonly task: { readonly id: string; readonly prompt: string } | null
  readonly owner: {
    readonly id: string
    readonly username: string
    readonly name: string
    readonly email: string
    readonly loginType: string
    /** As the owner has chosen; empty for none. */
    readonly quietHours: string
    readonly siteRoles: readonly string[]
    readonly organizationRoles: readonly string[]
    readonly groups: readonly string[]
  }
}

/** Loads them in one statement. @throws ApiError 403 for all but provisioning, 404. */
export async function getBuildInputs(actor: Actor, db: Db, jobId: string): Promise<BuildInputs> {
  authorize(actor, 'read', { type: 'workspace' })
  authorize(actor, 'read_personal', { type: 'user' })
  const row = await db
    .selectFrom('workspace_builds as b')
    .innerJoin('workspaces as w', 'w.id', 'b.workspace_id')
    .innerJoin('users as u', 'u.id', 'w.owner_id')
    .innerJoin('templates as t', 't.id', 'w.template_id')
    .innerJoin('template_versions as v', 'v.id', 'b.template_version_id')
    .leftJoin('workspace_builds as p', (join) =>
      join
        .onRef('p.workspace_id', '=', 'b.workspace_id')
        .on(sql<boolean>`p.build_number = b.build_number - 1`),
    )
    .leftJoin('tasks as k', (join) =>
      join.onRef('k.workspace_id', '=', 'b.workspace_id').on('k.deleted_at', 'is', null),
    )
    .select([
      'b.id',
      'b.workspace_id',
      'b.transition',
      'b.build_number',
      'b.template_version_id',
      'b.provisioner_state',
      'w.name as workspace_name',
      'w.template_id',
      'w.organization_id',
      'w.ttl',
      'w.autostart_schedule',
      't.allow_user_autostart',
      't.autostart_block_days',
      't.name as template_name',
      't.allow_user_autostop',
      't.default_ttl',
      't.autostop_requirement_days',
      't.autostop_requirement_weeks',
      'v.name as version_name',
      'v.external_auth_providers',
      'p.id as previous_id',
      'k.id as task_id',
      'k.prompt as task_prompt',
      'u.id as owner_id',
      'u.username',
      'u.name',
      'u.email',
      'u.login_type',
      'u.quiet_hours_schedule',
      'u.rbac_roles',
      sql<
        string[]
      >`coalesce((select m.roles from organization_members m where m.user_id = u.id and m.organization_id = w.organization_id), '{}')`.as(
        'organization_roles',
      ),
      sql<string[]>`array(select g.name from group_members_expanded e join groups g on g.id = e.group_id
        where e.user_id = u.id and g.organization_id = w.organization_id order by g.name)`.as('groups'),
    ])
    .where('b.job_id', '=', jobId)
    .executeTakeFirst()
  if (row === undefined) throw notFound()
  return {
    build: {
      id: row.id,
      workspace_id: row.workspace_id,
      transition: row.transition,
      build_number: row.build_number,
      template_version_id: row.template_version_id,
      workspace_name: row.workspace_name,
      template_id: row.template_id,
    },
    state: row.provisioner_state,
    ttl: row.ttl,
    autostart:
      row.autostart_schedule === null || !row.allow_user_autostart
        ? null
        : { schedule: row.autostart_schedule, blockedDays: row.autostart_block_days },
    template: {
      name: row.template_name,
      allowUserAutostop: row.allow_user_autostop,
      defaultTtl: row.default_ttl,
      autostopDays: row.autostop_requirement_days,
      autostopWeeks: row.autostop_requirement_weeks,
    },
    versionName: row.version_name,
    externalAuth: declaredProviders(row.external_auth_providers),
    previousBuildId: row.previous_id,
    organizationId: row.organization_id,
    task:
      row.task_id === null || row.task_prompt === null ? null : { id: row.task_id, prompt: row.task_prompt },
    owner: {
      id: row.owner_id,
      username: row.username,
      name: row.name,
      email: row.email,
      loginType: row.login_type,
      quietHours: row.quiet_hours_schedule,
      siteRoles: row.rbac_roles,
      organizationRoles: row.organization_roles,
      groups: row.groups,
    },
  }
}
