import { type Static, Type } from 'typebox'

import { Uuid } from './common.ts'
import { route } from './route.ts'

/** A place that workspace apps are reached through (AC-230). */
export const Region = Type.Object({
  id: Uuid,
  name: Type.String(),
  display_name: Type.String(),
  icon_url: Type.String(),
  healthy: Type.Boolean(),
  /** Base of the addresses of apps by path. */
  path_app_url: Type.String(),
  /** Host of apps that have one each, such as `*.apps.example.com`; empty where they have none. */
  wildcard_hostname: Type.String(),
})
export type Region = Static<typeof Region>

export const listRegions = route('GET /api/v2/regions', {
  id: 'get-site-wide-regions-for-workspace-connections',
  tag: 'WorkspaceProxies',
  responses: { 200: Type.Object({ regions: Type.Array(Region) }) },
})
