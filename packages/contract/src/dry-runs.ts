import { type Static, Type } from 'typebox'

import { JobLogQuery, Response } from './common.ts'
import { ProvisionerJob } from './provisioning.ts'
import { ProvisionerJobLog, WorkspaceResource } from './resources.ts'
import { route } from './route.ts'
import { MatchedProvisioners, VariableValue } from './template-versions.ts'
import { WorkspaceBuildParameter } from './workspaces.ts'

export const CreateTemplateVersionDryRunRequest = Type.Object({
  rich_parameter_values: Type.Optional(Type.Array(WorkspaceBuildParameter)),
  user_variable_values: Type.Optional(Type.Array(VariableValue)),
  workspace_name: Type.Optional(Type.String()),
})
export type CreateTemplateVersionDryRunRequest = Static<typeof CreateTemplateVersionDryRunRequest>

export const createDryRun = route('POST /api/v2/templateversions/{templateversion}/dry-run', {
  id: 'create-template-version-dry-run',
  tag: 'Templates',
  body: CreateTemplateVersionDryRunRequest,
  responses: { 201: ProvisionerJob },
})

export const getDryRun = route('GET /api/v2/templateversions/{templateversion}/dry-run/{jobID}', {
  id: 'get-template-version-dry-run-by-job-id',
  tag: 'Templates',
  responses: { 200: ProvisionerJob },
})

export const cancelDryRun = route('PATCH /api/v2/templateversions/{templateversion}/dry-run/{jobID}/cancel', {
  id: 'cancel-template-version-dry-run-by-job-id',
  tag: 'Templates',
  responses: { 200: Response },
})

export const listDryRunLogs = route('GET /api/v2/templateversions/{templateversion}/dry-run/{jobID}/logs', {
  id: 'get-template-version-dry-run-logs-by-job-id',
  tag: 'Templates',
  query: JobLogQuery,
  responses: { 200: Type.Array(ProvisionerJobLog) },
})

export const getDryRunMatchedProvisioners = route(
  'GET /api/v2/templateversions/{templateversion}/dry-run/{jobID}/matched-provisioners',
  {
    id: 'get-template-version-dry-run-matched-provisioners',
    tag: 'Templates',
    responses: { 200: MatchedProvisioners },
  },
)

export const listDryRunResources = route(
  'GET /api/v2/templateversions/{templateversion}/dry-run/{jobID}/resources',
  {
    id: 'get-template-version-dry-run-resources-by-job-id',
    tag: 'Templates',
    responses: { 200: Type.Array(WorkspaceResource) },
  },
)

/** What earlier clients read before parameters were rich ones; always empty (WS-114). */
export const listLegacySchema = route('GET /api/v2/templateversions/{templateversion}/schema', {
  id: 'removed-get-schema-by-template-version',
  tag: 'Templates',
  responses: { 200: Type.Array(Type.Unknown()) },
})

/** As {@link listLegacySchema}. */
export const listLegacyParameters = route('GET /api/v2/templateversions/{templateversion}/parameters', {
  id: 'removed-get-parameters-by-template-version',
  tag: 'Templates',
  responses: { 200: Type.Array(Type.Unknown()) },
})
