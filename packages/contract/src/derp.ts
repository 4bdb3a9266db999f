import { type Static, Type } from 'typebox'

import { route } from './route.ts'

/** A server of a region; the names are those that clients of the reference read. */
export const DerpNode = Type.Object({
  Name: Type.String(),
  RegionID: Type.Integer(),
  HostName: Type.String(),
  CertName: Type.Optional(Type.String()),
  IPv4: Type.Optional(Type.String()),
  IPv6: Type.Optional(Type.String()),
  /** UDP; absent for 3478, -1 where none answers. */
  STUNPort: Type.Optional(Type.Integer({ minimum: -1, maximum: 65_535 })),
  /** It tells clients their address and relays nothing. */
  STUNOnly: Type.Optional(Type.Boolean()),
  /** Absent for 443. */
  DERPPort: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  InsecureForTests: Type.Optional(Type.Boolean()),
  /** Without TLS. */
  ForceHTTP: Type.Optional(Type.Boolean()),
  STUNTestIP: Type.Optional(Type.String()),
  CanPort80: Type.Optional(Type.Boolean()),
})
export type DerpNode = Static<typeof DerpNode>

/** Relays of which one is as good as the other. */
export const DerpRegion = Type.Object({
  /** It is this server: clients reach it at the URL that they use themselves. */
  EmbeddedRelay: Type.Optional(Type.Boolean()),
  RegionID: Type.Integer(),
  RegionCode: Type.String(),
  RegionName: Type.String(),
  Avoid: Type.Optional(Type.Boolean()),
  Nodes: Type.Array(DerpNode),
})
export type DerpRegion = Static<typeof DerpRegion>

/** Where peers find each other when they have no direct way (AC-160, AC-161). */
export const DerpMap = Type.Object({
  HomeParams: Type.Optional(Type.Object({})),
  /** By region id. */
  Regions: Type.Record(Type.String(), DerpRegion),
  omitDefaultRegions: Type.Optional(Type.Boolean()),
})
export type DerpMap = Static<typeof DerpMap>

/** The map, in a binary message (AC-170, AC-306). */
export const watchDerpMap = route('GET /api/v2/derp-map', {
  id: 'get-derp-map-updates',
  tag: 'Agents',
  responses: { 101: null },
  stream: 'websocket',
})
