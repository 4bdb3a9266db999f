import { type Static, Type } from 'typebox'

import { Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'

export const TemplateAutostartRequirement = Type.Object({
  days_of_week: Type.Optional(
    Type.Array(Type.Enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])),
  ),
})
export type TemplateAutostartRequirement = Static<typeof TemplateAutostartRequirement>

export const TemplateAutostopRequirement = Type.Object({
  days_of_week: Type.Optional(
    Type.Array(Type.Enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])),
  ),
  weeks: Type.Optional(Type.Integer()),
})
export type TemplateAutostopRequirement = Static<typeof TemplateAutostopRequirement>

/** Median and 95th percentile in milliseconds; null while there is none. The names are in capitals on the wire (WS-83). */
export const TransitionStats = Type.Object({
  P50: Type.Union([Type.Integer(), Type.Null()]),
  P95: Type.Union([Type.Integer(), Type.Null()]),
})
export type TransitionStats = Static<typeof TransitionStats>

export const TemplateBuildTimeStats = Type.Record(Type.String(), TransitionStats)
export type TemplateBuildTimeStats = Static<typeof TemplateBuildTimeStats>

export const CORSBehavior = Type.Enum(['simple', 'passthru'])
export type CORSBehavior = Static<typeof CORSBehavior>

export const WorkspaceAgentPortShareLevel = Type.Enum(['owner', 'authenticated', 'organization', 'public'])
export type WorkspaceAgentPortShareLevel = Static<typeof WorkspaceAgentPortShareLevel>

export const Template = Type.Object({
  active_user_count: Type.Integer(),
  active_version_id: Uuid,
  activity_bump_ms: Type.Integer(),
  agents_allowed: Type.Boolean(),
  allow_user_autostart: Type.Boolean(),
  allow_user_autostop: Type.Boolean(),
  allow_user_cancel_workspace_jobs: Type.Boolean(),
  autostart_requirement: TemplateAutostartRequirement,
  autostop_requirement: TemplateAutostopRequirement,
  build_time_stats: TemplateBuildTimeStats,
  cors_behavior: CORSBehavior,
  created_at: Time,
  created_by_id: Uuid,
  created_by_name: Type.String(),
  default_ttl_ms: Type.Integer(),
  deleted: Type.Boolean(),
  deprecated: Type.Boolean(),
  deprecation_message: Type.String(),
  description: Type.String(),
  disable_module_cache: Type.Boolean(),
  display_name: Type.String(),
  failure_ttl_ms: Type.Integer(),
  icon: Type.String(),
  id: Uuid,
  max_port_share_level: WorkspaceAgentPortShareLevel,
  name: Type.String(),
  organization_display_name: Type.String(),
  organization_icon: Type.String(),
  organization_id: Uuid,
  organization_name: Type.String(),
  provisioner: Type.Enum(['terraform', 'echo', 'typescript']),
  require_active_version: Type.Boolean(),
  time_til_autostop_notify_ms: Type.Integer(),
  time_til_dormant_autodelete_ms: Type.Integer(),
  time_til_dormant_ms: Type.Integer(),
  updated_at: Time,
  use_classic_parameter_flow: Type.Boolean(),
})
export type Template = Static<typeof Template>

export const CreateTemplateRequest = Type.Object({
  activity_bump_ms: Type.Optional(Type.Integer()),
  agents_allowed: Type.Optional(Type.Boolean()),
  allow_user_autostart: Type.Optional(Type.Boolean()),
  allow_user_autostop: Type.Optional(Type.Boolean()),
  allow_user_cancel_workspace_jobs: Type.Optional(Type.Boolean()),
  autostart_requirement: Type.Optional(TemplateAutostartRequirement),
  autostop_requirement: Type.Optional(TemplateAutostopRequirement),
  cors_behavior: Type.Optional(CORSBehavior),
  default_ttl_ms: Type.Optional(Type.Integer()),
  delete_ttl_ms: Type.Optional(Type.Integer()),
  description: Type.Optional(Type.String()),
  disable_everyone_group_access: Type.Optional(Type.Boolean()),
  display_name: Type.Optional(Type.String()),
  dormant_ttl_ms: Type.Optional(Type.Integer()),
  failure_ttl_ms: Type.Optional(Type.Integer()),
  icon: Type.Optional(Type.String()),
  max_port_share_level: Type.Optional(WorkspaceAgentPortShareLevel),
  name: Type.String(),
  require_active_version: Type.Optional(Type.Boolean()),
  template_use_classic_parameter_flow: Type.Optional(Type.Boolean()),
  template_version_id: Uuid,
  time_til_autostop_notify_ms: Type.Optional(Type.Integer()),
})
export type CreateTemplateRequest = Static<typeof CreateTemplateRequest>

export const UpdateTemplateMeta = Type.Object({
  activity_bump_ms: Type.Optional(Type.Integer()),
  agents_allowed: Type.Optional(Type.Boolean()),
  allow_user_autostart: Type.Optional(Type.Boolean()),
  allow_user_autostop: Type.Optional(Type.Boolean()),
  allow_user_cancel_workspace_jobs: Type.Optional(Type.Boolean()),
  autostart_requirement: Type.Optional(TemplateAutostartRequirement),
  autostop_requirement: Type.Optional(TemplateAutostopRequirement),
  /** Empty keeps what it is (WS-85). */
  cors_behavior: Type.Optional(Type.Enum(['', ...CORSBehavior.enum])),
  default_ttl_ms: Type.Optional(Type.Integer()),
  deprecation_message: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  disable_everyone_group_access: Type.Optional(Type.Boolean()),
  disable_module_cache: Type.Optional(Type.Boolean()),
  display_name: Type.Optional(Type.String()),
  failure_ttl_ms: Type.Optional(Type.Integer()),
  icon: Type.Optional(Type.String()),
  max_port_share_level: Type.Optional(WorkspaceAgentPortShareLevel),
  name: Type.Optional(Type.String()),
  require_active_version: Type.Optional(Type.Boolean()),
  time_til_autostop_notify_ms: Type.Optional(Type.Integer()),
  time_til_dormant_autodelete_ms: Type.Optional(Type.Integer()),
  time_til_dormant_ms: Type.Optional(Type.Integer()),
  update_workspace_dormant_at: Type.Optional(Type.Boolean()),
  update_workspace_last_used_at: Type.Optional(Type.Boolean()),
  use_classic_parameter_flow: Type.Optional(Type.Boolean()),
})
export type UpdateTemplateMeta = Static<typeof UpdateTemplateMeta>

export const TemplateExample = Type.Object({
  description: Type.String(),
  icon: Type.String(),
  id: Type.String(),
  markdown: Type.String(),
  name: Type.String(),
  tags: Type.Array(Type.String()),
  url: Type.String(),
})
export type TemplateExample = Static<typeof TemplateExample>

export const listOrganizationTemplates = route('GET /api/v2/organizations/{organization}/templates', {
  id: 'get-templates-by-organization',
  tag: 'Templates',
  query: Type.Object({ q: Type.Optional(Type.String()) }),
  responses: { 200: Type.Array(Template) },
})

export const createTemplate = route('POST /api/v2/organizations/{organization}/templates', {
  id: 'create-template-by-organization',
  tag: 'Templates',
  body: CreateTemplateRequest,
  responses: { 200: Template, 201: Template },
})

export const getTemplateByName = route('GET /api/v2/organizations/{organization}/templates/{templatename}', {
  id: 'get-templates-by-organization-and-template-name',
  tag: 'Templates',
  responses: { 200: Template },
})

export const listTemplates = route('GET /api/v2/templates', {
  id: 'get-all-templates',
  tag: 'Templates',
  query: Type.Object({ q: Type.Optional(Type.String()) }),
  responses: { 200: Type.Array(Template) },
})

export const getTemplate = route('GET /api/v2/templates/{template}', {
  id: 'get-template-settings-by-id',
  tag: 'Templates',
  responses: { 200: Template },
})

export const deleteTemplate = route('DELETE /api/v2/templates/{template}', {
  id: 'delete-template-by-id',
  tag: 'Templates',
  responses: { 200: Response },
})

export const updateTemplate = route('PATCH /api/v2/templates/{template}', {
  id: 'update-template-settings-by-id',
  tag: 'Templates',
  body: UpdateTemplateMeta,
  responses: { 200: Template },
})

/** The earlier form of {@link listTemplateExamples}. */
export const listOrganizationTemplateExamples = route(
  'GET /api/v2/organizations/{organization}/templates/examples',
  {
    id: 'get-template-examples-by-organization',
    tag: 'Templates',
    responses: { 200: Type.Array(TemplateExample) },
  },
)

export const listTemplateExamples = route('GET /api/v2/templates/examples', {
  id: 'get-template-examples',
  tag: 'Templates',
  responses: { 200: Type.Array(TemplateExample) },
})
