import { type Static, Type } from 'typebox'

import { Response } from './common.ts'
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
