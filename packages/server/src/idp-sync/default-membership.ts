import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { readOrganizationSync } from './settings.ts'

const actor = systemActor(
  'system_restricted',
  'the settings of a sync say where new accounts belong; no narrower actor may read them',
)

/** Whether an account that has not signed in yet belongs to the default organization (ID-165). */
export async function joinsDefaultOrganization({ config, database }: AppContext): Promise<boolean> {
  const { field, organization_assign_default } = await readOrganizationSync(config, actor, database.db)
  return field === '' || organization_assign_default
}
