import { type Static, Type } from 'typebox'

import { JobLogQuery, Pagination, Response, Time, Uuid } from './common.ts'
import { ProvisionerJob } from './provisioning.ts'
import { ProvisionerJobLog, WorkspaceResource } from './resources.ts'
import { route } from './route.ts'

export const ProvisionerStorageMethod = Type.Enum(['file'])
export type ProvisionerStorageMethod = Static<typeof ProvisionerStorageMethod>

export const VariableValue = Type.Object({
  name: Type.String({ minLength: 1 }),
  value: Type.String(),
})
export type VariableValue = Static<typeof VariableValue>

export const CreateTemplateVersionRequest = Type.Object({
  example_id: Type.Optional(Type.String()),
  file_id: Type.Optional(Uuid),
  message: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  provisioner: Type.Enum(['terraform', 'echo', 'typescript']),
  storage_method: ProvisionerStorageMethod,
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  template_id: Type.Optional(Uuid),
  user_variable_values: Type.Optional(Type.Array(VariableValue)),
})
export type CreateTemplateVersionRequest = Static<typeof CreateTemplateVersionRequest>

export const MinimalUser = Type.Object({
  avatar_url: Type.Optional(Type.String()),
  id: Uuid,
  name: Type.Optional(Type.String()),
  username: Type.String(),
})
export type MinimalUser = Static<typeof MinimalUser>

export const MatchedProvisioners = Type.Object({
  available: Type.Integer(),
  count: Type.Integer(),
  most_recently_seen: Type.Optional(Time),
})
export type MatchedProvisioners = Static<typeof MatchedProvisioners>

export const TemplateVersionWarning = Type.Enum(['UNSUPPORTED_WORKSPACES'])
export type TemplateVersionWarning = Static<typeof TemplateVersionWarning>

export const TemplateVersion = Type.Object({
  archived: Type.Boolean(),
  created_at: Time,
  created_by: MinimalUser,
  has_external_agent: Type.Boolean(),
  id: Uuid,
  job: ProvisionerJob,
  matched_provisioners: Type.Optional(MatchedProvisioners),
  message: Type.String(),
  name: Type.String(),
  organization_id: Uuid,
  readme: Type.String(),
  template_id: Type.Optional(Uuid),
  updated_at: Time,
  warnings: Type.Optional(Type.Array(TemplateVersionWarning)),
})
export type TemplateVersion = Static<typeof TemplateVersion>

export const UpdateActiveTemplateVersion = Type.Object({
  id: Uuid,
})
export type UpdateActiveTemplateVersion = Static<typeof UpdateActiveTemplateVersion>

export const PatchTemplateVersionRequest = Type.Object({
  message: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
})
export type PatchTemplateVersionRequest = Static<typeof PatchTemplateVersionRequest>

export const TemplateVersionParameterOption = Type.Object({
  description: Type.String(),
  icon: Type.String(),
  name: Type.String(),
  value: Type.String(),
})
export type TemplateVersionParameterOption = Static<typeof TemplateVersionParameterOption>

export const ValidationMonotonicOrder = Type.Enum(['increasing', 'decreasing'])
export type ValidationMonotonicOrder = Static<typeof ValidationMonotonicOrder>

export const TemplateVersionParameter = Type.Object({
  default_value: Type.String(),
  description: Type.String(),
  description_plaintext: Type.String(),
  display_name: Type.Optional(Type.String()),
  ephemeral: Type.Boolean(),
  form_type: Type.Enum([
    '',
    'radio',
    'dropdown',
    'input',
    'textarea',
    'slider',
    'checkbox',
    'switch',
    'tag-select',
    'multi-select',
    'error',
  ]),
  icon: Type.String(),
  mutable: Type.Boolean(),
  name: Type.String(),
  options: Type.Array(TemplateVersionParameterOption),
  required: Type.Boolean(),
  type: Type.Enum(['string', 'number', 'bool', 'list(string)']),
  validation_error: Type.Optional(Type.String()),
  validation_max: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  validation_min: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  validation_monotonic: Type.Optional(ValidationMonotonicOrder),
  validation_regex: Type.Optional(Type.String()),
})
export type TemplateVersionParameter = Static<typeof TemplateVersionParameter>

export const TemplateVersionVariable = Type.Object({
  default_value: Type.String(),
  description: Type.String(),
  name: Type.String(),
  required: Type.Boolean(),
  sensitive: Type.Boolean(),
  type: Type.Enum(['string', 'number', 'bool']),
  value: Type.String(),
})
export type TemplateVersionVariable = Static<typeof TemplateVersionVariable>

export const PresetParameter = Type.Object({
  Name: Type.String(),
  Value: Type.String(),
})
export type PresetParameter = Static<typeof PresetParameter>

export const Preset = Type.Object({
  ID: Type.String(),
  Name: Type.String(),
  Parameters: Type.Array(PresetParameter),
  Default: Type.Boolean(),
  DesiredPrebuildInstances: Type.Union([Type.Integer(), Type.Null()]),
  Description: Type.String(),
  Icon: Type.String(),
})
export type Preset = Static<typeof Preset>

export const TemplateVersionExternalAuth = Type.Object({
  authenticate_url: Type.String(),
  authenticated: Type.Boolean(),
  display_icon: Type.String(),
  display_name: Type.String(),
  id: Type.String(),
  optional: Type.Boolean(),
  type: Type.String(),
})
export type TemplateVersionExternalAuth = Static<typeof TemplateVersionExternalAuth>

export const createTemplateVersion = route('POST /api/v2/organizations/{organization}/templateversions', {
  id: 'create-template-version-by-organization',
  tag: 'Templates',
  body: CreateTemplateVersionRequest,
  responses: { 201: TemplateVersion },
})

export const getOrganizationTemplateVersion = route(
  'GET /api/v2/organizations/{organization}/templates/{templatename}/versions/{templateversionname}',
  {
    id: 'get-template-version-by-organization-template-and-name',
    tag: 'Templates',
    responses: { 200: TemplateVersion },
  },
)

export const getPreviousTemplateVersion = route(
  'GET /api/v2/organizations/{organization}/templates/{templatename}/versions/{templateversionname}/previous',
  {
    id: 'get-previous-template-version-by-organization-template-and-name',
    tag: 'Templates',
    responses: { 200: TemplateVersion, 204: null },
  },
)

export const listTemplateVersions = route('GET /api/v2/templates/{template}/versions', {
  id: 'list-template-versions-by-template-id',
  tag: 'Templates',
  query: Type.Object({
    ...Pagination,
    include_archived: Type.Optional(Type.Boolean()),
  }),
  responses: { 200: Type.Array(TemplateVersion) },
})

export const setActiveTemplateVersion = route('PATCH /api/v2/templates/{template}/versions', {
  id: 'update-active-template-version-by-template-id',
  tag: 'Templates',
  body: UpdateActiveTemplateVersion,
  responses: { 200: Response },
})

export const getTemplateVersionByName = route(
  'GET /api/v2/templates/{template}/versions/{templateversionname}',
  {
    id: 'get-template-version-by-template-id-and-name',
    tag: 'Templates',
    responses: { 200: TemplateVersion },
  },
)

export const getTemplateVersion = route('GET /api/v2/templateversions/{templateversion}', {
  id: 'get-template-version-by-id',
  tag: 'Templates',
  responses: { 200: TemplateVersion },
})

export const updateTemplateVersion = route('PATCH /api/v2/templateversions/{templateversion}', {
  id: 'patch-template-version-by-id',
  tag: 'Templates',
  body: PatchTemplateVersionRequest,
  responses: { 200: TemplateVersion },
})

export const cancelTemplateVersion = route('PATCH /api/v2/templateversions/{templateversion}/cancel', {
  id: 'cancel-template-version-by-id',
  tag: 'Templates',
  responses: { 200: Response },
})

export const ArchiveTemplateVersionsRequest = Type.Object({ all: Type.Optional(Type.Boolean()) })
export type ArchiveTemplateVersionsRequest = Static<typeof ArchiveTemplateVersionsRequest>

export const ArchiveTemplateVersionsResponse = Type.Object({
  template_id: Uuid,
  archived_ids: Type.Array(Uuid),
})
export type ArchiveTemplateVersionsResponse = Static<typeof ArchiveTemplateVersionsResponse>

export const archiveTemplateVersions = route('POST /api/v2/templates/{template}/versions/archive', {
  id: 'archive-template-unused-versions-by-template-id',
  tag: 'Templates',
  body: ArchiveTemplateVersionsRequest,
  responses: { 200: ArchiveTemplateVersionsResponse },
})

export const archiveTemplateVersion = route('POST /api/v2/templateversions/{templateversion}/archive', {
  id: 'archive-template-version',
  tag: 'Templates',
  responses: { 200: Response },
})

export const unarchiveTemplateVersion = route('POST /api/v2/templateversions/{templateversion}/unarchive', {
  id: 'unarchive-template-version',
  tag: 'Templates',
  responses: { 200: Response },
})

export const listTemplateVersionLogs = route('GET /api/v2/templateversions/{templateversion}/logs', {
  id: 'get-logs-by-template-version',
  tag: 'Templates',
  query: JobLogQuery,
  responses: { 200: Type.Array(ProvisionerJobLog) },
})

export const listTemplateVersionResources = route(
  'GET /api/v2/templateversions/{templateversion}/resources',
  {
    id: 'get-resources-by-template-version',
    tag: 'Templates',
    responses: { 200: Type.Array(WorkspaceResource) },
  },
)

export const listTemplateVersionParameters = route(
  'GET /api/v2/templateversions/{templateversion}/rich-parameters',
  {
    id: 'get-rich-parameters-by-template-version',
    tag: 'Templates',
    responses: { 200: Type.Array(TemplateVersionParameter) },
  },
)

export const listTemplateVersionVariables = route(
  'GET /api/v2/templateversions/{templateversion}/variables',
  {
    id: 'get-template-variables-by-template-version',
    tag: 'Templates',
    responses: { 200: Type.Array(TemplateVersionVariable) },
  },
)

export const listTemplateVersionPresets = route('GET /api/v2/templateversions/{templateversion}/presets', {
  id: 'get-template-version-presets',
  tag: 'Templates',
  responses: { 200: Type.Array(Preset) },
})

export const listTemplateVersionExternalAuth = route(
  'GET /api/v2/templateversions/{templateversion}/external-auth',
  {
    id: 'get-external-auth-by-template-version',
    tag: 'Templates',
    query: Type.Object({
      user_id: Type.Optional(Uuid),
    }),
    responses: { 200: Type.Array(TemplateVersionExternalAuth) },
  },
)
