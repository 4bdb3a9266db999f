import { type Static, Type } from 'typebox'

import { Pagination, Time, Uuid } from './common.ts'
import { route } from './route.ts'
import { User } from './users.ts'

const tag = 'Audit'

/** What was done; the last four are read in old entries and never written (RB-86). */
export const AuditAction = Type.Enum([
  'create',
  'write',
  'delete',
  'start',
  'stop',
  'login',
  'logout',
  'register',
  'request_password_reset',
  'connect',
  'disconnect',
  'open',
  'close',
])
export type AuditAction = Static<typeof AuditAction>

/** What it was done to (RB-86). */
export const AuditResourceType = Type.Enum([
  'organization',
  'template',
  'template_version',
  'user',
  'workspace',
  'git_ssh_key',
  'api_key',
  'group',
  'workspace_build',
  'license',
  'workspace_proxy',
  'convert_login',
  'health_settings',
  'oauth2_provider_app',
  'oauth2_provider_app_secret',
  'custom_role',
  'organization_member',
  'notifications_settings',
  'notification_template',
  'idp_sync_settings_organization',
  'idp_sync_settings_group',
  'idp_sync_settings_role',
  'workspace_agent',
  'workspace_app',
  'prebuilds_settings',
  'task',
  'ai_seat',
  'chat',
  'user_secret',
  'ai_provider',
  'ai_provider_key',
  'ai_model_price',
  'group_ai_budget',
  'user_skill',
  'ai_gateway_key',
  'user_ai_budget_override',
  'oauth2_provider_settings',
  'chat_instruction_settings',
  'mcp_server_config',
  'identity_provider',
  'appearance_settings',
])
export type AuditResourceType = Static<typeof AuditResourceType>

/** Fields that have changed; the values of a secret one are empty on both sides (RB-98). */
export const AuditDiff = Type.Record(
  Type.String(),
  Type.Object({ old: Type.Unknown(), new: Type.Unknown(), secret: Type.Boolean() }),
)
export type AuditDiff = Static<typeof AuditDiff>

/** The organization that an entry belongs to. */
export const MinimalOrganization = Type.Object({
  id: Uuid,
  name: Type.String(),
  display_name: Type.String(),
  icon: Type.String(),
})

/** One entry of the audit log (RB-85, RB-104). */
export const AuditLog = Type.Object({
  id: Uuid,
  request_id: Uuid,
  time: Time,
  ip: Type.String(),
  user_agent: Type.String(),
  /** An {@link AuditResourceType}, or what a newer release has written. */
  resource_type: Type.String(),
  resource_id: Uuid,
  resource_target: Type.String(),
  resource_icon: Type.String(),
  /** An {@link AuditAction}, or what a newer release has written. */
  action: Type.String(),
  diff: AuditDiff,
  status_code: Type.Integer(),
  additional_fields: Type.Record(Type.String(), Type.Unknown()),
  description: Type.String(),
  resource_link: Type.String(),
  is_deleted: Type.Boolean(),
  organization_id: Uuid,
  organization: Type.Optional(MinimalOrganization),
  user: Type.Union([User, Type.Null()]),
})
export type AuditLog = Static<typeof AuditLog>

export const AuditLogResponse = Type.Object({
  audit_logs: Type.Array(AuditLog),
  count: Type.Integer(),
  count_cap: Type.Integer(),
})

export const CreateTestAuditLogRequest = Type.Object({
  action: Type.Optional(
    Type.Enum([
      'create',
      'write',
      'delete',
      'start',
      'stop',
      'login',
      'logout',
      'register',
      'request_password_reset',
    ]),
  ),
  resource_type: Type.Optional(AuditResourceType),
  resource_id: Type.Optional(Uuid),
  additional_fields: Type.Optional(Type.Unknown()),
  time: Type.Optional(Time),
  build_reason: Type.Optional(Type.Enum(['autostart', 'autostop', 'initiator'])),
  organization_id: Type.Optional(Uuid),
  request_id: Type.Optional(Uuid),
})

export const listAuditLogs = route('GET /api/v2/audit', {
  id: 'get-audit-logs',
  tag,
  query: Type.Object({
    q: Type.Optional(Type.String({ maxLength: 4096 })),
    limit: Pagination.limit,
    offset: Pagination.offset,
    /** The page begins behind this entry, whatever was written meanwhile (RB-128). */
    after_id: Pagination.after_id,
  }),
  responses: { 200: AuditLogResponse },
})

/** All entries of a search as a file, youngest first (RB-128). */
export const exportAuditLogs = route('GET /api/v2/audit/export', {
  id: 'export-audit-logs',
  tag,
  query: Type.Object({
    q: Type.Optional(Type.String({ maxLength: 4096 })),
    format: Type.Optional(Type.Enum(['jsonl', 'csv'])),
  }),
  responses: { 200: null },
  stream: 'bytes',
})

export const generateTestAuditLog = route('POST /api/v2/audit/testgenerate', {
  id: 'generate-fake-audit-log',
  tag,
  body: CreateTestAuditLogRequest,
  responses: { 204: null },
})
