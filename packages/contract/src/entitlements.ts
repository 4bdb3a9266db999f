import { type Static, Type } from 'typebox'

import { Response, Time, Uuid } from './common.ts'
import { route } from './route.ts'

const tag = 'Enterprise'

/** Names of all features that clients ask for; one that is missing reads as switched off (OP-151). */
export const FEATURES = [
  'access_control',
  'advanced_template_scheduling',
  'agent_runtime_hours',
  'ai_governance_user_limit',
  'aibridge',
  'appearance',
  'audit_log',
  'boundary',
  'browser_only',
  'connection_log',
  'control_shared_ports',
  'custom_roles',
  'external_provisioner_daemons',
  'external_token_encryption',
  'high_availability',
  'managed_agent_limit',
  'multiple_external_auth',
  'multiple_organizations',
  'scim',
  'service_accounts',
  'task_batch_actions',
  'template_rbac',
  'user_limit',
  'user_role_management',
  'workspace_batch_actions',
  'workspace_external_agent',
  'workspace_prebuilds',
  'workspace_proxy',
] as const
export type FeatureName = (typeof FEATURES)[number]

/** Whether a feature may be used, and how much of it is; without a limit there is none. */
export const Feature = Type.Object({
  entitlement: Type.Enum(['entitled', 'grace_period', 'not_entitled']),
  enabled: Type.Boolean(),
  actual: Type.Optional(Type.Integer()),
})
export type Feature = Static<typeof Feature>

/** What the deployment may do (OP-151). */
export const Entitlements = Type.Object({
  features: Type.Record(Type.String(), Feature),
  warnings: Type.Array(Type.String()),
  errors: Type.Array(Type.String()),
  has_license: Type.Boolean(),
  trial: Type.Boolean(),
  require_telemetry: Type.Boolean(),
  refreshed_at: Time,
})
export type Entitlements = Static<typeof Entitlements>

/** A licence of the reference; there are none here. */
export const License = Type.Object({
  id: Type.Integer(),
  uuid: Uuid,
  uploaded_at: Time,
  claims: Type.Record(Type.String(), Type.Unknown()),
})
export type License = Static<typeof License>

export const getEntitlements = route('GET /api/v2/entitlements', {
  id: 'get-entitlements',
  tag,
  responses: { 200: Entitlements },
})

export const listLicenses = route('GET /api/v2/licenses', {
  id: 'get-licenses',
  tag,
  responses: { 200: Type.Array(License) },
})

export const addLicense = route('POST /api/v2/licenses', {
  id: 'add-new-license',
  tag,
  body: Type.Object({ license: Type.String({ maxLength: 65_536 }) }),
  responses: { 201: License },
})

/** What was asked of somebody who wants a trial is not read: there is none. */
export const requestTrialLicense = route('POST /api/v2/licenses/trial', {
  id: 'request-a-trial-license',
  tag,
  responses: { 201: License },
})

export const refreshEntitlements = route('POST /api/v2/licenses/refresh-entitlements', {
  id: 'update-license-entitlements',
  tag,
  responses: { 200: Response },
})

export const deleteLicense = route('DELETE /api/v2/licenses/{id}', {
  id: 'delete-license',
  tag,
  responses: { 200: null },
})
