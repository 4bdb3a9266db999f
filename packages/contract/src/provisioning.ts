import { type Static, Type } from 'typebox'

import { Pagination, Time, Uuid } from './common.ts'
import { WorkspaceTransition } from './resources.ts'
import { route } from './route.ts'

export const ProvisionerJobStatus = Type.Enum([
  'pending',
  'running',
  'succeeded',
  'canceling',
  'canceled',
  'failed',
  'unknown',
])
export type ProvisionerJobStatus = Static<typeof ProvisionerJobStatus>

export const ProvisionerDaemonJob = Type.Object({
  id: Uuid,
  status: ProvisionerJobStatus,
  template_display_name: Type.String(),
  template_icon: Type.String(),
  template_name: Type.String(),
})
export type ProvisionerDaemonJob = Static<typeof ProvisionerDaemonJob>

export const ProvisionerDaemonStatus = Type.Enum(['offline', 'idle', 'busy'])
export type ProvisionerDaemonStatus = Static<typeof ProvisionerDaemonStatus>

export const ProvisionerDaemon = Type.Object({
  api_version: Type.String(),
  created_at: Time,
  current_job: Type.Optional(ProvisionerDaemonJob),
  id: Uuid,
  key_id: Type.Optional(Uuid),
  key_name: Type.Optional(Type.String()),
  last_seen_at: Type.Optional(Time),
  name: Type.String(),
  organization_id: Uuid,
  previous_job: Type.Optional(ProvisionerDaemonJob),
  provisioners: Type.Array(Type.String()),
  status: Type.Optional(ProvisionerDaemonStatus),
  tags: Type.Record(Type.String(), Type.String()),
  version: Type.String(),
})
export type ProvisionerDaemon = Static<typeof ProvisionerDaemon>

export const JobErrorCode = Type.Enum([
  'REQUIRED_TEMPLATE_VARIABLES',
  'MISSING_TEMPLATE_PARAMETER',
  'INSUFFICIENT_QUOTA',
])
export type JobErrorCode = Static<typeof JobErrorCode>

export const ProvisionerJobInput = Type.Object({
  error: Type.Optional(Type.String()),
  template_version_id: Type.Optional(Uuid),
  workspace_build_id: Type.Optional(Uuid),
})
export type ProvisionerJobInput = Static<typeof ProvisionerJobInput>

export const ProvisionerJobMetadata = Type.Object({
  template_display_name: Type.String(),
  template_icon: Type.String(),
  template_id: Type.Optional(Uuid),
  template_name: Type.String(),
  template_version_name: Type.String(),
  workspace_build_transition: Type.Optional(WorkspaceTransition),
  workspace_id: Type.Optional(Uuid),
  workspace_name: Type.Optional(Type.String()),
})
export type ProvisionerJobMetadata = Static<typeof ProvisionerJobMetadata>

export const ProvisionerJobType = Type.Enum([
  'template_version_import',
  'workspace_build',
  'template_version_dry_run',
])
export type ProvisionerJobType = Static<typeof ProvisionerJobType>

export const ProvisionerJob = Type.Object({
  available_workers: Type.Optional(Type.Array(Uuid)),
  canceled_at: Type.Optional(Time),
  completed_at: Type.Optional(Time),
  created_at: Time,
  error: Type.Optional(Type.String()),
  error_code: Type.Optional(JobErrorCode),
  file_id: Uuid,
  id: Uuid,
  initiator_id: Uuid,
  input: ProvisionerJobInput,
  logs_overflowed: Type.Boolean(),
  metadata: Type.Optional(ProvisionerJobMetadata),
  organization_id: Uuid,
  queue_position: Type.Integer(),
  queue_size: Type.Integer(),
  started_at: Type.Optional(Time),
  status: ProvisionerJobStatus,
  tags: Type.Record(Type.String(), Type.String()),
  type: ProvisionerJobType,
  worker_id: Type.Optional(Uuid),
  worker_name: Type.Optional(Type.String()),
})
export type ProvisionerJob = Static<typeof ProvisionerJob>

export const listProvisionerDaemons = route('GET /api/v2/organizations/{organization}/provisionerdaemons', {
  id: 'get-provisioner-daemons',
  tag: 'Provisioning',
  query: Type.Object({
    limit: Pagination.limit,
    ids: Type.Optional(Type.String()),
    /** Several are separated by commas. */
    status: Type.Optional(Type.String({ pattern: '^(offline|idle|busy)(,(offline|idle|busy))*$' })),
    tags: Type.Optional(Type.String()),
    offline: Type.Optional(Type.Boolean()),
    /** A duration such as `1h30m`, counted back from now. */
    max_age: Type.Optional(Type.String()),
  }),
  responses: { 200: Type.Array(ProvisionerDaemon) },
})

export const listProvisionerJobs = route('GET /api/v2/organizations/{organization}/provisionerjobs', {
  id: 'get-provisioner-jobs',
  tag: 'Provisioning',
  query: Type.Object({
    limit: Pagination.limit,
    ids: Type.Optional(Type.String()),
    status: Type.Optional(
      Type.Enum(['pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed', 'unknown']),
    ),
    tags: Type.Optional(Type.String()),
    initiator: Type.Optional(Uuid),
  }),
  responses: { 200: Type.Array(ProvisionerJob) },
})

export const getProvisionerJob = route('GET /api/v2/organizations/{organization}/provisionerjobs/{job}', {
  id: 'get-provisioner-job',
  tag: 'Provisioning',
  responses: { 200: ProvisionerJob },
})
