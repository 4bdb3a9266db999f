import { type Static, type TObject, Type } from 'typebox'

import { Time, Uuid } from './common.ts'
import { ProvisionerDaemon } from './provisioning.ts'
import { route } from './route.ts'

const tag = 'Debug'

export const HealthSeverity = Type.Enum(['ok', 'warning', 'error'])
export type HealthSeverity = Static<typeof HealthSeverity>

/** What a message is about; those that begin with `EAIG` are Slipway's own. */
export const HealthCode = Type.Enum([
  'EUNKNOWN',
  'EWP01',
  'EWP02',
  'EWP04',
  'EDB01',
  'EDB02',
  'EWS01',
  'EWS02',
  'EWS03',
  'EACS01',
  'EACS02',
  'EACS03',
  'EACS04',
  'EDERP01',
  'EDERP02',
  'EDERP03',
  'EPD01',
  'EPD02',
  'EPD03',
  /** The AI gateway is off. */
  'EAIG01',
  /** No provider is on. */
  'EAIG02',
  /** A provider cannot be used. */
  'EAIG03',
  /** No key of a provider may be used for now. */
  'EAIG04',
  /** A circuit breaker keeps requests from a provider. */
  'EAIG05',
  /** Records wait for the database. */
  'EAIG06',
  /** Records were lost. */
  'EAIG07',
  /** The database is away for the recorder. */
  'EAIG08',
  'EAIG09',
])
export type HealthCode = Static<typeof HealthCode>

export const HealthMessage = Type.Object({ code: HealthCode, message: Type.String() })
export type HealthMessage = Static<typeof HealthMessage>

const Warnings = Type.Array(HealthMessage)
/** What went wrong, behind its code. */
const Fault = Type.Optional(Type.String())
/** Deprecated: read `severity`. */
const Healthy = Type.Boolean()
/** Whether somebody has said that it need not be looked at; the severity stays. */
const Dismissed = Type.Boolean()

export const AccessURLReport = Type.Object({
  access_url: Type.String(),
  dismissed: Dismissed,
  error: Fault,
  healthy: Healthy,
  healthz_response: Type.String(),
  reachable: Type.Boolean(),
  severity: HealthSeverity,
  /** 0 without an answer. */
  status_code: Type.Integer(),
  warnings: Warnings,
})
export type AccessURLReport = Static<typeof AccessURLReport>

export const DatabaseReport = Type.Object({
  dismissed: Dismissed,
  error: Fault,
  healthy: Healthy,
  /** As Go writes durations. */
  latency: Type.String(),
  latency_ms: Type.Integer(),
  reachable: Type.Boolean(),
  severity: HealthSeverity,
  threshold_ms: Type.Integer(),
  warnings: Warnings,
})
export type DatabaseReport = Static<typeof DatabaseReport>

const DERPNode = Type.Object({
  canPort80: Type.Boolean(),
  certName: Type.String(),
  derpport: Type.Integer(),
  forceHTTP: Type.Boolean(),
  hostName: Type.String(),
  insecureForTests: Type.Boolean(),
  ipv4: Type.String(),
  ipv6: Type.String(),
  name: Type.String(),
  regionID: Type.Integer(),
  stunonly: Type.Boolean(),
  stunport: Type.Integer(),
  stuntestIP: Type.String(),
})

const Lines = Type.Array(Type.Array(Type.String()))

const DERPNodeReport = Type.Object({
  can_exchange_messages: Type.Boolean(),
  client_errs: Lines,
  client_logs: Lines,
  error: Fault,
  healthy: Healthy,
  node: DERPNode,
  node_info: Type.Object({
    tokenBucketBytesBurst: Type.Integer(),
    tokenBucketBytesPerSecond: Type.Integer(),
  }),
  round_trip_ping: Type.String(),
  round_trip_ping_ms: Type.Integer(),
  severity: HealthSeverity,
  stun: Type.Object({ canSTUN: Type.Boolean(), enabled: Type.Boolean(), error: Fault }),
  uses_websocket: Type.Boolean(),
  warnings: Warnings,
})

const DERPRegionReport = Type.Object({
  error: Fault,
  healthy: Healthy,
  node_reports: Type.Array(DERPNodeReport),
  region: Type.Object({
    avoid: Type.Boolean(),
    embeddedRelay: Type.Boolean(),
    nodes: Type.Array(DERPNode),
    regionCode: Type.String(),
    regionID: Type.Integer(),
    regionName: Type.String(),
  }),
  severity: HealthSeverity,
  warnings: Warnings,
})

const Latencies = Type.Record(Type.String(), Type.Integer())

const NetcheckReport = Type.Object({
  captivePortal: Type.String(),
  globalV4: Type.String(),
  globalV6: Type.String(),
  hairPinning: Type.String(),
  icmpv4: Type.Boolean(),
  ipv4: Type.Boolean(),
  ipv4CanSend: Type.Boolean(),
  ipv6: Type.Boolean(),
  ipv6CanSend: Type.Boolean(),
  mappingVariesByDestIP: Type.String(),
  oshasIPv6: Type.Boolean(),
  pcp: Type.String(),
  pmp: Type.String(),
  preferredDERP: Type.Integer(),
  regionLatency: Latencies,
  regionV4Latency: Latencies,
  regionV6Latency: Latencies,
  udp: Type.Boolean(),
  upnP: Type.String(),
})

/** Relays of the reference's kind. Slipway has none: agents and clients meet in the server's own tunnels. */
export const DERPHealthReport = Type.Object({
  dismissed: Dismissed,
  error: Fault,
  healthy: Healthy,
  netcheck: Type.Optional(NetcheckReport),
  netcheck_err: Type.Optional(Type.String()),
  netcheck_logs: Type.Array(Type.String()),
  /** By the id of the region. */
  regions: Type.Record(Type.String(), DERPRegionReport),
  severity: HealthSeverity,
  warnings: Warnings,
})
export type DERPHealthReport = Static<typeof DERPHealthReport>

export const WebsocketReport = Type.Object({
  /** Beginning of the answer where it was no WebSocket. */
  body: Type.String(),
  /** HTTP status of the handshake; 0 without an answer. */
  code: Type.Integer(),
  dismissed: Dismissed,
  error: Fault,
  healthy: Healthy,
  severity: HealthSeverity,
  warnings: Warnings,
})
export type WebsocketReport = Static<typeof WebsocketReport>

const WorkspaceProxy = Type.Object({
  created_at: Time,
  deleted: Type.Boolean(),
  derp_enabled: Type.Boolean(),
  derp_only: Type.Boolean(),
  display_name: Type.String(),
  healthy: Type.Boolean(),
  icon_url: Type.String(),
  id: Uuid,
  name: Type.String(),
  path_app_url: Type.String(),
  status: Type.Object({
    checked_at: Time,
    report: Type.Object({ errors: Type.Array(Type.String()), warnings: Type.Array(Type.String()) }),
    status: Type.Enum(['ok', 'unreachable', 'unhealthy', 'unregistered']),
  }),
  updated_at: Time,
  version: Type.String(),
  wildcard_hostname: Type.String(),
})

export const WorkspaceProxyReport = Type.Object({
  dismissed: Dismissed,
  error: Fault,
  healthy: Healthy,
  severity: HealthSeverity,
  warnings: Warnings,
  workspace_proxies: Type.Object({ regions: Type.Array(WorkspaceProxy) }),
})
export type WorkspaceProxyReport = Static<typeof WorkspaceProxyReport>

export const ProvisionerDaemonsReport = Type.Object({
  dismissed: Dismissed,
  error: Fault,
  items: Type.Array(Type.Object({ provisioner_daemon: ProvisionerDaemon, warnings: Warnings })),
  severity: HealthSeverity,
  warnings: Warnings,
})
export type ProvisionerDaemonsReport = Static<typeof ProvisionerDaemonsReport>

/** A model provider as the gateway of one replica has last seen it; none is asked for this. */
export const AIGatewayProviderHealth = Type.Object({
  name: Type.String(),
  display_name: Type.String(),
  status: Type.Enum(['enabled', 'disabled', 'error']),
  status_detail: Type.String(),
  keys: Type.Integer(),
  /** Keys that the provider has refused or limited, and that are left alone for a while. */
  keys_resting: Type.Integer(),
  /** Circuit breakers that are not closed, the first of them. */
  circuits: Type.Array(
    Type.Object({ route: Type.String(), model: Type.String(), state: Type.Enum(['open', 'half-open']) }),
  ),
})
export type AIGatewayProviderHealth = Static<typeof AIGatewayProviderHealth>

/** The AI gateway of the replica that made the report; Slipway's own section. */
export const AIGatewayReport = Type.Object({
  dismissed: Dismissed,
  error: Fault,
  healthy: Healthy,
  severity: HealthSeverity,
  warnings: Warnings,
  enabled: Type.Boolean(),
  providers: Type.Array(AIGatewayProviderHealth),
  records: Type.Object({
    /** Characters of records that wait in memory for the database. */
    waiting_characters: Type.Integer(),
    /** Bytes of records that wait on disk. */
    waiting_bytes: Type.Integer(),
    /** Records lost since the replica started. */
    lost: Type.Integer(),
    last_lost_at: Type.Optional(Time),
    database_away: Type.Boolean(),
    /** Whether requests go on while records cannot be stored. */
    fail_open: Type.Boolean(),
  }),
  export: Type.Object({
    /** Requests that the destination of the export refuses, and that wait for the settings to be saved. */
    set_aside: Type.Integer(),
    /** The latest of them. */
    latest: Type.Array(
      Type.Object({
        interception_id: Type.String({ format: 'uuid' }),
        set_aside_at: Time,
        /** What the destination has answered. */
        refusal: Type.String(),
      }),
    ),
  }),
})
export type AIGatewayReport = Static<typeof AIGatewayReport>

/** The sections by their names in the report (OP-101). */
const sections = {
  access_url: AccessURLReport,
  ai_gateway: AIGatewayReport,
  database: DatabaseReport,
  derp: DERPHealthReport,
  provisioner_daemons: ProvisionerDaemonsReport,
  websocket: WebsocketReport,
  workspace_proxy: WorkspaceProxyReport,
} as const satisfies Readonly<Record<string, TObject>>

export const HealthcheckReport = Type.Object({
  ...sections,
  /** Seconds since it was made (OP-B12). */
  age_seconds: Type.Integer(),
  coder_version: Type.String(),
  /** Deprecated: read `severity`. */
  healthy: Healthy,
  /** The worst of all sections. */
  severity: HealthSeverity,
  time: Time,
})
export type HealthcheckReport = Static<typeof HealthcheckReport>

/** Names under which sections are dismissed (OP-102). */
export const HealthSection = Type.Enum([
  'DERP',
  'AccessURL',
  'Websocket',
  'Database',
  'WorkspaceProxy',
  'ProvisionerDaemons',
  'AIGateway',
])
export type HealthSection = Static<typeof HealthSection>

export const HealthSettings = Type.Object({ dismissed_healthchecks: Type.Array(HealthSection) })
export type HealthSettings = Static<typeof HealthSettings>

export const UpdateHealthSettings = Type.Object({
  dismissed_healthchecks: Type.Array(HealthSection, { maxItems: 64 }),
})

export const getHealth = route('GET /api/v2/debug/health', {
  id: 'debug-info-deployment-health',
  tag,
  query: Type.Object({
    /** Makes the report anew, however young the last one is. */
    force: Type.Optional(Type.Boolean()),
    /** `json`, or `text` for a few lines. */
    format: Type.Optional(Type.String()),
  }),
  responses: { 200: HealthcheckReport },
})

export const getHealthSettings = route('GET /api/v2/debug/health/settings', {
  id: 'get-health-settings',
  tag,
  responses: { 200: HealthSettings },
})

export const updateHealthSettings = route('PUT /api/v2/debug/health/settings', {
  id: 'update-health-settings',
  tag,
  body: UpdateHealthSettings,
  responses: { 200: HealthSettings, 204: null },
})

/** Sends back what it is sent, for who may read debug info, and for the health check itself. */
export const openDebugEcho = route('GET /api/v2/debug/ws', {
  id: 'debug-info-websocket-test',
  tag,
  security: 'optional',
  responses: { 101: null },
  stream: 'websocket',
})
