import { type SqlBool, sql } from 'kysely'

import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'
import { isUuid } from '../../search/index.ts'
import type { AuditedType } from '../fields.ts'

/** Parameter of a path that names what an entry is about, and where such objects are stored. */
interface Place {
  readonly parameter: string
  readonly table:
    | 'chats'
    | 'users'
    | 'organizations'
    | 'groups'
    | 'mcp_server_configs'
    | 'tasks'
    | 'templates'
    | 'template_versions'
    | 'workspaces'
  /** Column by which they are named, too. */
  readonly name?: 'username' | 'name'
  /** Whether they belong to an organization. */
  readonly inOrganization?: true
}

const USER: Place = { parameter: 'user', table: 'users', name: 'username' }
const ORGANIZATION: Place = { parameter: 'organization', table: 'organizations', name: 'name' }

/** An object that a caller may not see. */
export interface HiddenObject {
  readonly id: string
  readonly organizationId: string | undefined
}

/**
 * What a path names, whoever asked for it: a refusal that looks to the caller as if nothing were there is recorded all
 * the same (RB-130).
 *
 * @param parameters of the path.
 * @throws ApiError 403 for all but the system.
 */
export async function findHiddenObject(
  actor: Actor,
  db: Db,
  type: AuditedType,
  parameters: Readonly<Record<string, unknown>>,
): Promise<HiddenObject | undefined> {
  authorize(actor, 'read', { type: 'system' })
  const place = placeOf(type)
  const reference = place === undefined ? undefined : parameters[place.parameter]
  if (place === undefined || typeof reference !== 'string') return undefined
  const condition = isUuid(reference)
    ? sql<SqlBool>`id = ${reference}::uuid`
    : place.name === undefined
      ? undefined
      : sql<SqlBool>`lower(${sql.ref(place.name)}) = ${reference.toLowerCase()}`
  if (condition === undefined) return undefined
  const organization = place.inOrganization
    ? sql.ref('organization_id')
    : place.table === 'organizations'
      ? sql.ref('id')
      : sql`null::uuid`
  const { rows } = await sql<{ id: string; organization_id: string | null }>`
    select id, ${organization} as organization_id from ${sql.table(place.table)} where ${condition} limit 1`.execute(
    db,
  )
  const [row] = rows
  return row === undefined ? undefined : { id: row.id, organizationId: row.organization_id ?? undefined }
}

function placeOf(type: AuditedType): Place | undefined {
  switch (type) {
    case 'user':
    case 'api_key':
    case 'convert_login':
    case 'git_ssh_key':
    case 'user_secret':
    case 'user_skill':
    case 'user_ai_budget_override':
      return USER
    case 'organization':
    case 'organization_member':
    case 'custom_role':
    case 'idp_sync_settings_group':
    case 'idp_sync_settings_role':
      return ORGANIZATION
    case 'chat':
      return { parameter: 'chat', table: 'chats', inOrganization: true }
    case 'group':
    case 'group_ai_budget':
      return { parameter: 'group', table: 'groups', inOrganization: true }
    case 'mcp_server_config':
      return { parameter: 'mcpserverconfig', table: 'mcp_server_configs', inOrganization: true }
    case 'task':
      return { parameter: 'task', table: 'tasks', inOrganization: true }
    case 'template':
      return { parameter: 'template', table: 'templates', inOrganization: true }
    case 'template_version':
      return { parameter: 'templateversion', table: 'template_versions', inOrganization: true }
    case 'workspace':
    case 'workspace_build':
      return { parameter: 'workspace', table: 'workspaces', inOrganization: true }
    // Refused by type.
    case 'ai_provider':
    case 'ai_provider_key':
    case 'ai_model_price':
    // Everybody may see apps; their secrets are refused by type.
    case 'oauth2_provider_app':
    case 'oauth2_provider_app_secret':
    case 'oauth2_provider_settings':
    case 'notification_template':
    case 'appearance_settings':
    case 'health_settings':
    case 'notifications_settings':
    // One for the deployment.
    case 'chat_instruction_settings':
    case 'identity_provider':
    case 'idp_sync_settings_organization':
      return undefined
  }
}
