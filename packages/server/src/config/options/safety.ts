import { groups } from '../groups.ts'
import { option } from '../option.ts'
import { bool, duration, int, oneOf, url } from '../value-type.ts'

const { dangerous, retention } = groups

/** Limits, settings that give up protection, and how long records are kept. */
export const safetyOptions = {
  apiRateLimit: option(int(), {
    name: 'API Rate Limit',
    flag: 'api-rate-limit',
    default: '512',
    hidden: true,
    wire: 'rate_limit.api',
    help: 'Requests a minute for each user or address; 0 or less switches the limit off.',
  }),
  disableRateLimits: option(bool, {
    name: 'Disable All Rate Limits',
    flag: 'dangerous-disable-rate-limits',
    default: 'false',
    hidden: true,
    group: dangerous,
    wire: 'rate_limit.disable_all',
    help: 'Switches all rate limits off.',
  }),
  rateLimitStore: option(oneOf('memory', 'database'), {
    name: 'Rate Limit Store',
    flag: 'rate-limit-store',
    yaml: 'rateLimitStore',
    default: 'memory',
    help: 'Where rate limits are counted: memory (each replica for itself) or database (all of them together, at a statement for each request).',
  }),
  rateLimitValkeyUrl: option(url('redis', 'rediss'), {
    name: 'Rate Limit Valkey URL',
    flag: 'rate-limit-valkey-url',
    secret: true,
    help: 'Valkey or Redis server in which all replicas count together, such as redis://user:password@host:6379; instead of the database.',
  }),
  allowCors: option(bool, {
    name: 'DANGEROUS: Allow all CORS requests',
    flag: 'dangerous-allow-cors-requests',
    default: 'false',
    hidden: true,
    group: dangerous,
    wire: 'dangerous.allow_all_cors',
    help: 'Pages of every origin may read answers.',
  }),
  allowPathAppSharing: option(bool, {
    name: 'DANGEROUS: Allow Path App Sharing',
    flag: 'dangerous-allow-path-app-sharing',
    default: 'false',
    group: dangerous,
    wire: 'dangerous.allow_path_app_sharing',
    help: 'Apps under paths may be shared, although they can act in the dashboard of whoever opens them.',
  }),
  allowPathAppSiteOwnerAccess: option(bool, {
    name: 'DANGEROUS: Allow Site Owners to Access Path Apps',
    flag: 'dangerous-allow-path-app-site-owner-access',
    default: 'false',
    group: dangerous,
    wire: 'dangerous.allow_path_app_site_owner_access',
    help: 'Owners may open apps under paths of others, which can then act for them.',
  }),
  auditLogsRetention: option(duration, {
    name: 'Audit Logs Retention',
    flag: 'audit-logs-retention',
    yaml: 'audit_logs',
    default: '0',
    group: retention,
    wire: 'retention.audit_logs',
    help: 'How long audit entries are kept; 0 is for ever.',
  }),
  connectionLogsRetention: option(duration, {
    name: 'Connection Logs Retention',
    flag: 'connection-logs-retention',
    yaml: 'connection_logs',
    default: '0',
    group: retention,
    wire: 'retention.connection_logs',
    help: 'How long connection entries are kept; 0 is for ever.',
  }),
  apiKeysRetention: option(duration, {
    name: 'API Keys Retention',
    flag: 'api-keys-retention',
    yaml: 'api_keys',
    default: '7d',
    group: retention,
    wire: 'retention.api_keys',
    help: 'How long expired keys are kept; 0 is for ever.',
  }),
  workspaceAgentLogsRetention: option(duration, {
    name: 'Workspace Agent Logs Retention',
    flag: 'workspace-agent-logs-retention',
    yaml: 'workspace_agent_logs',
    default: '7d',
    group: retention,
    wire: 'retention.workspace_agent_logs',
    help: 'How long logs of agents of earlier builds are kept; 0 is for ever.',
  }),
  boundaryLogRetention: option(duration, {
    name: 'Boundary Log Retention',
    flag: 'boundary-log-retention',
    yaml: 'boundary_logs',
    default: '0',
    group: retention,
    wire: 'retention.boundary_logs',
    help: 'How long entries of agent firewalls are kept; 0 is for ever.',
  }),
}
