import { type Static, Type } from 'typebox'

import { Response, Time } from './common.ts'
import { DeploymentValues } from './deployment-values.ts'
import { route } from './route.ts'

const tag = 'General'

/** Version and addresses of a deployment, for clients that have not signed in yet. */
export const BuildInfoResponse = Type.Object({
  external_url: Type.String(),
  version: Type.String(),
  dashboard_url: Type.String(),
  telemetry: Type.Boolean(),
  workspace_proxy: Type.Boolean(),
  agent_api_version: Type.String(),
  provisioner_api_version: Type.String(),
  upgrade_message: Type.String(),
  deployment_id: Type.String(),
  webpush_public_key: Type.Optional(Type.String()),
})
export type BuildInfoResponse = Static<typeof BuildInfoResponse>

const groupFields = {
  name: Type.String(),
  description: Type.Optional(Type.String()),
  /** Its key in the file of the configuration. */
  yaml: Type.Optional(Type.String()),
}

/** A heading of options, under the headings above it. */
const OptionGroup = Type.Object({
  ...groupFields,
  parent: Type.Optional(
    Type.Object({ ...groupFields, parent: Type.Optional(Type.Object({ ...groupFields })) }),
  ),
})

const optionFields = {
  name: Type.String(),
  description: Type.String(),
  flag: Type.Optional(Type.String()),
  flag_shorthand: Type.Optional(Type.String()),
  env: Type.Optional(Type.String()),
  yaml: Type.Optional(Type.String()),
  default: Type.Optional(Type.String()),
  value: Type.Unknown(),
  annotations: Type.Optional(Type.Record(Type.String(), Type.String())),
  group: Type.Optional(OptionGroup),
  hidden: Type.Optional(Type.Boolean()),
  required: Type.Optional(Type.Boolean()),
  value_source: Type.Optional(Type.String()),
}

/** One setting of the server: its names, its value and where that came from. */
export const DeploymentOption = Type.Object({
  ...optionFields,
  /** What to set in its place. */
  use_instead: Type.Optional(Type.Array(Type.Object(optionFields))),
})

/** The configuration of the server without its secrets (OP-10). */
export const DeploymentConfig = Type.Object({
  config: DeploymentValues,
  options: Type.Array(DeploymentOption),
})

/** What `config-ssh` writes (AC-240). */
export const SSHConfigResponse = Type.Object({
  hostname_prefix: Type.String(),
  hostname_suffix: Type.String(),
  ssh_config_options: Type.Record(Type.String(), Type.String()),
})

export const getDeploymentConfig = route('GET /api/v2/deployment/config', {
  id: 'get-deployment-config',
  tag,
  security: 'session',
  responses: { 200: DeploymentConfig },
})

export const getDeploymentSsh = route('GET /api/v2/deployment/ssh', {
  id: 'ssh-config',
  tag,
  security: 'session',
  responses: { 200: SSHConfigResponse },
})

/** What went on in the last quarter of an hour (OP-12); latencies are -1 where nobody is connected. */
export const DeploymentStats = Type.Object({
  aggregated_from: Time,
  collected_at: Time,
  next_update_at: Time,
  workspaces: Type.Object({
    pending: Type.Integer(),
    building: Type.Integer(),
    running: Type.Integer(),
    failed: Type.Integer(),
    stopped: Type.Integer(),
    connection_latency_ms: Type.Object({ P50: Type.Number(), P95: Type.Number() }),
    rx_bytes: Type.Integer(),
    tx_bytes: Type.Integer(),
  }),
  session_count: Type.Object({
    vscode: Type.Integer(),
    ssh: Type.Integer(),
    jetbrains: Type.Integer(),
    reconnecting_pty: Type.Integer(),
  }),
})
export type DeploymentStats = Static<typeof DeploymentStats>

export const getDeploymentStats = route('GET /api/v2/deployment/stats', {
  id: 'get-deployment-stats',
  tag,
  responses: { 200: DeploymentStats },
})

export const apiRoot = route('GET /api/v2', {
  id: 'api-root-handler',
  tag,
  security: 'none',
  responses: { 200: Response },
})

export const getBuildInfo = route('GET /api/v2/buildinfo', {
  id: 'build-info',
  tag,
  security: 'none',
  responses: { 200: BuildInfoResponse },
})

/** What a browser says about content that the policy of a page kept out (ID-95). */
export const CspReport = Type.Object({
  'csp-report': Type.Record(Type.String(), Type.Unknown(), { maxProperties: 64 }),
})

export const reportCspViolation = route('POST /api/v2/csp/reports', {
  id: 'report-csp-violations',
  tag,
  body: CspReport,
  responses: { 200: Type.String() },
})
