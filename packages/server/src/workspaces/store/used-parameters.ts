import { sql } from 'kysely'

import { type Actor, isAllowed, sqlFilter } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { notFound } from '../../errors/index.ts'

/**
 * The values that were used last in start builds of a user's own workspaces of a template, one for each parameter that
 * is not ephemeral, the newest first; at most a hundred (WS-127). Only those of workspaces that the actor may read, which
 * is what shows parameters elsewhere.
 *
 * @throws ApiError 404 without `user:read_personal`.
 */
export async function listUsedParameters(
  actor: Actor,
  db: Db,
  userId: string,
  templateId: string,
): Promise<{ readonly name: string; readonly value: string }[]> {
  if (!isAllowed(actor, 'read_personal', { type: 'user', id: userId, owner: userId })) throw notFound()
  const columns = {
    id: sql.ref<string>('w.id'),
    owner: sql.ref<string>('w.owner_id'),
    organization: sql.ref<string>('w.organization_id'),
    userAcl: sql.ref('w.user_acl'),
    groupAcl: sql.ref('w.group_acl'),
  }
  const { rows } = await sql<{ name: string; value: string }>`
    select name, value from (
      select distinct on (p.name) p.name, used.value, b.created_at, b.build_number
        from workspaces w
        join workspace_builds b on b.workspace_id = w.id and b.transition = 'start'
        join workspace_build_parameters used on used.workspace_build_id = b.id
        join template_version_parameters p
          on p.template_version_id = b.template_version_id and p.name = used.name and not p.ephemeral
       where w.owner_id = ${userId} and w.template_id = ${templateId}
         and case when w.dormant_at is null then ${sqlFilter(actor, 'read', 'workspace', columns)}
                  else ${sqlFilter(actor, 'read', 'workspace_dormant', columns)} end
       order by p.name, b.created_at desc, b.build_number desc) as latest
     order by created_at desc, name
     limit 100`.execute(db)
  return rows
}
